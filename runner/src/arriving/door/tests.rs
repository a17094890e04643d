//! Strangers who come over real sockets, and the one who has the token.

use super::*;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::thread;

const HELLO: &[u8] = b"vmlock hand-over";
/// Ours has these random bytes, where nothing else is said.
const OURS: [u8; SUM] = [1; SUM];

fn token() -> Token {
    Token::of([7; SUM])
}

/// What comes of such a door: where somebody was let in, and who was sent away.
fn opened(
    ours: [u8; SUM],
    time: Duration,
    come: impl FnOnce(SocketAddr) -> Vec<TcpStream>,
) -> (Far, Duration, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("this host has itself");
    let address = listener.local_addr().expect("it listens");
    let waits = thread::spawn(move || {
        let mut told = Vec::new();
        let token = token();
        let mut tell = |words: &str| told.push(words.to_owned());
        let mut door = Door::new(&listener, &token, &mut tell).expect("it listens");
        door.time = time;
        let met = door.first(|| Ok(ours), |error| error);
        (met.expect("somebody comes"), told)
    });
    let stay = come(address);
    let begun = Instant::now();
    let gives = gives(address, token()).expect("it is let in");
    let (far, told) = waits.join().expect("nobody panics");
    drop((gives, stay));
    (far, begun.elapsed(), told)
}

fn connected(address: SocketAddr) -> TcpStream {
    TcpStream::connect(address).expect("it listens")
}

fn gives(address: SocketAddr, token: Token) -> io::Result<Far> {
    Far::tcp(connected(address), Side::Gives, &token, [2; SUM])
}

/// Somebody who says that, and is there until its other end has gone.
fn refused(address: SocketAddr, said: &[u8]) {
    let mut stream = connected(address);
    // It may have gone in the middle of that.
    let _ = stream.write_all(said);
    let mut heard = Vec::new();
    // What it has not read is answered by a reset.
    let _ = stream.read_to_end(&mut heard);
    assert_eq!(heard, [HELLO, &OURS].concat());
}

/// Each is waited for for half a minute, and the one who has the token for none of them.
#[test]
fn whoever_says_nothing_keeps_nobody_out() {
    let mut began = String::new();
    let (_, took, told) = opened(OURS, SILENCE, |address| {
        let mut first = connected(address);
        began = format!("`{}`", first.local_addr().expect("it is connected"));
        // It has begun, and is not done.
        first
            .write_all(&[HELLO, &[3; SUM], &[0; 9]].concat())
            .expect("room");
        let mut heard = [0; 48];
        first.read_exact(&mut heard).expect("it is greeted");
        let silent = (0..3 * PLACES).map(|_| connected(address));
        [first].into_iter().chain(silent).collect()
    });
    assert!(took < SILENCE / 3, "{took:?}");
    assert!(told.last().is_some_and(|words| words.contains("not told")));
    let (why, named) = ("others have come since", TOLD as usize);
    let times = |why: &str| told.iter().filter(|words| words.contains(why)).count();
    assert_eq!((told.len(), times(why)), (named + 1, named), "{told:?}");
    // Who says nothing goes before who has said something.
    assert!(began.len() > 2 && times(&began) == 0, "{began}: {told:?}");
}

#[test]
fn whoever_has_begun_goes_where_all_have() {
    let (_, took, told) = opened(OURS, SILENCE, |address| {
        let begun = |_| {
            let mut stream = connected(address);
            stream.write_all(HELLO).expect("there is room");
            stream.read_exact(&mut [0; 48]).expect("it is greeted");
            stream
        };
        (0..PLACES).map(begun).collect()
    });
    assert!(took < SILENCE / 3, "{took:?}");
    assert_eq!(told.len(), 1, "{told:?}");
}

/// Whatever else is said ends its own connection and no other, and is answered by nothing of the lock.
#[test]
fn whoever_has_not_the_token_is_sent_away() {
    let (_, took, told) = opened(OURS, SILENCE, |address| {
        let begin = [HELLO, &[3; SUM]].concat();
        let frame = |kind: u8, length: u32, body: usize| {
            let head = [&[kind][..], &length.to_le_bytes()].concat();
            [&begin[..], &head, &vec![0; body]].concat()
        };
        for said in [
            b"GET / HTTP/1.0\r\n\r\n".to_vec(),
            b"v".repeat(100_000),
            // Its sum is another one, and so is the frame.
            frame(0, 0, SUM),
            frame(0, 1, SUM),
            frame(1, 2, 2 + SUM),
            frame(2, 4096, 100_000),
            frame(3, u32::MAX, 100),
            frame(9, 0, SUM),
        ] {
            refused(address, &said);
        }
        let mut other = gives(address, Token::of([8; SUM])).expect("it waits");
        assert!(other.next_until(Instant::now() + SILENCE).is_err());
        let gone = connected(address);
        gone.shutdown(Shutdown::Both).expect("it is there");
        vec![gone]
    });
    assert!(took < SILENCE / 3, "{took:?}");
    assert!((9..=10).contains(&told.len()), "{told:#?}");
    let times = |why: &str| told.iter().filter(|words| words.contains(why)).count();
    assert_eq!(times("is sent away"), told.len(), "{told:#?}");
    assert_eq!(times("is no `vmlock-run`"), 2, "{told:#?}");
    assert_eq!(times("another token"), 2, "{told:#?}");
}

/// What somebody else said to show it is of no use with other random bytes.
#[test]
fn what_was_shown_once_shows_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("this host has itself");
    let address = listener.local_addr().expect("it listens");
    let shows = thread::spawn(move || gives(address, token()).expect("it is greeted"));
    let (mut seen, _) = listener.accept().expect("it comes");
    seen.write_all(&[HELLO, &OURS].concat()).expect("room");
    let mut said = [0; 48 + 37];
    seen.read_exact(&mut said).expect("it is said");
    drop(shows.join().expect("nobody panics"));
    let again = |ours| {
        let (far, _, told) = opened(ours, SILENCE, |address| {
            let mut again = connected(address);
            again.write_all(&said).expect("there is room");
            again.read_exact(&mut [0; 48]).expect("it is greeted");
            // Until that was looked at.
            thread::sleep(Duration::from_millis(100));
            vec![again]
        });
        drop(far);
        told
    };
    assert_eq!(again([9; SUM]).len(), 1);
    // The very same bytes are let in, if these of ours are the same: so that is what keeps them out.
    let listener = TcpListener::bind("127.0.0.1:0").expect("this host has itself");
    let address = listener.local_addr().expect("it listens");
    let mut shown = connected(address);
    shown.write_all(&said).expect("there is room");
    let (mut tell, token) = (|words: &str| assert_eq!(words, "", "it is let in"), token());
    let door = Door::new(&listener, &token, &mut tell).expect("it listens");
    assert!(door.first(|| Ok(OURS), |error: io::Error| error).is_ok());
}

#[test]
fn whoever_says_nothing_for_too_long_goes() {
    let (_, _, told) = opened(OURS, Duration::from_secs(1), |address| {
        let mut silent = connected(address);
        let mut heard = Vec::new();
        silent.read_to_end(&mut heard).expect("it is sent away");
        vec![silent]
    });
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("takes too long"), "{told:?}");
}
