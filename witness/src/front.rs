//! The portable witness's host side, which it has to find by itself: what the device tree says becomes what the
//! runner would have said ([`Parameters`]), and the records become lines on a console.
//!
//! Left out, because it would touch other people's devices: the search for hidden interrupt controllers, accesses
//! where nothing is, and the UART's and the clock's own registers.

use core::{ptr, slice};

use crate::boot;
use crate::found::{self, Found};
use crate::gic;
use crate::place::{self, GIB, of};
use crate::probe::{self, Conduit, Outcome};
use crate::record::Area;
use crate::smccc;
use crate::wire::text::{self, Writer};
use crate::wire::tree::{self, Machine, Method, Model, Uart};
use crate::wire::{self, AREA_STRIDE, MAX_VCPUS, Parameters};

unsafe extern "C" {
    static __image: u8;
    static __size: u8;
    static __map: u8;
    static __el0_map: u8;
    static __records: u8;
}

/// Finds out about the machine, on the first vCPU; takes the map of it, on all.
pub fn begin(index: u64) {
    if index == 0 && !prepare() {
        // There is nobody who could be told, and perhaps nobody who can be asked.
        smccc::system_off();
        loop {
            crate::record::wait();
        }
    }
    boot::install(of!(__map));
}

/// Whether somebody will hear.
fn prepare() -> bool {
    let mut machine = Machine::default();
    let parameters = ptr::with_exposed_provenance_mut::<Parameters>(place::parameters() as usize);
    zero(place::parameters(), size_of::<Parameters>());
    // SAFETY: aligned memory behind the image that nobody else uses, and zeroes are valid parameters.
    let parameters = unsafe { &mut *parameters };
    let tree = device_tree();
    if let Some(tree) = tree {
        machine = tree::read(tree, &mut parameters.mpidr).unwrap_or(machine);
    }
    found::keep(Found {
        uart: machine.uart,
        conduit: match machine.psci {
            Some(Method::Smc) => Conduit::Smc,
            _ => Conduit::Hvc,
        },
        machine,
        tree: tree.map_or(0, <[u8]>::len),
        reporting: false,
    });
    tables(&machine);
    boot::install(of!(__map));
    parameters.magic = wire::PARAMETERS_MAGIC;
    parameters.version = wire::VERSION;
    parameters.mode = wire::MODE_FULL;
    parameters.vcpus = machine.cpus.clamp(1, MAX_VCPUS as u32);
    own_first(parameters);
    parameters.records = of!(__records);
    parameters.stride = AREA_STRIDE;
    // Neither is looked at: there may be somebody's device.
    parameters.hole = 0;
    parameters.edge = u64::MAX;
    parameters.gicd = machine.distributor.map_or(0, |region| region.base);
    redistributors(&machine, parameters);
    for index in 0..parameters.vcpus {
        if let Some(mut area) = Area::of(parameters, index) {
            area.clear();
        }
    }
    machine.uart.is_some()
}

/// The device tree of which vCPU 0 was told, as far as it says itself.
fn device_tree() -> Option<&'static [u8]> {
    let word = ptr::with_exposed_provenance::<u64>(place::block(0) as usize + place::TREE);
    // SAFETY: `boot.s` wrote it.
    let address = unsafe { ptr::read_volatile(word) };
    let is_mapped = (GIB / 1024..boot::IDENTITY_END - tree::SIZE_MAX as u64).contains(&address);
    if address % 8 != 0 || !is_mapped {
        return None;
    }
    let tree = ptr::with_exposed_provenance::<u8>(address as usize);
    // SAFETY: the boot protocol has a tree there, in memory, of which nobody writes.
    let head = unsafe { slice::from_raw_parts(tree, 40) };
    // SAFETY: as above; the tree is as long as it says.
    Some(unsafe { slice::from_raw_parts(tree, tree::size(head)?) })
}

