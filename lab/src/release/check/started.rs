//! The unit for systemd at work. In an emulated host a Debian's systemd boots to multi-user, what README says puts the runner
//! and its unit there, from the package and from the archive, and the unit is started as its own words say: for a lock that
//! the host keeps, for one that it refuses, and for one that is not there.

use super::tree::{self, Host};
use super::typed::Typed;
use crate::cache::{self, Cache};
use crate::cross::RUNNER;
use crate::disk;
use crate::emulate::Ended;
use crate::failure::Result;
use crate::guest;
use crate::packages::ARM64;
use crate::release::archive::Files;
use std::path::Path;
use std::time::Duration;

/// What is there beside what boots.
const MORE: [&str; 4] = ["apt", "diffutils", "dpkg", "socat"];

/// Bytes of its disk.
const BYTES: u64 = 1 << 30;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(1200);

/// A lock that this host keeps, and one for another CPU, which it refuses.
const LOCKS: [(&str, &str); 2] = [
    ("service", "lab/tests/specs/service.vm.lock.json"),
    ("other", "lab/tests/specs/devices.vm.lock.json"),
];

/// Has the Debian on the host's first disk boot: its systemd is the first process of a namespace of processes, sees the mounts
/// that a first process sees after `switch_root`, and the host's `/dev` with its KVM. What it is to do stands in the first word.
const HOST: &str = r#"
mkdir -p /tree && mount -t ext4 /dev/vda /tree && mount -t tmpfs -o mode=755 run /tree/run || exit 1
printf '%s' "$0" >/tree/run/along
chmod 755 /tree/run/along
unshare -m -p -f sh -c '
    mount -t proc proc /tree/proc
    mount -t sysfs sysfs /tree/sys
    mount -o rbind /dev /tree/dev
    cd /tree && mount --move . / && exec chroot . /usr/bin/env -i /sbin/init
' >/dev/console 2>&1
cat /tree/run/said
"#;

