//! Reads everything back, twice, and mints the only ticket to the first guest
//! instruction.
//!
//! A success code proves nothing: kernels accept writes that they do not
//! honour, and some change registers when a vCPU is first entered. So what was
//! written is read back, every vCPU is entered once with `immediate_exit`, and
//! then every register that KVM lists is read, on every vCPU.

use super::apply::{Built, Recipe};
use super::resume;
use crate::failure::Failure;
use crate::gic::proxy::Proxy;
use crate::kvm::{Fresh, Gic, Vm, core, host_counter};
use crate::machine::home::Home;
use std::collections::BTreeSet;
use std::sync::Arc;
use vmlock_saved::carry::begins_anew;
use vmlock_saved::state::State;
use vmlock_spec::catalogue::{register_by_id, register_by_name};
use vmlock_spec::lock::reset::{self, Begun};
use vmlock_spec::lock::{Counters, Lock, LockedRegister, PhysicalCounter, VirtualCounter};
use vmlock_spec::plan::{Owed, Refusal, Step, frames};
use vmlock_spec::reason;
use vmlock_spec::script;

/// A machine that was seen to be what its lock says. Only [`verify`] and
/// [`unpromised`] make one, and nothing else can be run.
pub struct Verified {
    vm: Vm,
    // Kept for its descriptor: the controller lives as long as the VM does.
    gic: Arc<Gic>,
    vcpus: Vec<Fresh>,
    /// The thread of each vCPU, in order.
    homes: Vec<Home>,
    proxy: Option<Proxy>,
}

/// What a verified machine consists of.
pub struct Parts {
    /// The VM.
    pub vm: Vm,
    /// Its in-kernel interrupt controller.
    pub gic: Arc<Gic>,
    /// Its vCPUs with their threads, in order.
    pub vcpus: Vec<(Fresh, Home)>,
    /// What answers for the interrupt controller, where the kernel does not.
    pub proxy: Option<Proxy>,
}

impl Verified {
    fn new(built: Built, homes: Vec<Home>) -> Self {
        let Built {
            vm,
            gic,
            vcpus,
            proxy,
            created: _,
        } = built;
        Self {
            vm,
            gic,
            vcpus,
            homes,
            proxy,
        }
    }

    /// The machine, to be run.
    pub fn into_parts(self) -> Parts {
        Parts {
            vm: self.vm,
            gic: self.gic,
            vcpus: self.vcpus.into_iter().zip(self.homes).collect(),
            proxy: self.proxy,
        }
    }

    /// The vCPU on which the guest starts.
    pub fn boot_vcpu(&self) -> Option<&Fresh> {
        self.vcpus.first()
    }
}

/// A scratch machine that promises nothing: only the embedded witness is ever run
/// on it, and says what it sees.
///
/// # Errors
/// KVM cannot finalise a vCPU.
pub fn unpromised(mut built: Built) -> Result<Verified, Failure> {
    let homes = finalise(&mut built)?;
    Ok(Verified::new(built, homes))
}

/// Finalises every vCPU on the thread that will run it.
fn finalise(built: &mut Built) -> Result<Vec<Home>, Failure> {
    let mut homes = Vec::new();
    for mut vcpu in std::mem::take(&mut built.vcpus) {
        let home = Home::new(&format!("vcpu{}", vcpu.index()))?;
        built
            .vcpus
            .push(home.call(move || vcpu.finalise().map(|()| vcpu))??);
        homes.push(home);
    }
    if let Some(proxy) = &mut built.proxy {
        proxy.finalised()?;
    }
    Ok(homes)
}

/// Who asks for what no line of a spec asks for.
const UNKNOWN_MEANS_NO: &str = "the rule that unknown means no";

/// Registers that are the in-kernel interrupt controller's whoever answers for it: how many interrupts it has, and which
/// redistributor is whose.
const INJECTION: [&str; 3] = ["GICD_TYPER", "GICR_TYPER", "GICR_TYPER.high"];

/// Proves that the machine shows what its lock says, once the recipe's steps
/// were carried out on it.
///
/// # Errors
/// Every register that does not hold, all at once, as refusals; a KVM call
/// that fails for another reason.
pub fn verify(built: Built, lock: &Lock, recipe: &Recipe) -> Result<Verified, Failure> {
    prove(built, lock, recipe, None)
}

