//! What a host's shell does with a guest that comes and goes.

/// What both `vmlock-lab carry` and the tour begin with: nothing that is waited for may take longer than so many seconds.
pub fn common(limit: u64) -> String {
    format!("{}{BAG}", begin(limit))
}

/// The same where the guest is in no bag.
pub fn begin(limit: u64) -> String {
    format!("limit={limit}\n{COMMON}")
}

/// What `vmlock-lab carry` does in a host, behind that.
pub fn saved() -> String {
    [ARGUMENTS, NETWORK, COMES, LOOKS, GOES].concat()
}

/// The console of a guest is a pipe and a file, so that its words can be waited for. What is found goes to standard error in
/// lines of `carry:`; standard output is the guest's console alone.
const COMMON: &str = r#"
carry() { echo "carry: $*" >&2; }
carry kernel $(uname -r)
mkdir -m 700 -p /tmp/mine
mkfifo /tmp/in
exec 4<>/tmp/in
: >/tmp/out
fail() { carry "never: $*"; cat /tmp/out; kill -9 $pid 2>/dev/null; exit 1; }
now() { read -r up rest </proc/uptime; echo ${up%.*}; }
# What is awaited, and words for it.
await() {
    since=$(now)
    until eval "$1"; do
        [ -z "$pid" ] || kill -0 $pid 2>/dev/null || fail "${2:-$1}, and its runner has gone"
        [ $(($(now) - since)) -lt $limit ] || fail "${2:-$1}"
        sleep 0.2
    done
}
ended() {
    since=$(now)
    while kill -0 $pid 2>/dev/null; do
        [ $(($(now) - since)) -lt $limit ] || fail "its runner ends"
        sleep 0.2
    done
    wait $pid
    code=$?
}
guest() { vmlock-run "$@" --control /tmp/mine/guest <&4 >>/tmp/out & pid=$!; }
begin=$(now)
took() { carry took $1 $(($(now) - begin)) s; begin=$(now); }
"#;

/// The bag in which a guest comes and goes.
const BAG: &str = r#"
bag=/dev/nvme0n1
# It comes out of the bag, so many bytes, and goes into it.
unpack() {
    head -c $2 $bag >$1
    [ $(stat -c %s $1) = $2 ] || fail "all $2 bytes of the guest came out of $bag"
}
pack() {
    tries=1
    until timeout -s KILL $limit vmlock-run save $1 --control /tmp/mine/guest >/tmp/saving 2>&1; do
        cat /tmp/saving >&2
        # One whose PMU counts at that moment is refused, and goes on. Its PMU is off most of the time.
        grep -q 'its PMU counts' /tmp/saving && [ $tries -lt 50 ] || fail saved
        carry counts
        tries=$((tries + 1))
        sleep 0.1
    done
    cat /tmp/saving >&2
    ended
    dd if=$1 of=$bag bs=1M conv=fsync 2>/dev/null || fail packed
    carry saved $(stat -c %s $1)
}
# A guest that could not be taken along is not started.
await "[ -b $bag ]" "there is $bag, which takes the guest along: the host's kernel needs CONFIG_BLK_DEV_NVME=y, or its module"
"#;

/// Of the guest in the bag there are `$size` bytes, none in the first host; the guest's disks are `/dev/vda` and so on.
const ARGUMENTS: &str = r#"
lock=$1 size=$2 at=$3 turn=$4 rounds=$5 last=$6
shift 6
"#;

/// Behind it the guest has its network, and `went` counts its rounds.
pub const NETWORK: &str = r#"
# The guest's cards and the host's own are one network, and the host is nobody in it.
if [ -n "$taps" ]; then
    brctl addbr outside || fail "there is a bridge"
    # Whoever is joined to it is heard at once.
    echo 0 >/sys/class/net/outside/bridge/forward_delay
    for card in $taps eth0; do
        [ $card = eth0 ] || tunctl -t $card >/dev/null
        brctl addif outside $card && ifconfig $card up || fail "$card is bridged"
    done
    ifconfig outside up
fi
# Rounds that began in this host.
went() { awk "/hears 'host $turn'/ { on = 1 } on && /vmlock guest: round .* went on, / { n++ } END { print n + 0 }" /tmp/out; }
"#;

/// It is started, or comes out of the bag.
const COMES: &str = r#"
for disk in $disks; do carry holds $disk $(sha256sum <$disk); done
if [ $size = 0 ]; then
    guest start "$lock" "$@"
    # What is typed before is lost.
    await "grep -q 'vmlock guest: .* CPUs' /tmp/out"
    took "to start"
else
    save=/tmp/one.save
    unpack $save $size
    # One byte is turned over, and back.
    turned() {
        byte=$(dd if=$save bs=1 skip=$at count=1 2>/dev/null | od -An -tu1)
        printf "\\$(printf %o $((byte ^ 255)))" | dd of=$save bs=1 seek=$at conv=notrunc 2>/dev/null
    }
    turned
    timeout -s KILL $limit vmlock-run restore $save --lock "$lock" "$@" </dev/null 2>/tmp/refused
    carry turned $?
    sed 's/^/carry: refused /' /tmp/refused >&2
    turned
    took "what is not whole is refused"
    guest restore $save --lock "$lock" "$@"
fi
"#;

/// It is audited, and goes on for its rounds.
pub const LOOKS: &str = r#"
# Its rounds here come after the audit, for which it has to be there.
await "vmlock-run status /tmp/mine/guest 2>/dev/null | grep -q ': running'"
timeout -s KILL $limit vmlock-run audit "$lock" --control /tmp/mine/guest >/tmp/audit 2>&1
carry audit $? $(grep '^digest' /tmp/audit) $(grep -o '[0-9]* facts seen' /tmp/audit), \
    $(grep -o 'not looked at .* promises' /tmp/audit)
grep -e ' on vCPU ' -e '^vCPU ' -e vmlock-run: -e ^error /tmp/audit | head -n 5 | sed 's/^/carry: /' >&2
took "for the audit"
echo "host $turn" >&4
await "grep -q \"hears 'host $turn'\" /tmp/out"
took "until it hears"
await '[ $(went) -ge $rounds ]'
took "rounds"
"#;

/// It ends, or goes into the bag.
const GOES: &str = r#"
if [ $last = 1 ]; then
    echo end >&4
    ended
else
    pack /tmp/next.save
fi
took "the rest"
cat /tmp/out
exit $code
"#;
