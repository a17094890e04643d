//! A device at rest: its name in the lock, and its state in a shape of its own that has a version.
//!
//! Shapes are frozen: another one is another version, with types of its own.

pub mod bytes;
pub mod clock;
pub mod uart;
pub mod virtio;

use crate::shape::{Form, Shaped as _};
use crate::text;
use serde::Serialize;
use serde::de::DeserializeOwned;
use vmlock_spec::lock::DeviceKind;

/// The version of every shape so far.
pub const VERSION: u16 = 1;

/// How the state of a device of that kind stands, in its newest version; `None` of one that has none.
pub fn form(kind: DeviceKind) -> Option<Form> {
    Some(match kind {
        DeviceKind::Uart16550 => uart::Uart::<uart::Uart16550>::FORM,
        DeviceKind::Uart16550V2 => uart::Uart::<uart::Uart16550V2>::FORM,
        DeviceKind::Pl031 => clock::Pl031::FORM,
        DeviceKind::Pl031V2 => clock::Pl031V2::FORM,
        DeviceKind::VirtioBlock => virtio::Block::FORM,
        DeviceKind::VirtioNet => virtio::Net::FORM,
        DeviceKind::VirtioConsole => virtio::Console::FORM,
        DeviceKind::VirtioEntropy | DeviceKind::VirtioVsock => virtio::Plain::FORM,
        DeviceKind::Vmgenid => return None,
    })
}

/// A device at rest. What it is, the lock says by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name in the lock.
    pub name: String,
    /// Which version of its kind's shape the state has.
    pub version: u16,
    /// The state, as JSON.
    pub text: String,
}

impl Device {
    /// A device whose state has that shape.
    ///
    /// # Errors
    /// The state has no JSON.
    pub fn of<T: Serialize>(name: &str, version: u16, state: &T) -> Result<Self, String> {
        let text = text::write(state)?;
        Ok(Self {
            name: name.to_owned(),
            version,
            text,
        })
    }

    /// Its state, if it is of that version and in that shape, written as vmlock writes it.
    ///
    /// # Errors
    /// In words, what it is instead.
    pub fn state<T: DeserializeOwned + Serialize>(&self, version: u16) -> Result<T, String> {
        if self.version != version {
            return Err(format!(
                "its state is of version {}, not {version}",
                self.version
            ));
        }
        text::read(&self.text)
    }
}