/// What brings a saved guest's state, which may have to be waited for.
type Comes<'s, 'a> = &'a mut dyn FnMut() -> Result<&'s State, Failure>;

/// The same of a machine that goes on with the state of a saved guest, instead of beginning. That is asked for once all was
/// read back that does not need it: a guest that is handed over rests from then on.
///
/// # Errors
/// As [`verify`]; what of the state this host does not take, or does not hold.
pub fn resumed(
    built: Built,
    lock: &Lock,
    recipe: &Recipe,
    state: Comes<'_, '_>,
) -> Result<Verified, Failure> {
    prove(built, lock, recipe, Some(state))
}

fn prove(
    mut built: Built,
    lock: &Lock,
    recipe: &Recipe,
    state: Option<Comes<'_, '_>>,
) -> Result<Verified, Failure> {
    let mut found = Found::default();
    let begun = reset::begun(lock);
    written(&built, lock, &begun, &recipe.orders.steps, &mut found)?;
    let mut homes = Vec::new();
    if found.refusals.is_empty() {
        let state = state.map(|comes| comes()).transpose()?;
        if let Some(state) = state {
            resume::give(&built, lock, state)?;
        }
        homes = finalise(&mut built)?;
        everything(&built, lock, &begun, recipe, state, &mut found)?;
        match state {
            Some(state) => {
                for difference in resume::differences(&built, lock, state)? {
                    found.add(difference);
                }
            }
            None => grouped(&built, "after KVM finalised the vCPU", &mut found)?,
        }
    }
    if !found.refusals.is_empty() {
        return Err(Failure::Refused(found.refusals));
    }
    Ok(Verified::new(built, homes))
}

#[derive(Default)]
struct Found {
    names: BTreeSet<String>,
    refusals: Vec<Refusal>,
}

impl Found {
    fn add(&mut self, refusal: Refusal) {
        if self.names.insert(refusal.name.clone()) {
            self.refusals.push(refusal);
        }
    }
}

/// Reads back what was written, on every vCPU: a write that did not hold is
/// told from one that KVM undoes when it finalises a vCPU.
fn written(
    built: &Built,
    lock: &Lock,
    begun: &[Begun],
    steps: &[Step],
    found: &mut Found,
) -> Result<(), Failure> {
    let when = "after it was set";
    // Redistributors are found by it.
    if let Some(register) = register_by_name("MPIDR_EL1") {
        for (vcpu, promised) in built.vcpus.iter().zip(&lock.machine.vcpus) {
            affinity(vcpu, register.id, promised.mpidr, when, found)?;
        }
        if !found.refusals.is_empty() {
            return Ok(());
        }
    }
    let resets = steps.iter().filter_map(|step| match step {
        Step::Reset { id, .. } => Some(*id),
        _ => None,
    });
    let resets: BTreeSet<u64> = resets.collect();
    for begun in begun.iter().filter(|b| resets.contains(&b.info.id)) {
        for vcpu in &built.vcpus {
            begins(vcpu, begun, lock, when, found)?;
        }
    }
    for step in steps {
        let Step::Register { id, value } = step else {
            continue;
        };
        for vcpu in &built.vcpus {
            match entry(lock, *id) {
                Some(entry) => locked(vcpu, entry, when, found)?,
                None => {
                    let read = vcpu.get(*id)?;
                    if read != *value {
                        let name =
                            register_by_id(*id).map_or("an unknown register", |r| r.name.as_ref());
                        found.add(differs(name, *value, read, UNKNOWN_MEANS_NO, when));
                    }
                }
            }
        }
    }
    grouped(built, when, found)?;
    gic(built, lock, when, found)
}

