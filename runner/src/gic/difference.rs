//! How an interrupt controller that was restored differs from the one that was saved, by the registers' names.

use super::Part;
use super::bank::chosen;
use std::collections::BTreeMap;
use vmlock_saved::hex::{Hex32, Hex64};
use vmlock_saved::state::{Gic as View, Interrupts};
use vmlock_spec::lock::Gic;

/// The first thing in which the kernel's differs from what was saved, in words. `mapped`: private interrupts that KVM leaves
/// to the hardware, a bit for each.
pub fn difference(gic: &Gic, saved: &View, read: &View, mapped: u32) -> Option<String> {
    let [saved, read] = [saved, read].map(|view| comparable(view.clone(), gic, mapped));
    if saved == read {
        return None;
    }
    let (saved, read) = (registers(&saved), registers(&read));
    let names =
        |all: &[(String, u64)]| all.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    if names(&saved) != names(&read) {
        return Some("it has other registers".to_owned());
    }
    let mut all = saved.into_iter().zip(read);
    all.find_map(|((name, saved), (_, read))| {
        (saved != read).then(|| format!("{name} reads {read:#x}, and {saved:#x} was saved"))
    })
}

/// What of two of them has to be equal: not the lines of timers and PMU, which KVM raises itself, nor what is latched of
/// timers that it leaves to the hardware, nor groups that a lock decides, nor GICR_CTLR, in which a guest without an ITS
/// sets nothing. A binary point below the least that there is, which a vCPU has that never ran, is that one to whoever reads it.
fn comparable(mut view: View, gic: &Gic, mapped: u32) -> View {
    for one in &mut view.redistributors {
        one.control = Hex32(0);
        one.private.level = Hex32(0);
        one.private.pending.0 &= !mapped;
        if !chosen(gic, Part::Redistributor(0), 0) {
            one.private.group = Hex32(0);
        }
        least_points(&mut one.interface);
    }
    for (first, shared) in (32..).step_by(32).zip(&mut view.shared) {
        if !chosen(gic, Part::Distributor, first) {
            shared.interrupts.group = Hex32(0);
        }
    }
    view
}

/// Binary points are at least 7 less the bits of priority, and 8 less those for group 1; what is written below that is that
/// (IHI 0069, ICC_BPR0_EL1 and ICC_BPR1_EL1). KVM keeps zero until the hardware had it once: 7.3 tells 0 of a vCPU that never
/// ran, and 6.12 2, on emulated CPUs with five bits.
fn least_points(interface: &mut BTreeMap<String, Hex64>) {
    let control = interface.get("ICC_CTLR_EL1").map_or(u64::MAX, |c| c.0);
    // PRIbits counts one less.
    let bits = (control >> 8 & 7) + 1;
    for (name, all) in [("ICC_BPR0_EL1", 7u64), ("ICC_BPR1_EL1", 8)] {
        if let Some(point) = interface.get_mut(name) {
            point.0 = point.0.max(all.saturating_sub(bits));
        }
    }
}

/// All that an interrupt controller has, each with its name.
fn registers(gic: &View) -> Vec<(String, u64)> {
    let mut all = vec![("GICD_CTLR".to_owned(), gic.control.0.into())];
    for (at, shared) in (1..).zip(&gic.shared) {
        interrupts("GICD", at, &shared.interrupts, &mut all);
        let routes = (32 * at..).zip(&shared.routes);
        all.extend(routes.map(|(at, route)| (format!("GICD_IROUTER{at}"), route.0)));
    }
    for (vcpu, one) in gic.redistributors.iter().enumerate() {
        let mut own = vec![
            ("GICR_CTLR".to_owned(), one.control.0.into()),
            ("GICR_PROPBASER".to_owned(), one.properties.0),
            ("GICR_PENDBASER".to_owned(), one.pending_table.0),
        ];
        interrupts("GICR", 0, &one.private, &mut own);
        own.extend(one.interface.iter().map(|(name, v)| (name.clone(), v.0)));
        let named = own.into_iter();
        all.extend(named.map(|(name, value)| (format!("{name} of vCPU {vcpu}"), value)));
    }
    all
}

