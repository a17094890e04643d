//! What is asked of a guest that was restored, and whose memory is still being checked.

use super::tests::{of, told};
use super::*;
use crate::hold::outlet::Outlet;
use crate::hold::pausing::tests::{Machine, begins_paused, machine};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// What a guest is saved as, and what is seen of it, leaves it as well. Who asks for its numbers is answered.
#[test]
fn a_save_and_an_audit_wait_until_its_memory_was_checked() {
    for audits in [true, false] {
        let (Machine { mut controls, .. }, start) = begins_paused(5);
        let outlet = Outlet::shut();
        controls.outlet = Arc::clone(&outlet);
        let mut operator = of(controls);
        let now = Instant::now();
        let asked = match audits {
            true => operator.look(now),
            false => operator.save(File::open("/dev/null").ok(), Order::default(), now),
        };
        assert!(asked.is_none());
        let (rounds, thread) = start();
        outlet.expects(4);
        outlet.checked(3);
        for _ in 0..100 {
            assert!(operator.turn(1, Instant::now()).is_none() && operator.takes_long());
            thread::sleep(Duration::from_millis(1));
        }
        let checking = operator.status().checking.expect("it is being checked");
        assert_eq!((checking.checked, checking.memory), (3, 4));
        outlet.open();
        match (audits, told(&mut operator, 1)) {
            (true, Answer::Seen(seen)) => assert_eq!(seen.areas, ["07"]),
            // This one has no lock.
            (false, Answer::Error(words)) => assert!(words.contains("stays paused"), "{words}"),
            _ => panic!("it is told something else"),
        }
        assert_eq!((operator.status().checking, rounds.load(SeqCst)), (None, 0));
        assert!(matches!(operator.resume(), Answer::State(State::Running)));
        thread.join().expect("it goes on");
    }
}

/// One that runs goes on meanwhile, and who has gone by then has held nobody up. It is handed over to nobody, on this host or another.
#[test]
fn a_guest_goes_on_while_who_wants_something_of_it_waits_until_its_memory_was_checked() {
    for audits in [true, false] {
        let (machine, thread) = machine(5000);
        let (mut controls, rounds) = (machine.controls, machine.rounds);
        let outlet = Outlet::shut();
        controls.outlet = Arc::clone(&outlet);
        let mut operator = of(controls);
        let ask = |operator: &mut Operator| match audits {
            true => operator.look(Instant::now()),
            false => operator.save(
                File::open("/dev/null").ok(),
                Order::default(),
                Instant::now(),
            ),
        };
        assert!(ask(&mut operator).is_none());
        assert!(operator.turn(0, Instant::now()).is_none() && !operator.is_busy());
        for far in [false, true] {
            let Some(Answer::Error(words)) = operator.hand_over(Vec::new(), far, Instant::now())
            else {
                panic!("it is not handed over")
            };
            assert!(words.contains("is still being checked"), "{words}");
        }
        assert!(ask(&mut operator).is_none());
        let before = rounds.load(SeqCst);
        while rounds.load(SeqCst) < before + 5 {
            assert!(operator.turn(1, Instant::now()).is_none() && operator.is_busy());
            assert!(ask(&mut operator).is_some());
            assert_eq!(operator.state(), State::Running);
            assert!(operator.status().saving.is_none());
            thread::sleep(Duration::from_millis(1));
        }
        outlet.open();
        match (audits, told(&mut operator, 1)) {
            (true, Answer::Seen(seen)) => assert_eq!(seen.areas, ["07"]),
            // This one has no lock.
            (false, Answer::Error(words)) => assert!(words.contains("goes on"), "{words}"),
            _ => panic!("it is told something else"),
        }
        assert_eq!(operator.state(), State::Running);
        thread.expect("it has one").join().expect("it goes on");
    }
}

/// One that has ended by itself is told of later, and neither paused, saved nor audited: it would end while it is paused, and
/// its devices would not begin what waits.
#[test]
fn a_guest_at_its_end_is_not_paused_saved_or_audited_though_that_waits() {
    for asks in ["pause", "save", "audit"] {
        let (machine, thread) = machine(5000);
        let Machine { mut controls, .. } = machine;
        let outlet = Outlet::shut();
        controls.outlet = Arc::clone(&outlet);
        controls.stands_by_outlet();
        let mut operator = of(controls);
        outlet.ends();
        let asked = match asks {
            "pause" => operator.pause(Instant::now()),
            "save" => operator.save(
                File::open("/dev/null").ok(),
                Order::default(),
                Instant::now(),
            ),
            _ => operator.look(Instant::now()),
        };
        assert!(asked.is_none());
        let Answer::Error(words) = told(&mut operator, 1) else {
            panic!("it is at its end")
        };
        let (_, why) = words.split_once(": ").expect("it says why");
        assert_eq!(why, AT_ITS_END);
        assert!(!words.contains("goes on"), "{words}");
        // It stands all the same, until it is known what it was.
        assert!(!operator.is_busy());
        assert_eq!(operator.state(), State::Paused);
        outlet.open();
        assert_eq!(operator.state(), State::Running);
        thread.expect("it has one").join().expect("it goes on");
    }
}

/// A pause that has yet to come, too, however late it is that its last vCPU ends the guest.
#[test]
fn a_pause_is_called_off_by_the_end_that_comes_before_it() {
    let (Machine { mut controls, .. }, _) = machine(0);
    let outlet = Outlet::shut();
    controls.outlet = Arc::clone(&outlet);
    let parts = controls.stands_by_outlet();
    let mut operator = of(controls);
    assert!(operator.pause(Instant::now()).is_none());
    assert!(operator.turn(1, Instant::now()).is_none());
    outlet.ends();
    parts.part(0);
    let Some(Answer::Error(words)) = operator.turn(1, Instant::now()) else {
        panic!("it is at its end")
    };
    assert!(words.ends_with(AT_ITS_END), "{words}");
}

/// It was checked, and nobody reads what it said: who wants something of it is told that, and it stays what it was.
#[test]
fn who_waits_for_a_guest_whose_console_nobody_reads_is_told_so_and_leaves_it_as_it_was() {
    for audits in [true, false] {
        let (Machine { mut controls, .. }, start) = begins_paused(5);
        let outlet = Outlet::shut();
        controls.outlet = Arc::clone(&outlet);
        let mut operator = of(controls);
        let (_rounds, thread) = start();
        let (reads, read) = channel::<()>();
        outlet.then(move || _ = read.recv());
        let opens = Arc::clone(&outlet);
        let opens = thread::spawn(move || opens.open());
        while outlet.opens_since().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        let now = Instant::now();
        let asked = match audits {
            true => operator.look(now),
            false => operator.save(File::open("/dev/null").ok(), Order::default(), now),
        };
        assert!(asked.is_none() && operator.turn(1, now).is_none());
        let late = now + LIMIT + Duration::from_secs(1);
        let Some(Answer::Error(words)) = operator.turn(1, late) else {
            panic!("nobody reads it")
        };
        assert!(
            words.contains("stays paused: its memory was checked"),
            "{words}"
        );
        assert_eq!(operator.state(), State::Paused);
        drop(reads);
        opens.join().expect("it opens");
        assert!(outlet.is_open() && outlet.opens_since().is_none());
        assert!(matches!(operator.resume(), Answer::State(State::Running)));
        thread.join().expect("it goes on");
    }
}
