//! A guest that is handed over from host to host while it runs, without a file: its host and the next one are up at once, with a
//! cable between them (`way.rs`), and have the files behind the guest's disks both. `vmlock-run migrate` gives it and
//! `vmlock-run receive` takes it, by TCP.
//!
//! No lock is seen from one host's disk to the other's, so `receive` is told `--locks-unseen`: that it is the same disk is the lab's word.

use super::needs::Needs;
use super::script::{LOOKS, NETWORK, begin};

/// How long that may take for which a host waits that is not its own doing, as often as each of its own things.
const FAR: u64 = 5;

/// How often as long as other hosts these may take: each waits for the one before and the next.
pub const LONGER: u32 = 3;

/// What is done in that turn, with `limit` seconds for each thing that is waited for.
pub fn script(needs: &Needs, turn: usize, last: bool, limit: u64) -> String {
    let mut cards = (usize::from(needs.talks())..).map(|n| format!("eth{n}"));
    let mut card = |is: bool| is.then(|| cards.next()).flatten().unwrap_or_default();
    let (from, to) = (card(turn > 0), card(!last));
    format!(
        "{}\nfrom={from} to={to} far={}\n{ARGUMENTS}{}{COMES}{}{GOES}",
        begin(limit),
        limit * FAR,
        NETWORK,
        LOOKS,
    )
}

const ARGUMENTS: &str = r#"
lock=$1 turn=$2 rounds=$3
shift 3
# A host's end of the cable to the one before is 2, and to the next one 1.
way() {
    ifconfig $1 hw ether 52:54:00:78:0$3:0$2 && ifconfig $1 10.78.$3.$2 netmask 255.255.255.0 up || fail "$1 is a way"
}
before=10.78.$((turn - 1)).1
next=10.78.$turn.2
token=/tmp/mine/token
# Longer than what this host does itself.
patiently() {
    own=$limit
    limit=$far
    await "$@"
    limit=$own
}
"#;

/// It is started, or comes from the host before.
const COMES: &str = r#"
[ -z "$to" ] || way $to 1 $turn
if [ -z "$from" ]; then
    guest start "$lock" --memory shared "$@"
    # What is typed before is lost.
    await "grep -q 'vmlock guest: .* CPUs' /tmp/out"
    took "to start"
else
    way $from 2 $((turn - 1))
    [ -z "$disks" ] || set -- --locks-unseen "$@"
    guest receive tcp:10.78.$((turn - 1)).2:7900 --insecure-listen --token-file $token --lock "$lock" "$@"
    await "[ -s $token ]"
    # Who is to give it gets the token by the same cable, as often as it asks.
    while [ -s $token ]; do nc -l -p 7901 <$token; done 2>/dev/null &
    seen=
    # Once that host is gone, nobody comes any more.
    there() {
        ping -c 1 -W 5 $before >/dev/null 2>&1 && seen=$(now)
        [ -z "$seen" ] || [ $(($(now) - seen)) -lt $own ] || fail "the host before is there"
    }
    patiently "vmlock-run status /tmp/mine/guest 2>/dev/null | grep -q ': running' || { there; false; }" "it comes"
    took "until it came"
fi
"#;

/// It ends, or goes to the next host.
const GOES: &str = r#"
if [ -z "$to" ]; then
    echo end >&4
else
    patiently "nc -w 5 $next 7901 </dev/null >$token.next 2>/dev/null && [ -s $token.next ]" "the next host listens"
    chmod 600 $token.next
    took "until the next host listens"
    timeout -s KILL $limit vmlock-run migrate --to tcp:$next:7900 --token-file $token.next --rest-limit 45 \
        --control /tmp/mine/guest >/tmp/over 2>&1
    gave=$?
    carry over $gave $(tr '\n' ' ' </tmp/over)
    [ $gave = 0 ] || fail "it is handed over"
fi
ended
took "the rest"
cat /tmp/out
exit $code
"#;

/// What a hand-over was, as `migrate` says it.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Over {
    /// How long the guest rested, in milliseconds.
    pub milliseconds: u64,
    /// KiB of its memory in each round while it ran.
    pub rounds: Vec<u64>,
    /// KiB of it while it rested.
    pub rest: u64,
}

impl Over {
    /// What the script found of it: the exit code, and the words.
    pub fn read(found: &str) -> Option<Self> {
        let between = |from: &str, to: &str| Some(found.split_once(from)?.1.split_once(to)?.0);
        found.strip_prefix("0 ")?;
        let rounds = between(
            "of its memory rounds of ",
            " KiB went over while it ran, and ",
        )?;
        let rounds = rounds.split(", ").map(|n| n.parse().ok());
        Some(Self {
            milliseconds: between("runs at its other end, after ", " ms at rest")?
                .parse()
                .ok()?,
            rounds: rounds.collect::<Option<_>>()?,
            rest: between("while it ran, and ", " KiB while it rested")?
                .parse()
                .ok()?,
        })
    }

    /// The same in words.
    pub fn words(&self) -> String {
        let rounds = self.rounds.iter().map(u64::to_string);
        format!(
            "it rested for {} ms, after rounds of {} KiB while it ran, and for {} KiB more",
            self.milliseconds,
            rounds.collect::<Vec<_>>().join(", "),
            self.rest
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::{EACH, LIMIT};
    use super::*;

    const SAID: &str = "0 the guest runs at its other end, after 412 ms at rest, and its runner here ends of its memory rounds of 41000, 512 KiB went over while it ran, and 96 KiB while it rested ";

    #[test]
    fn what_migrate_says_is_read() {
        let over = Over {
            milliseconds: 412,
            rounds: vec![41_000, 512],
            rest: 96,
        };
        assert_eq!(Over::read(SAID), Some(over));
        for (from, to) in [
            ("0 the", "4 the"),
            ("512", ""),
            ("412", "x"),
            ("96 KiB", ""),
        ] {
            assert_eq!(Over::read(&SAID.replacen(from, to, 1)), None, "{from}");
        }
    }

    /// One in the middle, for which all comes from elsewhere and goes there.
    #[test]
    fn a_host_has_time_for_all_that_its_script_waits_for() {
        let script = script(&Needs::default(), 1, false, 1);
        let count = |is: &dyn Fn(&str) -> bool| {
            let lines = script.lines().map(str::trim_start);
            lines.filter(|line| is(line)).count() as u64
        };
        let waits = count(&|line| line.starts_with("await "));
        let limits = count(&|line| line.starts_with("timeout "));
        let far = count(&|line| line.starts_with("patiently "));
        assert_eq!((waits, limits, far), (6, 2, 2));
        // It is not started there. That it has ended is waited for, too.
        let all = waits - 1 + limits + far * FAR + 1;
        let limit = LIMIT.as_secs() * u64::from(LONGER);
        assert!(limit * 4 / 5 >= all * EACH, "{all}");
    }

    #[test]
    fn a_host_has_a_card_for_each_cable_behind_that_of_its_peer() {
        let cards = |needs: &Needs, turn, last| {
            let script = script(needs, turn, last, 1);
            let mut lines = script.lines().filter(|line| line.starts_with("from="));
            lines.next().map(str::to_owned).unwrap_or_default()
        };
        let alone = Needs::default();
        let talks = Needs {
            taps: vec!["tap0".to_owned()],
            ..Needs::default()
        };
        assert_eq!(cards(&alone, 0, false), "from= to=eth0 far=5");
        assert_eq!(cards(&talks, 1, false), "from=eth1 to=eth2 far=5");
        assert_eq!(cards(&talks, 2, true), "from=eth1 to= far=5");
    }
}
