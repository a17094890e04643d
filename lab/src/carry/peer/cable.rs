//! A cable to a host's network card: frames over the socket of QEMU's `stream` (net/stream.c of 7.2, `net_stream_receive`),
//! each behind its length in four bytes, the highest first.

use super::end::FRAME;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, send};
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// Bytes of a frame's length.
const LENGTH: usize = 4;

/// The longest frame that is taken: what a card without any offload sends is far shorter.
const LONGEST: usize = 64 << 10;

/// A cable.
pub struct Cable {
    stream: UnixStream,
    /// What came and is no whole frame yet.
    begun: Vec<u8>,
    /// What is left of a frame that did not go out as a whole.
    left: Vec<u8>,
}

impl Cable {
    /// A cable over that socket, of which nobody waits for anything.
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            begun: Vec::new(),
            left: Vec::new(),
        })
    }

    /// The socket, to be waited for.
    pub fn stream(&self) -> &UnixStream {
        &self.stream
    }

    /// The frames that have come; `None` once the host is gone.
    pub fn frames(&mut self) -> Option<Vec<Vec<u8>>> {
        let mut bytes = vec![0; LONGEST];
        match self.stream.read(&mut bytes) {
            Ok(0) => return None,
            Ok(count) => self.begun.extend_from_slice(&bytes[..count]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => return None,
        }
        let mut frames = Vec::new();
        while let Some((length, rest)) = self.begun.split_first_chunk::<LENGTH>() {
            let length = u32::from_be_bytes(*length) as usize;
            if length > LONGEST {
                return None;
            }
            let Some(frame) = rest.get(..length) else {
                break;
            };
            frames.push(frame.to_vec());
            self.begun.drain(..LENGTH + length);
        }
        Some(frames)
    }

    /// Sends a frame, or loses it where the host takes none: it is booting, or busy.
    pub fn send(&mut self, frame: &[u8]) {
        self.flush();
        let Ok(length) = u32::try_from(frame.len()) else {
            return;
        };
        if self.left.is_empty() && frame.len() <= FRAME {
            self.left.extend_from_slice(&length.to_be_bytes());
            self.left.extend_from_slice(frame);
            let all = self.left.len();
            self.flush();
            if self.left.len() == all {
                self.left.clear();
            }
        }
    }

    /// Half a frame would be the end of the cable: what is left of one goes out before the next.
    fn flush(&mut self) {
        let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
        while !self.left.is_empty() {
            match send(self.stream.as_raw_fd(), &self.left, flags) {
                Ok(count) => {
                    self.left.drain(..count);
                }
                Err(Errno::EINTR) => {}
                // Of a host that is gone `frames` tells.
                Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn cable() -> (Cable, UnixStream) {
        let (here, there) = UnixStream::pair().unwrap();
        (Cable::new(here).unwrap(), there)
    }

    #[test]
    fn frames_come_as_they_were_sent_however_their_bytes_are_cut() {
        let bytes = [0, 0, 0, 2, 7, 8, 0, 0, 0, 0, 0, 0, 0, 1, 9];
        for cut in 0..bytes.len() {
            let (mut cable, mut there) = cable();
            assert_eq!(cable.frames(), Some(Vec::new()));
            there.write_all(&bytes[..cut]).unwrap();
            let mut frames = cable.frames().unwrap();
            there.write_all(&bytes[cut..]).unwrap();
            frames.extend(cable.frames().unwrap());
            assert_eq!(frames, [vec![7, 8], vec![], vec![9]], "cut at {cut}");
            drop(there);
            assert_eq!(cable.frames(), None);
        }
        let (mut cable, mut there) = cable();
        there.write_all(&[1, 0, 0, 0]).unwrap();
        assert_eq!(cable.frames(), None, "so long a frame is none");
    }

    #[test]
    fn what_the_host_does_not_take_is_lost_in_whole_frames() {
        let (mut cable, there) = cable();
        let frame = |n: u16| [&n.to_be_bytes()[..], &[0x55; 1000]].concat();
        (0..2000).for_each(|n| cable.send(&frame(n)));
        let mut other = Cable::new(there).unwrap();
        let mut came = Vec::new();
        for n in 2000..4000 {
            came.extend(other.frames().unwrap());
            cable.send(&frame(n));
        }
        came.extend(other.frames().unwrap());
        let numbers: Vec<u16> = came
            .iter()
            .map(|frame| {
                assert_eq!((frame.len(), &frame[2..]), (1002, &[0x55; 1000][..]));
                u16::from_be_bytes([frame[0], frame[1]])
            })
            .collect();
        assert!(numbers.is_sorted_by(|one, next| one < next));
        assert_eq!((numbers[0], numbers.last()), (0, Some(&3999)));
        assert!(numbers.len() < 4000, "the socket took all at once");
    }
}
