//! Options of a command line: those that stand there in any case, and the words behind them that say what the lock says.

use super::judge::Judge;
use crate::catalogue::vmm::Manner;
use crate::lock::Lock;
use crate::plan::Refusal;
use crate::reason;
use crate::vm::{Feature, limits};

/// The options, one to a line. No value has a blank in it, so that a shell takes them apart as they stand.
pub(super) fn text(judge: &Judge) -> String {
    let line = |(option, words): &(String, Vec<String>)| match words.is_empty() {
        true => format!("{option}\n"),
        false => format!("{option} {}\n", words.join(",")),
    };
    options(judge).iter().map(line).collect()
}

/// Options with the words that each of them has, those first that stand there in any case. What is told again goes to the one
/// that begins with the same word.
pub(super) fn options(judge: &Judge) -> Vec<(String, Vec<String>)> {
    let lock = judge.lock;
    let of_lock = |text: &str| {
        text.replace("{name}", &lock.name)
            .replace("{vcpus}", &lock.machine.vcpus.len().to_string())
            .replace("{memory}", &(lock.machine.memory.size >> 20).to_string())
    };
    let fixed = judge.told.vmm.options.iter();
    let fixed = fixed.map(|option| (option.name.to_string(), of_lock(&option.value)));
    let told = words(judge).into_iter().map(|told| {
        let (option, word) = told.split_once(' ').unwrap_or((&told, ""));
        (option.to_owned(), word.to_owned())
    });
    let mut options: Vec<(String, Vec<String>)> = Vec::new();
    for (option, word) in fixed.chain(told) {
        let word = (!word.is_empty()).then_some(word);
        match options.iter_mut().find(|(o, _)| first(o) == first(&option)) {
            Some((_, words)) => words.extend(word),
            None => options.push((option, word.into_iter().collect())),
        }
    }
    options
}

/// The first word of an option: its name, behind which an XML element has its attributes.
pub(super) fn first(option: &str) -> &str {
    option.split(' ').next().unwrap_or(option)
}

/// Why a lock's memory cannot be told to anybody: options name it in MiB.
///
/// # Errors
/// The refusal, where it is no whole number of MiB.
pub(super) fn memory(lock: &Lock) -> Result<(), Box<Refusal>> {
    let size = lock.machine.memory.size;
    if size.is_multiple_of(1 << 20) {
        return Ok(());
    }
    Err(Box::new(Refusal {
        code: reason::ADDRESS_SPACE,
        name: "memory".into(),
        wanted: format!("{size} bytes"),
        offered: "whole MiB".into(),
        reason: format!("a VMM is told of memory in MiB, and the lock has {size} bytes"),
        from: "spec/memory".into(),
        help: Vec::new(),
    }))
}

/// What is said of the lock, each an option and a word.
fn words(judge: &Judge) -> Vec<String> {
    let mut out = Vec::new();
    for feature in Feature::ALL {
        let Some(Manner::Told {
            on,
            off,
            lengths,
            if_offered,
            ..
        }) = judge.told.manner(*feature)
        else {
            continue;
        };
        if *if_offered && !judge.report.offers(*feature) {
            continue;
        }
        match judge.lock.features.contains(feature) {
            true => {
                out.extend(on.as_deref().map(str::to_owned));
                if let Some(words) = lengths {
                    out.extend(vector_lengths(judge.lock, &words.on, &words.off));
                }
            }
            false => out.extend(off.as_deref().map(str::to_owned)),
        }
    }
    let entries = judge.lock.registers.iter();
    let written = entries.filter(|entry| judge.is_written(entry));
    out.extend(written.filter_map(|entry| judge.told.tell(entry)));
    out
}

/// Each vector length up to the longest of the lock's, as one that a guest has or has not: what is not said of is as the
/// host has it.
fn vector_lengths(lock: &Lock, on: &str, off: &str) -> Vec<String> {
    let step = *limits::VECTOR_BITS.start() as u32;
    let longest = lock.vector_lengths.last().copied().unwrap_or(0);
    let lengths = (1..=longest / step).map(|n| n * step);
    let word = |length: u32| {
        let word = match lock.vector_lengths.contains(&length) {
            true => on,
            false => off,
        };
        word.replace("{}", &length.to_string())
    };
    lengths.map(word).collect()
}
