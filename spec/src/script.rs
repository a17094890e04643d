//! A plan as calls of KVM's, in their order, and all that can be read back of the machine, judged: for a virtual machine
//! monitor that has nothing of its own to answer with.
//!
//! Numbers are those of Linux's include/uapi/linux/kvm.h and arch/arm64/include/uapi/asm/kvm.h, which never change.

use crate::catalogue::{register_by_id, register_by_name};
use crate::lock::reset::begun;
use crate::lock::{Lock, PhysicalCounter, Range, VirtualCounter};
use crate::machine::REDISTRIBUTOR_SIZE;
use crate::plan::{Orders, Owed, Phase, Step, frames};
use std::fmt;
use std::ops::RangeInclusive;

/// `KVM_CAP_ARM_WRITABLE_IMP_ID_REGS`.
const IDENTITY: u32 = 239;
/// `KVM_DEV_TYPE_ARM_VGIC_V3`, and where that is among the devices.
const VGIC_V3: u32 = 7;
const GIC: Owner = Owner::Device(0);
/// `KVM_ARM_VCPU_POWER_OFF` and `KVM_ARM_VCPU_PSCI_0_2`, as bits of `kvm_vcpu_init.features`.
const POWER_OFF: u32 = 1 << 0;
const PSCI: u32 = 1 << 2;
/// `KVM_DEV_ARM_VGIC_GRP_ADDR`, `_DIST_REGS`, `_NR_IRQS`, `_CTRL` and `_REDIST_REGS`.
const ADDRESS: u32 = 0;
const DISTRIBUTOR: u32 = 1;
const INTERRUPTS: u32 = 3;
const CONTROL: u32 = 4;
const REDISTRIBUTOR: u32 = 5;
/// `KVM_VGIC_V3_ADDR_TYPE_DIST` and `KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION`.
const OF_DISTRIBUTOR: u64 = 2;
const OF_REGION: u64 = 5;
/// Where the address is in what KVM says of a region (`KVM_VGIC_V3_RDIST_BASE_MASK`, arch/arm64/kvm/vgic/vgic.h, 5.10 to 7.3).
pub const REGION: u64 = 0x000f_ffff_ffff_0000;
/// `KVM_DEV_ARM_VGIC_CTRL_INIT`.
const INIT: u64 = 0;
/// GICD_IIDR (Arm IHI 0069 section 12.9).
const IIDR: u64 = 0x8;
/// `KVM_ARM_VCPU_TIMER_CTRL`, with `KVM_ARM_VCPU_TIMER_IRQ_VTIMER` and `_PTIMER`.
const TIMERS: u32 = 1;
const VIRTUAL_TIMER: u64 = 0;
const PHYSICAL_TIMER: u64 = 1;
/// `KVM_SET_DEVICE_ATTR` and `KVM_GET_DEVICE_ATTR`: `_IOW` of `KVMIO` with this number and the 24 bytes of `kvm_device_attr`.
const KVM_SET_DEVICE_ATTR: u64 = 1 << 30 | 24 << 16 | 0xae << 8 | 0xe1;
const KVM_GET_DEVICE_ATTR: u64 = 1 << 30 | 24 << 16 | 0xae << 8 | 0xe2;
/// KVM register ids of the counters (`KVM_REG_ARM_TIMER_CNT`, `KVM_REG_ARM_PTIMER_CNT`).
const CNTVCT: u64 = 0x6030_0000_0013_df1a;
const CNTPCT: u64 = 0x6030_0000_0013_df01;

/// A region of redistributors as KVM is told of it: their count in bits 63 to 52, its address in 51 to 16, its index in 11 to 0
/// (Documentation/virt/kvm/devices/arm-vgic-v3.rst).
pub const fn region(index: u64, region: &Range) -> u64 {
    (region.size / REDISTRIBUTOR_SIZE) << 52 | region.base | index
}

/// The vCPU with that MPIDR_EL1 in an attribute of an interrupt controller: Aff3.Aff2.Aff1.Aff0 as one 32-bit number, in the
/// upper half (the same document).
pub const fn affinity(mpidr: u64) -> u64 {
    (mpidr >> 8 & 0xff00_0000 | mpidr & 0x00ff_ffff) << 32
}