/// Makes the maps: memory is where the tree says, and where the image is.
fn tables(machine: &Machine) {
    let image = of!(__image);
    let mut memory = [0u64; 8];
    let mut set = |gib: u64| {
        if let Some(word) = memory.get_mut(gib as usize / 64) {
            *word |= 1 << (gib % 64);
        }
    };
    for region in machine.memory.iter().filter(|region| region.size != 0) {
        let last = region.base.saturating_add(region.size - 1) / GIB;
        (region.base / GIB..=last.min(511)).for_each(&mut set);
    }
    (image / GIB..=(image + of!(__size)) / GIB).for_each(set);
    let map = boot::map(&memory, image);
    let el0 = boot::el0(map, image);
    for (at, table) in [(of!(__map), map), (of!(__el0_map), el0)] {
        let at = ptr::with_exposed_provenance_mut::<u64>(at as usize);
        for (index, entry) in table.into_iter().enumerate() {
            // SAFETY: a page behind the image that nothing uses yet.
            unsafe { ptr::write_volatile(at.add(index), entry) };
        }
    }
}

fn zero(address: u64, bytes: usize) {
    let at = ptr::with_exposed_provenance_mut::<u64>(address as usize);
    for index in 0..bytes / 8 {
        // SAFETY: the caller's own memory behind the image.
        unsafe { ptr::write_volatile(at.add(index), 0) };
    }
}

/// The vCPU that runs this is the first.
fn own_first(parameters: &mut Parameters) {
    let own: u64;
    // SAFETY: reads an ID register.
    unsafe {
        core::arch::asm!("mrs {}, mpidr_el1", out(reg) own, options(nomem, nostack, preserves_flags));
    }
    let own = own & crate::AFFINITY;
    let all = parameters.mpidr.iter().take(parameters.vcpus as usize);
    let at = all.clone().position(|mpidr| *mpidr == own).unwrap_or(0);
    if let Some(slot) = parameters.mpidr.get_mut(at) {
        *slot = own;
    }
    parameters.mpidr.swap(0, at);
}

/// Finds each vCPU's redistributor by its affinity.
fn redistributors(machine: &Machine, parameters: &mut Parameters) {
    for region in machine.redistributors.iter().filter(|r| r.size != 0) {
        let mut offset = 0;
        while offset < region.size {
            let frame = region.base + offset;
            let Some((affinity, size, is_last)) = gic::typer(frame) else {
                break;
            };
            let vcpus = parameters.vcpus as usize;
            let mut all = parameters.mpidr.iter().take(vcpus);
            let index = all.position(|mpidr| *mpidr == affinity);
            if let Some(slot) = index.and_then(|at| parameters.redistributors.get_mut(at)) {
                *slot = frame;
            }
            if is_last {
                break;
            }
            offset += size;
        }
    }
}

/// Writes the account.
pub fn report() {
    let front = found::read();
    let (Some(uart), false, Some(parameters)) = (front.uart, front.reporting, crate::parameters())
    else {
        return;
    };
    found::keep(Found {
        reporting: true,
        ..front
    });
    set_up(uart);
    let mut writer = Writer::new(|byte| put(uart, byte));
    header(&mut writer, &front, parameters);
    let first = Area::of(parameters, 0);
    for index in 0..parameters.vcpus {
        let area = Area::of(parameters, index);
        let done = area
            .as_ref()
            .and_then(Area::begun)
            .map_or(wire::DONE_NOT, |h| h.done);
        text::vcpu(
            &mut writer,
            index,
            done,
            |at| area.as_ref()?.entry(at),
            |at| first.as_ref()?.entry(at),
        );
    }
    writer.end();
    flush(uart);
}

