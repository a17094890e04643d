//! One connection of a guest that is carried from host to host: it is opened once, and whoever is at its other end sends back
//! what comes. Numbered lines are said all the while, the next whether or not the last one is back, so that some may be on
//! their way as the guest is saved; and each has to come back, once, in its order.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Time between two lines.
const PACE: Duration = Duration::from_millis(50);

/// How many lines are on their way at most.
const AHEAD: u64 = 32;

/// Talks until there is `FILE.end`, and has told in the file, which stays open, how many lines are back. Then it says how many
/// those were, which are all.
///
/// # Errors
/// What does not come back as it went, and Linux's.
pub fn talk(address: &str, path: &str) -> io::Result<()> {
    let lines = exchange(TcpStream::connect(address)?, path, AHEAD)?;
    writeln!(io::stdout(), "{lines} lines")
}

fn exchange(stream: TcpStream, path: &str, ahead: u64) -> io::Result<u64> {
    let told = File::create(path)?;
    stream.set_nodelay(true)?;
    let back = AtomicU64::new(0);
    thread::scope(|scope| {
        let says = scope.spawn(|| say(&stream, Path::new(&format!("{path}.end")), &back, ahead));
        let heard = hear(&stream, &told, &back);
        if heard.is_err() {
            // Whoever speaks hears of it.
            let _ = stream.shutdown(Shutdown::Both);
        }
        let said = says
            .join()
            .map_err(|_| io::Error::other("a thread has gone"))?;
        let heard = heard?;
        let said = said?;
        match heard == said {
            true => Ok(said),
            false => Err(wrong(format!("{heard} of {said} lines came back"))),
        }
    })
}

/// As wide each time, so that one file can have each behind the other.
fn line(number: u64) -> String {
    format!("{number:020}\n")
}

/// Says lines until it is to end: how many.
fn say(mut stream: &TcpStream, end: &Path, back: &AtomicU64, ahead: u64) -> io::Result<u64> {
    let mut said = 0;
    while !end.exists() {
        if said < back.load(Ordering::Relaxed) + ahead {
            said += 1;
            stream.write_all(line(said).as_bytes())?;
        }
        thread::sleep(PACE);
    }
    stream.shutdown(Shutdown::Write)?;
    Ok(said)
}

/// Hears lines until there are no more: how many.
fn hear(stream: &TcpStream, told: &File, back: &AtomicU64) -> io::Result<u64> {
    let mut stream = BufReader::new(stream);
    let mut heard = 0;
    loop {
        let mut came = String::new();
        if stream.read_line(&mut came)? == 0 {
            return Ok(heard);
        }
        heard += 1;
        if came != line(heard) {
            return Err(wrong(format!("line {heard} came back as {came:?}")));
        }
        back.store(heard, Ordering::Relaxed);
        told.write_all_at(came.as_bytes(), 0)?;
    }
}

fn wrong(what: String) -> io::Error {
    io::Error::other(format!("not as it was: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;
    use std::net::TcpListener;
    use std::{env, fs, process};

    /// What comes of a guest at whose other end lines are answered so, and which is to end after the eighth.
    fn talks(name: &str, answers: impl Fn(u64, &str) -> String + Sync) -> io::Result<u64> {
        let path = env::temp_dir().join(format!("vmlock-talk-{}-{name}", process::id()));
        let path = path.to_str().expect("a path in UTF-8");
        let end = format!("{path}.end");
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let stream = TcpStream::connect(listener.local_addr()?)?;
        let (peer, _) = listener.accept()?;
        let result = thread::scope(|scope| {
            scope.spawn(|| {
                for (number, came) in (1..).zip(BufReader::new(&peer).lines()) {
                    let answer = answers(number, &came.unwrap_or_default());
                    if (&peer).write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                    if number == 8 {
                        File::create(&end).expect("a file");
                    }
                }
                let _ = peer.shutdown(Shutdown::Write);
                let _ = (&peer).read_to_end(&mut Vec::new());
            });
            exchange(stream, path, 4)
        });
        let told = fs::read_to_string(path)?;
        let [_, _] = [fs::remove_file(path), fs::remove_file(&end)];
        if let Ok(lines) = result {
            assert_eq!(told, line(lines));
        }
        result
    }

    #[test]
    fn lines_that_come_back_are_good() {
        let lines = talks("good", |_, came| format!("{came}\n")).unwrap();
        assert!((8..=12).contains(&lines), "{lines}");
    }

    #[test]
    fn a_line_that_is_lost_or_doubled_or_another_one_is_found() {
        let words = |name, answers: fn(u64, &str) -> String| talks(name, answers).unwrap_err();
        let lost = words("lost", |n, came| match n {
            5 => String::new(),
            _ => format!("{came}\n"),
        });
        assert!(lost.to_string().contains("line 5 came back as"), "{lost}");
        let doubled = words("doubled", |n, came| match n {
            5 => format!("{came}\n{came}\n"),
            _ => format!("{came}\n"),
        });
        assert!(doubled.to_string().contains("line 6 came back as"));
        let other = words("other", |n, came| match n {
            5 => format!("{}\n", came.replace('0', "1")),
            _ => format!("{came}\n"),
        });
        assert!(other.to_string().contains("line 5 came back as"));
        // One who sends nothing back after some lines, though the guest is to end.
        let silent = words("silent", |n, came| match n {
            ..=6 => format!("{came}\n"),
            _ => String::new(),
        });
        assert!(silent.to_string().contains("6 of "), "{silent}");
    }
}
