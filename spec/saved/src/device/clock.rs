//! Clocks (`pl031-1`, `pl031-2`): version 1 of their shapes, by the names of Arm DDI 0224. They count in seconds of the
//! host's time of day, which goes on while a guest is saved: what a guest has is its distance from that.

use crate::hex::Hex32;
use serde::{Deserialize, Serialize};

crate::shape! {
    /// `pl031-1`.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "UPPERCASE", deny_unknown_fields)]
    pub struct Pl031 {
        /// What was last loaded.
        pub rtclr: Hex32,
        /// The match.
        pub rtcmr: Hex32,
        /// Whether the alarm's interrupt is enabled: 0 or 1.
        ///
        /// Held to: 0 or 1
        pub rtcimsc: Hex32,
        /// By how many seconds the guest's clock is ahead of the host's.
        ///
        /// Held to: at most 2^32 - 1 either way
        #[serde(rename = "ahead")]
        pub ahead: i64,
    }
}

crate::shape! {
    /// `pl031-2`.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "UPPERCASE", deny_unknown_fields)]
    pub struct Pl031V2 {
        /// What was last loaded.
        pub rtclr: Hex32,
        /// The match.
        pub rtcmr: Hex32,
        /// Whether the alarm's interrupt is enabled: 0 or 1.
        ///
        /// Held to: 0 or 1
        pub rtcimsc: Hex32,
        /// Whether the alarm rings: 0 or 1.
        ///
        /// Held to: 0 or 1
        pub rtcris: Hex32,
        /// The count when it was last held against the match.
        pub rtcdr: Hex32,
        /// By how many seconds the guest's clock is ahead of the host's, modulo 2^32.
        #[serde(rename = "ahead")]
        pub ahead: Hex32,
    }
}
