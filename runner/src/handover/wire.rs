//! What two ends of a hand-over say, on a Unix socket between them: lines of JSON, each with the token of this one
//! attempt, some with a descriptor. Nothing here waits, though who connected the giving end has that end as well, and could let
//! it wait.

use super::protocol::Message;
use crate::unix;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;

/// The most bytes of a line, with its end.
const LINE: usize = 4096;
/// The most descriptors that wait for the line that they came with.
const WAITING: usize = 4;
/// Bytes of a token.
pub const TOKEN: usize = 16;

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    /// Random digits, which the taking end has made for this attempt.
    token: String,
    /// What is said.
    say: std::borrow::Cow<'a, Message>,
}

/// The other end.
pub struct Peer {
    stream: UnixStream,
    heard: Vec<u8>,
    /// Descriptors that have come, in order.
    files: VecDeque<File>,
    /// As the first line had it, at the end that made none.
    token: Option<String>,
    gone: bool,
    /// Descriptors come to this end: to the one that made the token, and never to the giving one, which would have no room.
    takes: bool,
    /// No descriptor is taken any more.
    plain: bool,
}

/// What was heard.
pub struct Heard {
    /// What was said.
    pub said: Message,
    /// What came with it.
    pub file: Option<File>,
}

impl Message {
    /// Whether a descriptor comes with it.
    fn brings(&self) -> bool {
        matches!(
            self,
            Self::Memory {} | Self::Device { .. } | Self::State { .. }
        )
    }
}

fn wrong(words: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, words)
}

