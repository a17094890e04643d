//! The host's ends of connections over which much goes. Under emulation it counts how often a byte is moved: busybox' own
//! move a kilobyte at a time, through pipes.

use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

/// Bytes that are asked for at a time.
const PIECE: usize = 256 << 10;

/// The first who connects.
fn connection(port: u16) -> io::Result<TcpStream> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))?;
    Ok(listener.accept()?.0)
}

/// Sends so many bytes: a file, over and over.
///
/// # Errors
/// Linux's; and a file without bytes.
pub fn give(port: u16, file: &str, count: u64) -> io::Result<()> {
    let mut stream = connection(port)?;
    let mut file = File::open(file)?;
    let mut left = count;
    while left > 0 {
        file.rewind()?;
        // By sendfile, without a copy here.
        match io::copy(&mut (&file).take(left), &mut stream)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            sent => left -= sent,
        }
    }
    Ok(())
}

/// Says the SHA-256 of all that comes, in hexadecimal digits.
///
/// # Errors
/// Linux's.
pub fn take(port: u16) -> io::Result<()> {
    let mut stream = connection(port)?;
    let (mut digest, mut piece) = (Sha256::new(), vec![0; PIECE]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => digest.update(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let digits: String = digest
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    io::Write::write_all(&mut io::stdout(), format!("{digits}\n").as_bytes())
}