/// What a counter that began at some time between two of the host's counter shows, read between two others.
pub const fn counted(began: (u64, u64), read: (u64, u64)) -> RangeInclusive<u64> {
    read.0.wrapping_sub(began.1)..=read.1.wrapping_sub(began.0)
}

/// Who has an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The device with this index, in the order in which they were created: the interrupt controller is the first.
    Device(usize),
    /// The vCPU with this index.
    Vcpu(usize),
}

/// The value of an attribute.
#[derive(Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Is set to this.
    Set(u64),
    /// Is asked for: KVM may read what is here, and leaves its answer.
    Get(&'a mut u64),
}

impl Value<'_> {
    /// The number of the request, and what `addr` of its `kvm_device_attr` points to: of these attributes KVM reads and
    /// writes at most 64 bits, from the lowest on.
    pub fn request(&mut self) -> (u64, &mut u64) {
        match self {
            Self::Set(value) => (KVM_SET_DEVICE_ATTR, value),
            Self::Get(value) => (KVM_GET_DEVICE_ATTR, value),
        }
    }
}

/// One call, once there is a VM with the lock's address bits. Whoever makes them matches all of them: one that falls into a
/// last arm is a promise that nobody keeps.
#[derive(Debug, PartialEq, Eq)]
pub enum Call<'a> {
    /// `KVM_ENABLE_CAP` of the VM.
    Capability(u32),
    /// `KVM_CREATE_VCPU` with the index, which is that of this machine's vCPUs too.
    Vcpu(u64),
    /// `KVM_CREATE_DEVICE` of this type.
    Device(u32),
    /// `KVM_ARM_VCPU_INIT` of that vCPU, with the preferred target and these bits of `features[0]`.
    Init(usize, u32),
    /// `KVM_SET_ONE_REG` of that vCPU: the register's id, and its value, of which it has the lowest bytes.
    Set(usize, u64, u64),
    /// `KVM_GET_ONE_REG` of that vCPU: the register's id, and as many bytes as it has.
    Get(usize, u64, &'a mut [u8]),
    /// `KVM_GET_REG_LIST` of that vCPU: all ids are added.
    List(usize, &'a mut Vec<u64>),
    /// `KVM_SET_DEVICE_ATTR` or `KVM_GET_DEVICE_ATTR` ([`Value::request`]): of whom, group, attribute, value.
    Attribute(Owner, u32, u64, Value<'a>),
    /// `KVM_RUN` of that vCPU with `immediate_exit`, which finalises it and comes back (EINTR) before its first instruction.
    Enter(usize),
    /// No call of KVM's: the host's counter now (CNTVCT_EL0, behind an ISB).
    Counter(&'a mut u64),
}

/// The calls that make a machine of a lock and carry out its orders.
#[derive(Debug, PartialEq, Eq)]
pub struct Script<'a> {
    lock: &'a Lock,
    orders: Orders,
    calls: Vec<Call<'static>>,
}

/// A machine to which a whole script was told, and of which nothing is known yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told<'a> {
    lock: &'a Lock,
    orders: Orders,
    /// The host's counter when there was no vCPU yet, and when the last one was there: where a guest's begins.
    created: (u64, u64),
}

/// A call that was not made, and why: nothing comes of such a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failed<E> {
    /// The call, in words.
    pub call: String,
    /// The machine's own error.
    pub error: E,
}

/// What was read, and what of it is otherwise than the lock says. There is none of a machine that was not read.
#[must_use]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Judged {
    /// How many values were held against the lock.
    pub read: usize,
    /// All that is not as it should be, in words.
    pub different: Vec<String>,
}

impl<'a> Script<'a> {
    /// The script for guests without vCPU features: their vCPUs and their interrupt controller. Memory and devices are the
    /// monitor's, with all that the lock says of them.
    ///
    /// # Errors
    /// What cannot be told or read back so, in words: nothing of a plan can be left out.
    pub fn new(lock: &'a Lock, orders: Orders) -> Result<Self, String> {
        let calls = calls(lock, &orders)?;
        Ok(Self {
            lock,
            orders,
            calls,
        })
    }

