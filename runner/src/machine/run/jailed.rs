//! How the machine's threads enter the jail, all of them before its guest begins.

use super::Shared;
use crate::cores::{self, Cores};
use crate::device::virtio::thread::Idle;
use crate::device::virtio::vsock::CONNECTIONS;
use crate::failure::Failure;
use crate::jail::elders::Elders;
#[cfg(feature = "torture")]
use crate::jail::misbehave;
use crate::jail::root::Root;
use crate::jail::table::Thread;
use crate::jail::{Entering, Files, Jail, Needs, entered};
use crate::kvm::Fresh;
use crate::machine::home::Home;
use crate::machine::terminal;
use std::os::fd::AsFd as _;
use std::sync::Arc;

/// What is not given up.
pub struct Jailed {
    /// Bytes of the largest file that is written for the guest.
    pub largest: u64,
    /// Descriptors of connections that may come, beside those of its devices.
    pub connections: u64,
    /// Its memory is shared with whom it is handed over to.
    pub shared: bool,
    /// Files that every thread gives up.
    pub files: Arc<Files>,
    /// Threads that are there before.
    pub elders: Elders,
    /// What becomes `/`, where somebody wants that.
    pub root: Option<Root>,
}

/// Shuts the jail around all threads that there are. Whatever is opened, is open.
pub(super) fn shut(
    shared: &Shared,
    jailed: Jailed,
    vcpus: &[(Fresh, Home)],
    devices: &[Idle],
    watch: Option<&(Cores, Home)>,
) -> Result<Arc<Jail>, Failure> {
    let Jailed {
        largest,
        connections,
        shared: is_shared,
        files,
        elders,
        root,
    } = jailed;
    let kinds: Vec<Thread> = devices.iter().map(Idle::kind).collect();
    let needs = Needs {
        proxied: shared.proxied.is_some(),
        calls: shared.firmware.is_some(),
        shared: is_shared,
        resumed: shared.on.is_some(),
        largest,
        connections: connections
            + match kinds.contains(&Thread::Vsock) {
                true => CONNECTIONS,
                false => 0,
            },
        devices: kinds,
        elders: elders.kinds().to_vec(),
    };
    let jail = Arc::new(Jail::make(needs, &files, terminal::restore)?);
    // Each thread for itself, and all of them at once.
    let mut entering = Vec::new();
    for (_, home) in vcpus {
        let files = Arc::clone(&files);
        entering.push(home.begin(move || files.give_up()));
    }
    if let Some((_, home)) = watch {
        let files = Arc::clone(&files);
        // It alone opens files still, those of CPUs that come later.
        entering.push(home.begin(move || match cores::folder() {
            Some(folder) => files.give_up_but(folder.as_fd()),
            None => files.give_up(),
        }));
    }
    elders.inside()?;
    entering.into_iter().try_for_each(entered)?;
    // Whoever looked for a file has it by now.
    if let Some(root) = root {
        root.enter()?;
    }
    files.give_up()?;
    jail.shut()?;
    Ok(jail)
}

/// Starts the devices' threads, and has them and the vCPUs' keep what each needs: what comes of it.
pub(super) fn enter(
    jail: Option<&Arc<Jail>>,
    vcpus: &[(Fresh, Home)],
    devices: Vec<Idle>,
) -> Result<Vec<Entering>, Failure> {
    let lock = |kind| {
        let jail = jail.map(Arc::clone);
        move || jail.map_or(Ok(()), |jail| jail.lock(kind))
    };
    let mut entering = Vec::new();
    if jail.is_some() {
        entering.extend(vcpus.iter().map(|(_, home)| home.begin(lock(Thread::Vcpu))));
    }
    for device in devices {
        let kind = device.kind();
        let lock = lock(kind);
        entering.push(device.start(move || {
            lock()?;
            #[cfg(feature = "torture")]
            misbehave::inside(kind);
            Ok(())
        })?);
    }
    Ok(entering)
}
