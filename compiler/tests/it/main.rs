//! `vmlock` as its users have it: the program, its words, its files and its exit codes.

mod fleet;
mod foreign;
mod formats;
mod habits;
mod hosts;
mod imports;
mod names;
mod refusals;
mod scratch;
mod streams;
mod ui;
mod upgrade;
mod witness;
mod written;
