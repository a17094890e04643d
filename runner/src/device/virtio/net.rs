//! A network card with its cable (`virtio-net-1`): frames go straight between the guest's
//! buffers and a tap of the host.
//!
//! What the tap may leave undone is what the driver accepted. A tap that goes away is a
//! cable that is pulled out: the link goes down, and words say why.

use super::disk::taken::Taken;
use super::outside::Link;
use super::tap::{self, Tap};
use super::thread::{Server, Work};
use super::vectored::{read_once, write_once};
use super::{Log, Memory};
use crate::passed;
use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::Arc;
use vm_memory::Permissions;
use vmlock_spec::lock::{Device, Net as Entry};
use vmlock_spec::machine::virtio::mac;
use vmlock_spec::plan::Refusal;
use vmlock_spec::plan::devices::{no_tap, other_mtu};
use vmlock_virtio::chain::Chain;
use vmlock_virtio::features::Features;
use vmlock_virtio::net::{
    Card, Fault, HEADER, Inbox, Nic, RECEIVE, TRANSMIT, Transmit, announcement,
};
use vmlock_virtio::ring::{Broken, Drained, Ring};

/// The most frames that come in at a time, before anything else is looked at.
const FRAMES: usize = 256;
/// The most frames of an earlier time that are thrown away: more than the queue of any tap.
const STALE: usize = 1 << 16;

/// What the driver accepts, by the bits of its features (section 5.1.3 of the standard), as a tap has it.
const OFFLOADS: [(u32, u32); 4] = [
    (1, tap::CHECKSUM),
    (7, tap::TSO4),
    (8, tap::TSO6),
    (9, tap::ECN),
];

/// The model of a lock's card; `queue` is QueueNumMax.
pub fn model(entry: &Entry, queue: u16) -> Option<Nic> {
    Some(Nic {
        mac: mac(&entry.mac)?,
        mtu: entry.mtu,
        queue,
    })
}

/// Attaches to a card's tap; or takes the one that was handed over, which its guest still uses, so nothing of it is changed.
///
/// # Errors
/// Why that cannot be.
pub fn open(
    device: &Device,
    entry: &Entry,
    nic: Nic,
    taken: &mut Taken,
    handed: Option<Option<File>>,
) -> Result<Net, Box<Refusal>> {
    let no = |reason: String, help: &str| Box::new(no_tap(device, entry, &reason, help));
    let Some(given) = &entry.tap else {
        return Err(no(
            "neither the lock nor the command line names its tap".to_owned(),
            "`--tap CARD=TAP` says which one it is",
        ));
    };
    let look = |name: &str| {
        let mtu = tap::mtu(name).map_err(|error| match error.kind() {
            ErrorKind::NotFound => no(
                "there is no network device of that name".to_owned(),
                "`ip tuntap add NAME mode tap user USER`, `ip link set NAME up` make one",
            ),
            _ => no(
                format!("it cannot be looked at: {error}"),
                "look at the tap",
            ),
        })?;
        other_mtu(device, entry, mtu).map_or(Ok(()), |refusal| Err(Box::new(refusal)))
    };
    let theirs = |card: &str| {
        no(
            format!("it is that of the card `{card}`, and each would take frames from the other"),
            "give each card a tap of its own",
        )
    };
    if let Some(handed) = handed {
        let tap = handed.ok_or_else(|| "it was not handed over".to_owned());
        let tap = tap.and_then(|file| Tap::handed(file, given, HEADER));
        let tap = tap.map_err(|words| {
            no(
                words,
                "both ends need the same tap of the same name; the guest goes on where it was",
            )
        })?;
        look(given)?;
        return Ok(Net {
            fresh: false,
            ..Net::new(nic, tap)
        });
    }
    let (tap, name) = match passed::number(given) {
        Some(number) => Tap::passed(number, HEADER).map_err(|words| {
            no(
                words,
                "pass a tap that has IFF_TAP, IFF_NO_PI and IFF_VNET_HDR, and name its descriptor once",
            )
        })?,
        None => {
            if let Some(card) = taken.tap(&device.name, given) {
                return Err(theirs(card));
            }
            // Attaching would make one, with nothing at its other end.
            look(given)?;
            (attach(given, no)?, given.clone())
        }
    };
    // One that was passed in may be a copy of another's descriptor.
    if passed::number(given).is_some()
        && let Some(card) = taken.tap(&device.name, &name)
    {
        return Err(theirs(card));
    }
    // It may have been another one, or changed, and is held from now on.
    look(&name)?;
    let all = OFFLOADS.iter().fold(0, |all, (_, bit)| all | bit);
    tap.offload(all)
        .and_then(|()| tap.offload(0))
        .map_err(|error| {
            no(
                format!("it does not leave checksums and segments undone: {error}"),
                "choose a host whose kernel has these offloads (TUNSETOFFLOAD)",
            )
        })?;
    Ok(Net::new(nic, tap))
}

