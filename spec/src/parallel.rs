//! One task after another, on all processors of this machine.

use std::num::NonZero;
use std::panic;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Stack of a thread that works, in bytes: what the one that starts them has.
const STACK_BYTES: usize = 8 << 20;

/// What comes of each of so many tasks, in their order, whoever did it.
pub fn each<T: Send>(count: usize, one: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return done;
            }
            done.push((index, one(index)));
        }
    };
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let helpers = processors.min(count).saturating_sub(1);
    let mut done = thread::scope(|scope| {
        // A system that gives no more threads has this one.
        let start = |_| {
            thread::Builder::new()
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, work)
                .ok()
        };
        let started: Vec<_> = (0..helpers).filter_map(start).collect();
        let mut done = work();
        for thread in started {
            match thread.join() {
                Ok(more) => done.extend(more),
                Err(bug) => panic::resume_unwind(bug),
            }
        }
        done
    });
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, done)| done).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_task_is_done_once_and_stands_in_its_place() {
        let squares: Vec<usize> = (0..1000).map(|n| n * n).collect();
        assert_eq!(each(1000, |n| n * n), squares);
        assert_eq!(each(0, |n| n), Vec::<usize>::new());
    }
}
