//! `vmlock` as its users have it: the program, its words, its files and its exit codes.
//!
//! What needs a shell, git beside one, a terminal, modes or pipes of Unix is not tried on Windows, but for what `windows`
//! tries there in its place.

mod below;
#[cfg(unix)]
mod ci;
#[cfg(unix)]
mod completions;
mod convert;
#[cfg(unix)]
mod documents;
#[cfg(unix)]
mod door;
mod drift;
mod editor;
mod export;
mod fleet;
mod foreign;
mod formats;
mod forms;
#[cfg(unix)]
mod git;
mod habits;
mod hosts;
mod import;
mod imports;
mod init;
#[cfg(unix)]
mod interrupts;
mod kernels;
mod labels;
mod libvirt;
mod lsp;
mod names;
#[cfg(unix)]
mod recordings;
mod refusals;
mod saved;
mod schemas;
mod scratch;
mod shapes;
mod sharing;
mod show;
#[cfg(unix)]
mod streams;
mod surface;
#[cfg(unix)]
mod terminal;
mod ui;
mod upgrade;
#[cfg(windows)]
mod windows;
mod witness;
#[cfg(unix)]
mod written;