/// Attaches to the tap of that name.
fn attach(name: &str, no: impl Fn(String, &str) -> Box<Refusal>) -> Result<Tap, Box<Refusal>> {
    Tap::attach(name, HEADER).map_err(|error| match error.raw_os_error() {
        Some(libc::EBUSY) => no(
            "another program is attached to it".to_owned(),
            "end the other one, or name another tap",
        ),
        Some(libc::EPERM) => no(
            "it belongs to another user".to_owned(),
            "`ip tuntap add NAME mode tap user USER` makes one for USER",
        ),
        Some(libc::EINVAL) => no(
            "it is no tap, or one with several queues".to_owned(),
            "`ip tuntap add NAME mode tap` makes a plain one",
        ),
        _ => no(
            format!("it cannot be attached to: {error}"),
            "look at /dev/net/tun: the module `tun`, and who may open it",
        ),
    })
}

/// A card with its cable.
pub struct Net {
    nic: Nic,
    tap: Tap,
    /// For what does not fit into the driver's buffers.
    spill: Vec<u8>,
    /// At work, from a driver's set-up on.
    work: Option<(Card, Inbox)>,
    link: Arc<Link>,
    /// What the tap may leave undone, as it was last told.
    offload: u32,
    /// What waits in the tap is of an earlier driver, and not of the one that was handed over with it.
    fresh: bool,
}

impl Server for Net {
    fn begin(&mut self, features: Features, log: &mut Log) {
        let accepted = OFFLOADS
            .iter()
            .filter(|(feature, _)| features.has(*feature));
        self.offload = accepted.fold(0, |all, (_, bit)| all | bit);
        self.trouble(log);
        let card = Card::new(&self.nic, features);
        // A call that finds room for the largest frame can have it all in there.
        self.spill.resize(card.largest() as usize, 0);
        // What waits was meant for an earlier driver, and may be as that one accepted it.
        let stale = if self.fresh { STALE } else { 0 };
        self.fresh = true;
        for _ in 0..stale {
            if self.tap.file().read(&mut self.spill).is_err() {
                break;
            }
        }
        let inbox = card.inbox();
        self.work = Some((card, inbox));
    }

    fn unused(&mut self) {
        self.fresh = true;
    }

    fn serve(&mut self, work: Work) -> Result<Drained, Broken> {
        let Work {
            rings,
            memory,
            chain,
            log,
        } = work;
        let mut all = Drained::NOTHING;
        if let Some(Some(ring)) = rings.get_mut(usize::from(TRANSMIT)) {
            all = all.and(self.transmit(ring, memory, chain, log)?);
        }
        if let Some(Some(ring)) = rings.get_mut(usize::from(RECEIVE)) {
            all = all.and(self.receive(ring, memory, log)?);
        }
        Ok(all)
    }

    fn settle(&mut self, work: Work) -> Result<bool, Broken> {
        if let (Some(Some(ring)), Some((_, inbox))) =
            (work.rings.get_mut(usize::from(RECEIVE)), &mut self.work)
        {
            inbox.leave(ring);
        }
        Ok(false)
    }

    /// The network has to learn where its frames go from now on. One that is lost is lost, as on any wire: the guest's own
    /// next frame says so, too.
    fn resume(&mut self, log: &mut Log) {
        let frame = [&[0; HEADER][..], &announcement(self.nic.mac)].concat();
        if self.link.is_up()
            && let Err(error) = self.tap.file().write(&frame)
            && error.kind() != ErrorKind::WouldBlock
        {
            self.failed(&error, log);
        }
    }

    /// The tap is being deleted, or was. It says so once, and before that is done; a request waits for it.
    fn trouble(&mut self, log: &mut Log) {
        if let Err(error) = self.tap.offload(self.offload) {
            self.lost(&error, log);
        }
    }

    fn wakes(&self) -> Option<RawFd> {
        Some(self.tap.file().as_raw_fd())
    }

    fn descriptor(&self) -> Option<io::Result<File>> {
        Some(self.tap.file().try_clone())
    }

    fn link(&self) -> Option<Arc<Link>> {
        Some(Arc::clone(&self.link))
    }
}

