//! The part of `bench` that runs in a host and measures its guests' devices: it is the other end of their network, starts
//! one contender after the other and listens to its guest's console.
//!
//! A guest does everything twice. The first time exits and system calls are counted, which takes time; the second is timed.

use super::super::OURS;
use super::counters::{Counters, Counts};
use super::load::{DISCARD, ECHO, GENERATE, HOST, Said, said};
use crate::cache;
use crate::failure::{Failure, OK, Result, tell};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

/// What is to be measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// Programs with their arguments, run in turn.
    pub contenders: BTreeMap<String, Vec<String>>,
    /// Rounds that count.
    pub rounds: u32,
}

/// What was measured, by contender.
pub type Measured = BTreeMap<String, BTreeMap<String, Seen>>;

/// What a contender needed for a phase.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    /// Microseconds, by the guest's clock, of each round that counts.
    pub times: Vec<f64>,
    /// Exits and system calls.
    pub counts: Counts,
}

/// Carries out the order in a file and prints what was measured.
///
/// # Errors
/// A contender or its guest failed.
pub fn run(order: &Path) -> Result<u8> {
    let order: Order = serde_json::from_slice(&cache::read(order)?)
        .map_err(|e| Failure::usage(format!("{}: {e}", order.display())))?;
    for (port, serve) in [
        (ECHO, echo as fn(TcpStream) -> io::Result<()>),
        (DISCARD, discard),
        (GENERATE, generate),
    ] {
        listen(port, serve)
            .map_err(|e| Failure::environment(format!("cannot listen on port {port}: {e}")))?;
    }
    let mut measured = Measured::new();
    for _ in 0..order.rounds {
        for (name, command) in &order.contenders {
            let words = one(command, measured.entry(name.clone()).or_default())?;
            if name == OURS && words.contains(SLOWER) {
                return Err(Failure::environment(format!(
                    "the disk that is measured has no io_uring: {}",
                    words.trim_end()
                )));
            }
        }
    }
    let text = serde_json::to_string(&measured)
        .map_err(|e| Failure::bug(format!("cannot write the measurement: {e}")))?;
    tell(text)?;
    Ok(OK)
}

/// What vmlock-run says of a disk whose requests its own thread carries out.
const SLOWER: &str = "io_uring cannot be had";

/// Runs a contender to its end: all that it and its guest said.
fn one(command: &[String], seen: &mut BTreeMap<String, Seen>) -> Result<String> {
    let (program, args) = command
        .split_first()
        .ok_or_else(|| Failure::usage("an empty command"))?;
    let cannot = |e: io::Error| Failure::environment(format!("cannot run {program}: {e}"));
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    let output = child.stdout.take();
    let output = output.ok_or_else(|| Failure::bug("a child without output"))?;
    // It says little; a pipe takes it all.
    let words = child.stderr.take();
    let (mut all, mut counting) = (String::new(), None);
    let (mut counted, mut timed) = (BTreeSet::new(), BTreeSet::new());
    for line in BufReader::new(output).lines() {
        let line = line.map_err(cannot)?;
        match said(&line) {
            Some(Said::Begins(name)) if !counted.contains(name) => {
                let counters = Counters::start()?;
                let begun = counters.now(child.id())?;
                counting = Some((counters, begun));
            }
            Some(Said::Took(name, took)) => {
                let phase = seen.entry(name.to_owned()).or_default();
                match counting.take() {
                    Some((counters, begun)) => {
                        phase.counts = counters.now(child.id())?.since(&begun);
                        counted.insert(name.to_owned());
                    }
                    None => {
                        phase.times.push(took as f64);
                        timed.insert(name.to_owned());
                    }
                }
            }
            Some(Said::Begins(_)) | None => {}
        }
        all.push_str(&line);
        all.push('\n');
    }
    if let Some(mut words) = words {
        let _ = words.read_to_string(&mut all);
    }
    let status = child.wait().map_err(cannot)?;
    match status.success() && !counted.is_empty() && timed == counted {
        true => Ok(all),
        false => Err(Failure::environment(format!(
            "{} ended with {status}, and its guest has done {} of what is measured; it said:\n{}",
            command.join(" "),
            counted.len(),
            all.trim_end()
        ))),
    }
}

/// Serves each connection to a port of the guests' network on a thread of its own.
fn listen(port: u16, serve: fn(TcpStream) -> io::Result<()>) -> io::Result<()> {
    let listener = TcpListener::bind((HOST, port))?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A guest that finds its connection broken says so.
            thread::spawn(move || stream.set_nodelay(true).and_then(|()| serve(stream)));
        }
    });
    Ok(())
}

fn echo(mut stream: TcpStream) -> io::Result<()> {
    let mut bytes = [0; 64];
    loop {
        match stream.read(&mut bytes)? {
            0 => return Ok(()),
            read => stream.write_all(&bytes[..read])?,
        }
    }
}

fn discard(mut stream: TcpStream) -> io::Result<()> {
    let mut bytes = vec![0; 256 << 10];
    while stream.read(&mut bytes)? > 0 {}
    stream.write_all(b".")
}

fn generate(mut stream: TcpStream) -> io::Result<()> {
    let mut count = [0; 8];
    stream.read_exact(&mut count)?;
    let (mut left, piece) = (u64::from_le_bytes(count), vec![b'.'; 256 << 10]);
    while left > 0 {
        let now = left.min(piece.len() as u64);
        stream.write_all(&piece[..now as usize])?;
        left -= now;
    }
    Ok(())
}
