//! A guest that runs is audited by whoever made its machine: paused, looked at on each of its vCPUs and judged as
//! `vmlock-run audit LOCK --control` does it, without the socket in between. With the feature `torture` alone.

use crate::hold::pausing::{Controls, Paused, Pausing, Progress};
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

/// How soon who waits looks again.
const SOON: Duration = Duration::from_micros(200);

/// A guest at rest, once it is.
///
/// # Errors
/// It does not come to rest: in words.
pub fn at_rest(controls: &Controls, mut pausing: Pausing) -> Result<Paused, String> {
    loop {
        pausing = match pausing.go_on(controls, Instant::now()) {
            Progress::Under(pausing) => pausing,
            Progress::Over(paused) => return Ok(paused),
            Progress::GivenUp(why) => return Err(why),
        };
        thread::sleep(SOON);
    }
}

/// What the witness writes down on each vCPU of a guest at rest.
///
/// # Errors
/// It could not look at one: in words.
pub fn areas(controls: &Controls, paused: &Paused) -> Result<Vec<Vec<u8>>, String> {
    let on = |vcpu| {
        paused.look(controls, vcpu);
        loop {
            match paused.seen(controls, vcpu) {
                Some(seen) => return seen,
                None => thread::sleep(SOON),
            }
        }
    };
    (0..controls.vcpus()).map(on).collect()
}

/// What the witness writes down on each vCPU of a guest that just began, or is about to go on, and has not `ended`. It goes on
/// afterwards.
///
/// # Errors
/// It was not looked at: in words.
pub fn looked(
    controls: &OnceLock<Controls>,
    ended: &dyn Fn() -> bool,
) -> Result<Vec<Vec<u8>>, String> {
    let controls = loop {
        match controls.get() {
            Some(controls) => break controls,
            None if ended() => return Err("it ended before it was looked at".to_owned()),
            None => thread::sleep(SOON),
        }
    };
    // One that is restored has not run before that.
    let pausing = controls.begun();
    let pausing = pausing.unwrap_or_else(|| controls.pause(Instant::now()));
    let paused = at_rest(controls, pausing)?;
    areas(controls, &paused)
}

/// Waits until it has `ended`.
pub fn until(ended: &dyn Fn() -> bool) {
    while !ended() {
        thread::sleep(SOON);
    }
}
