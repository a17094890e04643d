//! An audit, from the moment when somebody asks for it to the last vCPU that is the guest's again.
//!
//! The guest is brought to rest as for a pause; then its vCPUs are lent to the witness one after the other. What is lent is
//! waited for, also where nobody wants to know any more what is seen there: nothing else is done with the guest before.

use super::{AT_ITS_END, Held, Operator, STARTING, UNREAD, Was, is_unread, not};
use crate::control::{Answer, Seen, digits};
use crate::handover::hands::UNKNOWN;
use crate::hold::pausing::{Controls, LIMIT, Paused, Pausing, Progress};
use std::mem::take;
use std::time::Instant;
use vmlock_spec::lock::canonical;

/// A guest at which the witness looks.
pub(super) struct Looks {
    stage: Look,
    /// It was paused before, and stays so.
    paused: bool,
}

/// How far that is.
enum Look {
    /// The guest's memory is still being checked, and it is what it was: what is seen of it leaves it.
    Waits(Was),
    Pausing(Pausing),
    /// The vCPU is lent whose index follows those that have been, since then; what was seen on these. That lasts until it is
    /// back, whoever waits for it.
    Lent(Paused, Instant, Vec<String>),
}

impl Look {
    fn begin(was: Was, controls: &Controls, now: Instant) -> Self {
        match was {
            Was::Running => Self::Pausing(controls.pause(now)),
            Was::Pausing(pausing) => Self::Pausing(pausing),
            Was::Paused(paused) => {
                paused.look(controls, 0);
                Self::Lent(paused, now, Vec::new())
            }
        }
    }
}

impl Operator {
    /// Asks what the witness sees on the guest's vCPUs; `None` where the answer comes later.
    pub fn look(&mut self, now: Instant) -> Option<Answer> {
        self.take_over();
        let error = |words: &str| Some(Answer::Error(words.to_owned()));
        let Some(controls) = self.controls.get() else {
            return error(STARTING);
        };
        if self.unknown {
            return error(UNKNOWN);
        }
        let was = match take(&mut self.held) {
            Held::Not => Was::Running,
            Held::Soon(pausing) if self.stays => Was::Pausing(pausing),
            Held::Now(paused) => Was::Paused(paused),
            other => {
                self.held = other;
                return error("the guest is being paused, saved or audited already");
            }
        };
        let paused = !matches!(was, Was::Running);
        let stage = match controls.outlet.is_open() {
            true => Look::begin(was, controls, now),
            false => Look::Waits(was),
        };
        self.held = Held::Looks(Looks { stage, paused });
        None
    }

