//! The first program of a host: it runs the jobs, and tells of each on the lab's own port (`port.rs`).

use super::{Output, Work};
use crate::failure::Result;
use crate::initramfs::{Archive, quote};
use std::time::Duration;

/// The initramfs: the lab's own files, then the work's.
pub(super) fn initramfs(work: &Work, limit: Option<Duration>) -> Result<Vec<u8>> {
    let mut archive = Archive::default();
    for dir in [
        "/proc",
        "/sys",
        "/dev",
        "/run",
        "/tmp",
        "/.lab/bin",
        work.dir,
    ] {
        archive.dir(dir)?;
    }
    archive.character_device("/dev/console", 5, 1)?;
    archive.file("/.lab/bin/busybox", 0o755, work.busybox)?;
    archive.file("/.lab/jobs", 0o644, jobs_script(work).as_bytes())?;
    if let Some(limit) = limit {
        archive.file("/.lab/watch", 0o644, watch_script(limit).as_bytes())?;
    }
    let init = INIT.replace("FAULT\n", FAULT);
    archive.file("/init", 0o755, init.as_bytes())?;
    work.files.write_to(&mut archive)?;
    archive.finish()
}

/// The first program of a host. Port 0 and 1 carry the program's streams, port 2 is the lab's.
const INIT: &str = r#"#!/.lab/bin/busybox sh
b=/.lab/bin/busybox
export PATH=/.lab/bin HOME=/tmp TERM=vt100
$b --install -s /.lab/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/pts
mount -t devpts devpts /dev/pts 2>/dev/null
ifconfig lo 127.0.0.1 up 2>/dev/null
echo 1 >/proc/sys/debug/exception-trace
echo 1 >/proc/sys/kernel/print-fatal-signals
# A CPU that does not come back for two minutes never does: the host ends (5.11 and later can count the reports of it).
if [ -e /proc/sys/kernel/max_rcu_stall_to_panic ]; then
    echo 3 >/proc/sys/kernel/max_rcu_stall_to_panic
    echo 1 >/proc/sys/kernel/panic_on_rcu_stall
fi
for port in 0 1 2; do
    stty -F /dev/ttyS$port 115200 raw -echo || echo "vmlock-lab: no serial port $port"
done
for module in /.lab/modules/*; do
    [ -e $module ] && { insmod $module || echo "vmlock-lab: the kernel takes no $module" >/dev/ttyS1; }
done
exec 3>/dev/ttyS2
kvm=no
[ -c /dev/kvm ] && kvm=yes
echo "started $kvm" >&3
: >/.lab/ended
[ -e /.lab/watch ] && { . /.lab/watch; } </dev/null 3>&- &
. /.lab/jobs
FAULT
echo "done" >&3
# The last 16 bytes may never leave: Linux gives the port 42 ms for them (uart_wait_until_sent), and a busy machine takes longer.
printf '%64s\n' '' >&3
exec 3>&-
poweroff -f
"#;

/// What the host's kernel has to say of a program that crashed (SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV), with its
/// registers, goes to the end of what the program said: it may never crash again.
const CRASHED: &str = "case $code in 132|134|135|136|139) dmesg | tail -n 60 >>/.lab/e;; esac\n";

/// What the host's KVM has to say where it found itself at fault (`KVM_BUG_ON`, which 6.14 and later have) since a vCPU was
/// put on a CPU and had never been taken off its last one. That was met once in about a hundred hosts, of 7.0 and 7.2: the
/// thread came back from KVM_RUN with the guest's TPIDR_EL0, and crashed. No program can do that to a kernel whose
/// preemption notifiers are called, so it is the host that failed, or what emulates it, and not what was tried there.
/// Kernels before 6.14 say nothing: there the crash itself is looked at (`crash.rs`).
const FAULT: &str = "\
dmesg | grep -A 40 'cut here' >/.lab/fault
if grep -q kvm_vcpu_load_debug /.lab/fault; then
    echo \"fault $(stat -c %s /.lab/fault)\" >&3
    cat /.lab/fault >&3
fi
";

/// Where each thread of the host stands, on its console, once a job has taken most of its time: when the lab gives up
/// on a host, it says whether a program waits, and for what, or nothing at all ran any more.
fn watch_script(limit: Duration) -> String {
    let periods = (limit.as_secs() * 4 / 5 / PERIOD).max(1);
    format!(
        "count=0\nwhile sleep {PERIOD}; do\n\
         now=$(stat -c %s /.lab/ended)\n\
         [ \"$now\" = \"$seen\" ] && count=$((count + 1)) || count=1\n\
         seen=$now\n\
         [ $count = {periods} ] || continue\n\
         echo '{TOLD}'\n\
         for task in /proc/[0-9]*/task/[0-9]*; do\n\
         [ -n \"$(tr -d '\\0' <${{task%/task/*}}/cmdline)\" ] || continue\n\
         echo \"$(cat $task/comm), $(grep State $task/status), call $(cat $task/syscall), in\" \
         $(head -n 4 $task/stack)\n\
         done\n\
         done >/dev/console 2>/dev/null\n"
    )
}

/// Seconds between two looks of the watch.
const PERIOD: u64 = 20;

/// What stands before the words of the watch.
const TOLD: &str = "vmlock-lab: a job has not ended, and the threads are";

/// Whether the watch had to speak, by what stands on the console.
pub(super) fn told(console: &[u8]) -> bool {
    String::from_utf8_lossy(console).contains(TOLD)
}

/// The part of the host's script that depends on the work.
fn jobs_script(work: &Work) -> String {
    let mut script = format!("cd {}\n", quote(work.dir));
    for job in work.jobs {
        let words: Vec<String> = std::iter::once(&job.program)
            .chain(&job.args)
            .map(|w| quote(w))
            .collect();
        let command = words.join(" ");
        script.push_str("echo >>/.lab/ended\n");
        script.push_str(&match work.output {
            // Pipes keep the program from taking the serial port for a terminal.
            Output::Stream => format!(
                "mkfifo /.lab/o /.lab/e\n\
                 cat /.lab/o >/dev/ttyS0 3>&- &\n\
                 out=$!\n\
                 cat /.lab/e >/dev/ttyS1 3>&- &\n\
                 err=$!\n\
                 {command} </dev/null >/.lab/o 2>/.lab/e 3>&-\n\
                 code=$?\nwait $out $err\nrm /.lab/o /.lab/e\n\
                 echo \"ended $code 0 0\" >&3\n"
            ),
            Output::Terminal => format!(
                "stty -F /dev/ttyS0 sane 115200\n\
                 setsid -c {command} </dev/ttyS0 >/dev/ttyS0 2>&1 3>&-\n\
                 echo \"ended $? 0 0\" >&3\n"
            ),
            Output::Collect => format!(
                "{command} </dev/null >/.lab/o 2>/.lab/e 3>&-\n\
                 code=$?\n\
                 {CRASHED}\
                 echo \"ended $code $(stat -c %s /.lab/o) $(stat -c %s /.lab/e)\" >&3\n\
                 cat /.lab/o /.lab/e >&3\n"
            ),
        });
    }
    for path in work.results {
        let path = quote(path);
        script.push_str(&format!(
            "if [ -f {path} ]; then echo \"file $(stat -c %s {path}) \"{path} >&3; cat {path} >&3; fi\n"
        ));
    }
    script
}
