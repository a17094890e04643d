//! What `vmlock-run start` says on stderr, one event each: with `--log json` as a line of JSON, else in words alone.

use crate::plan::Refusal;
use serde::Serialize;
use serde_json::Value;

/// An event, as a line.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Milliseconds since 1970, by the host's clock.
    pub time: u64,
    /// What it is.
    #[serde(flatten)]
    pub event: Event,
    /// The same for people; empty where there is nothing to say beside.
    pub message: String,
}

/// What happened. Another reader meets what it does not know: events and fields may be added.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(
    tag = "event",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub enum Event {
    /// The guest's first instruction is about to run.
    Started {
        /// How often it was started anew before.
        restarts: u64,
    },
    /// This host cannot keep the lock.
    Refused {
        /// Every reason.
        refusals: Vec<Refusal>,
    },
    /// Something is missing or wrong around the guest.
    Failed {
        /// What next.
        help: Vec<String>,
    },
    /// The guest has ended.
    Ended {
        /// The exit code that says how.
        code: u8,
    },
    /// A signal ended it.
    Signal {
        /// Its number.
        number: i32,
    },
    /// The guest starts anew, since it asked for a reset.
    Restarted {
        /// How often it did, with this time.
        restarts: u64,
        /// Milliseconds until then.
        wait: u64,
    },
    /// Something failed on the host for a device.
    IoError {
        /// Which, by its name in the lock.
        device: String,
    },
    /// A device will not be again what it was.
    DeviceChanged {
        /// Which, by its name in the lock.
        device: String,
    },
    /// A driver of the guest broke a rule of its device.
    Driver {
        /// Which, by its name in the lock.
        device: String,
    },
    /// The guest did what nobody answers.
    Guest,
    /// The guest begins without a layer of its jail.
    Unjailed {
        /// Which: what the kernel has not, or `all` where the user wants none.
        layer: String,
    },
    /// A thread did what the jail forbids, which ends the guest.
    Violation {
        /// What Linux calls the thread.
        thread: String,
        /// What Linux calls the call, where that is known.
        call: String,
        /// The call's number.
        number: i64,
    },
    /// The guest is held.
    Paused,
    /// It goes on.
    Resumed,
    /// It runs at another runner, and this one ends.
    HandedOver {
        /// Milliseconds that it was at rest.
        milliseconds: u64,
    },
    /// What `--stats` counts: start-up, or at the end what the runner's interrupt controller took, loans among it.
    Stats {
        /// The counts.
        stats: Value,
    },
    /// Something to know.
    Note,
    /// A bug of vmlock's.
    Bug,
}
