//! An interrupt controller as its guest has set it, with the interrupts that are under way: read of a machine at rest,
//! given to one that has not run.
//!
//! What only userspace sees (pending latches, input lines, the CPU interface) comes from the kernel, and so does all else
//! where the kernel answers the guest itself. Where the runner does, its copies are what the guest has set
//! ([`Frames::said`](super::Frames::said)). It all goes into the kernel in one order, whoever will answer then. It has to be there before a
//! vCPU first enters KVM_RUN, be it with `immediate_exit`: from then on KVM ignores what userspace says of whether a timer's
//! interrupt is active (`kvm_timer_enable`, arch/arm64/kvm/arch_timer.c, 5.10 to 7.3).
//!
//! The lines of private interrupts are those of timers and PMU, which KVM raises itself once a vCPU runs.

use super::Part;
use super::bank::{
    ICACTIVER, ICENABLER, ICFGR, IGROUPR, IPRIORITYR, IROUTER, ISACTIVER, ISENABLER, ISPENDR,
    chosen,
};
use super::frame::{CTLR, ENABLE_GROUP_1};
use super::table::SGI_FRAME;
use vmlock_saved::hex::{Hex32, Hex64};
use vmlock_saved::state::{Gic as View, Interrupts, Redistributor, Shared};
use vmlock_spec::lock::Gic;

const PROPBASER: u32 = 0x70;
const PENDBASER: u32 = 0x78;

/// How a guest names a register of its CPU interface (op0, op1, CRn, CRm, op2; Arm IHI 0069 section 12.2).
const fn system(crm: u16, op2: u16) -> u16 {
    3 << 14 | 12 << 7 | crm << 3 | op2
}
/// ICC_PMR_EL1 alone has CRn 4.
const PMR: u16 = 3 << 14 | 4 << 7 | 6 << 3;
const CONTROL: u16 = system(12, 4);
/// ICC_CTLR_EL1.PRIbits and IDbits.
const WIDTHS: u64 = 7 << 8 | 7 << 11;

/// Registers of a CPU interface in the order in which they are written; and whether they are.
const INTERFACE: [(&str, u16, bool); 15] = [
    // KVM has one value, and takes no other.
    ("ICC_SRE_EL1", system(12, 5), false),
    ("ICC_CTLR_EL1", CONTROL, true),
    ("ICC_PMR_EL1", PMR, true),
    ("ICC_BPR0_EL1", system(8, 3), true),
    ("ICC_BPR1_EL1", system(12, 3), true),
    ("ICC_AP0R0_EL1", system(8, 4), true),
    ("ICC_AP0R1_EL1", system(8, 5), true),
    ("ICC_AP0R2_EL1", system(8, 6), true),
    ("ICC_AP0R3_EL1", system(8, 7), true),
    ("ICC_AP1R0_EL1", system(9, 0), true),
    ("ICC_AP1R1_EL1", system(9, 1), true),
    ("ICC_AP1R2_EL1", system(9, 2), true),
    ("ICC_AP1R3_EL1", system(9, 3), true),
    ("ICC_IGRPEN0_EL1", system(12, 6), true),
    ("ICC_IGRPEN1_EL1", system(12, 7), true),
];

/// The registers that an interface has: ICC_CTLR_EL1.PRIbits says how many words of active priorities.
fn interface(control: u64) -> impl Iterator<Item = (&'static str, u16, bool)> {
    let bits = (control >> 8 & 7) + 1;
    let words = 1u16 << bits.saturating_sub(5).min(2);
    let there = move |(_, register, _): &(&str, u16, bool)| match *register {
        register if register >= system(8, 4) && register <= system(8, 7) => {
            register - system(8, 4) < words
        }
        register if register >= system(9, 0) && register <= system(9, 3) => {
            register - system(9, 0) < words
        }
        _ => true,
    };
    INTERFACE.into_iter().filter(there)
}

/// All of the in-kernel interrupt controller that userspace has, while no vCPU is in the guest.
pub trait InKernel {
    /// Why an access failed.
    type Error;
    /// Reads 32 bits.
    fn read(&self, part: Part, offset: u32) -> Result<u32, Self::Error>;
    /// Writes 32 bits.
    fn write(&self, part: Part, offset: u32, value: u32) -> Result<(), Self::Error>;
    /// The input lines of the 32 interrupts from `first` on.
    fn lines(&self, part: Part, first: u32) -> Result<u32, Self::Error>;
    /// Sets them.
    fn set_lines(&self, part: Part, first: u32, levels: u32) -> Result<(), Self::Error>;
    /// A register of a vCPU's CPU interface.
    fn interface(&self, vcpu: usize, register: u16) -> Result<u64, Self::Error>;
    /// Writes one.
    fn set_interface(&self, vcpu: usize, register: u16, value: u64) -> Result<(), Self::Error>;
}

