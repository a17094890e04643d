//! What a host tells on the lab's own port: a line per event, results framed by their length.

use super::Ended;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::sync::mpsc::Sender;

/// Something that the host reports on the lab's port.
pub(super) enum Event {
    Started {
        kvm: bool,
    },
    Ended(Ended),
    File(String, Vec<u8>),
    /// The host's KVM found itself at fault, and said this.
    Fault(Vec<u8>),
    Done,
    /// What arrived makes no sense.
    Garbled(String),
}

/// Reads the lab's own port.
pub(super) fn read_events(port: impl Read, sender: &Sender<Event>) {
    let mut port = BufReader::new(port);
    let mut line = Vec::new();
    loop {
        line.clear();
        match port.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let text = String::from_utf8_lossy(&line);
        // What pushes the rest out of the port (init.rs).
        if text.trim().is_empty() {
            continue;
        }
        let event = match read_event(text.trim_end_matches('\n'), &mut port) {
            Some(Ok(event)) => event,
            // QEMU ended in the middle of a frame; the one who follows says why.
            Some(Err(_)) => return,
            None => Event::Garbled(text.into_owned()),
        };
        if sender.send(event).is_err() {
            return;
        }
    }
}

fn read_event(line: &str, port: &mut impl Read) -> Option<std::io::Result<Event>> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word {
        "started" => Some(Ok(Event::Started { kvm: rest == "yes" })),
        "done" => Some(Ok(Event::Done)),
        "ended" => {
            let mut numbers = rest.split(' ');
            let code = numbers.next()?.parse().ok()?;
            let out = numbers.next()?.parse().ok()?;
            let err = numbers.next()?.parse().ok()?;
            Some(take(port, out).and_then(|stdout| {
                let stderr = take(port, err)?;
                Ok(Event::Ended(Ended {
                    code,
                    stdout,
                    stderr,
                }))
            }))
        }
        "fault" => {
            let size = rest.parse().ok()?;
            Some(take(port, size).map(Event::Fault))
        }
        "file" => {
            let (size, path) = rest.split_once(' ')?;
            let size = size.parse().ok()?;
            let path = path.to_owned();
            Some(take(port, size).map(|content| Event::File(path, content)))
        }
        _ => None,
    }
}

/// Exactly so many bytes. The count comes from the host, so memory is only taken for what arrives.
fn take(port: &mut impl Read, count: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    port.by_ref().take(count).read_to_end(&mut bytes)?;
    if bytes.len() as u64 == count {
        Ok(bytes)
    } else {
        Err(ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn events_are_read_with_their_frames() {
        let port =
            b"started yes\nended 3 2 1\nabcfile 3 /tmp/x y\n123fault 2\nokdone\nwhat\n     \n   ";
        let (sender, receiver) = mpsc::channel();
        read_events(&port[..], &sender);
        drop(sender);
        let events: Vec<Event> = receiver.iter().collect();
        let [
            Event::Started { kvm: true },
            Event::Ended(ended),
            Event::File(path, content),
            Event::Fault(words),
            Event::Done,
            Event::Garbled(line),
        ] = events.as_slice()
        else {
            panic!("{} events", events.len());
        };
        assert_eq!(
            (ended.code, &ended.stdout[..], &ended.stderr[..]),
            (3, &b"ab"[..], &b"c"[..])
        );
        assert_eq!((path.as_str(), &content[..]), ("/tmp/x y", &b"123"[..]));
        assert_eq!((&words[..], line.as_str()), (&b"ok"[..], "what\n"));
    }

    #[test]
    fn a_frame_that_is_cut_off_is_no_event() {
        let (sender, receiver) = mpsc::channel();
        read_events(&b"ended 0 999999999999 0\nab"[..], &sender);
        drop(sender);
        assert_eq!(receiver.iter().count(), 0);
    }
}
