//! Thirty-two interrupts: what the guest has set of them, and how that reaches
//! the kernel.
//!
//! Userspace access differs from guest access in two places
//! (Documentation/virt/kvm/devices/arm-vgic-v3.rst): ISPENDR holds the pending
//! latches alone and is written as a whole, and ICPENDR does nothing. Both are
//! made up for here.
//!
//! A timer that KVM leaves to the hardware is a third place. Whether its interrupt is
//! active, KVM lets nobody but the guest change (`vgic_hw_irq_change_active`,
//! vgic-mmio.c, 5.10 to 7.3), and a guest whose timer's interrupt stays active never takes
//! it again, as one that is started by kexec out of that very interrupt: what is not done
//! is done once more as the guest. A guest reads as
//! pending what its line is at this moment, whatever is latched (`__read_pending`,
//! arch/arm64/kvm/vgic/vgic-mmio.c, 5.10 to 7.3), while userspace is told the line
//! that the last exit left; so the timer is asked here, too. It is the reader's,
//! whosever the redistributor is (`kvm_arch_timer_get_input_level`,
//! arch/arm64/kvm/arch_timer.c, 5.10 to 7.3). What KVM does not tell of it, the guest
//! reads itself. What else KVM does when a guest writes
//! ISENABLER0, ISPENDR0 or ICPENDR0, it does whenever a vCPU enters KVM_RUN
//! (`kvm_timer_vcpu_load_gic`): it samples the line, and makes the host's interrupt
//! active if it is up. A timer that KVM emulates, as the physical one without
//! VHE, and the PMU have lines that KVM sets before it leaves to userspace:
//! their interrupts are as all others.
//!
//! Priority and route of an interrupt that was never enabled nor active decide
//! nothing: they reach the kernel right before it is. This spares a booting guest
//! most of the stops.

use super::{Access, InKernel, Part, Quick};
use vmlock_saved::hex::{Hex32, Hex64};
use vmlock_saved::state::Interrupts;
use vmlock_spec::lock::Gic;

/// What of its interrupts a register shows or changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aspect {
    /// IGROUPR: one bit each.
    Group,
    /// ISENABLER.
    Enable,
    /// ICENABLER.
    Disable,
    /// ISPENDR.
    Pend,
    /// ICPENDR.
    Unpend,
    /// ISACTIVER.
    Activate,
    /// ICACTIVER.
    Deactivate,
    /// IPRIORITYR: a byte each, of which KVM keeps the upper five bits
    /// (`VGIC_PRI_BITS`).
    Priority,
    /// ICFGR: two bits each, the upper one of which is set for edges.
    Configuration,
    /// IROUTER: 64 bits each, of which KVM keeps Aff2 to Aff0.
    Route,
}

/// Offsets of the first register of each kind; the same in a redistributor's
/// SGI frame (Arm IHI 0069 sections 12.8 and 12.10).
pub(super) const IGROUPR: u32 = 0x80;
pub(super) const ISENABLER: u32 = 0x100;
pub(super) const ICENABLER: u32 = 0x180;
pub(super) const ISPENDR: u32 = 0x200;
pub(super) const ISACTIVER: u32 = 0x300;
pub(super) const ICACTIVER: u32 = 0x380;
pub(super) const IPRIORITYR: u32 = 0x400;
pub(super) const ICFGR: u32 = 0xc00;
pub(super) const IROUTER: u32 = 0x6000;

const PRIORITY: u8 = 0xf8;
const AFFINITY: u32 = 0x00ff_ffff;
const EDGE: u32 = 0xaaaa_aaaa;

/// Thirty-two interrupts.
pub struct Bank {
    part: Part,
    /// Where the frame with these registers begins within the part.
    frame: u32,
    /// The first INTID.
    first: u32,
    /// Whether the lock lets the guest choose groups (revision 2 and later).
    groups: bool,
    /// Whether the guest can choose between level and edge (SPIs).
    configurable: bool,
    group: u32,
    enabled: u32,
    /// Interrupts that may have become active: enabled or activated once.
    touched: u32,
    priority: [u8; 32],
    /// As ICFGR0 and ICFGR1 hold it.
    configuration: [u32; 2],
    route: [u32; 32],
    /// Interrupts whose priority or route the kernel has not been told.
    untold: u32,
}