/// What it does once it is up: with each file what [`WITH_FILE`] says. All of it is on the console, too, for whoever gives up
/// on the host.
const START: &str = r#"#!/bin/bash
cd /given
state() { systemctl show --property "$2" --value "vmlock@$1"; }
# What systemd and the unit's processes wrote down of the start that has this number.
journal() { journalctl --quiet --no-pager --output cat "INVOCATION_ID=$1" + "_SYSTEMD_INVOCATION_ID=$1" "${@:2}"; }
# What is typed on the guest's console, where it is not empty; and what the guest says until it says these words.
hear() {
    local line missed=1
    coproc socat - UNIX-CONNECT:/run/vmlock-service/console
    local reader=$COPROC_PID
    [ -z "$1" ] || echo "$1" >&"${COPROC[1]}"
    while read -r -t 120 line <&"${COPROC[0]}"; do
        echo "console: $line"
        case $line in *"$2"*) missed=0 && break ;; esac
    done
    { kill $reader; wait $reader; } 2>/dev/null
    return $missed
}
{
"#;

/// The end of it.
const END: &str = "} 2>&1 | tee /run/said\nsystemctl poweroff\n";

/// What is done with a file that `$command` installs, whose program is then `$program`. Each thing that holds is told.
const WITH_FILE: &str = r#"
$command
systemctl start vmlock@service && echo "holds: started"
systemctl status --no-pager --full vmlock@service
[ "$(systemctl is-active vmlock@service multi-user.target | uniq)" = active ] && echo "holds: active"
main=$(state service MainPID)
start=$(state service InvocationID)
[ "$(readlink "/proc/$main/exe")" = "$program" ] && echo "holds: its own program"
hear "" "CPU 1 is online" && echo "holds: the guest says what it sees"
hear 'echo it says $((6 * 7))' "it says 42" && echo "holds: the guest answers"
$program status /run/vmlock-service/control && echo "holds: the runner tells of it"
hear "reboot -f" "nothing of the kind"
hear "" "CPU 1 is online" && [ "$(state service MainPID)" = "$main" ] && echo "holds: it resets within the unit"
systemctl stop vmlock@service && [ "$(systemctl is-active vmlock@service)" = inactive ] && echo "holds: stopped"
journal $start
journal $start | grep -q "Deactivated successfully" && echo "holds: its end was in order"
[ -z "$(journal $start --priority notice)" ] && echo "holds: the journal has no complaint"
[ ! -e /run/vmlock-service ] && ! pgrep vmlock-run && echo "holds: nothing is left of it"
systemctl start vmlock@service && systemctl kill --signal KILL vmlock@service
for second in $(seq 120); do
    [ "$(state service NRestarts) $(state service SubState)" = "1 running" ] && break
    sleep 1
done
[ "$(state service NRestarts)" = 1 ] && hear "" "CPU 1 is online" && echo "holds: who was killed is started again"
systemctl stop vmlock@service
systemctl start vmlock@other || echo "holds: what the host refuses is not started"
systemctl start vmlock@missing || echo "holds: what is missing is not started"
sleep 5
states() { echo $(state $1 ActiveState) $(state $1 Result) $(state $1 ExecMainStatus) $(state $1 NRestarts); }
[ "$(states other)" = "failed exit-code 3 0" ] && echo "holds: what is refused is not tried again"
[ "$(states missing)" = "failed exit-code 4 0" ] && echo "holds: what is missing is not tried again"
journal $(state other InvocationID)
journal $(state other InvocationID) | grep -q '"event":"refused"' && echo "holds: the journal has the refusal"
journal $(state missing InvocationID) | grep -q '/etc/vmlock/missing.vm.lock.json' && echo "holds: the journal says what is missing"
systemctl reset-failed vmlock@other vmlock@missing
"#;

/// How the words begin that tell what holds.
const HOLDS: &str = "holds: ";

/// What is wrong with the units that come with the runner, once they are started.
pub fn problems(cache: &Cache, root: &Path, files: &Files, typed: &Typed) -> Result<Vec<String>> {
    let scratch = cache.scratch()?;
    let tree = scratch.path().join("tree");
    {
        let _guard = cache.lock()?;
        disk::fill(cache, &tree, &MORE)?;
    }
    tree::provide(&tree, ARM64, files)?;
    for (name, lock) in LOCKS {
        let content = cache::read(&root.join(lock))?;
        cache::write(
            &tree.join(format!("etc/vmlock/{name}.vm.lock.json")),
            &content,
        )?;
    }
    // Where locks in that folder have them.
    guest::provide(cache, &tree.join("examples/guest"), guest::KERNEL)?;
    let image = scratch.path().join("tree.img");
    disk::file_system(&tree, &image, BYTES)?;
    let commands: Vec<(&str, &str)> = typed.commands(RUNNER).collect();
    let host = Host {
        name: "the units are started",
        words: &[HOST, &script(&commands)],
        disk: image,
        limit: LIMIT,
    };
    host.tried(cache, |ended| judged(&commands, ended))
}

/// All that is done with these files, each with the command that installs it.
fn script(commands: &[(&str, &str)]) -> String {
    let each = |(file, command): &(&str, &str)| {
        let (program, removed) = match file.ends_with(".deb") {
            true => ("/usr/bin/", "apt remove vmlock-run"),
            false => (
                "/usr/local/bin/",
                "rm -r /usr/local/bin /usr/local/lib/systemd",
            ),
        };
        format!(
            "echo 'file: {file}'\ncommand='{command}'\nprogram={program}{RUNNER}\n{WITH_FILE}{removed}\nsystemctl daemon-reload\n"
        )
    };
    let all: String = commands.iter().map(each).collect();
    format!("{START}{all}{END}")
}

/// What did not hold.
fn judged(commands: &[(&str, &str)], ended: &Ended) -> Vec<String> {
    let output = String::from_utf8_lossy(&ended.stdout);
    let output = format!("\n{output}");
    let said: Vec<&str> = output.split("\nfile: ").skip(1).collect();
    let wanted = WITH_FILE.lines().filter_map(|line| line.split_once(HOLDS));
    let wanted: Vec<&str> = wanted.map(|(_, word)| word.trim_end_matches('"')).collect();
    let mut problems = Vec::new();
    for (file, _) in commands {
        let own = said.iter().find(|part| part.lines().next() == Some(file));
        let held = |word: &&&str| {
            let mut lines = own.into_iter().flat_map(|part| part.lines());
            lines.any(|line| line.trim().strip_prefix(HOLDS) == Some(**word))
        };
        let missing = wanted.iter().filter(|word| !held(word));
        problems
            .extend(missing.map(|word| format!("the unit of {file}: it does not hold: {word}")));
    }
    if commands.is_empty() {
        problems.push(format!("nothing brings a unit of {RUNNER}"));
    }
    if !problems.is_empty() {
        let errors = String::from_utf8_lossy(&ended.stderr);
        problems.push(format!(
            "all that was said, of the units:\n{output}{errors}"
        ));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMANDS: [(&str, &str); 2] = [
        (
            "vmlock-run_0.1.0-1_arm64.deb",
            "apt install ./vmlock-run_0.1.0-1_arm64.deb",
        ),
        (
            "vmlock-run-0.1.0-linux-arm64.tar.gz",
            "tar -xzf vmlock-run-0.1.0-linux-arm64.tar.gz -C /usr/local",
        ),
    ];

    fn found(output: &str) -> usize {
        let ended = Ended {
            code: 0,
            stdout: output.as_bytes().to_vec(),
            stderr: Vec::new(),
        };
        judged(&COMMANDS, &ended).len()
    }

    #[test]
    fn whatever_does_not_hold_of_a_file_is_told() {
        let script = script(&COMMANDS);
        let word = |line: &str| {
            let (_, word) = line.split_once(HOLDS)?;
            Some(format!("{HOLDS}{}", word.trim_end_matches('"')))
        };
        let file = |line: &str| {
            let name = line.strip_prefix("echo 'file: ")?.trim_end_matches('\'');
            Some(format!("file: {name}"))
        };
        let said: Vec<String> = script
            .lines()
            .filter_map(|line| word(line).or_else(|| file(line)))
            .collect();
        assert_eq!(said.len(), 2 * (1 + WITH_FILE.matches(HOLDS).count()));
        assert_eq!(found(&said.join("\r\n")), 0);
        for at in 0..said.len() {
            let mut less = said.clone();
            less.remove(at);
            assert!(found(&less.join("\n")) >= 2, "without {}", said[at]);
        }
        assert!(judged(&[], &Ended::default()).len() > 1);
    }
}
