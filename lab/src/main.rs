//! `vmlock-lab`: emulated arm64 KVM hosts of many kernels.
//!
//! Standard output has results only; words about them go to standard error.
#![forbid(unsafe_code)]

mod accesses;
mod bench;
mod book;
mod browser;
mod cache;
mod carried;
mod carry;
mod confined;
mod cross;
mod debian;
mod devices;
mod disk;
mod disks;
mod drift;
mod editors;
mod emulate;
mod emulator;
mod errand;
mod facts;
mod failure;
mod file_system;
mod firmware;
mod flags;
mod guest;
mod handed;
mod handover;
mod hibernate;
mod initramfs;
mod interrupts;
mod job;
mod kernels;
mod kexec;
mod library;
mod libvirt;
mod living;
mod matrix;
mod modules;
mod moments;
mod mutations;
mod network;
mod options;
mod package;
mod packages;
mod portable;
mod programs;
mod provenance;
mod record;
mod release;
mod reproduce;
mod room;
mod schedulers;
mod shells;
mod step;
mod tools;
mod torture;
mod tour;
mod trial;
mod truth;
mod verify;
mod virtio;
mod windows;
mod witness;
mod zboot;

use cache::Cache;
use clap::Parser;
use failure::{FINDINGS, OK, Result, say, tell};
use flags::{Command, Flags};
use std::process::ExitCode;

fn main() -> ExitCode {
    let flags = Flags::parse();
    match run(&flags) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            say(&failure);
            ExitCode::from(match &flags.command {
                Command::Drift(_) => drift::code(&failure),
                _ => failure.code(),
            })
        }
    }
}

fn run(flags: &Flags) -> Result<u8> {
    tools::catch_interrupts()?;
    let cache = Cache::open()?;
    match &flags.command {
        Command::Build(build) => {
            tell(cross::build(&cache, &build.package)?.display())?;
            Ok(OK)
        }
        Command::Clippy => Ok(match cross::lint(&cache)? {
            true => OK,
            false => FINDINGS,
        }),
        Command::Reproduce => reproduce::run(&cache),
        Command::Package => package::run(),
        Command::Release(flags) => release::run(&cache, flags),
        Command::Editors => editors::run(&cache),
        Command::Libvirt => libvirt::run(&cache),
        Command::Shells => shells::run(&cache),
        Command::Schedulers => schedulers::run(&cache),
        Command::Extension => editors::extension::run(&cache),
        Command::Book => book::run(&cache),
        Command::Browser => browser::run(&cache),
        Command::Windows => windows::run(&cache),
        Command::Witness(flags) if flags.check => portable::check(&cache),
        Command::Witness(_) => witness::write(&cache),
        Command::Run(run) => job::run(&cache, run),
        Command::Record(flags) => record::run(&cache, flags),
        Command::Matrix(matrix) => matrix::run(&cache, matrix),
        Command::Drift(flags) => drift::run(&cache, flags),
        Command::Facts(flags) => facts::run(&cache, flags),
        Command::Firmware(flags) => firmware::run(&cache, flags),
        Command::Carry(flags) => carry::run(&cache, flags),
        Command::Living(flags) => living::run(&cache, flags),
        Command::Handed(flags) => handed::run(&cache, flags),
        Command::Confined => confined::run(&cache),
        Command::Kernels(list) => {
            if !list.fetch.is_empty() {
                kernels::resolve(&cache, &list.fetch, list.refresh)?;
            }
            for (series, version, image) in kernels::list(&cache, list.refresh)? {
                let place = image.map_or_else(
                    || "not fetched".to_owned(),
                    |path| path.display().to_string(),
                );
                tell(format_args!("{series:<6} {version:<10} {place}"))?;
            }
            Ok(OK)
        }
        Command::Tour => tour::run(&cache),
        Command::Test(flags) => verify::run(&cache, flags),
        Command::Bench(flags) => bench::run(&cache, flags),
        Command::BenchInside { order } => bench::inside(order),
        Command::BenchDevicesInside { order } => bench::devices::inside::run(order),
        Command::BenchSavesInside { order } => bench::saves::inside::run(order),
        Command::BenchLoad { words } => bench::devices::load::run(words),
        Command::Moments(flags) => moments::run(&cache, flags),
        Command::Torture(flags) => torture::run(&cache, flags),
        Command::Accesses(flags) => accesses::run(&cache, flags),
        Command::Debian(flags) => debian::run(&cache, flags),
        Command::Guest(guest) => {
            let dir = job::absolute(&job::current_dir()?, &guest.dir);
            guest::provide(&cache, &dir, &guest.kernel)?;
            if guest.disk {
                disk::provide(&cache, &dir)?;
            }
            tell(dir.display())?;
            Ok(OK)
        }
    }
}