    /// With how many bits of address `KVM_CREATE_VM` is called, before all of these calls.
    pub const fn address_bits(&self) -> u32 {
        self.lock.machine.address_bits
    }

    /// The calls, in their order.
    pub fn calls(&self) -> &[Call<'static>] {
        &self.calls
    }

    /// Makes all of them.
    ///
    /// # Errors
    /// The first call that KVM does not take, with the machine's error: nothing is made of such a machine.
    pub fn carry_out<E>(
        self,
        machine: &mut impl FnMut(Call<'_>) -> Result<(), E>,
    ) -> Result<Told<'a>, Failed<E>> {
        let mut machine = Asked(machine);
        let before = machine.counter()?;
        let mut created = (before, before);
        for call in self.calls {
            let is_vcpu = matches!(call, Call::Vcpu(_));
            machine.make(call)?;
            if is_vcpu {
                created.1 = machine.counter()?;
            }
        }
        Ok(Told {
            lock: self.lock,
            orders: self.orders,
            created,
        })
    }
}

fn calls(lock: &Lock, orders: &Orders) -> Result<Vec<Call<'static>>, String> {
    if !lock.features.is_empty() || !orders.only_inside.is_empty() {
        return Err(
            "only guests without vCPU features, of which KVM tells all, are made so".to_owned(),
        );
    }
    let vcpus = lock.machine.vcpus.len();
    let mut calls = Vec::new();
    for phase in Phase::ALL {
        // What is no step of the plan.
        match phase {
            Phase::Vm | Phase::Devices => {}
            Phase::Features => populate(lock, &mut calls),
            Phase::Registers => {
                let mpidr = register_by_name("MPIDR_EL1").map(|info| info.id);
                for (vcpu, cpu) in lock.machine.vcpus.iter().enumerate() {
                    calls.extend(mpidr.map(|id| Call::Set(vcpu, id, cpu.mpidr)));
                }
            }
            // KVM keeps them for the whole VM.
            Phase::Calls => calls.extend(timers(lock).map(|(attr, line)| {
                Call::Attribute(Owner::Vcpu(0), TIMERS, attr, Value::Set(line.into()))
            })),
            Phase::Interrupts => calls.push(Call::Attribute(GIC, CONTROL, INIT, Value::Set(0))),
        }
        for step in orders.steps.iter().filter(|step| step.phase() == phase) {
            match step {
                Step::Identity => calls.push(Call::Capability(IDENTITY)),
                // KVM keeps most registers per VM, older kernels some of them per vCPU: every vCPU is told.
                Step::Register { id, value } | Step::Reset { id, value } => {
                    calls.extend((0..vcpus).map(|vcpu| Call::Set(vcpu, *id, *value)));
                }
                Step::IidrRevision(revision) => {
                    let others = lock.gic.value("GICD_IIDR").unwrap_or(0) & !(0xf << 12);
                    let value = others | u32::from(*revision) << 12;
                    let value = Value::Set(value.into());
                    calls.push(Call::Attribute(GIC, DISTRIBUTOR, IIDR, value));
                }
                // Of features that are not made here; of filters, which cannot be read back; of who answers in the kernel's
                // place.
                Step::VectorLengths(_)
                | Step::StolenTime(_)
                | Step::DenyEvents(_)
                | Step::Deny(_)
                | Step::Forward(_)
                | Step::ForwardRanges(_)
                | Step::Leave { .. }
                | Step::Distributor => return Err(format!("{step:?} is not carried out here")),
            }
        }
    }
    calls.extend((0..vcpus).map(Call::Enter));
    Ok(calls)
}