impl Peer {
    /// The other end of that connection. The end that makes the token has one.
    ///
    /// # Errors
    /// The host's.
    pub fn new(stream: UnixStream, token: Option<String>) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            takes: token.is_some(),
            stream,
            heard: Vec::new(),
            files: VecDeque::new(),
            token,
            gone: false,
            plain: false,
        })
    }

    /// The connection, to be waited for.
    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// Neither takes nor gives descriptors any more, by read(2) and write(2), which every thread may. For the end that
    /// accepted the connection: nobody else has that, so it stays as it was made.
    pub fn without_files(&mut self) {
        self.plain = true;
    }

    fn receive(&self, piece: &mut [u8]) -> io::Result<(usize, Vec<File>)> {
        match (self.plain, self.takes) {
            (true, _) => Ok((nix::unistd::read(&self.stream, piece)?, Vec::new())),
            (false, true) => unix::receive(&self.stream, piece),
            (false, false) => Ok((unix::receive_bytes(&self.stream, piece)?, Vec::new())),
        }
    }

    /// Says that, with a descriptor where it has one; a line goes whole, or not at all.
    ///
    /// # Errors
    /// It has gone, or takes nothing more: nothing of the line was sent.
    pub fn say(&self, said: &Message, file: Option<&File>) -> io::Result<()> {
        let line = Line {
            token: self.token.clone().unwrap_or_default(),
            say: std::borrow::Cow::Borrowed(said),
        };
        let mut bytes = serde_json::to_vec(&line).map_err(io::Error::other)?;
        bytes.push(b'\n');
        if bytes.len() > LINE {
            return Err(ErrorKind::InvalidInput.into());
        }
        // A stream of Linux takes what fits into one buffer whole (`unix_stream_sendmsg`, net/unix/af_unix.c), and a line does.
        let sent = match (self.plain, file) {
            (true, None) => unix::say(&self.stream, &bytes)?,
            _ => unix::send(&self.stream, &bytes, file)?,
        };
        match sent == bytes.len() {
            true => Ok(()),
            false => Err(wrong("it took a part of a line")),
        }
    }

    /// What it has said, if anything; it is not waited for.
    ///
    /// # Errors
    /// It has gone, or says what nobody understands.
    pub fn hear(&mut self) -> io::Result<Option<Heard>> {
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.heard.drain(..=end).collect();
                return self.understand(&line[..end]).map(Some);
            }
            if self.heard.len() >= LINE {
                return Err(wrong("its line has no end"));
            }
            if self.gone {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let mut piece = [0; 512];
            match self.receive(&mut piece) {
                Ok((0, _)) => self.gone = true,
                Ok((count, files)) => {
                    self.heard.extend(&piece[..count]);
                    self.files.extend(files);
                    if self.files.len() > WAITING {
                        return Err(wrong("more descriptors come than lines that need them"));
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn understand(&mut self, line: &[u8]) -> io::Result<Heard> {
        let line: Line<'static> =
            serde_json::from_slice(line).map_err(|e| wrong(&format!("it makes no sense: {e}")))?;
        let is_token = line.token.len() == 2 * TOKEN;
        match &self.token {
            _ if !is_token => return Err(wrong("its token is none")),
            Some(token) if *token == line.token => {}
            Some(_) => return Err(wrong("its token is that of another hand-over")),
            None => self.token = Some(line.token),
        }
        let said = line.say.into_owned();
        let file = match said.brings() {
            true => Some(
                self.files
                    .pop_front()
                    .ok_or_else(|| wrong("a descriptor is missing"))?,
            ),
            false => None,
        };
        Ok(Heard { said, file })
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use std::io::{Read as _, Seek as _, Write as _};

    /// A token.
    pub const SOME: &str = "000102030405060708090a0b0c0d0e0f";

    /// Two ends.
    pub fn pair() -> (Peer, Peer) {
        let (one, other) = UnixStream::pair().expect("sockets");
        let one = Peer::new(one, Some(SOME.to_owned())).expect("a socket");
        (one, Peer::new(other, None).expect("a socket"))
    }

    #[test]
    fn what_is_said_is_heard_with_what_came_with_it() {
        let (mut one, mut other) = pair();
        assert!(other.hear().expect("it is there").is_none());
        one.say(&Message::Ready {}, None).expect("room");
        let first = other.hear().expect("it is there").expect("something");
        assert_eq!(
            (first.said, first.file.is_some()),
            (Message::Ready {}, false)
        );
        let mut file = crate::memory::Memory::unnamed("a test", 5).expect("a file");
        file.write_all(b"hello").expect("it takes that");
        let name = "root".to_owned();
        other
            .say(&Message::Device { name: name.clone() }, Some(&file))
            .expect("room");
        other.say(&Message::Memory {}, Some(&file)).expect("room");
        let mut heard = || one.hear().expect("it is there").expect("something");
        let second = heard();
        assert_eq!(second.said, Message::Device { name });
        let mut came = second.file.expect("a descriptor");
        let mut text = String::new();
        came.rewind().expect("a file");
        came.read_to_string(&mut text).expect("text");
        assert_eq!(text, "hello");
        assert!(heard().file.is_some());
        // To the giving end none comes, whoever sends it.
        one.say(&Message::Memory {}, Some(&file)).expect("room");
        let missing = other.hear().err().expect("it is refused").to_string();
        assert!(missing.contains("descriptor is missing"), "{missing}");
        other.say(&Message::Commit {}, None).expect("room");
        drop(one);
        assert!(other.say(&Message::Commit {}, None).is_err());
        assert!(other.hear().is_err());
    }

    #[test]
    fn what_is_no_line_of_this_hand_over_is_refused() {
        let good = format!("{{\"token\":\"{SOME}\",\"say\":{{\"ready\":{{}}}}}}\n");
        let other = good.replace("0001", "1001");
        let brings = good.replace("ready", "memory");
        let more = good.replace("}}}", "}},\"x\":1}");
        for (said, words) in [
            ("\n", "no sense"),
            ("{}\n", "no sense"),
            (&good.replace("ready", "reedy")[..], "no sense"),
            (&good.replace("{}", "{\"x\":1}"), "no sense"),
            (&more, "no sense"),
            (&good.replace(SOME, "00"), "token is none"),
            (&other, "another hand-over"),
            (&brings, "descriptor is missing"),
            (&" ".repeat(LINE), "no end"),
            ("{", "end of file"),
        ] {
            let (one, other) = UnixStream::pair().expect("sockets");
            let mut peer = Peer::new(one, Some(SOME.to_owned())).expect("a socket");
            (&other).write_all(said.as_bytes()).expect("room");
            drop(other);
            let mut heard = peer.hear();
            while let Ok(Some(_)) = heard {
                heard = peer.hear();
            }
            let error = heard.err().expect("it is refused").to_string();
            assert!(error.contains(words), "{said:?}: {error}");
        }
    }
}
