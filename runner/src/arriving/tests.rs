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
            let file = memory.file().filter(|_| brings);
            // It may have gone by then.
            let _ = giving.say(&said, file.map(|file| &**file));
        }
    });
    let came = Arriving::begin(taking, Path::new("to"), "a lock", BYTES, false);
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
        (&[(newer, false)], "speaks version 2"),
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
        (&good[..3], "has gone"),
    ] {
        let why = met(said).err().expect("it is refused");
        assert!(why.contains(words), "{why}");
    }
}

/// What comes of asking for a guest, where the other end says that, and lets go of the right before or not; whether it heard
/// that the guest runs.
fn asked(says: Option<Message>, leaves: bool) -> (Verdict, bool) {
    let (taking, mut giving) = pair();
    let memory = memory();
    let file = memory.file().expect("it has one");
    let ours = right::anew(file.try_clone().expect("a descriptor"), BYTES).expect("it is sealed");
    let arriving = Arriving {
        peer: taking,
        at: Taking::Restores,
        socket: PathBuf::from("to"),
        memory: None,
        devices: Handed::new(),
        generation: None,
    };
    let asks = thread::spawn(move || {
        let verdict = arriving.ask(&ours);
        // The right lasts as long as this one does.
        (verdict, ours)
    });
    let mut heard = None;
    while heard.is_none() {
        heard = giving.hear().expect("it asks");
    }
    assert_eq!(heard.map(|heard| heard.said), Some(Message::Restored {}));
    if leaves {
        right::leave(file).expect("a file");
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
    let ours_now = matches!(verdict, Verdict::Runs);
    assert_eq!(right::take(file).expect("a file"), !ours_now);
    drop(ours);
    (verdict, runs)
}

#[test]
fn a_guest_runs_once_it_was_given_and_nobody_else_may_run_it() {
    let (verdict, told) = asked(Some(Message::Commit {}), true);
    assert!(matches!(verdict, Verdict::Runs) && told);
    // It was given by who kept the right.
    let (verdict, told) = asked(Some(Message::Commit {}), false);
    assert!(matches!(verdict, Verdict::Unknown(why) if why == HELD) && !told);
    for says in [None, Some(Message::Ready {})] {
        let (verdict, told) = asked(says, true);
        assert!(matches!(verdict, Verdict::Unknown(_)) && !told);
    }
    let no = Message::No {
        why: "not today".to_owned(),
    };
    let (verdict, told) = asked(Some(no), false);
    assert!(matches!(verdict, Verdict::Never(why) if why.contains("not today")) && !told);
}
