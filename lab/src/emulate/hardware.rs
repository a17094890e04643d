//! The hardware of a host, as arguments of QEMU.

use super::{Clock, Machine};
use crate::programs::Start;
use crate::tools;
use std::path::Path;
use std::process::Command;

/// The command that is the host's hardware.
pub(super) fn qemu(emulator: &Start, machine: &Machine, initrd: &Path, dir: &Path) -> Command {
    // QEMU dies with the thread that started it, whatever kills the lab.
    let mut command = match tools::find("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--"]);
            command.arg(&emulator.program).args(&emulator.args);
            command
        }
        None => emulator.command(),
    };
    // An emulator with a C library of its own cannot be sure of the machine's locales.
    command.env("LC_ALL", "C");
    // Without an implementation-defined algorithm, pointer authentication makes `max` many times
    // slower. It has memory tagging where the board has memory for tags.
    const BOARD: &str = "virt,virtualization=on,gic-version=3";
    let (cpu, board) = match machine.cpu.as_str() {
        "max" => ("max,pauth-impdef=on", format!("{BOARD},mte=on")),
        other => (other, BOARD.to_owned()),
    };
    // A kernel that killed a thread of its own for a fault goes on, and a program waits for that thread as long as it may.
    let mut append = String::from("console=ttyAMA0 loglevel=4 panic=-1 oops=panic 8250.nr_uarts=4");
    for word in &machine.kernel_args {
        append.push(' ');
        append.push_str(word);
    }
    command
        .args(["-M", &board, "-cpu", cpu])
        .args(match machine.clock {
            Clock::Real => &["-accel", "tcg,thread=multi"][..],
            // 2 to the power of the shift is the time of an instruction, in nanoseconds.
            Clock::Instructions => &["-accel", "tcg", "-icount", "shift=1,sleep=off"],
        })
        .args(["-smp", &machine.cpus.to_string()])
        .args(["-m", &machine.memory.to_string()])
        .args(["-display", "none", "-nodefaults", "-no-user-config"])
        .args(["-no-reboot", "-monitor", "none"])
        .arg("-kernel")
        .arg(&machine.kernel.image)
        .arg("-initrd")
        .arg(initrd)
        .args(["-append", &append])
        .arg("-serial")
        .arg(format!("file:{}", escaped(&dir.join("console"))));
    for name in ["out", "err", "lab"] {
        command.arg("-chardev").arg(format!(
            "socket,id={name},path={}",
            escaped(&dir.join(name))
        ));
    }
    let disks = machine.disks.iter().map(|disk| (disk, "on"));
    // Both hosts' QEMUs read and write the same pages of this machine's cache. What a host has in its own is old once the other
    // one wrote: it has to read nothing there before its guest comes.
    let kept = match machine.shares {
        true => "off,file.locking=off",
        false => "off",
    };
    let kept = machine.kept.iter().map(|disk| (disk, kept));
    for (index, (disk, snapshot)) in disks.chain(kept).enumerate() {
        let file = escaped(disk);
        command
            .arg("-drive")
            .arg(format!(
                "file={file},format=raw,if=none,snapshot={snapshot},id=disk{index}"
            ))
            .args(["-device", &format!("virtio-blk-pci,drive=disk{index}")]);
    }
    if let Some(bag) = &machine.bag {
        let file = escaped(bag);
        command
            .arg("-drive")
            .arg(format!("file={file},format=raw,if=none,id=bag"))
            .args(["-device", "nvme,drive=bag,serial=bag"]);
    }
    for (index, socket) in machine.cables.iter().enumerate() {
        let socket = escaped(socket);
        command
            .arg("-netdev")
            .arg(format!(
                "stream,id=lan{index},server=off,addr.type=unix,addr.path={socket}"
            ))
            .args([
                "-device",
                &format!("virtio-net-pci,netdev=lan{index},romfile="),
            ]);
    }
    command
        .args(["-chardev", "null,id=none", "-device"])
        .arg("pci-serial-4x,chardev1=out,chardev2=err,chardev3=lab,chardev4=none");
    command
}

/// QEMU splits its options at commas; a doubled one stands for itself.
fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}