fn header<F: FnMut(u8)>(writer: &mut Writer<F>, front: &Found, parameters: &Parameters) {
    writer.text("begin witness=");
    writer.text(env!("CARGO_PKG_VERSION"));
    let mut numbered = |name: &str, number: u64| {
        writer.text(name);
        writer.number(number);
    };
    numbered(" wire=", wire::VERSION.into());
    numbered(" vcpus=", parameters.vcpus.into());
    numbered(" cpus=", front.machine.cpus.into());
    numbered(" el=", entered_at());
    numbered(" tree=", front.tree as u64);
    let (model, base) = match front.uart {
        Some(Uart {
            base,
            model: Model::Pl011,
        }) => ("pl011", base),
        Some(Uart { base, .. }) => ("ns16550", base),
        None => ("none", 0),
    };
    writer.text(" uart=");
    writer.text(model);
    writer.text("@");
    writer.number(base);
    writer.text(match (front.machine.distributor, front.machine.other_gic) {
        (Some(_), _) => " gic=v3@",
        (None, true) => " gic=other@",
        (None, false) => " gic=none@",
    });
    writer.number(parameters.gicd);
    writer.text(match front.machine.psci {
        Some(Method::Hvc) => " psci=hvc",
        Some(Method::Smc) => " psci=smc",
        None => " psci=none",
    });
    writer.end_line();
}

/// The exception level at which vCPU 0 was entered: bits 3:2 of its first PSTATE.
fn entered_at() -> u64 {
    let word = ptr::with_exposed_provenance::<u64>(place::block(0) as usize + 31 * 8);
    // SAFETY: `boot.s` wrote it, and nobody writes it any more.
    unsafe { ptr::read_volatile(word) >> 2 & 3 }
}

/// Said behind the account where SYSTEM_OFF came back.
pub fn still_here() {
    if let Some(uart) = found::read().uart {
        let words =
            b"vmlock: PSCI SYSTEM_OFF was refused; the account is whole, end this machine\r\n";
        words.iter().for_each(|byte| put(uart, *byte));
        flush(uart);
    }
}

/// PL011 (DDI 0183): data, flags with "transmit FIFO full" and "busy", line control, control.
const DR: u64 = 0x00;
const FR: u64 = 0x18;
const FULL: u64 = 1 << 5;
const BUSY: u64 = 1 << 3;
const LCR_H: u64 = 0x2c;
const CR: u64 = 0x30;
/// 16550: transmit, line status with "holding register empty" and "all sent".
const THR: u64 = 0;
const LSR: u64 = 5;
const EMPTY: u64 = 1 << 5;
const SENT: u64 = 1 << 6;

/// How often a UART is asked whether it has room, before it gets the byte all the same.
const PATIENCE: u32 = 1 << 16;

fn set_up(uart: Uart) {
    if uart.model == Model::Pl011 {
        // 8 bits, FIFOs; transmit and receive.
        probe::write32(uart.base + LCR_H, 0x70);
        probe::write32(uart.base + CR, 0x301);
    }
}

fn put(uart: Uart, byte: u8) {
    match uart.model {
        Model::Pl011 => {
            until(|| register(uart, FR) & FULL == 0);
            probe::write32(uart.base + DR, byte.into());
        }
        Model::Ns16550 { shift, wide } => {
            until(|| register(uart, LSR) & EMPTY != 0);
            let at = uart.base + (THR << shift);
            match wide {
                true => probe::write32(at, byte.into()),
                false => probe::write8(at, byte.into()),
            };
        }
    }
}

fn flush(uart: Uart) {
    match uart.model {
        Model::Pl011 => until(|| register(uart, FR) & BUSY == 0),
        Model::Ns16550 { .. } => until(|| register(uart, LSR) & SENT != 0),
    }
}

fn register(uart: Uart, offset: u64) -> u64 {
    let outcome = match uart.model {
        Model::Pl011 => probe::read32(uart.base + offset),
        Model::Ns16550 { shift, wide: true } => probe::read32(uart.base + (offset << shift)),
        Model::Ns16550 { shift, wide: false } => probe::read8(uart.base + (offset << shift)),
    };
    match outcome {
        Outcome::Value(value) => value,
        Outcome::Exception(_) => 0,
    }
}

fn until(holds: impl Fn() -> bool) {
    for _ in 0..PATIENCE {
        if holds() {
            return;
        }
    }
}