/// Reads every register that KVM lists, on every vCPU, but for those that the
/// plan has from inside a guest because KVM says something else of them.
fn everything(
    built: &Built,
    lock: &Lock,
    begun: &[Begun],
    recipe: &Recipe,
    state: Option<&State>,
    found: &mut Found,
) -> Result<(), Failure> {
    let when = "after KVM finalised the vCPU";
    for (vcpu, promised) in built.vcpus.iter().zip(&lock.machine.vcpus) {
        if !lock.vector_lengths.is_empty() {
            vector_lengths(vcpu, lock, when, found)?;
        }
        if let Some(address) = promised.stolen_time {
            let read = vcpu.stolen_time()?;
            if read != address {
                let from = "the machine's memory map";
                found.add(differs("PV_TIME_ST()", address, read, from, when));
            }
        }
        interrupts(vcpu, recipe, when, found)?;
        let listed = vcpu.registers()?;
        let is_listed = |id: &u64| listed.binary_search(id).is_ok();
        counters(vcpu, built.created, &lock.counters, &listed, found)?;
        for id in recipe.orders.read_back.iter().filter(|id| !is_listed(id)) {
            if let Some(entry) = entry(lock, *id) {
                found.add(unlisted(&entry.name, entry.value, &entry.from));
            }
        }
        // One that goes on has begun long ago.
        let saved = state.and_then(|state| state.vcpus.get(vcpu.index() as usize));
        let begins_so =
            |begun: &&Begun| saved.is_none_or(|saved| begins_anew(begun.info, &saved.registers));
        for begun in begun.iter().filter(begins_so) {
            if is_listed(&begun.info.id) {
                begins(vcpu, begun, lock, when, found)?;
            } else if begun.fact().is_none() {
                found.add(unlisted(&begun.info.name, begun.value, &begun.from(lock)));
            }
        }
        for id in listed {
            let mut compare = |name: &str, wanted: u64, from: &str| {
                let read = vcpu.get(id)?;
                if read != wanted {
                    found.add(differs(name, wanted, read, from, when));
                }
                Ok::<(), Failure>(())
            };
            match recipe.orders.owed(lock, id) {
                Owed::Locked(entry) => locked(vcpu, entry, when, found)?,
                // Its calls never reach the kernel, whose value is another one.
                Owed::Left(entry, value) => compare(&entry.name, value, &entry.from)?,
                Owed::Affinity => affinity(vcpu, id, promised.mpidr, when, found)?,
                Owed::Neutral(info, value) => compare(&info.name, value, UNKNOWN_MEANS_NO)?,
                Owed::OnlyInside(_) | Owed::Nothing => {}
                Owed::NotThere => found.add(unknown(id)),
            }
        }
    }
    places(built, recipe, when, found)?;
    gic(built, lock, when, found)
}

/// The in-kernel interrupt controller is where it was put, and nowhere else: it answers a guest at no address that
/// nobody knows of.
fn places(built: &Built, recipe: &Recipe, when: &str, found: &mut Found) -> Result<(), Failure> {
    let from = "the machine's memory map";
    let read = built.gic.distributor_address()?;
    if read != recipe.distributor {
        let name = "address of the GIC distributor";
        found.add(differs(name, recipe.distributor, read, from, when));
    }
    let read = built.gic.redistributor_addresses()?;
    let wanted: Vec<u64> = recipe.redistributors.iter().map(|r| r.base).collect();
    if read != wanted {
        let list = |addresses: &[u64]| {
            let words: Vec<String> = addresses.iter().map(|a| format!("{a:#x}")).collect();
            words.join(" and ")
        };
        found.add(Refusal {
            code: reason::GIC,
            name: "addresses of the GIC redistributors".to_owned(),
            wanted: list(&wanted),
            offered: list(&read),
            reason: format!("KVM has redistributors elsewhere than they were put, {when}"),
            from: from.to_owned(),
            help: vec!["choose another host, and report this one".to_owned()],
        });
    }
    Ok(())
}

