//! Disks and network beside QEMU's, in turn in one boot of one host: how long the same guest takes for the same requests
//! (`load.rs`), and how many exits and system calls they cost; how soon a guest with a disk and a card begins, and the
//! memory that goes to them.
//!
//! QEMU is at its best setting: devices by virtio-mmio, as ours, the disk in an iothread and by io_uring, with the same
//! cache. Its network is without vhost, whose figure stands beside, as does that of a disk without io_uring. The host has one CPU, so that its clock counts all
//! that a request costs, whoever pays for it.

pub mod counters;
pub mod inside;
pub mod load;

use super::inside::{Order as Starts, Run};
use super::peer::{self, Peer};
use super::{
    Bench, DIR, LIMIT, MEMORY, MIB, Measure, Phases, Place, RESIDENT, THEIRS, Vm, guest, median,
};
use crate::cache;
use crate::emulate::{Files, Job, LAB};
use crate::failure::{Failure, Result, say};
use crate::guest as debian;
use crate::job;
use crate::modules;
use guest::Then;
use inside::{Measured, Order, Seen};
use load::{DISK_PHASES, DISKS, NETWORK, NETWORK_PHASES, Phase};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::time::Duration;

/// CPU of the host.
const CPU: &str = "neoverse-n1";
/// What a guest's request takes of QEMU's time, at most; the aim is 1 / 1.3.
const TIME: f64 = 1.0;
/// What a first start takes of QEMU's time until the guest's first instruction, at most. Half of it is the proof.
const START: f64 = 0.3;
/// Modules of the host: a tap, its disk, and what QEMU's other network card needs.
const HOST_MODULES: [&str; 3] = ["tun", "virtio_blk", "vhost_net"];
/// Modules of the guest.
const GUEST_MODULES: [&str; 3] = ["virtio_mmio", "virtio_blk", "virtio_net"];
/// How long the four guests of a round may take.
const GUESTS: Duration = Duration::from_secs(600);
/// Room on the host's disk.
const ROOM: u64 = 256 << 20;

/// The guest's machine.
const SPEC: &str = r#"vm "devices" {
    arch "arm64"
    abi "kvm-6.8" "psci-1.1"
    cpu "neoverse-n1" count=1
    memory "256MiB"
    boot kernel="Image" initrd="load.cpio" cmdline="console=ttyS0 quiet panic=-1 disks network"
    disk "root" path="/bench/disk/root.img" size="64MiB"
    net "lan" tap="tap0" mac="52:54:00:12:34:56"
}
"#;

/// What the guest's kernel is told under QEMU, whose console is another one.
const COMMAND_LINE: &str = "console=ttyAMA0 quiet panic=-1 ";

