//! Flags of `witness`, `observe` and `audit`: what a guest sees under somebody's VMM.

use crate::complete;
use clap::Args;
use clap_complete::{ArgValueCandidates, ArgValueCompleter};
use std::path::PathBuf;
use vmlock_spec::observation::scope::Scope;

const WITNESS_HELP: &str = r#"Examples:
  vmlock witness -o witness.Image
  qemu-system-aarch64 -M virt -cpu neoverse-n1 -nographic -kernel witness.Image > machine.log
  vmlock observe machine.log

The image is an arm64 kernel that runs at any address, needs no KVM, disk or
command line, finds console, interrupt controller and CPUs in the device tree,
reads what a guest can read on every vCPU, prints it and powers off. A second is
enough under KVM; what it prints has a check sum, so other people's lines may
stand between its own. It needs 64 MiB of memory. Only the console is written
to, and interrupt controller registers that are put back.

  QEMU, KVM          qemu-system-aarch64 -M virt,gic-version=3 -accel kvm -cpu host -smp 2 -m 256
                       -nographic -kernel witness.Image > machine.log
  libvirt            <os><kernel>/path/witness.Image</kernel></os>, a serial console with a <log file='…'/>
  Firecracker        "boot-source": {"kernel_image_path": "witness.Image", "boot_args": "console=ttyS0"};
                       its standard output, without the console= there is no UART
  Cloud Hypervisor   cloud-hypervisor --kernel witness.Image --cpus boot=2 --memory size=256M
                       --serial file=machine.log --console off
  crosvm             crosvm run --cpus 2 --mem 256 --serial type=file,path=machine.log,hardware=serial,num=1
                       witness.Image
  kvmtool            lkvm run -k witness.Image -c 2 -m 256 --console serial > machine.log
QEMU's are what vmlock's tests run; the others follow from those programs' own
sources. UEFI firmware does not boot it: the VMM has to boot a kernel directly,
at EL1 or EL2, with a device tree.

Kernels up to 6.1 may log "Unsupported guest sys_reg access" once on the host
for registers that they do not know: that is the witness asking."#;

/// Flags of `witness`.
#[derive(Args)]
#[command(after_long_help = WITNESS_HELP)]
pub struct WitnessFlags {
    /// Write the image here.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
}

const OBSERVE_HELP: &str = r#"Examples:
  vmlock observe machine.log                     is it whole, and what machine is it?
  vmlock observe machine.log -o machine.json     the facts as JSON
  vmlock observe *.log --format json             all of them
  vmlock diff before.log after.log               what a guest would notice

A log that is cut off or damaged is refused, with the line where. Exit code 1
when a vCPU has not told all, 4 when a file cannot be read."#;

/// Flags of `observe`.
#[derive(Args)]
#[command(after_long_help = OBSERVE_HELP)]
pub struct ObserveFlags {
    /// Logs of consoles, or what `-o` made of one.
    #[arg(required = true, value_name = "FILE", add = ArgValueCompleter::new(complete::observed))]
    pub files: Vec<PathBuf>,
    /// Write the facts here, as JSON.
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

const AUDIT_HELP: &str = r#"Examples:
  vmlock audit web.vm.lock.json --observed machine.log
  vmlock audit web.vm.lock.json --observed machine.log --only cpu,firmware,gic

The judge is that of `vmlock-run audit`. Memory, devices and what a vCPU begins
with are the VMM's own and not looked at by the portable witness as the lock
promises them: without --only they are not kept. What was not judged is counted.

  cpu        system registers, caches, optional features in use
  firmware   PSCI and all other calls
  gic        the interrupt controller
  entry      what a vCPU begins with
  machine    memory, devices, and what answers where nothing is

Exit code 1 when a promise is not kept."#;

/// Flags of `audit`.
#[derive(Args)]
#[command(after_long_help = AUDIT_HELP)]
pub struct AuditFlags {
    /// The lock.
    #[arg(add = ArgValueCompleter::new(complete::locks))]
    pub lock: PathBuf,
    /// The log of a portable witness, or what `vmlock observe -o` made of it.
    #[arg(long, value_name = "FILE", add = ArgValueCompleter::new(complete::observed))]
    pub observed: PathBuf,
    /// Judge these alone: cpu, firmware, gic, entry, machine.
    #[arg(long, value_name = "SCOPE", value_delimiter = ',', value_parser = scope, add = ArgValueCandidates::new(complete::scopes))]
    pub only: Vec<Scope>,
}

/// A scope by its name.
fn scope(name: &str) -> Result<Scope, String> {
    let known = Scope::ALL.iter().find(|scope| scope.name() == name);
    known.copied().ok_or_else(|| {
        let names: Vec<&str> = Scope::ALL.iter().map(|scope| scope.name()).collect();
        format!("there is no such scope; known: {}", names.join(", "))
    })
}
