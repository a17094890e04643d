//! `vmlock` as its users have it: the program, its words, its files and its exit codes.
//!
//! What needs a shell, git beside one, a terminal, modes or pipes of Unix is not tried on Windows, but for what `windows`
//! tries there in its place.

mod adversary;
mod below;
mod ci;
#[cfg(unix)]
mod completions;
mod convert;
mod dice;
mod documents;
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
mod lines;
mod lsp;
mod manual;
mod names;
mod recordings;
mod refusals;
mod saved;
mod schemas;
mod scratch;
mod shapes;
mod sharing;
mod show;
mod streams;
mod surface;
#[cfg(unix)]
mod terminal;
mod tools;
mod ui;
mod untried;
mod upgrade;
#[cfg(windows)]
mod windows;
mod witness;
#[cfg(unix)]
mod written;
