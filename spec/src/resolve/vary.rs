//! `vary`: the fields that a description does not promise.

use super::registers::look_up;
use super::{Complaints, Context, elsewhere};
use crate::lock::{LockedRegister, Waiver};

/// Marks what the spec waives.
pub(super) fn vary(context: &Context, locked: &mut [LockedRegister], complaints: &mut Complaints) {
    for (index, path) in context.spec.vary.iter().enumerate() {
        let place = format!("/vary/{index}");
        let Some((info, field)) = look_up(path, &place, complaints) else {
            continue;
        };
        let Some(entry) = locked.iter_mut().find(|r| r.id == info.id) else {
            elsewhere::complain(context, (info, field), None, &place, complaints);
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
