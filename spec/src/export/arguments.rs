//! Options of a command line: those that stand there in any case, and the words behind them that say what the lock says.

use super::Judge;
use crate::catalogue::vmm::Manner;
use crate::smccc;
use crate::vm::Feature;

/// The options, one to a line. No value has a blank in it, so that a shell takes them apart as they stand.
pub(super) fn text(judge: &Judge) -> String {
    let lock = judge.lock;
    let of_lock = |text: &str| {
        text.replace("{vcpus}", &lock.machine.vcpus.len().to_string())
            .replace("{memory}", &(lock.machine.memory.size >> 20).to_string())
    };
    let options = judge.told.vmm.options.iter();
    let mut options: Vec<(String, Vec<String>)> = options
        .map(|(option, value)| {
            let value = of_lock(value);
            (
                option.to_string(),
                (!value.is_empty()).then_some(value).into_iter().collect(),
            )
        })
        .collect();
    for told in words(judge) {
        let (option, word) = told.split_once(' ').unwrap_or((&told, ""));
        let words = match options.iter_mut().find(|(o, _)| o == option) {
            Some((_, words)) => words,
            None => {
                options.push((option.to_owned(), Vec::new()));
                let last = options.len() - 1;
                &mut options[last].1
            }
        };
        if !word.is_empty() {
            words.push(word.to_owned());
        }
    }
    let line = |(option, words): &(String, Vec<String>)| match words.is_empty() {
        true => format!("{option}\n"),
        false => format!("{option} {}\n", words.join(",")),
    };
    options.iter().map(line).collect()
}

/// What is said of the lock, each an option and a word.
fn words(judge: &Judge) -> Vec<String> {
    let mut out = Vec::new();
    for feature in Feature::ALL {
        let Some(Manner::Told { on, off, length }) = judge.told.manner(*feature) else {
            continue;
        };
        match judge.lock.features.contains(feature) {
            true => {
                out.extend(on.as_deref().map(str::to_owned));
                let lengths = judge.lock.vector_lengths.iter();
                let named = |length: &str| -> Vec<String> {
                    lengths
                        .map(|bits| length.replace("{}", &bits.to_string()))
                        .collect()
                };
                out.extend(length.as_deref().map(named).into_iter().flatten());
            }
            false => out.extend(off.as_deref().map(str::to_owned)),
        }
    }
    for entry in judge
        .lock
        .registers
        .iter()
        .filter(|entry| judge.is_written(entry))
    {
        let told = judge
            .told
            .writes(&entry.name)
            .and_then(|w| w.tell.as_deref());
        let psci = smccc::psci_name(entry.value as u32).unwrap_or_default();
        out.extend(told.map(|told| told.replace("{psci}", psci)));
    }
    out
}
