//! The registers of a virtio device as they stand in a saved guest, and as its model has them. Both ways take all of it
//! apart: a field that is new here or there is one that somebody has to think of.

use vmlock_saved::device::virtio::{Queue, Transport};
use vmlock_saved::hex::{Hex32, Hex64};
use vmlock_virtio::saved;

/// As they are saved.
pub fn shape(state: saved::Transport) -> Transport {
    let saved::Transport {
        status,
        accepted,
        device_select,
        driver_select,
        queue_select,
        causes,
        broken,
        generation,
        queues,
    } = state;
    let queue = |queue: saved::Queue| {
        let saved::Queue {
            size,
            ready,
            descriptors,
            driver,
            device,
            position,
        } = queue;
        Queue {
            queue_num: Hex32(size),
            queue_ready: ready,
            queue_desc: Hex64(descriptors),
            queue_driver: Hex64(driver),
            queue_device: Hex64(device),
            position,
        }
    };
    Transport {
        status: Hex32(status),
        needs_reset: broken,
        driver_features: accepted.map(Hex32),
        device_features_sel: Hex32(device_select),
        driver_features_sel: Hex32(driver_select),
        queue_sel: Hex32(queue_select),
        interrupt_status: Hex32(causes),
        config_generation: Hex32(generation),
        queues: queues.into_iter().map(queue).collect(),
    }
}

/// As the model takes them, which looks at all of it.
pub fn state(shape: Transport) -> saved::Transport {
    let Transport {
        status: Hex32(status),
        needs_reset: broken,
        driver_features,
        device_features_sel: Hex32(device_select),
        driver_features_sel: Hex32(driver_select),
        queue_sel: Hex32(queue_select),
        interrupt_status: Hex32(causes),
        config_generation: Hex32(generation),
        queues,
    } = shape;
    let queue = |queue: Queue| {
        let Queue {
            queue_num: Hex32(size),
            queue_ready: ready,
            queue_desc: Hex64(descriptors),
            queue_driver: Hex64(driver),
            queue_device: Hex64(device),
            position,
        } = queue;
        saved::Queue {
            size,
            ready,
            descriptors,
            driver,
            device,
            position,
        }
    };
    saved::Transport {
        status,
        accepted: driver_features.map(|Hex32(word)| word),
        device_select,
        driver_select,
        queue_select,
        causes,
        broken,
        generation,
        queues: queues.into_iter().map(queue).collect(),
    }
}
