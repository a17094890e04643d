//! Threads that are there before the jail is: who waits for signals, for clients, for what the guest says.
//!
//! Landlock has each thread give up files for itself, so these do as they begin: nobody has to ask them later, and no
//! start waits for it. The filter comes over them as over all others.

use super::table::Thread;
use super::{Entering, Files, entered};
use crate::failure::Failure;
use crate::threads::spawn;
use std::sync::Arc;
use std::sync::mpsc::channel;

/// All of them.
pub struct Elders {
    /// What each of them gives up, where there is to be a jail.
    files: Option<Arc<Files>>,
    kinds: Vec<Thread>,
    entering: Vec<Entering>,
}

impl Elders {
    /// None so far, and each of them keeps what it has.
    pub fn free() -> Self {
        Self::with(None)
    }

    /// None so far, and there is to be a jail.
    ///
    /// # Errors
    /// Linux does not give what it has.
    pub fn to_be_jailed() -> Result<Self, Failure> {
        Ok(Self::with(Some(Arc::new(Files::to_give_up()?))))
    }

    fn with(files: Option<Arc<Files>>) -> Self {
        Self {
            files,
            kinds: Vec::new(),
            entering: Vec::new(),
        }
    }

    /// Starts one, which lives as long as the process. Where it cannot give up its files, [`Elders::inside`] says so; it
    /// does its work until then.
    ///
    /// # Errors
    /// There are no more threads to be had.
    pub fn spawn(
        &mut self,
        kind: Thread,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), Failure> {
        let files = self.files.clone();
        let (sender, receiver) = channel();
        spawn(&kind.to_string(), move || {
            // The receiver has gone where there will be no guest.
            let _ = sender.send(files.map_or(Ok(()), |files| files.give_up()));
            // Whatever the tests have it do, it is no more than a jail allows.
            #[cfg(test)]
            super::confine_this_thread(kind);
            work();
        })?;
        self.kinds.push(kind);
        self.entering.push(receiver);
        Ok(())
    }

    /// What they give up, where there is to be a jail.
    pub fn files(&self) -> Option<Arc<Files>> {
        self.files.clone()
    }

    /// What they are.
    pub fn kinds(&self) -> &[Thread] {
        &self.kinds
    }

    /// Waits until each has given up what it had to.
    ///
    /// # Errors
    /// One of them could not.
    pub fn inside(self) -> Result<(), Failure> {
        self.entering.into_iter().try_for_each(entered)
    }
}