/// The guest's first program.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
for module in /modules/*; do insmod $module; done
[ -e /sys/class/net/eth0 ] && ifconfig eth0 10.9.8.2 up
vmlock-lab bench-load $(cat /proc/cmdline)
poweroff -f
"#;

/// What a host has before its guests: counters, a disk whose bytes are in memory once they were written, a tap.
const PREPARE: &str = r#"
set -e
mount -t debugfs none /sys/kernel/debug
mke2fs -F /dev/vda >/dev/null 2>&1
mkdir -p /bench/disk
mount -t ext4 /dev/vda /bench/disk
dd if=/dev/zero of=/bench/disk/root.img bs=1M count=64 2>/dev/null
sync
tunctl -t tap0 >/dev/null
ifconfig tap0 10.9.8.1 netmask 255.255.255.0 up
"#;

/// QEMU with vhost's network card, and nothing but that.
const VHOST: &str = "qemu, vhost";
/// vmlock-run on a host that forbids io_uring.
const THREAD: &str = "vmlock-run, thread";

/// Starts a program where io_uring is allowed (0) or not (2): the first argument.
const RING: &str = r#"echo $0 >/proc/sys/kernel/io_uring_disabled && exec "$@""#;

impl Bench<'_> {
    /// Measures a guest's disk and network.
    pub(super) fn devices(&self, peer: &Peer) -> Result<Vec<Measure>> {
        say(format_args!(
            "measuring disks and network of guests of vmlock-run and of QEMU in turn, Linux {} on {CPU}",
            self.kernel.version
        ));
        let scratch = self.cache.scratch()?;
        let lock = self.compile("devices", SPEC.as_bytes(), &scratch)?;
        let vm = Vm::read(&cache::read(&lock)?)?;
        debian::provide(self.cache, scratch.path(), debian::KERNEL)?;
        let initrd = scratch.path().join("load.cpio");
        cache::write(&initrd, &self.load()?)?;

        let mut files = Files::default();
        let ours = job::add_program(&mut files, self.runner)?;
        let lab = job::add_program(&mut files, self.lab)?;
        peer.add(self.cache, &mut files);
        files.modules(modules::provide(self.cache, &self.kernel, &HOST_MODULES)?);
        let put = |files: &mut Files, place: &str, image: Vec<u8>| {
            let inside = format!("{DIR}/{place}/devices.vm.lock.json");
            files.copy(&inside, &lock);
            files.program(&format!("{DIR}/{place}/Image"), image);
            files.copy(&format!("{DIR}/{place}/load.cpio"), &initrd);
            inside
        };
        let whole = put(&mut files, "whole", self.guest.clone());
        let timed = put(
            &mut files,
            "ours",
            guest::image(&self.guest, vm.uart, Then::PowerOff)?,
        );
        let waiting = put(
            &mut files,
            "waiting",
            guest::image(&self.guest, vm.uart, Then::Wait)?,
        );
        put(
            &mut files,
            THEIRS,
            guest::image(&self.guest, guest::QEMU_UART, Then::PowerOff)?,
        );
        let start = |lock: &str, more: &[&str]| -> Vec<String> {
            let words = [&[ours.as_str(), "start", lock][..], more].concat();
            words.into_iter().map(str::to_owned).collect()
        };
        let ring = |disabled: &str, command: Vec<String>| -> Vec<String> {
            let shell = format!("{LAB}/bin/sh");
            let words = [shell.as_str(), "-c", RING, disabled].map(str::to_owned);
            words.into_iter().chain(command).collect()
        };
        let own = start(&whole, &["--no-proof-cache"]);
        let plain = qemu(&vm, "whole", &[DISKS, NETWORK], Card::Plain);
        let vhost = qemu(&vm, "whole", &[NETWORK], Card::Vhost);
        let requests = Order {
            contenders: BTreeMap::from([
                (super::OURS.to_owned(), ring("0", own.clone())),
                (THREAD.to_owned(), ring("2", own)),
                (THEIRS.to_owned(), ring("0", plain)),
                (VHOST.to_owned(), ring("0", vhost)),
            ]),
            rounds: self.runs,
        };
        let starts = Starts {
            contenders: BTreeMap::from([
                (
                    super::OURS.to_owned(),
                    start(&timed, &["--stats", "--no-proof-cache"]),
                ),
                (
                    THEIRS.to_owned(),
                    qemu(&vm, THEIRS, &[DISKS, NETWORK], Card::Plain),
                ),
            ]),
            forgetful: BTreeSet::new(),
            rounds: self.runs,
            mark: Some(guest::MARK),
            resident: Some((start(&waiting, &["--no-proof-cache"]), vm.memory)),
        };
        let mut inside = |command: &str, name: &str, order: Vec<u8>| {
            let path = format!("{DIR}/{name}.json");
            files.program(&path, order);
            Job {
                program: lab.clone(),
                args: vec![command.to_owned(), path],
            }
        };
        let [linked, prepared] = peer::prepared(PREPARE);
        let jobs = [
            linked,
            prepared,
            inside("bench-inside", "starts", super::json(&starts)?),
            inside("bench-devices-inside", "requests", super::json(&requests)?),
        ];
        let room = scratch.path().join("host.img");
        let sparse = fs::File::create(&room).and_then(|file| file.set_len(ROOM));
        sparse.map_err(|e| Failure::file("write", &room, &e))?;
        let place = Place {
            cpu: CPU,
            cpus: 1,
            memory: MEMORY,
            disks: vec![room],
            limit: LIMIT.0 + GUESTS * self.runs,
        };
        let mut answers = self.in_host(place, &files, &jobs)?.into_iter().rev();
        let mut next = || answers.next().unwrap_or_default();
        let requests: Measured = super::measured(&next())?;
        let starts: super::inside::Measured = super::measured(&next())?;
        let mut measures = self.requests(peer, &requests)?;
        measures.extend(self.two(peer, &starts)?);
        Ok(measures)
    }

    /// The guest's initramfs.
    fn load(&self) -> Result<Vec<u8>> {
        let kernel = debian::kernel(self.cache, debian::KERNEL)?;
        let mut archive = debian::archive(self.cache)?;
        archive.file("/bin/vmlock-lab", 0o755, &cache::read(self.lab)?)?;
        debian::add_modules(&mut archive, self.cache, &kernel, &GUEST_MODULES)?;
        archive.file("/init", 0o755, INIT.as_bytes())?;
        archive.finish()
    }

    /// Requests, each kind beside QEMU's.
    fn requests(&self, peer: &Peer, measured: &Measured) -> Result<Vec<Measure>> {
        let mut measures = Vec::new();
        for phase in DISK_PHASES.iter().chain(&NETWORK_PHASES) {
            // In every round, or the median is that of others.
            let whole = |seen: &&Seen| seen.times.len() == self.runs as usize;
            let seen = |name: &str| measured.get(name)?.get(phase.name).filter(whole);
            let missing =
                || Failure::environment(format!("{} were not measured each time", phase.name));
            let ours = seen(super::OURS).ok_or_else(missing)?;
            let theirs = seen(THEIRS).ok_or_else(missing)?;
            let mut detail = format!(
                "Linux {} on {CPU}, in turn, medians of {}; vmlock-run: {}; QEMU {}: {}",
                self.kernel.version,
                self.runs,
                words(phase, ours),
                peer.version(),
                words(phase, theirs),
            );
            if let Some(thread) = seen(THREAD).filter(|_| phase.is_disk()) {
                detail.push_str(&format!("; without io_uring: {}", words(phase, thread)));
            }
            if let Some(vhost) = seen(VHOST) {
                detail.push_str(&format!("; with vhost: {}", words(phase, vhost)));
            }
            measures.push(Measure::new(
                format!("{}, part of QEMU's time", phase.name),
                median(&ours.times) / median(&theirs.times),
                "part",
                TIME,
                detail,
            ));
        }
        Ok(measures)
    }

    /// The start of a guest with two devices.
    fn two(&self, peer: &Peer, measured: &super::inside::Measured) -> Result<Vec<Measure>> {
        let runs = |name: &str| -> Result<&[Run]> {
            let runs = measured.runs.get(name).map(Vec::as_slice);
            runs.ok_or_else(|| Failure::bug(format!("{name} was not run")))
        };
        let time = |runs: &[Run]| {
            let times: Vec<f64> = runs.iter().map(|run| run.to_mark / 1e3).collect();
            median(&times)
        };
        let phases = runs(super::OURS)?.iter();
        let phases: Vec<Phases> = phases
            .map(|run| Phases::read(&run.words))
            .collect::<Result<_>>()?;
        let (ours, theirs) = (time(runs(super::OURS)?), time(runs(THEIRS)?));
        let host = format!("Linux {} on {CPU}", self.kernel.version);
        Ok(vec![
            Measure::new(
                "a disk and a card: first guest instruction, part of QEMU's time".to_owned(),
                ours / theirs,
                "part",
                START,
                format!(
                    "{host}, in turn, medians of {}: vmlock-run {ours:.1} ms, QEMU {} {theirs:.1} ms; {}",
                    self.runs,
                    peer.version(),
                    Phases::words(&phases)
                ),
            ),
            Measure::new(
                "a disk and a card: memory of vmlock-run beyond the guest's".to_owned(),
                measured.resident as f64 / MIB,
                "MiB",
                RESIDENT,
                format!("{host}: resident while the guest runs"),
            ),
        ])
    }
}

/// What a contender needed for one request: its time, and what that was made of.
fn words(phase: &Phase, seen: &Seen) -> String {
    let each = |count: u64| count as f64 / f64::from(phase.count);
    let mut calls: Vec<_> = seen.counts.calls.iter().collect();
    calls.sort_by(|a, b| b.1.cmp(a.1));
    let all: u64 = calls.iter().map(|(_, count)| **count).sum();
    let most = calls.iter().take(4);
    let most: Vec<String> = most
        .map(|(name, count)| format!("{name} {:.2}", each(**count)))
        .collect();
    format!(
        "{:.1} µs a request, {:.2} exits and {:.2} system calls ({})",
        median(&seen.times) / f64::from(phase.count),
        each(seen.counts.exits),
        each(all),
        most.join(", ")
    )
}

/// Who has QEMU's network card.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Card {
    /// QEMU.
    Plain,
    /// The host's kernel.
    Vhost,
}

/// The same machine in QEMU.
fn qemu(vm: &Vm, place: &str, words: &[&str], card: Card) -> Vec<String> {
    let of = Vm {
        kernel: vm.kernel.clone(),
        initrd: vm.initrd.clone(),
        command_line: format!("{COMMAND_LINE}{}", words.join(" ")),
        ..*vm
    };
    let mut command = of.qemu(place);
    let vhost = match card {
        Card::Plain => "off",
        Card::Vhost => "on",
    };
    let netdev = format!("tap,id=lan,ifname=tap0,script=no,downscript=no,vhost={vhost}");
    let devices = [
        "-global",
        "virtio-mmio.force-legacy=false",
        "-object",
        "iothread,id=io",
        "-drive",
        "file=/bench/disk/root.img,if=none,id=root,format=raw,cache=writeback,aio=io_uring,discard=unmap",
        "-device",
        "virtio-blk-device,drive=root,iothread=io",
        "-netdev",
        &netdev,
        "-device",
        "virtio-net-device,netdev=lan,mac=52:54:00:12:34:56",
    ];
    command.extend(devices.map(str::to_owned));
    command
}
