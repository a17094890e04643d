//! `vary`: the fields that a description does not promise.

use super::Complaints;
use super::registers::{look_up, not_in_lock};
use crate::lock::{LockedRegister, Waiver};
use crate::vm::VmSpec;

/// Marks what the spec waives.
pub(super) fn vary(spec: &VmSpec, locked: &mut [LockedRegister], complaints: &mut Complaints) {
    for (index, path) in spec.vary.iter().enumerate() {
        let place = format!("/vary/{index}");
        let Some((info, field)) = look_up(path, &place, complaints) else {
            continue;
        };
        let Some(entry) = locked.iter_mut().find(|r| r.id == info.id) else {
            not_in_lock(path, &place, complaints);
            continue;
        };
        if entry.vary.iter().any(|w| w.field == field.name) {
            complaints.error(
                "spec::duplicate",
                place,
                format!("`{path}` is waived twice"),
                None,
            );
            continue;
        }
        entry.vary.push(Waiver {
            field: field.name.to_string(),
            mask: field.mask(),
            from: format!("spec/vary/{path}"),
        });
    }
}
