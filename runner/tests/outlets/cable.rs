//! A network card and sockets of the host's: no frame, no connection and no byte.

use super::HEAD;
use super::host::{Place, image, in_host_of_tests};
use vmlock_spec::lock::DeviceKind;

/// What the host has before its first guest: a tap, which counts each frame that a guest sends; and somebody at the socket, who
/// writes down each connection, and what is said there.
const ENDS: &str = r#"
tunctl -t tap0 >/dev/null && ifconfig tap0 up
vmlock-lab-agent hear ${lock%/*}/agent.sock >/tmp/came & hears=$!
left() { echo "$(cat /sys/class/net/tap0/statistics/rx_packets) $(cat /tmp/came)"; }
"#;

/// Of a guest that sends. One that was restored says first where its frames go from now on, in a frame of its own.
const SENDS: &str = r#"
sent() { await "[ '$*' = \"\$(left)\" ]"; }
waits() { sleep 1; checks && [ "$(left)" = "$before" ]; }
# It has done all that it was told before its end, which waits as well.
comes() { await '$run pause $socket 2>&1 | grep -q "come to its end" || { $run resume $socket >/dev/null 2>&1; false; }'; }
send() { printf $1 >&3; [ $1 = w ] || total=$((total + 1)); waits; }
sent "1 (xx)" && echo "sends"
# What it sends waits, also for who pauses it and lets it go on.
before=$(left); slowly 8000 restore one.save; waits && echo "sends nothing for itself"; send y && echo "waits"
$run pause $socket >/dev/null && $run resume $socket >/dev/null; waits && echo "waits after a pause"
said; sent "3 (xx)(yy)" && echo "is sent then"; again; sent "4 (xx)(yy)(xx)"; save two.save; before=$(left)
# It is sent where its end comes with it.
slowly 6000 restore two.save; send w; printf o >&3; comes && waits && echo "waits, as the end does"
ended off 0; sent "6 (xx)(yy)(xx)(ww)" && echo "is sent at its end"; before=$(left)
# Nothing is of what somebody has end meanwhile, nor of what is another than what was saved.
slowly 20000 restore two.save; send z; total=$((total - 1)); $run stop $socket >/dev/null; ended stopped 143
sleep 1; [ "$(left)" = "$before" ] && echo "is dropped"
cp two.save cut; chmod 600 cut; printf '\377' | dd of=cut bs=1 seek=18907136 conv=notrunc 2>/dev/null; chmod 400 cut
for does in z w wo; do
    slowly 6000 restore cut; printf $does >&3; [ $does != wo ] || comes; waits || echo "it was too quick"; ended damaged 4; sleep 1
    grep -q "nothing has left it" words && [ "$(left)" = "$before" ] && [ $(heard) = $total ] && echo "is never sent"
    grep -o "its memory at 0x[0-9a-f]* to 0x[0-9a-f]* is not what was saved" words
done
export VMLOCK_SLOW_CHECK=0; guest restore two.save; again; printf o >&3; ended whole 0
sent "8 (xx)(yy)(xx)(ww)(xx)" && echo "and goes on"
kill $hears
"#;

/// A guest that has a card at 0x0a000000 and sockets at 0x0a001000, and says `>`. For each byte that it is told it sends a frame
/// with that, and opens a connection, says it there twice and closes that; and says `>` once all of it is sent. Of a `w` it does
/// not wait for that, and says nothing. `o` is power off. It has the queues to send alone, and its MMU is off, as that of the one
/// with a disk.
const GUEST: [u32; 97] = [
    0xd2a1_2014, // start: mov x20, #0x09000000
    0xd2a1_4015, // mov x21, #0x0a000000
    0xd2a8_2016, // mov x22, #0x41000000
    0x9400_0041, // bl setup
    0x1000_11b7, // adr x23, frame
    0x5280_0901, // mov w1, #72
    0xa900_06d7, // stp x23, x1, [x22]
    0x9140_06b8, // add x24, x21, #0x1000
    0xaa16_03f9, // mov x25, x22
    0xaa18_03f5, // mov x21, x24
    0x9140_42d6, // add x22, x22, #0x10, lsl #12
    0x9400_0039, // bl setup
    0x1000_0aba, // adr x26, packets
    0xaa16_03e2, // mov x2, x22
    0x5280_0083, // mov w3, #4
    0xaa1a_03e4, // mov x4, x26
    0xb940_1881, // next: ldr w1, [x4, #24]
    0x9100_b021, // add x1, x1, #44
    0xa881_0444, // stp x4, x1, [x2], #16
    0x9100_c084, // add x4, x4, #48
    0x7100_0463, // subs w3, w3, #1
    0x54ff_ff61, // b.ne next
    0x52a0_0021, // mov w1, #0x10000
    0xb900_0761, // str w1, [x27, #4]
    0x1140_8021, // add w1, w1, #0x20000
    0x1100_0821, // add w1, w1, #2
    0xb900_0b61, // str w1, [x27, #8]
    0x5280_0012, // mov w18, #0
    0x5280_0013, // mov w19, #0
    0x5280_07c1, // say: mov w1, #62
    0x3900_0281, // strb w1, [x20]
    0x3940_1681, // wait: ldrb w1, [x20, #5]
    0x3607_ffe1, // tbz w1, #0, wait
    0x3940_0281, // ldrb w1, [x20]
    0x7101_bc3f, // cmp w1, #111
    0x5400_03a0, // b.eq off
    0x3900_6ae1, // strb w1, [x23, #26]
    0x3901_7341, // strb w1, [x26, #92]
    0x3902_3341, // strb w1, [x26, #140]
    0x1100_0652, // add w18, w18, #1
    0x1100_1273, // add w19, w19, #4
    0xb900_1352, // str w18, [x26, #16]
    0xb900_4352, // str w18, [x26, #64]
    0xb900_7352, // str w18, [x26, #112]
    0xb900_a352, // str w18, [x26, #160]
    0x9140_0722, // add x2, x25, #1, lsl #12
    0xd503_3fbf, // dmb sy
    0x7900_0452, // strh w18, [x2, #2]
    0x7900_0773, // strh w19, [x27, #2]
    0xd503_3fbf, // dmb sy
    0xd140_0702, // sub x2, x24, #1, lsl #12
    0x5280_0023, // mov w3, #1
    0xb900_5043, // str w3, [x2, #0x50]
    0xb900_5303, // str w3, [x24, #0x50]
    0x7101_dc3f, // cmp w1, #119
    0x54ff_fd00, // b.eq wait
    0x9140_0b22, // add x2, x25, #2, lsl #12
    0x7940_0443, // used: ldrh w3, [x2, #2]
    0x6b12_007f, // cmp w3, w18
    0x54ff_ffc1, // b.ne used
    0x7940_0783, // ldrh w3, [x28, #2]
    0x6b13_007f, // cmp w3, w19
    0x54ff_ff61, // b.ne used
    0x17ff_ffde, // b say
    0x5280_0100, // off: movz w0, #8
    0x72b0_8000, // movk w0, #0x8400, lsl #16
    0xd400_0002, // hvc #0
    0x1400_0000, // b .
    0xb900_72bf, // setup: str wzr, [x21, #0x70]
    0x5280_0021, // mov w1, #1
    0xb900_72a1, // str w1, [x21, #0x70]
    0x5280_0061, // mov w1, #3
    0xb900_72a1, // str w1, [x21, #0x70]
    0xb900_26bf, // str wzr, [x21, #0x24]
    0xb900_22bf, // str wzr, [x21, #0x20]
    0x5280_0021, // mov w1, #1
    0xb900_26a1, // str w1, [x21, #0x24]
    0xb900_22a1, // str w1, [x21, #0x20]
    0x5280_0161, // mov w1, #11
    0xb900_72a1, // str w1, [x21, #0x70]
    0x5280_0021, // mov w1, #1
    0xb900_32a1, // str w1, [x21, #0x30]
    0x5280_0081, // mov w1, #4
    0xb900_3aa1, // str w1, [x21, #0x38]
    0xb900_82b6, // str w22, [x21, #0x80]
    0xb900_86bf, // str wzr, [x21, #0x84]
    0x9140_06db, // add x27, x22, #1, lsl #12
    0xb900_92bb, // str w27, [x21, #0x90]
    0xb900_96bf, // str wzr, [x21, #0x94]
    0x9140_0adc, // add x28, x22, #2, lsl #12
    0xb900_a2bc, // str w28, [x21, #0xa0]
    0xb900_a6bf, // str wzr, [x21, #0xa4]
    0x5280_0021, // mov w1, #1
    0xb900_46a1, // str w1, [x21, #0x44]
    0x5280_01e1, // mov w1, #15
    0xb900_72a1, // str w1, [x21, #0x70]
    0xd65f_03c0, // ret
];

/// Four packets (`struct virtio_vsock_hdr`, section 5.10.6 of the standard, with a byte of data at its end) at 48 bytes each: a
/// request, what is said, twice, and the end.
const PACKETS: [[u32; 12]; 4] = [
    [3, 0, 2, 0, 0, 1024, 0, 0x0001_0001, 0, 0, 0, 0],
    [3, 0, 2, 0, 0, 1024, 1, 0x0005_0001, 0, 0, 0, 0],
    [3, 0, 2, 0, 0, 1024, 1, 0x0005_0001, 0, 0, 0, 0],
    [3, 0, 2, 0, 0, 1024, 0, 0x0004_0001, 3, 0, 0, 0],
];

/// A frame to everybody, behind its header of 12 bytes, of a type that is nobody's (IEEE 802, "Local Experimental").
const FRAME: [u32; 18] = {
    let mut frame = [0; 18];
    frame[3] = 0xffff_ffff;
    frame[4] = 0x5452_ffff;
    frame[5] = 0x5634_1200;
    frame[6] = 0x0000_b588;
    frame
};

#[test]
#[ignore = "boots an emulated host"]
fn nothing_is_sent_before_a_guests_memory_was_checked() {
    let (kernel, cpu) = ("6.12", "cortex-a72");
    let place = Place::new("outlets-cable");
    let code = [&GUEST[..], PACKETS.as_flattened(), &FRAME].concat();
    let image = place.write("guest.Image", &image(&code, None));
    let lock = "lab/tests/specs/net.vm.lock.json";
    let lock = place.altered("sends", lock, "guest.Image", |lock| {
        lock.machine.memory.size = 64 << 20;
        let devices = lock.machine.devices.iter();
        let windows = devices.filter(|d| d.virtio.is_some());
        let windows: Vec<_> = windows.map(|d| (d.kind, d.range.base)).collect();
        let (card, sockets) = (DeviceKind::VirtioNet, DeviceKind::VirtioVsock);
        assert_eq!(windows, [(card, 0x0a00_0000), (sockets, 0x0a00_1000)]);
    });
    let script = format!("lock={}\n{ENDS}{HEAD}{SENDS}", lock.display());
    let script = place.write("outlets-cable.sh", script.as_bytes());
    let files = [image, lock, script.clone()];
    let more = ["--agent", "--module", "tun"];
    let said = in_host_of_tests(kernel, cpu, &script, &files, &more);
    for (line, times) in [
        ("sends\n", 1),
        ("sends nothing for itself\n", 1),
        ("waits\n", 1),
        ("waits after a pause\n", 1),
        ("is sent then\n", 1),
        ("waits, as the end does\n", 1),
        ("is sent at its end\n", 1),
        ("is dropped\n", 1),
        ("is never sent\n", 3),
        (
            "its memory at 0x41000000 to 0x411fffff is not what was saved\n",
            3,
        ),
        ("it was too quick", 0),
        ("and goes on\n", 1),
        ("never:", 0),
    ] {
        let found = said.matches(line).count();
        assert_eq!(found, times, "{line:?}:\n{said}");
    }
}
