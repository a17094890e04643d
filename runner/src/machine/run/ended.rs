//! How a guest comes to its end.

/// How the guest ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// PSCI SYSTEM_OFF.
    PowerOff,
    /// PSCI SYSTEM_OFF2 with HIBERNATE_OFF.
    Hibernate,
    /// PSCI SYSTEM_RESET, or SYSTEM_RESET2 when true.
    Reset(bool),
    /// KVM reports a crash.
    Crash,
    /// It did what nobody can answer, in words.
    Broken(String),
    /// Nobody reads its console any more.
    Unread,
    /// The user pressed Ctrl-A x.
    Quit,
    /// Its operator asked for it.
    Stopped,
    /// It was to be handed over to here, and was not: why.
    NotHanded(String),
    /// It did not go on here: what its vCPUs would see is not what its lock promises.
    NotKept(String),
    /// It did not go on here: the witness could not look.
    NotSeen(String),
    /// It ran on a file that is not what was saved: where. Nothing has left it.
    Damaged(String),
    /// The time limit.
    TimedOut,
}

impl Ended {
    /// Whether it never ran here.
    pub(super) fn is_before_it_ran(&self) -> bool {
        matches!(
            self,
            Self::NotHanded(_) | Self::NotKept(_) | Self::NotSeen(_)
        )
    }

    /// Whether it is the guest's own doing, which is told to nobody before its memory was checked.
    pub(super) fn is_the_guests(&self) -> bool {
        match self {
            Self::PowerOff | Self::Hibernate | Self::Reset(_) | Self::Crash | Self::Broken(_) => {
                true
            }
            Self::Unread
            | Self::Quit
            | Self::Stopped
            | Self::NotHanded(_)
            | Self::NotKept(_)
            | Self::NotSeen(_)
            | Self::Damaged(_)
            | Self::TimedOut => false,
        }
    }
}
