//! Two ends on one stream, and somebody between them.

use super::*;
use std::os::unix::net::UnixStream;
use std::thread;

fn file(stream: UnixStream) -> (File, File) {
    let file = File::from(OwnedFd::from(stream));
    (file.try_clone().expect("a descriptor"), file)
}

/// What comes of two ends with these tokens.
fn met(gives: Token, takes: Token) -> (io::Result<Far>, io::Result<Far>) {
    let (one, other) = UnixStream::pair().expect("sockets");
    let there =
        thread::spawn(move || Far::meet(file(other), usize::MAX, Side::Takes, &takes, [1; SUM]));
    let here = Far::meet(file(one), usize::MAX, Side::Gives, &gives, [2; SUM]);
    (here, there.join().expect("nobody panics"))
}

fn ends() -> (Far, Far) {
    let (gives, takes) = met(Token([7; SUM]), Token([7; SUM]));
    (gives.expect("it is there"), takes.expect("it is there"))
}

fn all() -> Vec<Frame> {
    vec![
        Frame::Words(Message::Ready {}),
        Frame::Pages {
            first: 3,
            bytes: vec![9; PAGES * PAGE],
        },
        Frame::State {
            at: 5,
            bytes: vec![1; PAGE],
        },
        Frame::State {
            at: 1 << 40,
            bytes: Vec::new(),
        },
    ]
}

#[test]
fn whoever_has_the_token_is_heard_in_order() {
    let (mut gives, mut takes) = ends();
    assert!(takes.next().expect("it is there").is_none());
    let says = thread::spawn(move || {
        for frame in all() {
            gives.say(&frame).expect("it listens");
        }
        gives
    });
    let until = Instant::now() + SILENCE;
    for frame in all() {
        assert_eq!(takes.next_until(until).expect("it comes"), frame);
    }
    let mut gives = says.join().expect("nobody panics");
    takes.tell(&Message::Restored {}).expect("it listens");
    let heard = gives.next_until(until).expect("it comes");
    assert_eq!(heard, Frame::Words(Message::Restored {}));
    drop(takes);
    assert!(gives.next().is_err() && gives.tell(&Message::Commit {}).is_err());
    let (_gives, mut takes) = ends();
    let late = takes.next_until(Instant::now() + Duration::from_millis(20));
    assert_eq!(late.map_err(|e| e.kind()), Err(ErrorKind::TimedOut));
}

#[test]
fn whoever_has_another_token_is_sent_away() {
    let (gives, takes) = met(Token([7; SUM]), Token([8; SUM]));
    let why = takes.err().expect("it is refused").to_string();
    assert!(why.contains("another token"), "{why}");
    // It has yet to hear anything, and hears nothing.
    assert!(
        gives
            .expect("it waits")
            .next_until(Instant::now() + SILENCE)
            .is_err()
    );
    // An end without it, which says nothing of what it cannot know.
    let (one, other) = UnixStream::pair().expect("sockets");
    (&other)
        .write_all(&[&HELLO[..], &[0; SUM]].concat())
        .expect("room");
    let mut gives = Far::meet(
        file(one),
        usize::MAX,
        Side::Gives,
        &Token([7; SUM]),
        [2; SUM],
    )
    .expect("it waits");
    (&other)
        .write_all(&[SAID, 2, 0, 0, 0, b'{', b'}'])
        .expect("room");
    (&other).write_all(&[0; SUM]).expect("room");
    let why = gives.next().expect_err("it is refused").to_string();
    assert!(why.contains("another token"), "{why}");
    // Another program.
    let (one, other) = UnixStream::pair().expect("sockets");
    (&other).write_all(b"GET / HTTP/1.0\r\n\r\n").expect("room");
    let why = Far::meet(file(one), usize::MAX, Side::Takes, &Token::none(), [1; SUM]);
    let why = why.err().expect("it is refused").to_string();
    assert!(why.contains("no `vmlock-run`"), "{why}");
}

/// A frame as it goes over, from an end that then hears what is made of it.
fn on_its_way(frame: &Frame) -> (Vec<u8>, Far) {
    let (mut gives, takes) = ends();
    let (one, other) = UnixStream::pair().expect("sockets");
    gives.output = file(one).1.into();
    gives.say(frame).expect("room");
    drop(gives);
    let mut bytes = Vec::new();
    (&other).read_to_end(&mut bytes).expect("it is there");
    (bytes, takes)
}

