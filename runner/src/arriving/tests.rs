//! The taking end against a giving end that is played here.

use super::*;
use crate::handover::wire::tests::pair;
use crate::memory::Memory;
use std::thread;
use vmlock_spec::lock::Range;

const BYTES: u64 = 1 << 21;

fn memory() -> Memory {
    let range = Range {
        base: 0,
        size: BYTES,
    };
    Memory::to_share(range).expect("2 MiB are available")
}

fn accept(lock: &str, devices: u32) -> Message {
    Message::Accept {
        version: VERSION,
        lock: digest(lock),
        generation: None,
        devices,
    }
}

/// What comes of an end that is told so, each with a descriptor of that memory or without.
fn met(said: &[(Message, bool)]) -> Result<Arriving, String> {
    let (taking, mut giving) = pair();
    let memory = memory();
    let said = said.to_vec();
    let gives = thread::spawn(move || {
        // Its token is that of the offer.
        while giving.hear().expect("an offer").is_none() {
            thread::yield_now();
        }
        for (said, brings) in said {
            let file = memory.right().filter(|_| brings);
            let file = file.map(|right| right.to_give().expect("a descriptor"));
            // It may have gone by then.
            let _ = giving.say(&said, file.as_ref());
        }
    });
    let wanted = Wanted {
        bytes: BYTES,
        identified: false,
        names: vec!["root", "lan"],
    };
    let came = Arriving::begin(Giver::Near(taking), Path::new("to"), "a lock", &wanted);
    gives.join().expect("nobody panics");
    came.map_err(|failure| match failure {
        Failure::Environment(trouble) => trouble.message,
        other => format!("{other:?}"),
    })
}

#[test]
fn what_comes_is_taken_under_its_names_and_all_else_refused() {
    let device = |name: &str| Message::Device {
        name: name.to_owned(),
    };
    let good = [
        (accept("a lock", 2), false),
        (Message::Memory {}, true),
        (device("root"), true),
        (device("lan"), true),
    ];
    let came = met(&good).expect("it is all there");
    let names: Vec<&String> = came.devices.keys().collect();
    assert_eq!(names, ["lan", "root"]);
    assert!(came.memory.is_some());
    let no = Message::No {
        why: "not today".to_owned(),
    };
    let newer = Message::Accept {
        version: VERSION + 1,
        lock: digest("a lock"),
        generation: None,
        devices: 0,
    };
    let identified = Message::Accept {
        version: VERSION,
        lock: digest("a lock"),
        generation: Some("0".repeat(32)),
        devices: 0,
    };
    for (said, words) in [
        (&[][..], "has gone"),
        (&[(no, false)], "not today"),
        (&[(accept("another", 0), false)], "another lock"),
        (&[(newer, false)], "speaks version 3"),
        (&[(identified, false)], "generation id"),
        (&[(Message::Commit {}, false)], "something else"),
        (&[good[0].clone(), (device("root"), true)], "something else"),
        (
            &[good[0].clone(), (Message::Memory {}, false)],
            "descriptor is missing",
        ),
        (
            &[
                good[0].clone(),
                good[1].clone(),
                good[2].clone(),
                good[2].clone(),
            ],
            "comes twice",
        ),
        (
            &[good[0].clone(), good[1].clone(), (device("data"), true)],
            "the lock has not",
        ),
        (
            &[(accept("a lock", 3), false), good[1].clone()],
            "more disks",
        ),
        (&good[..3], "has gone"),
    ] {
        let why = met(said).err().expect("it is refused");
        assert!(why.contains(words), "{why}");
    }
}

/// What comes of asking for a guest, where the other end says that, and lets go of the right before or not, and then maybe goes
/// on with it and ends; whether it heard that the guest runs.
fn asked(
    says: Option<Message>,
    leaves: bool,
    ran: bool,
    last: Result<(), String>,
) -> (Verdict, bool) {
    let (taking, mut giving) = pair();
    let memory = memory();
    let right = memory.right().expect("it is shared");
    let came = right::anew(right.to_give().expect("a descriptor"), BYTES).expect("it is sealed");
    let range = Range {
        base: 0,
        size: BYTES,
    };
    let ours = Memory::given(range, came).expect("it is there");
    let arriving = Arriving {
        peer: Giver::Near(taking),
        at: Taking::Restores,
        socket: PathBuf::from("to"),
        memory: None,
        devices: Handed::new(),
        generation: None,
        turn: right.turn(),
    };
    let asks = thread::spawn(move || {
        let verdict = arriving.ask(ours.right().expect("it is shared"), || Ok(()), || last);
        // The right lasts as long as this one does.
        (verdict, ours)
    });
    let mut heard = None;
    while heard.is_none() {
        heard = giving.hear().expect("it asks");
    }
    assert_eq!(heard.map(|heard| heard.said), Some(Message::Restored {}));
    if leaves {
        right.leave().expect("a file");
    }
    if ran {
        assert_eq!(right.take().expect("a file"), Taken::Ours);
        right.leave().expect("a file");
    }
    match says {
        Some(said) => giving.say(&said, None).expect("it listens"),
        None => drop(giving.stream().shutdown(std::net::Shutdown::Both)),
    }
    let (verdict, ours) = asks.join().expect("nobody panics");
    let runs = matches!(
        giving.hear(),
        Ok(Some(Heard {
            said: Message::Runs {},
            ..
        }))
    );
    let wanted = match verdict {
        Verdict::Runs => Taken::Held,
        _ => Taken::Ours,
    };
    assert_eq!(right.take().expect("a file"), wanted);
    drop(ours);
    (verdict, runs)
}

#[test]
fn a_guest_runs_once_it_was_given_and_nobody_else_may_run_it() {
    let commit = || Some(Message::Commit {});
    let (verdict, told) = asked(commit(), true, false, Ok(()));
    assert!(matches!(verdict, Verdict::Runs) && told);
    // It was given by who kept the right.
    let (verdict, told) = asked(commit(), false, false, Ok(()));
    assert!(matches!(verdict, Verdict::Unknown(why) if why == HELD) && !told);
    // That one was named meanwhile, ran on and ended: the word that was given is old.
    let (verdict, told) = asked(commit(), true, true, Ok(()));
    assert!(matches!(verdict, Verdict::Never(why) if why == OVER) && !told);
    // What cannot run it does not take it.
    let (verdict, told) = asked(commit(), true, false, Err("its counter".to_owned()));
    assert!(matches!(verdict, Verdict::Broken(why) if why == "its counter") && !told);
    for says in [None, Some(Message::Ready {})] {
        let (verdict, told) = asked(says, true, false, Ok(()));
        assert!(matches!(verdict, Verdict::Unknown(_)) && !told);
    }
    let no = Message::No {
        why: "not today".to_owned(),
    };
    let (verdict, told) = asked(Some(no), false, false, Ok(()));
    assert!(matches!(verdict, Verdict::Never(why) if why.contains("not today")) && !told);
}