/// Where 32 interrupts are in the kernel.
#[derive(Clone, Copy)]
struct Place {
    part: Part,
    frame: u32,
    first: u32,
}

impl Place {
    fn shared(first: u32) -> Self {
        Self {
            part: Part::Distributor,
            frame: 0,
            first,
        }
    }

    fn private(vcpu: usize) -> Self {
        Self {
            part: Part::Redistributor(vcpu),
            frame: SGI_FRAME,
            first: 0,
        }
    }

    fn bits(self, kind: u32) -> u32 {
        self.frame + kind + self.first / 8
    }

    fn read<K: InKernel>(self, kernel: &K) -> Result<Interrupts, K::Error> {
        let word = |offset: u32| kernel.read(self.part, offset).map(Hex32);
        let mut interrupts = Interrupts {
            group: word(self.bits(IGROUPR))?,
            enabled: word(self.bits(ISENABLER))?,
            pending: word(self.bits(ISPENDR))?,
            active: word(self.bits(ISACTIVER))?,
            level: Hex32(kernel.lines(self.part, self.first)?),
            ..Interrupts::default()
        };
        for (at, two) in (0..).step_by(4).zip(&mut interrupts.configuration) {
            *two = word(self.frame + ICFGR + self.first / 4 + at)?;
        }
        for (at, four) in (0..).step_by(4).zip(&mut interrupts.priority) {
            *four = word(self.frame + IPRIORITYR + self.first + at)?;
        }
        Ok(interrupts)
    }

    /// `groups`: whether the guest chooses them; else they stay as the kernel has them.
    fn write<K: InKernel>(
        self,
        interrupts: &Interrupts,
        routes: Option<&[Hex64; 32]>,
        groups: bool,
        kernel: &K,
    ) -> Result<(), K::Error> {
        let put = |kind, Hex32(value): Hex32| kernel.write(self.part, self.bits(kind), value);
        if groups {
            put(IGROUPR, interrupts.group)?;
        }
        for (at, Hex32(two)) in (0..).step_by(4).zip(interrupts.configuration) {
            kernel.write(self.part, self.frame + ICFGR + self.first / 4 + at, two)?;
        }
        for (at, Hex32(four)) in (0..).step_by(4).zip(interrupts.priority) {
            kernel.write(self.part, self.frame + IPRIORITYR + self.first + at, four)?;
        }
        for (at, Hex64(route)) in (0..).step_by(8).zip(routes.into_iter().flatten()) {
            // The upper word is zero: no Aff3.
            kernel.write(self.part, IROUTER + 8 * self.first + at, *route as u32)?;
        }
        put(ICENABLER, Hex32(!interrupts.enabled.0))?;
        put(ISENABLER, interrupts.enabled)?;
        if routes.is_some() {
            kernel.set_lines(self.part, self.first, interrupts.level.0)?;
        }
        put(ISPENDR, interrupts.pending)?;
        put(ICACTIVER, Hex32(!interrupts.active.0))?;
        put(ISACTIVER, interrupts.active)
    }
}

fn long<K: InKernel>(kernel: &K, part: Part, offset: u32) -> Result<Hex64, K::Error> {
    let (low, high) = (kernel.read(part, offset)?, kernel.read(part, offset + 4)?);
    Ok(Hex64(u64::from(high) << 32 | u64::from(low)))
}

/// What the kernel has, of a machine with so many vCPUs.
///
/// # Errors
/// The kernel's.
pub fn read<K: InKernel>(gic: &Gic, vcpus: usize, kernel: &K) -> Result<View, K::Error> {
    let mut shared = Vec::new();
    for first in (32..gic.interrupts).step_by(32) {
        let mut routes = [Hex64(0); 32];
        for (at, route) in (0..).step_by(8).zip(&mut routes) {
            let offset = IROUTER + 8 * first + at;
            *route = Hex64(kernel.read(Part::Distributor, offset)?.into());
        }
        let interrupts = Place::shared(first).read(kernel)?;
        shared.push(Shared { interrupts, routes });
    }
    let mut redistributors = Vec::new();
    for vcpu in 0..vcpus {
        let part = Part::Redistributor(vcpu);
        let control = kernel.interface(vcpu, CONTROL)?;
        let registers = interface(control).map(|(name, register, _)| {
            Ok((name.to_owned(), Hex64(kernel.interface(vcpu, register)?)))
        });
        redistributors.push(Redistributor {
            control: Hex32(kernel.read(part, CTLR)?),
            properties: long(kernel, part, PROPBASER)?,
            pending_table: long(kernel, part, PENDBASER)?,
            private: Place::private(vcpu).read(kernel)?,
            interface: registers.collect::<Result<_, K::Error>>()?,
        });
    }
    let control = kernel.read(Part::Distributor, CTLR)? & ENABLE_GROUP_1;
    Ok(View {
        control: Hex32(control),
        shared,
        redistributors,
    })
}

