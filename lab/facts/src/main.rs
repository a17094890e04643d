//! `vmlock-lab-facts`: tries what saving a guest takes for granted of KVM (`table.rs`) on the kernel that it runs on.
//!
//! It says a line for each statement, and of one that does not hold where it stands and what would be lost. It ends with 0
//! where all hold, with 1 where one does not, and with 4 where that cannot be tried. `vmlock-lab facts` runs it in hosts.
//!
//! `unsafe` is here to give a VM memory, and to read an attribute of a device.

#![cfg_attr(not(target_arch = "aarch64"), allow(dead_code))]

#[cfg(target_arch = "aarch64")]
mod guest;
#[cfg(target_arch = "aarch64")]
mod probes;
mod table;

use std::io::{self, Write};
use std::process::ExitCode;
use table::{FACTS, Fact, Version};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            let _ = writeln!(io::stderr(), "vmlock-lab-facts: {error}");
            ExitCode::from(4)
        }
    }
}

/// Tries all statements; whether they hold.
fn run() -> io::Result<bool> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let release = release.trim();
    let kernel = version(release)
        .ok_or_else(|| io::Error::other(format!("no version of a kernel: {release}")))?;
    let mut changed = 0;
    for fact in &FACTS {
        let seen = seen(fact)?;
        let line = match verdict(fact, kernel, &seen) {
            Ok(line) => line,
            Err(words) => {
                changed += 1;
                words
            }
        };
        writeln!(io::stdout(), "Linux {release}: {line}")?;
    }
    writeln!(
        io::stdout(),
        "Linux {release}: {} statements hold, {changed} do not",
        FACTS.len() - changed
    )?;
    Ok(changed == 0)
}

/// What a probe sees; a call that fails unexpectedly is something that is seen, too.
#[cfg(target_arch = "aarch64")]
fn seen(fact: &Fact) -> io::Result<String> {
    let kvm = kvm_ioctls::Kvm::new().map_err(|e| {
        io::Error::other(format!(
            "/dev/kvm does not open: {e}; is KVM in this kernel?"
        ))
    })?;
    let seen = probes::try_one(fact.probe, &kvm);
    Ok(seen.unwrap_or_else(|error| format!("a call to KVM that fails: {error}")))
}

/// No other machine has the KVM that the statements are about.
#[cfg(not(target_arch = "aarch64"))]
fn seen(_fact: &Fact) -> io::Result<String> {
    Err(io::Error::other(
        "the statements are about KVM on arm64, and this is another machine; `vmlock-lab facts` tries them in emulated hosts",
    ))
}

/// The first two numbers of a release such as `6.12.118+deb13-arm64`.
fn version(release: &str) -> Option<Version> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next()?))
}

/// The line of a statement that holds, or what is to be said of one that does not.
fn verdict(fact: &Fact, kernel: Version, seen: &str) -> Result<String, String> {
    match fact.expected(kernel) {
        Some(expected) if expected == seen => Ok(format!("{} holds: {seen}", fact.name)),
        expected => Err(format!(
            "{} does NOT hold\n  statement: {}\n  seen:      {seen}\n  expected:  {}\n  source:    {}\n  lost:      {}",
            fact.name,
            fact.statement,
            expected.unwrap_or("nothing: this kernel is older than all that was measured"),
            fact.source,
            fact.loss,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_have_versions() {
        assert_eq!(version("6.12.118+deb13-arm64"), Some((6, 12)));
        assert_eq!(version("7.3-rc1"), Some((7, 3)));
        assert_eq!(version("linux"), None);
    }

    #[test]
    fn what_does_not_hold_is_said_with_all_that_it_costs() {
        let fact = &FACTS[0];
        let expected = fact.expected((6, 12)).unwrap();
        assert!(verdict(fact, (6, 12), expected).is_ok());
        let words = verdict(fact, (6, 12), "otherwise").unwrap_err();
        for part in [
            fact.name,
            fact.statement,
            fact.source,
            fact.loss,
            expected,
            "otherwise",
        ] {
            assert!(words.contains(part), "{words}");
        }
        assert!(verdict(fact, (5, 4), expected).is_err());
    }
}