impl Net {
    fn new(nic: Nic, tap: Tap) -> Self {
        Self {
            nic,
            tap,
            spill: Vec::new(),
            work: None,
            link: Arc::default(),
            offload: 0,
            fresh: true,
        }
    }

    fn transmit(
        &mut self,
        ring: &mut Ring,
        memory: &Memory,
        chain: &mut Chain,
        log: &mut Log,
    ) -> Result<Drained, Broken> {
        let Some((card, _)) = &self.work else {
            return Ok(Drained::NOTHING);
        };
        let (mut lost, mut fault): (Option<io::Error>, Option<Fault>) = (None, None);
        let drained = ring.drain(memory, chain, |chain| {
            match card.transmit(memory, chain)? {
                Transmit::Drop(why) => fault = Some(why),
                Transmit::Send { header, frame } => {
                    let slices = chain.readable().slices(memory, frame, Permissions::Read)?;
                    if self.link.is_up() {
                        match write_once(self.tap.file(), &header, &slices) {
                            Ok(_) => log.served(frame.length, 0),
                            Err(error) => lost = Some(error),
                        }
                    }
                }
            }
            Ok(0)
        })?;
        if let Some(why) = fault {
            log.guest(format_args!("the guest sends what cannot leave: {why}"));
        }
        match lost {
            // As on any wire that is full.
            Some(error) if error.kind() == ErrorKind::WouldBlock => {}
            Some(error) => self.failed(&error, log),
            None => {}
        }
        Ok(drained)
    }

    fn receive(
        &mut self,
        ring: &mut Ring,
        memory: &Memory,
        log: &mut Log,
    ) -> Result<Drained, Broken> {
        let Some((_, inbox)) = &mut self.work else {
            return Ok(Drained::NOTHING);
        };
        let (mut more, mut failure) = (true, None);
        ring.mute(memory)?;
        for _ in 0..FRAMES {
            if !self.link.is_up() {
                more = false;
                break;
            }
            if !inbox.fill(ring, memory)? {
                // The driver notifies of buffers from now on.
                if ring.listen(memory)? {
                    continue;
                }
                more = false;
                break;
            }
            // They were all checked when they were taken.
            let slices = inbox.slices(memory).map_err(|_| Broken::Memory)?;
            let mut header = [0; HEADER];
            match read_once(self.tap.file(), &mut header, &slices, &mut self.spill) {
                // One that the driver cannot have is lost, as on any wire.
                Ok(read) => {
                    let length = read.saturating_sub(HEADER) as u64;
                    inbox.deliver(ring, memory, header, length, &self.spill)?;
                    log.served(0, length);
                }
                Err(error) => {
                    // What woke this thread does so once.
                    more = follows(&error);
                    if error.kind() != ErrorKind::WouldBlock {
                        failure = Some(error);
                    }
                    break;
                }
            }
        }
        let interrupts = ring.interrupts(memory)?;
        if let Some(error) = failure {
            self.failed(&error, log);
        }
        Ok(Drained { interrupts, more })
    }

    /// What is done about a call that failed.
    fn failed(&mut self, error: &io::Error, log: &mut Log) {
        match error.raw_os_error() {
            // It was deleted (`tun_chr_read_iter`, drivers/net/tun.c, 5.10 to 7.3).
            Some(libc::EBADFD) => self.lost(error, log),
            // `tun_get_user`, there too.
            Some(libc::EIO) => log.host("a frame is lost: the tap is down (`ip link set NAME up`)"),
            Some(libc::EINTR) => {}
            _ => log.host(format_args!("a frame is lost: {error}")),
        }
    }

    fn lost(&mut self, error: &io::Error, log: &mut Log) {
        if self.link.take_down() {
            log.change(format_args!(
                "the tap has gone, and the guest's link is down from now on: {error}"
            ));
        }
    }
}

/// Whether there may be another frame behind a failure to read one.
fn follows(error: &io::Error) -> bool {
    // `tun_chr_read_iter` of a tap that was deleted.
    error.kind() != ErrorKind::WouldBlock && error.raw_os_error() != Some(libc::EBADFD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_cannot_be_read_hides_none_behind_it() {
        for (errno, more) in [
            (libc::EAGAIN, false),
            (libc::EBADFD, false),
            (libc::EINTR, true),
            (libc::ENOMEM, true),
            (libc::EFAULT, true),
        ] {
            assert_eq!(
                follows(&io::Error::from_raw_os_error(errno)),
                more,
                "{errno}"
            );
        }
    }
}
