//! A guest saved and restored: what of its state there is ([`registers`]), how it gets into a file ([`save`]) and out of one
//! ([`restore`]). Where it goes into a new machine is `enforce/resume.rs`, since all that is written there is proven.

pub mod registers;
pub mod restore;
pub mod save;

use vmlock_saved::state::{Serror, Vcpu};
use vmlock_spec::lock::Lock;
use vmlock_spec::vm::Feature;

/// Why a guest of that lock can neither be saved nor restored, with these vCPUs.
pub fn unkept<'a>(lock: &Lock, vcpus: impl IntoIterator<Item = &'a Vcpu>) -> Option<String> {
    if lock.features.contains(&Feature::Mte) {
        return Some(
            "its lock has `mte`, and the tags of its memory have no place in a file".to_owned(),
        );
    }
    // Kernels from 6.18 or so on have it taken while it is given back, and nothing that is read then says whether rightly.
    let mut vcpus = vcpus.into_iter();
    let at = vcpus.position(|vcpu| vcpu.serror != Serror::None)?;
    Some(format!("vCPU {at} has yet to take an SError"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmlock_saved::state::{Power, Registers};
    use vmlock_spec::lock::canonical;

    #[test]
    fn tags_of_memory_and_errors_to_come_are_refused_in_words() {
        let text = include_str!("../../examples/modern.vm.lock.json");
        let mut lock = canonical::parse(text).expect("it is a lock");
        let vcpu = |serror| Vcpu {
            power: Power::On,
            serror,
            registers: Registers::default(),
        };
        assert_eq!(unkept(&lock, &[vcpu(Serror::None)]), None);
        for serror in [Serror::Pending, Serror::Syndrome(0)] {
            let why = unkept(&lock, &[vcpu(Serror::None), vcpu(serror)]);
            assert!(why.is_some_and(|why| why.contains("vCPU 1")));
        }
        lock.features.push(Feature::Mte);
        let why = unkept(&lock, &[vcpu(Serror::None)]);
        assert!(why.is_some_and(|why| why.contains("`mte`")));
    }
}
