//! `vmlock lsp`: descriptions in an editor, over the language server protocol.
//!
//! `server` reads what a client asks and says; what it answers are pure functions of a text, a place and what `analysis`
//! knows of it, one file each. Findings come of the compiler, names and their meaning of the schema (`meaning.rs`), the
//! words of the language of its one table (`language/nodes.rs`).

mod actions;
mod analysis;
#[cfg(test)]
mod chance;
mod completion;
mod cursor;
mod definition;
mod diagnostics;
mod digests;
mod document;
mod format;
mod hints;
mod hover;
mod message;
mod outline;
mod position;
mod rename;
mod server;
mod symbols;
mod view;

use crate::diagnostic::Diagnostic;
use crate::render::{self, Exit, Output};
use crate::system;
use server::Event;
use std::io::{self, BufReader};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How often it is looked whether the client's process is still there, where nothing comes from it.
const ALIVE_EVERY: Duration = Duration::from_secs(5);

/// Serves over standard input and output until the client ends it.
pub fn run(out: &mut Output) {
    match serve() {
        Ok(true) => {}
        // The protocol's own code for a client that left without a word.
        Ok(false) => out.exit(Exit::Findings),
        Err(error) => {
            let words = format!("standard input cannot be read: {error}");
            let help = "look at how many processes and threads there may be";
            out.fail(
                Exit::Environment,
                Diagnostic::error("io::unreadable", words).help(help),
            );
        }
    }
}

/// Whether it was ended as the protocol says.
fn serve() -> io::Result<bool> {
    let (sender, events) = mpsc::channel();
    let input = sender.clone();
    let read = move || {
        let mut stdin = BufReader::new(io::stdin());
        loop {
            let event = match message::read(&mut stdin) {
                Ok(Some(message)) => Event::Message(message),
                Ok(None) => Event::End,
                Err(error) => {
                    // Behind what cannot be read there is nothing that can be.
                    let words = format!("vmlock: what the editor sent cannot be read: {error}");
                    let _ = render::write(io::stderr(), &render::plain(&words));
                    Event::End
                }
            };
            let over = matches!(event, Event::End);
            if input.send(event).is_err() || over {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("input".to_owned())
        .spawn(read)?;
    let gone = sender.clone();
    let mut stdout = io::stdout();
    let mut send = |message: &serde_json::Value| {
        if message::write(&mut stdout, message).is_err() {
            // Who does not read has gone.
            let _ = gone.send(Event::End);
        }
    };
    Ok(server::serve(
        events,
        sender,
        &mut send,
        (&system::alive, ALIVE_EVERY),
    ))
}