/// Those of the 32 interrupts of that number.
fn interrupts(frame: &str, at: usize, of: &Interrupts, all: &mut Vec<(String, u64)>) {
    let words = [
        ("IGROUPR", of.group),
        ("ISENABLER", of.enabled),
        ("ISPENDR", of.pending),
        ("ISACTIVER", of.active),
    ];
    for (name, word) in words {
        all.push((format!("{frame}_{name}{at}"), word.0.into()));
    }
    all.push((
        format!("the input lines of interrupts {} and on", 32 * at),
        of.level.0.into(),
    ));
    for (at, word) in (2 * at..).zip(&of.configuration) {
        all.push((format!("{frame}_ICFGR{at}"), word.0.into()));
    }
    for (at, word) in (8 * at..).zip(&of.priority) {
        all.push((format!("{frame}_IPRIORITYR{at}"), word.0.into()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmlock_saved::state::{Redistributor, Shared};
    use vmlock_spec::lock::canonical;

    #[test]
    fn what_is_not_as_it_was_is_told_by_its_name_and_what_is_nobodys_is_not() {
        let text = include_str!("../../../examples/portable.vm.lock.json");
        let lock = canonical::parse(text).expect("it is a lock");
        let one = Redistributor {
            control: Hex32(0),
            properties: Hex64(0),
            pending_table: Hex64(0),
            private: Interrupts::default(),
            // Five bits of priority, and a binary point that its kernel never set.
            interface: [
                ("ICC_BPR0_EL1", 0),
                ("ICC_CTLR_EL1", 4 << 8),
                ("ICC_PMR_EL1", 0xf0),
            ]
            .map(|(name, value)| (name.to_owned(), Hex64(value)))
            .into(),
        };
        let saved = View {
            control: Hex32(2),
            shared: vec![Shared::default(); 2],
            redistributors: vec![one; 2],
        };
        let point = |view: &mut View, least: u64| {
            let interface = &mut view.redistributors[1].interface;
            interface.insert("ICC_BPR0_EL1".to_owned(), Hex64(least));
        };
        let timer = lock.machine.private_interrupts.virtual_timer;
        let told = |alter: &dyn Fn(&mut View)| {
            let mut read = saved.clone();
            alter(&mut read);
            difference(&lock.gic, &saved, &read, 1 << timer).unwrap_or_default()
        };
        for (words, name) in [
            (told(&|_| {}), ""),
            (told(&|view| view.control.0 = 0), "GICD_CTLR reads 0x0"),
            (
                told(&|view| view.shared[1].routes[3].0 = 1),
                "GICD_IROUTER67 reads 0x1",
            ),
            (
                told(&|view| view.shared[0].interrupts.configuration[1].0 = 2),
                "GICD_ICFGR3 reads 0x2",
            ),
            (
                told(&|view| view.shared[0].interrupts.level.0 = 1),
                "the input lines of interrupts 32 and on reads 0x1",
            ),
            (
                told(&|view| view.redistributors[1].private.active.0 = 8),
                "GICR_ISACTIVER0 of vCPU 1 reads 0x8",
            ),
            (
                told(&|view| view.redistributors[1].private.pending.0 = 1 << 16),
                "GICR_ISPENDR0 of vCPU 1 reads 0x10000",
            ),
            (
                told(&|view| {
                    let interface = &mut view.redistributors[0].interface;
                    interface.insert("ICC_PMR_EL1".to_owned(), Hex64(0));
                }),
                "ICC_PMR_EL1 of vCPU 0 reads 0x0, and 0xf0 was saved",
            ),
            (told(&|view| point(view, 2)), ""),
            (
                told(&|view| point(view, 3)),
                "ICC_BPR0_EL1 of vCPU 1 reads 0x3",
            ),
            (told(&|view| view.shared.truncate(1)), "other registers"),
            // The timer's line, and its latch where it is the hardware's.
            (
                told(&|view| {
                    let private = &mut view.redistributors[0].private;
                    (private.level.0, private.pending.0) = (1 << timer, 1 << timer);
                }),
                "",
            ),
        ] {
            assert!(words.contains(name), "{words}: {name}");
            assert_eq!(words.is_empty(), name.is_empty(), "{words}");
        }
    }

    #[test]
    fn a_binary_point_below_the_least_is_the_least() {
        let points = |bits: u64, of: [u64; 2]| {
            let [zero, one] = of.map(Hex64);
            let control = Hex64((bits - 1) << 8);
            let mut interface = BTreeMap::from([
                ("ICC_BPR0_EL1".to_owned(), zero),
                ("ICC_BPR1_EL1".to_owned(), one),
                ("ICC_CTLR_EL1".to_owned(), control),
            ]);
            least_points(&mut interface);
            ["ICC_BPR0_EL1", "ICC_BPR1_EL1"].map(|name| interface[name].0)
        };
        assert_eq!(points(5, [0, 0]), [2, 3]);
        assert_eq!(points(5, [2, 3]), [2, 3]);
        assert_eq!(points(5, [3, 4]), [3, 4], "a guest's own");
        assert_eq!(points(7, [0, 0]), [0, 1]);
        assert_eq!(points(8, [0, 0]), [0, 0]);
    }
}