#[test]
fn what_was_changed_left_out_doubled_or_said_by_this_end_is_refused() {
    let frame = Frame::Words(Message::Commit {});
    let (bytes, mut takes) = on_its_way(&frame);
    takes.came.clone_from(&bytes);
    assert_eq!(
        takes.next().expect("it is whole"),
        Some(Frame::Words(Message::Commit {}))
    );
    // The same once more.
    takes.came = bytes;
    assert!(takes.next().is_err());
    let (bytes, _) = on_its_way(&frame);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let (mut bytes, mut takes) = on_its_way(&frame);
            bytes[at] ^= 1 << bit;
            takes.came = bytes;
            // A longer one has not come whole by the end.
            assert!(takes.next().is_err(), "byte {at}, bit {bit}");
        }
        let (bytes, mut takes) = on_its_way(&frame);
        takes.came = bytes[..at].to_vec();
        assert!(takes.next().is_err(), "{at} bytes");
    }
    // What comes before it is missing.
    let (mut gives, mut takes) = ends();
    gives.said += 1;
    gives.say(&frame).expect("room");
    assert!(takes.next().is_err());
    // Its own words.
    let (bytes, _) = on_its_way(&frame);
    let (mut gives, _takes) = ends();
    gives.came = bytes;
    assert!(gives.next().is_err());
}

#[test]
fn more_than_goes_into_a_frame_is_refused_before_it_has_come() {
    for (kind, length) in [
        (HERE, 1),
        (SAID, WORDS + 1),
        (MEMORY, BODY + 1),
        (STATE, u32::MAX as usize),
        (9, 0),
    ] {
        let (_gives, mut takes) = ends();
        takes.came = vec![kind];
        takes.came.extend((length as u32).to_le_bytes());
        assert!(takes.next().is_err(), "{kind}: {length}");
    }
    for body in [vec![0; 7], vec![0; 8], vec![0; 8 + PAGE - 1]] {
        assert!(frame(MEMORY, body).is_err());
    }
    assert!(frame(SAID, b"{}".to_vec()).is_err());
    // Words are words.
    let no = br#"{"no":{"why":"\u001b[2J no"}}"#.to_vec();
    let said = frame(SAID, no).expect("it is one");
    assert_eq!(said, Frame::Words(Message::no("\\u{1b}[2J no")));
    assert!(frame(STATE, vec![0; 7]).is_err());
}

#[test]
fn a_token_is_kept_for_its_user_alone_and_read_again() {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt as _;
    let path = std::env::temp_dir().join(format!("vmlock-token-{}", std::process::id()));
    let token = Token::of([9; SUM]);
    token
        .keep(&path)
        .expect("the temporary directory takes files");
    assert_eq!(fs::metadata(&path).expect("it").mode() & 0o777, 0o600);
    assert!(Token::read(&path).is_ok_and(|read| read.0 == token.0));
    // Nothing is written over: it may be somebody's key.
    assert!(Token::of([8; SUM]).keep(&path).is_err());
    assert!(Token::read(&path).is_ok_and(|read| read.0 == token.0));
    for text in ["", "00", &"0".repeat(63), &"0".repeat(65), &"+f".repeat(32)] {
        fs::write(&path, text).expect("it is ours");
        assert!(Token::read(&path).is_err(), "{text}");
    }
    fs::write(&path, "0f".repeat(32)).expect("it is ours");
    assert!(Token::read(&path).is_ok());
    fs::set_permissions(&path, Permissions::from_mode(0o640)).expect("it is ours");
    assert!(Token::read(&path).is_err());
    fs::remove_file(&path).expect("it was made here");
    assert!(Token::read(&path).is_err());
}

/// An end that has not shown the token costs no more than what it has to say, however much it says.
#[test]
fn little_is_kept_of_who_has_not_shown_the_token() {
    assert!(size_of::<Meeting>() <= 1024, "{}", size_of::<Meeting>());
    let head = |kind: u8, length: u32| [&[kind][..], &length.to_le_bytes()].concat();
    for head in [
        head(HERE, 0),
        head(SAID, WORDS as u32),
        head(MEMORY, BODY as u32),
    ] {
        let (one, other) = UnixStream::pair().expect("sockets");
        one.set_nonblocking(true).expect("it is ours");
        let both = Arc::new(File::from(OwnedFd::from(one)));
        let both = (Arc::clone(&both), both);
        let token = Token([7; SUM]);
        let meeting = Meeting::begin(both, usize::MAX, Side::Takes, &token, [1; SUM]);
        let mut meeting = meeting.expect("it is there");
        assert!(meeting.is_silent() && !meeting.look().expect("it is there"));
        (&other).write_all(&HELLO[..9]).expect("room");
        assert!(!meeting.look().expect("it has begun") && !meeting.is_silent());
        (&other)
            .write_all(&[&HELLO[9..], &[3; SUM], &head, &[0; 64 << 10]].concat())
            .expect("room");
        assert!(meeting.look().is_err());
        let kept = meeting.far.came.capacity();
        assert!(kept <= BEGIN, "{kept}");
    }
}
