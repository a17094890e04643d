//! Devices that the runner makes: whether it has a model of each.

use super::{Plan, Refusal};
use crate::lock::Lock;
use crate::reason;

pub(super) fn devices(lock: &Lock, plan: &mut Plan) {
    for device in lock.machine.devices.iter().filter(|d| d.virtio.is_some()) {
        plan.refusals.push(Refusal {
            code: reason::DEVICE,
            name: format!("device {}", device.name),
            wanted: "a virtio device".into(),
            offered: "none".into(),
            reason: "this vmlock-run has no virtio devices".into(),
            from: "spec/devices".into(),
            help: vec!["use a newer vmlock-run, or remove the device from the spec".into()],
        });
    }
}