/// The counters of a vCPU count from where the lock says. Kernels before 6.4 do
/// not list the physical one, and have no way to give it an offset either.
fn counters(
    vcpu: &Fresh,
    created: (u64, u64),
    promised: &Counters,
    listed: &[u64],
    found: &mut Found,
) -> Result<(), Failure> {
    let mut counts = |id: u64, name: &str, from: (u64, u64), words: &str| {
        let before = host_counter();
        let read = vcpu.get(id)?;
        let after = host_counter();
        let owed = script::counted(from, (before, after));
        if !owed.contains(&read) {
            found.add(Refusal {
                code: reason::NOT_WRITABLE,
                name: name.to_owned(),
                wanted: format!("{:#x} to {:#x}", owed.start(), owed.end()),
                offered: format!("{read:#x}"),
                reason: format!("{name} does not count {words}"),
                from: "the machine's counters".to_owned(),
                help: vec!["choose another host, and report this one".to_owned()],
            });
        }
        Ok::<(), Failure>(())
    };
    match promised.virtual_counter {
        VirtualCounter::ZeroAtCreation => {
            let words = "from the machine's creation";
            counts(core::CNTVCT, "CNTVCT_EL0", created, words)?;
        }
    }
    match promised.physical_counter {
        PhysicalCounter::Host if listed.contains(&core::CNTPCT) => {
            counts(core::CNTPCT, "CNTPCT_EL0", (0, 0), "as the host's does")
        }
        PhysicalCounter::Host => Ok(()),
    }
}

/// The timers and the PMU of a vCPU raise the lock's private interrupts.
fn interrupts(vcpu: &Fresh, recipe: &Recipe, when: &str, found: &mut Found) -> Result<(), Failure> {
    let mut compare = |name: &str, promised: u32, read: u64| {
        if read != u64::from(promised) {
            let from = "the machine's private interrupts";
            found.add(differs(name, promised.into(), read, from, when));
        }
    };
    let (virtual_timer, physical_timer) = vcpu.timer_interrupts()?;
    compare("virtual timer interrupt", recipe.timers.0, virtual_timer);
    compare("physical timer interrupt", recipe.timers.1, physical_timer);
    if let Some(promised) = recipe.pmu_interrupt {
        compare("PMU interrupt", promised, vcpu.pmu_interrupt()?);
    }
    Ok(())
}

/// The SVE vector lengths of a vCPU are exactly the lock's.
fn vector_lengths(vcpu: &Fresh, lock: &Lock, when: &str, found: &mut Found) -> Result<(), Failure> {
    let read = vcpu.vector_lengths()?;
    if read != lock.vector_lengths {
        found.add(Refusal {
            code: reason::VECTOR_LENGTHS,
            name: "SVE vector lengths".to_owned(),
            wanted: format!("{:?}", lock.vector_lengths),
            offered: format!("{read:?}"),
            reason: format!("the vCPU has vector lengths {read:?} {when}"),
            from: "spec/cpu/sve".to_owned(),
            help: vec!["choose a host whose CPU has the lock's lengths".to_owned()],
        });
    }
    Ok(())
}

/// The lock's entry for a register. A lock is sorted by id; one that is not
/// has registers that are not found, and those are refused.
fn entry(lock: &Lock, id: u64) -> Option<&LockedRegister> {
    let at = lock.registers.binary_search_by_key(&id, |r| r.id).ok()?;
    Some(&lock.registers[at])
}

/// What of the interrupt controller can be read from outside.
fn gic(built: &Built, lock: &Lock, when: &str, found: &mut Found) -> Result<(), Failure> {
    for frame in frames(lock) {
        // The proxy answers with the lock's own values: that they reach a guest, only the rehearsal's witness can tell.
        // What the kernel's injection depends on has to be the kernel's as well.
        if built.proxy.is_some() && !INJECTION.contains(&frame.name) {
            continue;
        }
        let read = match frame.vcpu {
            Some(vcpu) => built.gic.redistributor(vcpu.mpidr, frame.offset)?,
            None => built.gic.distributor(frame.offset)?,
        };
        if (read ^ frame.value) & frame.mask != 0 {
            let (wanted, read) = (frame.value.into(), read.into());
            found.add(differs(frame.name, wanted, read, frame.from, when));
        }
    }
    Ok(())
}

/// Every interrupt begins in group 1, where the runner answers for the interrupt controller.
fn grouped(built: &Built, when: &str, found: &mut Found) -> Result<(), Failure> {
    if let Some(proxy) = &built.proxy
        && !proxy.all_in_group_one()?
    {
        found.add(differs(
            "GICD_IGROUPR",
            u32::MAX.into(),
            0,
            "the rule that every interrupt begins in group 1",
            when,
        ));
    }
    Ok(())
}