/// vCPUs that are all alike, and an interrupt controller that has its place and its size.
fn populate(lock: &Lock, calls: &mut Vec<Call<'static>>) {
    let machine = &lock.machine;
    let vcpus = machine.vcpus.len();
    calls.extend((0..vcpus as u64).map(Call::Vcpu));
    calls.push(Call::Device(VGIC_V3));
    let mut gic = |group: u32, attr: u64, value: u64| {
        calls.push(Call::Attribute(GIC, group, attr, Value::Set(value)));
    };
    gic(ADDRESS, OF_DISTRIBUTOR, machine.distributor.base);
    for (index, range) in (0u64..).zip(&machine.redistributors) {
        gic(ADDRESS, OF_REGION, region(index, range));
    }
    gic(INTERRUPTS, 0, lock.gic.interrupts.into());
    // All but the first wait for CPU_ON.
    let power = |vcpu: usize| if vcpu == 0 { 0 } else { POWER_OFF };
    calls.extend((0..vcpus).map(|vcpu| Call::Init(vcpu, PSCI | power(vcpu))));
}

/// The timers as attributes of a vCPU, each with its interrupt.
fn timers(lock: &Lock) -> impl Iterator<Item = (u64, u32)> {
    let lines = &lock.machine.private_interrupts;
    [
        (VIRTUAL_TIMER, lines.virtual_timer),
        (PHYSICAL_TIMER, lines.physical_timer),
    ]
    .into_iter()
}

/// Bytes of a register, by its id (`KVM_REG_SIZE_MASK`).
const fn size(id: u64) -> usize {
    1 << (id >> 52 & 0xf)
}

/// A machine that is asked: whoever makes calls.
struct Asked<'a, M>(&'a mut M);

