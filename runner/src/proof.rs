//! The proof that a machine shows a guest what its lock says: made once, and remembered until something changes that
//! it rests on.
//!
//! A first start proves all that `audit` does, but that it searches for hidden interrupt controllers only where frames
//! can be, and `audit` everywhere: a machine of the lock is made as planned and looked at from inside, and the guest's own
//! is made by the same orders and read back. To look from inside takes longer than all the rest of a start, and comes out
//! the same while this host, its kernel, the lock and this program are the same. So a later start carries out the very
//! orders that were proven, and reads the guest's own machine back as the first one did. What was proven lies where root alone can write ([`store`]), under
//! everything that it rests on ([`key`]); whatever cannot be read or be trusted there is proven anew.

pub mod key;
pub mod record;
pub mod store;
#[cfg(target_arch = "aarch64")]
pub mod witnessed;

use crate::say;
use key::Key;
use store::Store;
use vmlock_spec::mitigation::Mitigation;
use vmlock_spec::plan::Orders;

/// Orders under which a witness saw a lock kept on this host. A guest's machine is made by nothing else: only
/// [`witnessed::prove`] and [`Memo::recall`] have them.
#[derive(Debug, PartialEq, Eq)]
pub struct Proven {
    orders: Orders,
    /// What the lock withholds from its guest, though this host would tell it.
    withheld: Vec<&'static Mitigation>,
}

impl Proven {
    /// With what is said at every start, whoever has proven it.
    pub fn withholding(self, withheld: Vec<&'static Mitigation>) -> Self {
        Self { withheld, ..self }
    }

    /// What a guest is not told of, though this host would tell it.
    pub fn withheld(&self) -> &[&'static Mitigation] {
        &self.withheld
    }

    /// What has to be done to make such a machine.
    pub fn orders(&self) -> &Orders {
        &self.orders
    }
}

/// Where this start's proof is remembered, if it can be.
pub struct Memo {
    place: Option<(Store, Key)>,
}

impl Memo {
    /// Remembers nothing.
    pub fn none() -> Self {
        Self { place: None }
    }

    /// The place of what this key stands for. Who cannot have one remembers nothing: not root, not in the first user
    /// namespace, or a key of which something cannot be read. A place that somebody may have tampered with is named.
    pub fn of(key: impl FnOnce() -> Option<Key>) -> Self {
        let store = match Store::open() {
            Ok(store) => store,
            Err(words) => {
                say::note(format_args!("what is proven is not remembered: {words}"));
                None
            }
        };
        Self {
            place: store.and_then(|store| Some((store, key()?))),
        }
    }

    /// What an earlier start proved.
    pub fn recall(&self) -> Option<Proven> {
        let (store, key) = self.place.as_ref()?;
        let found = store.read(key.name()).and_then(|text| {
            let read = |text: String| record::read(&text, key.name());
            text.map(read).transpose()
        });
        match found {
            Ok(proven) => proven,
            Err(words) => {
                say::note(format_args!(
                    "what an earlier start proved is not believed: {}/{}: {words}",
                    store::PLACE,
                    key.name()
                ));
                None
            }
        }
    }

    /// Remembers it for later starts, unless the key has become another one meanwhile.
    pub fn keep(&self, proven: &Proven, now: Option<Key>) {
        let Some((store, key)) = &self.place else {
            return;
        };
        if now.as_ref() != Some(key) {
            return;
        }
        let text = record::write(proven, key.name());
        if let Err(error) = store.write(key.name(), &text) {
            say::note(format_args!(
                "what is proven is not remembered: {}: {error}",
                store::PLACE
            ));
        }
    }
}