/// The first vCPU whose CPU interface in the kernel has other numbers of bits of priorities or INTIDs. Written, the kernel
/// would take lower ones in silence, and fewer words of active priorities with them.
///
/// # Errors
/// The kernel's.
pub fn other_width<K: InKernel>(view: &View, kernel: &K) -> Result<Option<usize>, K::Error> {
    for (vcpu, one) in view.redistributors.iter().enumerate() {
        let saved = one.interface.get("ICC_CTLR_EL1").map_or(0, |saved| saved.0);
        if (kernel.interface(vcpu, CONTROL)? ^ saved) & WIDTHS != 0 {
            return Ok(Some(vcpu));
        }
    }
    Ok(None)
}

/// Gives it to the kernel. No vCPU has been entered.
///
/// Whether the distributor forwards comes first: what becomes pending while it does not is queued nowhere, and KVM does not
/// look again once it does (`vgic_target_oracle` and `vgic_mmio_uaccess_write_v3_misc`, arch/arm64/kvm/vgic/, 5.10 to 7.3).
///
/// # Errors
/// The kernel's.
pub fn write<K: InKernel>(gic: &Gic, view: &View, kernel: &K) -> Result<(), K::Error> {
    kernel.write(Part::Distributor, CTLR, view.control.0 & ENABLE_GROUP_1)?;
    for (vcpu, one) in view.redistributors.iter().enumerate() {
        let place = Place::private(vcpu);
        for (offset, Hex64(value)) in [(PROPBASER, one.properties), (PENDBASER, one.pending_table)]
        {
            // Zero is what it begins with, and nothing that could be written.
            if long(kernel, place.part, offset)?.0 == value {
                continue;
            }
            kernel.write(place.part, offset, value as u32)?;
            kernel.write(place.part, offset + 4, (value >> 32) as u32)?;
        }
        let groups = chosen(gic, place.part, 0);
        place.write(&one.private, None, groups, kernel)?;
    }
    for (first, Shared { interrupts, routes }) in (32..gic.interrupts).step_by(32).zip(&view.shared)
    {
        let groups = chosen(gic, Part::Distributor, first);
        Place::shared(first).write(interrupts, Some(routes), groups, kernel)?;
    }
    for (vcpu, one) in view.redistributors.iter().enumerate() {
        let control = kernel.interface(vcpu, CONTROL)?;
        for (name, register, _) in interface(control).filter(|(.., written)| *written) {
            if let Some(Hex64(value)) = one.interface.get(name) {
                kernel.set_interface(vcpu, register, *value)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use vmlock_spec::lock::canonical;

    /// Keeps what is done to it, in order: writes of the distributor, and what may make an interrupt pending.
    #[derive(Default)]
    struct Order(RefCell<Vec<&'static str>>);

    impl InKernel for Order {
        type Error = String;

        fn read(&self, part: Part, offset: u32) -> Result<u32, String> {
            Ok(match (part, offset) {
                (Part::Distributor, CTLR) => ENABLE_GROUP_1,
                _ => 0,
            })
        }

        fn write(&self, part: Part, offset: u32, _: u32) -> Result<(), String> {
            let what = match (part, offset & 0xffff) {
                (Part::Distributor, CTLR) => "forwards",
                (_, ISPENDR..0x280) => "pending",
                _ => return Ok(()),
            };
            self.0.borrow_mut().push(what);
            Ok(())
        }

        fn lines(&self, _: Part, _: u32) -> Result<u32, String> {
            Ok(0)
        }

        fn set_lines(&self, _: Part, _: u32, _: u32) -> Result<(), String> {
            self.0.borrow_mut().push("pending");
            Ok(())
        }

        fn interface(&self, _: usize, _: u16) -> Result<u64, String> {
            Ok(0)
        }

        fn set_interface(&self, _: usize, _: u16, _: u64) -> Result<(), String> {
            Ok(())
        }
    }

    /// KVM would queue none of them.
    #[test]
    fn nothing_becomes_pending_before_the_distributor_forwards() {
        let text = include_str!("../../../examples/modern.vm.lock.json");
        let lock = canonical::parse(text).expect("the example is a lock");
        let kernel = Order::default();
        let view = read(&lock.gic, 2, &kernel).unwrap();
        write(&lock.gic, &view, &kernel).unwrap();
        let order = kernel.0.into_inner();
        assert_eq!(order.first(), Some(&"forwards"));
        assert_eq!(order.iter().filter(|what| **what == "forwards").count(), 1);
        assert!(order.len() > 3);
    }
}