/// The register with the groups of 32 interrupts.
fn group_name(part: Part, first: u32) -> String {
    match part {
        Part::Distributor => format!("GICD_IGROUPR{}", first / 32),
        Part::Redistributor(_) => "GICR_IGROUPR0".to_owned(),
    }
}

/// The groups that 32 interrupts begin in, by the lock.
fn group(gic: &Gic, part: Part, first: u32) -> u32 {
    gic.value(&group_name(part, first)).unwrap_or(u32::MAX)
}

/// Whether the lock lets the guest choose the groups of 32 interrupts.
pub fn chosen(gic: &Gic, part: Part, first: u32) -> bool {
    let name = group_name(part, first);
    gic.value(&format!("{name}.writable")) == Some(u32::MAX)
}

impl Bank {
    /// The interrupts from `first` on, as the kernel has them.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn new<K: InKernel>(
        gic: &Gic,
        part: Part,
        frame: u32,
        first: u32,
        kernel: &K,
    ) -> Result<Self, K::Error> {
        let word = |offset: u32, index: u32| kernel.read(part, frame + offset + 4 * index);
        let enabled = word(ISENABLER, first / 32)?;
        let mut priority = [0; 32];
        // Those that are enabled decide something already: the SGIs. Of all others the kernel is told before they do.
        let mut untold = u32::MAX;
        for (group, four) in (0..).zip(priority.chunks_exact_mut(4)) {
            let bits = 0xf << (4 * group);
            if enabled & bits != 0 {
                four.copy_from_slice(&word(IPRIORITYR, first / 4 + group)?.to_le_bytes());
                untold &= !bits;
            }
        }
        Ok(Self {
            part,
            frame,
            first,
            groups: chosen(gic, part, first),
            configurable: part == Part::Distributor,
            group: group(gic, part, first),
            enabled,
            touched: enabled,
            priority,
            configuration: [word(ICFGR, first / 16)?, word(ICFGR, first / 16 + 1)?],
            // What KVM has at reset (`kvm_vgic_dist_init`): Aff 0.0.0.
            route: [0; 32],
            untold,
        })
    }

    /// The interrupts from `first` on, as a guest has set them before; the kernel was told all of it.
    pub fn restored(
        gic: &Gic,
        (part, frame, first): (Part, u32, u32),
        interrupts: &Interrupts,
        routes: Option<&[Hex64; 32]>,
    ) -> Self {
        let mut priority = [0; 32];
        for (Hex32(word), four) in interrupts.priority.iter().zip(priority.chunks_exact_mut(4)) {
            four.copy_from_slice(&word.to_le_bytes());
        }
        Self {
            part,
            frame,
            first,
            groups: chosen(gic, part, first),
            configurable: part == Part::Distributor,
            // Where a guest cannot choose them, no file can either.
            group: match chosen(gic, part, first) {
                true => interrupts.group.0,
                false => group(gic, part, first),
            },
            enabled: interrupts.enabled.0,
            touched: interrupts.enabled.0 | interrupts.active.0,
            priority,
            configuration: interrupts.configuration.map(|Hex32(word)| word),
            route: routes.map_or([0; 32], |routes| routes.map(|Hex64(route)| route as u32)),
            untold: 0,
        }
    }

    /// Puts what the guest has set in place of what the kernel has.
    pub fn said(&self, interrupts: &mut Interrupts, routes: Option<&mut [Hex64; 32]>) {
        interrupts.group = Hex32(self.group);
        interrupts.enabled = Hex32(self.enabled);
        interrupts.configuration = self.configuration.map(Hex32);
        for (word, four) in interrupts
            .priority
            .iter_mut()
            .zip(self.priority.chunks_exact(4))
        {
            *word = Hex32(u32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        }
        if let Some(routes) = routes {
            *routes = self.route.map(|route| Hex64(route.into()));
        }
    }

    /// Whether the kernel has every interrupt in group 1, which is where the
    /// guest's own groups begin.
    ///
    /// # Errors
    /// The kernel does not tell.
    pub fn all_in_group_one<K: InKernel>(&self, kernel: &K) -> Result<bool, K::Error> {
        Ok(kernel.read(self.part, self.register(IGROUPR))? == u32::MAX)
    }

    /// Offset of this bank's word of a register with one bit for each interrupt.
    fn register(&self, kind: u32) -> u32 {
        self.frame + kind + self.first / 8
    }

    /// Does an access if that needs no kernel. `at` is the offset of the
    /// access within this bank's registers, in bytes.
    pub fn quick(&mut self, aspect: Aspect, at: u32, width: usize, access: Access) -> Quick {
        match access {
            Access::Read => self.read(aspect, at, width),
            Access::Write(value) => self.write(aspect, at, width, value),
        }
    }

    fn read(&self, aspect: Aspect, at: u32, width: usize) -> Quick {
        Quick::Done(match aspect {
            Aspect::Group => self.group.into(),
            Aspect::Enable | Aspect::Disable => self.enabled.into(),
            Aspect::Pend | Aspect::Unpend => return Quick::Stop,
            Aspect::Activate | Aspect::Deactivate if self.touched == 0 => 0,
            Aspect::Activate | Aspect::Deactivate => return Quick::Stop,
            Aspect::Priority => {
                let bytes = self.priority.iter().skip(at as usize).take(width);
                bytes.rev().fold(0, |all, byte| all << 8 | u64::from(*byte))
            }
            Aspect::Configuration => self.configuration[(at / 4 % 2) as usize].into(),
            // The upper word is zero: no Aff3.
            Aspect::Route if !at.is_multiple_of(8) => 0,
            Aspect::Route => self.route[(at / 8 % 32) as usize].into(),
        })
    }

    fn write(&mut self, aspect: Aspect, at: u32, width: usize, value: u64) -> Quick {
        let word = value as u32;
        let nothing = match aspect {
            // Writing what is there lets the kernel queue what is pending.
            Aspect::Group => !self.groups,
            Aspect::Enable => word == 0,
            Aspect::Disable => word & self.enabled == 0,
            Aspect::Pend | Aspect::Unpend | Aspect::Activate => word == 0,
            Aspect::Deactivate => word & self.touched == 0,
            Aspect::Configuration => {
                !self.configurable
                    || word & EDGE == self.configuration[(at / 4 % 2) as usize] & EDGE
            }
            Aspect::Priority => {
                self.put_priorities(at, width, value);
                let these = ((1u64 << width) - 1) << at;
                self.untold & self.touched & these as u32 == 0
            }
            Aspect::Route if !at.is_multiple_of(8) => true,
            Aspect::Route => {
                let (route, bit) = (&mut self.route[(at / 8 % 32) as usize], 1 << (at / 8 % 32));
                if *route != word & AFFINITY {
                    *route = word & AFFINITY;
                    self.untold |= bit;
                }
                self.untold & self.touched & bit == 0
            }
        };
        if nothing { Quick::Done(0) } else { Quick::Stop }
    }

    fn put_priorities(&mut self, at: u32, width: usize, value: u64) {
        let slots = self.priority.iter_mut().enumerate();
        for ((index, slot), new) in slots.skip(at as usize).take(width).zip(value.to_le_bytes()) {
            if *slot != new & PRIORITY {
                *slot = new & PRIORITY;
                self.untold |= 1 << index;
            }
        }
    }

    /// Does an access that needs the kernel.
    ///
    /// # Errors
    /// The kernel's.
    pub fn stopped<K: InKernel>(
        &mut self,
        aspect: Aspect,
        at: u32,
        access: Access,
        kernel: &K,
    ) -> Result<u64, K::Error> {
        match access {
            Access::Read => self.ask(aspect, kernel).map(u64::from),
            Access::Write(value) => self.tell(aspect, at, value as u32, kernel).map(|()| 0),
        }
    }

    fn ask<K: InKernel>(&self, aspect: Aspect, kernel: &K) -> Result<u32, K::Error> {
        match aspect {
            Aspect::Pend | Aspect::Unpend => {
                let latches = kernel.read(self.part, self.register(ISPENDR))?;
                let lines = kernel.lines(self.part, self.first)?;
                let pending = latches | lines & !self.edges();
                if self.part == Part::Distributor {
                    return Ok(pending);
                }
                let mapped = kernel.mapped()?;
                let raised = match mapped.untold {
                    0 => mapped.raised,
                    untold => {
                        let register = self.register(ISPENDR);
                        let read = kernel.as_guest(self.part, register, Access::Read)?;
                        mapped.raised & !untold | read & untold
                    }
                };
                Ok(pending & !mapped.which | raised)
            }
            _ => kernel.read(self.part, self.register(ISACTIVER)),
        }
    }

    fn tell<K: InKernel>(
        &mut self,
        aspect: Aspect,
        at: u32,
        value: u32,
        kernel: &K,
    ) -> Result<(), K::Error> {
        let put = |kind, value| kernel.write(self.part, self.register(kind), value);
        match aspect {
            Aspect::Group => {
                put(IGROUPR, value)?;
                self.group = value;
            }
            Aspect::Enable => {
                self.tell_the_rest(value, kernel)?;
                kernel.write(self.part, self.register(ISENABLER), value)?;
                self.enabled |= value;
                self.touched |= value;
            }
            Aspect::Disable => {
                put(ICENABLER, value)?;
                self.enabled &= !value;
            }
            Aspect::Pend => self.latch(value, 0, kernel)?,
            Aspect::Unpend => self.latch(0, value, kernel)?,
            Aspect::Activate => {
                // What is active goes where its route says (`vgic_target_oracle`).
                self.tell_the_rest(value, kernel)?;
                self.activity(value, value, kernel)?;
                self.touched |= value;
            }
            Aspect::Deactivate => self.activity(value, 0, kernel)?,
            Aspect::Configuration => {
                let offset = self.frame + ICFGR + self.first / 4 + at / 4 % 2 * 4;
                kernel.write(self.part, offset, value & EDGE)?;
                self.configuration[(at / 4 % 2) as usize] = value & EDGE;
            }
            Aspect::Priority | Aspect::Route => self.tell_the_rest(self.touched, kernel)?,
        }
        Ok(())
    }

    /// Makes interrupts active, all of them, or not active, if none of them is `wanted`.
    fn activity<K: InKernel>(&self, which: u32, wanted: u32, kernel: &K) -> Result<(), K::Error> {
        let kind = if wanted == 0 { ICACTIVER } else { ISACTIVER };
        let register = self.register(kind);
        kernel.write(self.part, register, which)?;
        if self.part == Part::Distributor {
            return Ok(());
        }
        let missed = |which: u32| {
            let active = kernel.read(self.part, self.register(ISACTIVER))?;
            Ok((active ^ wanted) & which)
        };
        let missing = missed(which)?;
        if missing == 0 {
            return Ok(());
        }
        kernel.as_guest(self.part, register, Access::Write(missing.into()))?;
        match missed(missing)? {
            0 => Ok(()),
            missing => Err(kernel.not_done(self.part, register, missing)),
        }
    }

    /// Sets and clears pending latches. All others are written back as they
    /// were, so nobody may set one in between; where nothing is to be set or
    /// cleared, nobody is kept from it.
    fn latch<K: InKernel>(&self, set: u32, clear: u32, kernel: &K) -> Result<(), K::Error> {
        let register = self.register(ISPENDR);
        let changed = |latches: u32| latches & !clear | set;
        let latches = kernel.read(self.part, register)?;
        if set == 0 && changed(latches) == latches {
            return Ok(());
        }
        kernel.quietly(self.first, || {
            let latches = kernel.read(self.part, register)?;
            kernel.write(self.part, register, changed(latches))
        })
    }

    /// Brings the kernel up to date on priorities and routes of these interrupts.
    fn tell_the_rest<K: InKernel>(&mut self, which: u32, kernel: &K) -> Result<(), K::Error> {
        for (group, four) in (0u32..).zip(self.priority.chunks_exact(4)) {
            let bits = 0xf << (4 * group);
            if self.untold & which & bits != 0 {
                let offset = self.frame + IPRIORITYR + self.first + 4 * group;
                let value = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
                kernel.write(self.part, offset, value)?;
            }
        }
        for (index, route) in (0u32..).zip(self.route) {
            if self.untold & which & 1 << index != 0 && self.configurable {
                let offset = self.frame + IROUTER + 8 * (self.first + index);
                kernel.write(self.part, offset, route)?;
            }
        }
        self.untold &= !which;
        Ok(())
    }

    /// Interrupts that are edges.
    fn edges(&self) -> u32 {
        (0..32)
            .filter(|i| self.configuration[i / 16] >> (2 * (i % 16) + 1) & 1 == 1)
            .fold(0, |all, i| all | 1 << i)
    }
}
