//! CPU_ON, CPU_OFF and AFFINITY_INFO (DEN0022 sections 5.5 to 5.7) as KVM answers them, for machines whose vCPUs the
//! runner starts: which of them are on, and what one that is started begins with. Pure; who carries it out is
//! `machine/run/drive.rs`.

use super::psci::INVALID_PARAMETERS;

/// `ALREADY_ON` (DEN0022 section 5.2.2).
const ALREADY_ON: u64 = -4i64 as u64;
/// AFFINITY_INFO: one is on; all are off.
const ON: u64 = 0;
const OFF: u64 = 1;

/// The affinity fields of an MPIDR_EL1 (`MPIDR_HWID_BITMASK`, arch/arm64/include/asm/cputype.h).
const AFFINITY: u64 = 0xff_00ff_ffff;

/// How a vCPU is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its first instruction.
    pub entry: u64,
    /// What it finds in x0.
    pub context: u64,
    /// Whether it begins with big-endian data, as who started it has (arch/arm64/kvm/psci.c `kvm_psci_vcpu_on`).
    pub big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    On,
    /// Somebody asked for it, and its thread has not come to it yet.
    Asked(Start),
    Off,
}

/// Which vCPUs are on.
#[derive(Debug)]
pub struct Power {
    /// The affinity and the state of each vCPU.
    vcpus: Vec<(u64, State)>,
}

impl Power {
    /// vCPUs with these MPIDR_EL1; the first one is on.
    pub fn new(mpidr: impl Iterator<Item = u64>) -> Self {
        let state = |index| if index == 0 { State::On } else { State::Off };
        let vcpus = mpidr.enumerate();
        Self {
            vcpus: vcpus.map(|(n, m)| (m & AFFINITY, state(n))).collect(),
        }
    }

    /// CPU_ON.
    ///
    /// # Errors
    /// What the caller is told where no vCPU is to be started.
    pub fn on(&mut self, target: u64, start: Start) -> Result<usize, u64> {
        let vcpu = self
            .vcpus
            .iter()
            .position(|(affinity, _)| *affinity == target);
        let Some(vcpu) = vcpu else {
            return Err(INVALID_PARAMETERS);
        };
        let state = &mut self.vcpus[vcpu].1;
        if *state != State::Off {
            return Err(ALREADY_ON);
        }
        *state = State::Asked(start);
        Ok(vcpu)
    }

    /// That vCPU is off; it has asked for it.
    pub fn off(&mut self, vcpu: usize) {
        if let Some((_, state)) = self.vcpus.get_mut(vcpu) {
            *state = State::Off;
        }
    }

    /// Of a guest that goes on, these are on.
    pub fn resume(&mut self, on: &[bool]) {
        for ((_, state), on) in self.vcpus.iter_mut().zip(on) {
            *state = if *on { State::On } else { State::Off };
        }
    }

    /// A vCPU whose start was asked for, and that has yet to begin.
    pub fn asked(&self) -> Option<usize> {
        let mut states = self.vcpus.iter().map(|(_, state)| state);
        states.position(|state| matches!(state, State::Asked(_)))
    }

    /// How that vCPU is to be started, if it was asked for; from here on it is on.
    pub fn take(&mut self, vcpu: usize) -> Option<Start> {
        let (_, state) = self.vcpus.get_mut(vcpu)?;
        let State::Asked(start) = *state else {
            return None;
        };
        *state = State::On;
        Some(start)
    }

    /// AFFINITY_INFO.
    pub fn affinity_info(&self, target: u64, level: u64) -> u64 {
        if level > 3 || target & !AFFINITY != 0 {
            return INVALID_PARAMETERS;
        }
        let mask = AFFINITY & (u64::MAX << (8 * level));
        let mut all = self.vcpus.iter();
        let mut matching = all
            .by_ref()
            .filter(|(affinity, _)| affinity & mask == target & mask);
        match matching.next() {
            None => INVALID_PARAMETERS,
            Some((_, state)) if *state != State::Off => ON,
            Some(_) => match matching.any(|(_, state)| *state != State::Off) {
                true => ON,
                false => OFF,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Start = Start {
        entry: 0x4020_0000,
        context: 7,
        big_endian: false,
    };

    fn three() -> Power {
        Power::new([0x8000_0000, 0x8000_0001, 0x8000_0100].into_iter())
    }

    #[test]
    fn a_vcpu_is_started_once() {
        let mut power = three();
        assert_eq!(power.on(1, START), Ok(1));
        assert_eq!(power.on(1, START), Err(ALREADY_ON));
        assert_eq!(power.take(1), Some(START));
        assert_eq!(power.take(1), None);
        assert_eq!(power.on(1, START), Err(ALREADY_ON));
        power.off(1);
        assert_eq!(power.take(1), None);
        assert_eq!(power.on(1, START), Ok(1));
    }

    #[test]
    fn nobody_else_is_started() {
        let mut power = three();
        assert_eq!(power.on(0, START), Err(ALREADY_ON));
        for nobody in [2, 0x8000_0001, 1 << 24, u64::MAX] {
            assert_eq!(power.on(nobody, START), Err(INVALID_PARAMETERS));
        }
        assert_eq!(power.take(9), None);
    }

    #[test]
    fn affinities_are_told_by_level() {
        let mut power = three();
        assert_eq!(power.affinity_info(0, 0), ON);
        assert_eq!(power.affinity_info(1, 0), OFF);
        // Of 0 and 1, one is on; 0x100 is alone.
        assert_eq!(power.affinity_info(1, 1), ON);
        assert_eq!(power.affinity_info(0x1ff, 1), OFF);
        assert_eq!(power.affinity_info(0x100, 2), ON);
        assert_eq!(power.affinity_info(2, 0), INVALID_PARAMETERS);
        assert_eq!(power.affinity_info(0, 4), INVALID_PARAMETERS);
        assert_eq!(power.affinity_info(1 << 24, 0), INVALID_PARAMETERS);
        assert_eq!(power.on(1, START), Ok(1));
        assert_eq!(power.affinity_info(1, 0), ON);
    }
}
