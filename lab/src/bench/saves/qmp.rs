//! As much of QEMU's monitor protocol as it takes to have a guest saved (docs/interop/qmp-spec of QEMU).

use crate::failure::{Failure, Result};
use serde_json::{Value, json};
use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// How often QEMU is asked whether a guest is saved.
const EACH: Duration = Duration::from_millis(1);

/// A QEMU that listens.
pub struct Monitor(BufReader<UnixStream>);

fn failed(why: impl Display) -> Failure {
    Failure::environment(format!("QEMU cannot be asked: {why}"))
}

impl Monitor {
    /// Greets the QEMU at that socket.
    pub fn connect(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket).map_err(failed)?;
        let mut monitor = Self(BufReader::new(stream));
        monitor.line()?;
        monitor.ask("qmp_capabilities", &json!({}))?;
        Ok(monitor)
    }

    fn line(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.0.read_line(&mut line).map_err(failed)? == 0 {
            return Err(failed("it has gone"));
        }
        serde_json::from_str(&line).map_err(failed)
    }

    /// Has something done, and waits for what comes of it.
    pub fn ask(&mut self, what: &str, arguments: &Value) -> Result<Value> {
        let line = format!("{}\n", json!({ "execute": what, "arguments": arguments }));
        let stream = self.0.get_mut();
        stream.write_all(line.as_bytes()).map_err(failed)?;
        loop {
            let mut answer = self.line()?;
            if let Some(error) = answer.get("error") {
                return Err(failed(format_args!("{what}: {error}")));
            }
            // Events come in between.
            if answer.get("return").is_some() {
                return Ok(answer["return"].take());
            }
        }
    }

    /// Has the guest written to a file.
    pub fn migrate(&mut self, file: &Path) -> Result<()> {
        let to = format!("file:{}", file.display());
        self.ask("migrate", &json!({ "uri": to }))?;
        loop {
            let state = self.ask("query-migrate", &json!({}))?;
            match state["status"].as_str() {
                Some("completed") => return Ok(()),
                Some("failed" | "cancelled") => {
                    return Err(failed(format_args!("the guest is not saved: {state}")));
                }
                _ => thread::sleep(EACH),
            }
        }
    }

    /// Has QEMU end.
    pub fn quit(mut self) -> Result<()> {
        self.ask("quit", &json!({})).map(drop)
    }
}