impl<E, M: FnMut(Call<'_>) -> Result<(), E>> Asked<'_, M> {
    fn make(&mut self, call: Call<'_>) -> Result<(), Failed<E>> {
        let words = call.to_string();
        (self.0)(call).map_err(|error| Failed { call: words, error })
    }

    fn counter(&mut self) -> Result<u64, Failed<E>> {
        let mut ticks = 0;
        self.make(Call::Counter(&mut ticks)).map(|()| ticks)
    }

    fn listed(&mut self, vcpu: usize) -> Result<Vec<u64>, Failed<E>> {
        let mut ids = Vec::new();
        self.make(Call::List(vcpu, &mut ids)).map(|()| ids)
    }

    fn bytes(&mut self, vcpu: usize, id: u64) -> Result<Vec<u8>, Failed<E>> {
        let mut bytes = vec![0; size(id)];
        self.make(Call::Get(vcpu, id, &mut bytes)).map(|()| bytes)
    }

    /// A register of at most 64 bits.
    fn register(&mut self, vcpu: usize, id: u64) -> Result<u64, Failed<E>> {
        let bytes = self.bytes(vcpu, id)?;
        let low = bytes.iter().take(8).rev();
        Ok(low.fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    /// An attribute, for which KVM is asked with a number.
    fn attribute(
        &mut self,
        of: Owner,
        group: u32,
        attr: u64,
        mut value: u64,
    ) -> Result<u64, Failed<E>> {
        let place = Value::Get(&mut value);
        let call = Call::Attribute(of, group, attr, place);
        self.make(call).map(|()| value)
    }
}

impl Told<'_> {
    /// Reads everything of the machine that can be read, on every vCPU, and holds it against the lock. What only a guest can
    /// see is for a witness.
    ///
    /// # Errors
    /// The first call that is not answered: one value that is not there to be read leaves all of it unjudged.
    pub fn read_back<E>(
        &self,
        machine: &mut impl FnMut(Call<'_>) -> Result<(), E>,
    ) -> Result<Judged, Failed<E>> {
        let mut judged = Judged {
            read: 0,
            different: Vec::new(),
        };
        let mut machine = Asked(machine);
        for vcpu in 0..self.lock.machine.vcpus.len() {
            self.read_vcpu(vcpu, &mut machine, &mut judged)?;
        }
        for frame in frames(self.lock) {
            let (group, place) = match frame.vcpu.map(|vcpu| vcpu.mpidr) {
                None => (DISTRIBUTOR, 0),
                Some(mpidr) => (REDISTRIBUTOR, affinity(mpidr)),
            };
            let read = machine.attribute(GIC, group, place | u64::from(frame.offset), 0)?;
            judged.hold(frame.name, frame.value.into(), read, frame.mask.into());
        }
        let at = machine.attribute(GIC, ADDRESS, OF_DISTRIBUTOR, 0)?;
        let promised = self.lock.machine.distributor.base;
        judged.hold("the distributor's address", promised, at, u64::MAX);
        for (index, region) in (0..).zip(&self.lock.machine.redistributors) {
            let at = machine.attribute(GIC, ADDRESS, OF_REGION, index)?;
            judged.hold("a redistributor's address", region.base, at, REGION);
        }
        Ok(judged)
    }

    /// Everything that can be read of one vCPU.
    fn read_vcpu<E>(
        &self,
        vcpu: usize,
        machine: &mut Asked<'_, impl FnMut(Call<'_>) -> Result<(), E>>,
        judged: &mut Judged,
    ) -> Result<(), Failed<E>> {
        let (lock, orders, created) = (self.lock, &self.orders, self.created);
        let listed = machine.listed(vcpu)?;
        for id in orders.read_back.iter().filter(|id| !listed.contains(id)) {
            judged.lacks(format!("{id:#018x}, which KVM listed"));
        }
        let mut get = |id: u64| machine.register(vcpu, id);
        for id in listed.iter().copied() {
            match orders.owed(lock, id) {
                Owed::Locked(entry) if entry.promised() == 0 => {}
                Owed::Locked(entry) => {
                    judged.hold(&entry.name, entry.value, get(id)?, entry.promised())
                }
                Owed::Neutral(info, value) => judged.hold(&info.name, value, get(id)?, u64::MAX),
                Owed::Affinity => {
                    let promised = lock.machine.vcpus[vcpu].mpidr;
                    judged.hold("MPIDR_EL1", promised, get(id)?, u64::MAX);
                }
                Owed::NotThere => judged.lacks(format!("what makes {id:#018x} harmless")),
                // There is no script of orders with these two.
                Owed::Left(entry, _) | Owed::OnlyInside(entry) => {
                    judged.lacks(format!("who tells {} from inside", entry.name));
                }
                Owed::Nothing => {}
            }
        }
        for begun in begun(lock) {
            let (id, name) = (begun.info.id, begun.name());
            match listed.contains(&id) {
                true if begun.is_narrow() => {
                    let read = machine.register(vcpu, id)?;
                    judged.hold(&name, begun.value, read, begun.told);
                }
                true => {
                    let bytes = machine.bytes(vcpu, id)?;
                    let zeroes = bytes.iter().filter(|byte| **byte == 0).count();
                    judged.hold(&name, size(id) as u64, zeroes as u64, u64::MAX);
                }
                // What a guest reads of it, a witness tells.
                false if begun.fact().is_some() => {}
                false => judged.lacks(name),
            }
        }
        for (attr, interrupt) in timers(lock) {
            let read = machine.attribute(Owner::Vcpu(vcpu), TIMERS, attr, 0)?;
            judged.hold("a timer's interrupt", interrupt.into(), read, u64::MAX);
        }
        let mut counts = |id: u64, from: (u64, u64)| {
            let (before, read, after) = (
                machine.counter()?,
                machine.register(vcpu, id)?,
                machine.counter()?,
            );
            let counts = counted(from, (before, after)).contains(&read);
            let what = "whether a counter counts from where it should";
            judged.hold(what, 1, counts.into(), 1);
            Ok::<(), Failed<E>>(())
        };
        match lock.counters.virtual_counter {
            VirtualCounter::ZeroAtCreation => counts(CNTVCT, created)?,
        }
        match lock.counters.physical_counter {
            // Kernels before 6.4 do not list it, and give it no offset.
            PhysicalCounter::Host if !listed.contains(&CNTPCT) => {}
            PhysicalCounter::Host => counts(CNTPCT, (0, 0))?,
        }
        Ok(())
    }
}

impl Judged {
    /// Holds the bits of a mask against the lock; without one nothing is held, and nothing counted.
    fn hold(&mut self, what: &str, wanted: u64, read: u64, mask: u64) {
        if mask == 0 {
            return;
        }
        self.read += 1;
        if (read ^ wanted) & mask != 0 {
            let words = format!("different: {what} is {read:#x} and not {wanted:#x}");
            self.different.push(words);
        }
    }

    fn lacks(&mut self, what: String) {
        self.different.push(format!("missing: {what}"));
    }
}

/// A line for all that is as the lock says, or one for each thing that is not.
impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.different.is_empty() {
            // What KVM tells of a machine is not all that a guest finds there.
            true => write!(
                f,
                "read back: {} values of vCPUs and interrupt controller, as the lock says; memory, devices and what only a guest can see are not judged",
                self.read
            ),
            false => f.write_str(&self.different.join("\n")),
        }
    }
}

