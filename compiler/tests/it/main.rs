//! `vmlock` as its users have it: the program, its words, its files and its exit codes.

mod below;
mod ci;
mod completions;
mod convert;
mod door;
mod editor;
mod fleet;
mod foreign;
mod formats;
mod forms;
mod habits;
mod hosts;
mod imports;
mod init;
mod lsp;
mod names;
mod refusals;
mod schemas;
mod scratch;
mod show;
mod streams;
mod surface;
mod ui;
mod upgrade;
mod witness;
mod written;
