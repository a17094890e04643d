//! A thread that does one thing after another: it loads what a guest begins with, and later watches over it; or it is the
//! one on which a vCPU lives: it finalises the vCPU, and later runs the guest on it.
//!
//! A vCPU has one thread, because KVM up to 6.12 waits for a whole grace period of RCU, tens of milliseconds, when a
//! vCPU enters KVM_RUN from another thread than the last time (virt/kvm/kvm_main.c,
//! `synchronize_rcu` under KVM_RUN; gone in 6.13).

use crate::failure::Failure;
use crate::threads::spawn;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

type Work = Box<dyn FnOnce() + Send>;

/// A thread that does one thing after another, until its last or until it is dropped.
pub struct Home {
    work: Sender<Work>,
    thread: JoinHandle<()>,
}

impl Home {
    /// Starts the thread.
    ///
    /// # Errors
    /// There are no more threads to be had.
    pub fn new(name: &str) -> Result<Self, Failure> {
        let (work, receiver) = channel::<Work>();
        let thread = spawn(name, move || receiver.iter().for_each(|work| work()))?;
        Ok(Self { work, thread })
    }

    /// Does something on the thread, and nobody waits for it: its result comes when it has one.
    pub fn begin<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Receiver<T> {
        let (sender, receiver) = channel();
        // A thread that has gone shows by the result that never comes.
        let _ = self.work.send(Box::new(move || {
            // It may be that nobody wants the result any more.
            let _ = sender.send(work());
        }));
        receiver
    }

    /// Does something on the thread and waits for its result.
    ///
    /// # Errors
    /// The thread has gone.
    pub fn call<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let gone = |_| Failure::environment("the thread of a vCPU has gone", &[]);
        self.begin(work).recv().map_err(gone)
    }

    /// Does the last thing on the thread.
    pub fn last(self, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
        // A thread that has gone shows by its handle.
        let _ = self.work.send(Box::new(work));
        self.thread
    }
}