/// The request, and what it is about.
impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |id: u64| match register_by_id(id) {
            Some(info) => info.name.to_string(),
            None => format!("an unknown register ({id:#018x})"),
        };
        match self {
            Self::Capability(number) => write!(f, "KVM_ENABLE_CAP: capability {number}"),
            Self::Vcpu(index) => write!(f, "KVM_CREATE_VCPU: vCPU {index}"),
            Self::Device(kind) => write!(f, "KVM_CREATE_DEVICE: type {kind}"),
            Self::Init(vcpu, _) => write!(f, "KVM_ARM_VCPU_INIT: vCPU {vcpu}"),
            Self::Set(vcpu, id, value) => {
                let name = name(*id);
                write!(f, "KVM_SET_ONE_REG: {name} of vCPU {vcpu} to {value:#x}")
            }
            Self::Get(vcpu, id, _) => write!(f, "KVM_GET_ONE_REG: {} of vCPU {vcpu}", name(*id)),
            Self::List(vcpu, _) => write!(f, "KVM_GET_REG_LIST: vCPU {vcpu}"),
            Self::Attribute(of, group, attr, value) => {
                let request = match value {
                    Value::Set(_) => "KVM_SET_DEVICE_ATTR",
                    Value::Get(_) => "KVM_GET_DEVICE_ATTR",
                };
                write!(f, "{request}: ")?;
                match (of, *group, *attr) {
                    (Owner::Device(_), ADDRESS, OF_DISTRIBUTOR) => {
                        f.write_str("the distributor's address")
                    }
                    (Owner::Device(_), ADDRESS, OF_REGION) => {
                        f.write_str("the address of a region of redistributors")
                    }
                    (Owner::Device(_), DISTRIBUTOR, IIDR) => f.write_str("GICD_IIDR"),
                    (Owner::Device(_), DISTRIBUTOR, offset) => {
                        write!(f, "the distributor's register at {offset:#x}")
                    }
                    (Owner::Device(_), REDISTRIBUTOR, place) => {
                        let (affinity, offset) = (place >> 32, place & 0xffff_ffff);
                        write!(
                            f,
                            "a redistributor's register at {offset:#x}, of the vCPU with affinity {affinity:#x}"
                        )
                    }
                    (Owner::Device(_), INTERRUPTS, _) => f.write_str("the number of interrupts"),
                    (Owner::Device(_), CONTROL, INIT) => {
                        f.write_str("the end of the interrupt controller's configuration")
                    }
                    (Owner::Vcpu(vcpu), TIMERS, VIRTUAL_TIMER) => {
                        write!(f, "the virtual timer's interrupt of vCPU {vcpu}")
                    }
                    (Owner::Vcpu(vcpu), TIMERS, PHYSICAL_TIMER) => {
                        write!(f, "the physical timer's interrupt of vCPU {vcpu}")
                    }
                    (of, group, attr) => write!(f, "{of:?}, group {group}, attribute {attr:#x}"),
                }
            }
            Self::Enter(vcpu) => write!(f, "KVM_RUN with immediate_exit: vCPU {vcpu}"),
            Self::Counter(_) => f.write_str("reading CNTVCT_EL0 of the host"),
        }
    }
}

impl<E: fmt::Display> fmt::Display for Failed<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.call, self.error)
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for Failed<E> {}