    /// Goes a step on with an audit, for so many who wait.
    pub(super) fn look_on(&mut self, looks: Looks, waiting: usize, now: Instant) -> Option<Answer> {
        let controls = self.controls.get()?;
        let was_paused = looks.paused;
        let over = |paused: Paused| match was_paused {
            true => Held::Now(paused),
            false => Held::Not,
        };
        let then = match was_paused {
            true => "stays paused",
            false => "goes on",
        };
        let failed = |words: String| Some(not("was not audited", then, &words));
        let (paused, since, mut areas) = match looks.stage {
            Look::Waits(was) if waiting == 0 => {
                self.held = was.into();
                return None;
            }
            Look::Waits(_) if controls.is_at_its_end() => return failed(AT_ITS_END.to_owned()),
            Look::Waits(was) if is_unread(controls, now) => {
                self.held = was.into();
                return failed(UNREAD.to_owned());
            }
            Look::Waits(was) => {
                let stage = match controls.outlet.is_open() {
                    true => Look::begin(was, controls, now),
                    false => Look::Waits(was),
                };
                let paused = was_paused;
                self.held = Held::Looks(Looks { stage, paused });
                return None;
            }
            Look::Pausing(pausing) if waiting == 0 => {
                if was_paused {
                    self.held = Held::Soon(pausing);
                }
                return None;
            }
            Look::Pausing(pausing) => {
                let stage = match pausing.go_on(controls, now) {
                    Progress::Under(pausing) => Look::Pausing(pausing),
                    Progress::Over(paused) => {
                        paused.look(controls, 0);
                        Look::Lent(paused, now, Vec::new())
                    }
                    Progress::GivenUp(why) => return failed(why),
                };
                let paused = was_paused;
                self.held = Held::Looks(Looks { stage, paused });
                return None;
            }
            Look::Lent(paused, since, areas) => (paused, since, areas),
        };
        let index = u32::try_from(areas.len()).unwrap_or(u32::MAX);
        let since = match paused.seen(controls, index) {
            None => {
                if now.saturating_duration_since(since) > LIMIT {
                    controls.kick(index);
                }
                since
            }
            // Nobody wants to know any more, and the vCPU is the guest's again.
            Some(_) if waiting == 0 => {
                self.held = over(paused);
                return None;
            }
            Some(Err(why)) => {
                self.held = over(paused);
                return failed(why);
            }
            Some(Ok(area)) => {
                areas.push(digits(&area));
                if areas.len() >= controls.vcpus() as usize {
                    self.held = over(paused);
                    // Not its text: how that is indented makes no other lock of it.
                    let saves = controls.saves.as_ref();
                    let text = saves.map_or_else(String::new, |saves| canonical::write(saves.lock));
                    let lock = canonical::digest(&text);
                    return Some(Answer::Seen(Seen { lock, areas }));
                }
                paused.look(controls, index + 1);
                now
            }
        };
        self.held = Held::Looks(Looks {
            stage: Look::Lent(paused, since, areas),
            paused: was_paused,
        });
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{of, told};
    use super::super::{LOOKING, Order, Waits};
    use super::*;
    use crate::hold::barrier::Lost;
    use crate::hold::pausing::tests::{Lent, begins_paused, machine, watched};
    use std::fs::File;
    use std::sync::atomic::Ordering::SeqCst;
    use std::thread;
    use std::time::Duration;
    use vmlock_spec::status::State;

    /// Goes on, for so many who wait, until it is so far; nobody is told anything meanwhile.
    fn until(operator: &mut Operator, waiting: usize, far: impl Fn(&Operator) -> bool) {
        while !far(operator) {
            let told = operator.turn(waiting, Instant::now());
            assert!(told.is_none());
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Whatever is asked for meanwhile is not done.
    fn is_looked_at(operator: &mut Operator) {
        let now = Instant::now();
        let file = || File::open("/dev/null").ok();
        assert!(matches!(operator.resume(), Answer::Error(words) if words == LOOKING));
        for answer in [
            operator.pause(now),
            operator.save(file(), Order::default(), now),
            operator.look(now),
        ] {
            assert!(matches!(answer, Some(Answer::Error(_))));
        }
        assert_eq!(operator.state(), State::Paused);
        assert!(operator.is_busy());
        assert_eq!(operator.about(), Waits::Look);
    }

    fn is_lent(vcpu: &Lent) -> bool {
        vcpu.lent.load(SeqCst) > 0
    }

    #[test]
    fn vcpus_are_looked_at_one_after_the_other_and_go_on() {
        let (machine, vcpus) = watched(2, 20);
        let mut operator = of(machine.controls);
        assert!(operator.look(Instant::now()).is_none());
        until(&mut operator, 1, |_| is_lent(&vcpus[0]));
        is_looked_at(&mut operator);
        thread::sleep(Duration::from_millis(5));
        assert!(!is_lent(&vcpus[1]));
        vcpus[0].sees.send(Ok(vec![7])).expect("it looks");
        until(&mut operator, 1, |_| is_lent(&vcpus[1]));
        is_looked_at(&mut operator);
        vcpus[1].sees.send(Ok(vec![8])).expect("it looks");
        let Answer::Seen(seen) = told(&mut operator, 1) else {
            panic!("it was looked at")
        };
        assert_eq!(seen.areas, ["07", "08"]);
        assert_eq!(operator.state(), State::Running);
        for vcpu in vcpus {
            assert_eq!(vcpu.lent.load(SeqCst), 1);
            vcpu.thread.join().expect("it goes on");
        }
    }

    #[test]
    fn who_goes_before_the_guest_rests_leaves_it_as_it_was() {
        let mut operator = of(machine(0).0.controls);
        assert!(operator.look(Instant::now()).is_none());
        assert_eq!(operator.state(), State::Paused);
        assert!(operator.turn(1, Instant::now()).is_none() && operator.is_busy());
        assert!(operator.turn(0, Instant::now()).is_none() && !operator.is_busy());
        assert_eq!(operator.state(), State::Running);
        // One that begins with a pause has yet to come to it.
        let mut operator = of(begins_paused(1).0.controls);
        assert!(operator.look(Instant::now()).is_none());
        assert!(operator.turn(0, Instant::now()).is_none() && operator.is_busy());
        assert_eq!(operator.about(), Waits::Pause);
        assert_eq!(operator.state(), State::Paused);
    }

    /// Nobody hears what was seen; the vCPU is waited for, kicked out where it does not come, and nothing else is begun.
    #[test]
    fn who_goes_while_a_vcpu_is_lent_has_it_come_back_first() {
        for was_paused in [false, true] {
            for (seen, runs_on) in [
                (Ok(vec![7]), true),
                (Err("strayed"), true),
                (Err("lost"), false),
            ] {
                let (machine, vcpus) = watched(2, 20);
                let mut operator = of(machine.controls);
                if was_paused {
                    assert!(operator.pause(Instant::now()).is_none());
                    assert!(matches!(
                        told(&mut operator, 1),
                        Answer::State(State::Paused)
                    ));
                }
                assert!(operator.look(Instant::now()).is_none());
                until(&mut operator, 1, |_| is_lent(&vcpus[0]));
                let kicks = || vcpus[0].kicks.load(SeqCst);
                let before = kicks();
                for _ in 0..3 {
                    assert!(operator.turn(0, Instant::now()).is_none());
                    is_looked_at(&mut operator);
                }
                assert_eq!(kicks(), before);
                let late = Instant::now() + LIMIT + Duration::from_secs(1);
                assert!(operator.turn(0, late).is_none());
                assert_eq!(kicks(), before + 1);
                is_looked_at(&mut operator);
                let lost = |words: &str| Lost {
                    words: words.to_owned(),
                    runs_on,
                };
                vcpus[0].sees.send(seen.map_err(lost)).expect("it looks");
                until(&mut operator, 0, |operator| {
                    operator.about() == Waits::Pause
                });
                assert!(!is_lent(&vcpus[1]));
                if !runs_on {
                    // Its machine ends; until then nobody goes on.
                    assert_eq!(operator.state(), State::Paused);
                    continue;
                }
                if was_paused {
                    assert_eq!(operator.state(), State::Paused);
                    assert!(matches!(operator.resume(), Answer::State(State::Running)));
                }
                assert_eq!(operator.state(), State::Running);
                for vcpu in vcpus {
                    vcpu.thread.join().expect("it goes on");
                }
            }
        }
    }
}
