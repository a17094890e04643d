//! SMC calling convention (DEN0028): who owns a function, and by which
//! instruction it may be called.

use super::{Call, NOT_SUPPORTED, Outcome, World, psci, pv_time, trng, vendor};
use vmlock_spec::smccc::Services;

/// Answers a forwarded call as the lock's services promise.
pub fn answer(services: &Services, call: &Call, world: &mut dyn World) -> Outcome {
    // Kernels before 6.4 put -1 into x0 for any SMC and touch nothing else
    // (arch/arm64/kvm/handle_exit.c `handle_smc`, 6.1).
    if call.smc && !services.smc {
        return Outcome::ReturnX0(NOT_SUPPORTED);
    }
    match call.function {
        0x8400_0000..=0x8400_001f | 0xc400_0000..=0xc400_001f => psci::answer(services.psci, call),
        0x8400_0050..=0x8400_005f | 0xc400_0050..=0xc400_005f if services.std & 1 != 0 => {
            trng::answer(call, world)
        }
        0xc500_0020..=0xc500_003f => pv_time::answer(services, call),
        0x8600_0000..=0x8600_ffff | 0xc600_0000..=0xc600_ffff => {
            vendor::answer(services, call, world)
        }
        _ => Outcome::one(NOT_SUPPORTED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmlock_spec::observation::{fact_name, settled, wire};
    use vmlock_spec::smccc::{self, ANSWERED_BY_RUNNER, PSCI_VERSIONS};

    /// A world in which it is the nanosecond 0x5_0000_0006 and the counter
    /// 0x7_0000_0008 (virtual) or 0x9_0000_000a (physical).
    struct Still;

    impl World for Still {
        fn entropy(&mut self, bytes: &mut [u8]) -> bool {
            bytes.fill(0x5a);
            true
        }
        fn instant(&mut self, physical: bool) -> Option<(u64, u64)> {
            let counter = if physical {
                0x9_0000_000a
            } else {
                0x7_0000_0008
            };
            Some((0x5_0000_0006, counter))
        }
    }

    fn every_service() -> Vec<Services> {
        let mut all = Vec::new();
        for (psci, _) in PSCI_VERSIONS {
            for bits in 0..128u64 {
                all.push(Services {
                    psci: *psci,
                    std: bits & 1,
                    std_hyp: 1,
                    vendor_hyp: bits >> 1 & 3,
                    vendor_hyp_2: bits >> 3 & 3,
                    workarounds: [0; 3],
                    smc: bits >> 5 & 1 != 0,
                    stolen_time: bits >> 6 & 1 != 0,
                    implementation: Some([0x413f_d0c1, 2, 3]),
                });
            }
        }
        all
    }

    /// What the witness asks with that key, where the runner can answer it.
    fn question(key: u64) -> Option<Call> {
        use wire::Kind;
        let id = wire::id_of(key);
        let kind = wire::kind_of(key)?;
        let function = smccc::function_of(key)?;
        if !ANSWERED_BY_RUNNER.contains(&function) {
            return None;
        }
        let argument = match kind {
            Kind::Hvc | Kind::Smc => 0,
            Kind::HvcArguments => {
                let case = wire::call_case(id);
                let [x1, ..] = wire::calls::arguments(function, case, 0, None)
                    .unwrap_or_else(|| panic!("case {case} of {function:#x} has no argument"));
                x1
            }
            _ => id,
        };
        Some(Call {
            function,
            arguments: [argument, 0],
            smc: kind == Kind::Smc,
        })
    }

    /// What the witness records of the results (see its `with_success`).
    fn recorded(key: u64, outcome: Outcome) -> u64 {
        let id = wire::id_of(key);
        let results = match outcome {
            Outcome::Return(results) => results,
            Outcome::ReturnX0(x0) => [x0, 0, 0, 0],
            Outcome::End(end) => panic!("{}: {end:?}", fact_name(key)),
        };
        let success = matches!(
            wire::call_case(id),
            wire::CASE_BITS_GOOD | wire::CASE_VIRTUAL_COUNTER
        );
        match wire::kind_of(key) {
            Some(wire::Kind::HvcArguments) if success && (results[0] as i64) >= 0 => 0,
            Some(wire::Kind::Hvc | wire::Kind::Smc | wire::Kind::HvcArguments) => {
                results[wire::call_result(id) as usize]
            }
            _ => results[0],
        }
    }

    #[test]
    fn every_forwarded_call_answers_what_a_lock_promises() {
        let mut compared = 0;
        for services in every_service() {
            for (key, promised) in smccc::answers(&services, vmlock_spec::lock::LOCK_VERSION) {
                let Some(call) = question(key) else { continue };
                let outcome = answer(&services, &call, &mut Still);
                assert_eq!(
                    recorded(key, outcome),
                    promised,
                    "{} with {services:?}",
                    fact_name(key)
                );
                compared += 1;
            }
        }
        assert!(compared > 100 * every_service().len());
    }

    #[test]
    fn a_conduit_that_is_none_answers_minus_one_and_leaves_the_rest() {
        for services in every_service() {
            for &function in ANSWERED_BY_RUNNER {
                let call = Call {
                    function,
                    arguments: [0; 2],
                    smc: true,
                };
                let by_smc = answer(&services, &call, &mut Still);
                let by_hvc = answer(&services, &Call { smc: false, ..call }, &mut Still);
                let expected = match services.smc {
                    true => by_hvc,
                    false => Outcome::ReturnX0(NOT_SUPPORTED),
                };
                assert_eq!(by_smc, expected);
            }
        }
    }

    #[test]
    fn the_clock_comes_with_the_counter_that_was_asked_for() {
        let services = Services {
            vendor_hyp: 3,
            ..every_service()[0]
        };
        for (argument, expected) in [
            (0, Outcome::Return([5, 6, 7, 8])),
            (1, Outcome::Return([5, 6, 9, 10])),
            (2, Outcome::one(NOT_SUPPORTED)),
        ] {
            let call = Call {
                function: 0x8600_0001,
                arguments: [argument, 0],
                smc: false,
            };
            assert_eq!(answer(&services, &call, &mut Still), expected);
        }
    }

    #[test]
    fn only_the_one_implementation_can_be_asked_about() {
        let services = Services {
            vendor_hyp_2: 3,
            ..every_service()[0]
        };
        let ask = |index| {
            let call = Call {
                function: 0xc600_0041,
                arguments: [index, 0],
                smc: false,
            };
            answer(&services, &call, &mut Still)
        };
        assert_eq!(ask(0), Outcome::Return([0, 0x413f_d0c1, 2, 3]));
        assert_eq!(ask(1), Outcome::one(vendor::INVALID_PARAMETER));
    }

    /// Forwarded with all the others, they answer as the kernel does by HVC, and as no kernel's conduit by SMC.
    #[test]
    fn what_nobody_implements_answers_as_in_the_kernel() {
        for services in every_service() {
            let functions: Vec<u32> = settled::unimplemented(&services).map(|(f, _)| f).collect();
            assert!(functions.len() >= 25, "{functions:x?}");
            for function in functions.into_iter().filter(|f| smccc::filterable(*f)) {
                let call = Call {
                    function,
                    arguments: [0; 2],
                    smc: false,
                };
                let by_hvc = answer(&services, &call, &mut Still);
                assert_eq!(by_hvc, Outcome::one(NOT_SUPPORTED), "{function:#x}");
                let by_smc = answer(&services, &Call { smc: true, ..call }, &mut Still);
                let expected = match services.smc {
                    true => Outcome::one(NOT_SUPPORTED),
                    false => Outcome::ReturnX0(NOT_SUPPORTED),
                };
                assert_eq!(by_smc, expected, "{function:#x}");
            }
        }
    }

    #[test]
    fn what_is_given_to_nothing_is_not_supported() {
        let services = every_service()[every_service().len() - 1];
        for function in [
            0x8400_7000,
            0x8600_7000,
            0x8400_001e,
            0xc400_0050,
            0x8100_0000,
        ] {
            let call = Call {
                function,
                arguments: [0; 2],
                smc: false,
            };
            assert_eq!(
                answer(&services, &call, &mut Still),
                Outcome::one(NOT_SUPPORTED)
            );
        }
    }
}