fn locked(
    vcpu: &Fresh,
    entry: &LockedRegister,
    when: &str,
    found: &mut Found,
) -> Result<(), Failure> {
    let promised = entry.promised();
    if promised == 0 {
        return Ok(());
    }
    let read = vcpu.get(entry.id)?;
    let difference = (read ^ entry.value) & promised;
    if difference == 0 {
        return Ok(());
    }
    let fields = register_by_id(entry.id).map_or(&[][..], |info| info.fields.as_ref());
    let mut rest = difference;
    for field in fields.iter().filter(|f| difference & f.mask() != 0) {
        rest &= !field.mask();
        let name = format!("{}.{}", entry.name, field.name);
        found.add(differs(
            &name,
            field.get(entry.value),
            field.get(read),
            &entry.from,
            when,
        ));
    }
    if rest != 0 {
        found.add(differs(
            &entry.name,
            entry.value & rest,
            read & rest,
            &entry.from,
            when,
        ));
    }
    Ok(())
}

/// A vCPU begins with what its lock says in a register that KVM lists.
fn begins(
    vcpu: &Fresh,
    begun: &Begun,
    lock: &Lock,
    when: &str,
    found: &mut Found,
) -> Result<(), Failure> {
    let id = begun.info.id;
    if !begun.is_narrow() {
        if !vcpu.is_zero(id)? {
            found.add(Refusal {
                code: reason::NOT_WRITABLE,
                name: begun.name(),
                wanted: "0".to_owned(),
                offered: "another value".to_owned(),
                reason: format!("{} is not zero {when}", begun.name()),
                from: begun.from(lock),
                help: vec!["choose another host, and report this one".to_owned()],
            });
        }
    } else if begun.told != 0 {
        let read = vcpu.get(id)?;
        if (read ^ begun.value) & begun.told != 0 {
            let (wanted, read) = (begun.value & begun.told, read & begun.told);
            found.add(differs(
                &begun.name(),
                wanted,
                read,
                &begun.from(lock),
                when,
            ));
        }
    }
    Ok(())
}

/// A vCPU has the MPIDR_EL1 (`id`) that the machine gives it.
fn affinity(
    vcpu: &Fresh,
    id: u64,
    mpidr: u64,
    when: &str,
    found: &mut Found,
) -> Result<(), Failure> {
    let read = vcpu.get(id)?;
    if read != mpidr {
        let from = "the machine's vCPUs";
        found.add(differs("MPIDR_EL1", mpidr, read, from, when));
    }
    Ok(())
}

fn differs(name: &str, wanted: u64, read: u64, from: &str, when: &str) -> Refusal {
    Refusal {
        code: reason::NOT_WRITABLE,
        name: name.to_owned(),
        wanted: format!("{wanted:#x}"),
        offered: format!("{read:#x}"),
        reason: format!("{name} reads {read:#x} {when}, and {wanted:#x} is promised"),
        from: from.to_owned(),
        help: vec![
            "choose a host whose kernel holds the value; `vmlock check` compares reports"
                .to_owned(),
        ],
    }
}

/// A register that the plan rests on and KVM does not list for this vCPU.
fn unlisted(name: &str, value: u64, from: &str) -> Refusal {
    Refusal {
        code: reason::NO_KNOB,
        name: name.to_owned(),
        wanted: format!("{value:#x}"),
        offered: "no such register".to_owned(),
        reason: format!(
            "KVM listed {name} when it was looked at, and does not for the guest's own vCPU"
        ),
        from: from.to_owned(),
        help: vec![
            "this host changes while it is being looked at: try again, and report it if it stays"
                .to_owned(),
        ],
    }
}

fn unknown(id: u64) -> Refusal {
    let (code, name) = match register_by_id(id) {
        Some(info) => (reason::UNLOCKED_REGISTER, info.name.to_string()),
        None => (reason::UNKNOWN_REGISTER, format!("KVM register {id:#018x}")),
    };
    Refusal {
        code,
        wanted: "nothing there".to_owned(),
        offered: "a register that the lock does not cover".to_owned(),
        reason: format!("the host shows the guest {name}, which no entry of the lock covers"),
        from: UNKNOWN_MEANS_NO.to_owned(),
        help: vec![
            "use a vmlock that knows this kernel, or choose a host with an older one".to_owned(),
        ],
        name,
    }
}
