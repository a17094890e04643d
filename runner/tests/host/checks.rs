//! A guest that looks for itself whether anything of it has changed.

use super::HEADER;

/// A guest that says `>`, and from then on looks whether anything has changed: general-purpose, system and vector
/// registers, memory, the UART's scratch register, its timer's interrupt, a counter that never goes back. It says `!` and
/// ends where something has. For each byte that it is told it waits for a tick of its timer and says `>` again; `o`
/// is power off.
const MAIN: [u32; 87] = [
    0xd2a1_2014, // start: mov x20, #0x09000000
    0x5280_0021, // mov w1, #1
    0x3900_0a81, // strb w1, [x20, #2]
    0x5280_0041, // mov w1, #2
    0x3900_1281, // strb w1, [x20, #4]
    0xd2a0_0600, // mov x0, #0x300000
    0xd518_1040, // msr cpacr_el1, x0
    0x1000_3d20, // adr x0, vectors
    0xd518_c000, // msr vbar_el1, x0
    0x1000_62e0, // adr x0, stack
    0x9100_001f, // mov sp, x0
    0xd503_3fdf, // isb
    0xd2a1_0015, // mov x21, #0x08000000
    0x5280_0040, // mov w0, #2
    0xb900_02a0, // str w0, [x21]
    0xd2a1_0176, // movz x22, #0x080b, lsl #16
    0x52a1_0000, // mov w0, #0x08000000
    0xb901_02c0, // str w0, [x22, #0x100]
    0x5294_1400, // movz w0, #0xa0a0
    0x72b4_1400, // movk w0, #0xa0a0, lsl #16
    0xb904_1ac0, // str w0, [x22, #0x418]
    0xd280_1e00, // mov x0, #0xf0
    0xd518_4600, // msr S3_0_C4_C6_0, x0
    0xd280_0020, // mov x0, #1
    0xd518_cce0, // msr S3_0_C12_C12_7, x0
    0xd280_0018, // mov x24, #0
    0xd280_0019, // mov x25, #0
    0xd28a_001a, // mov x26, #0x5000
    0xd51b_e31a, // msr cntv_tval_el0, x26
    0xd280_0020, // mov x0, #1
    0xd51b_e320, // msr cntv_ctl_el0, x0
    0xd282_4689, // movz x9, #0x1234
    0xf2f5_79a9, // movk x9, #0xabcd, lsl #48
    0x4e08_0d20, // dup v0.2d, x9
    0x6e20_581f, // mvn v31.16b, v0.16b
    0xd51b_d049, // msr tpidr_el0, x9
    0xd53b_e057, // mrs x23, cntvct_el0
    0x5280_07c1, // mov w1, #62
    0x3900_0281, // strb w1, [x20]
    0xd503_42ff, // msr daifclr, #2
    0x9100_0739, // turn: add x25, x25, #1
    0xd53b_e040, // mrs x0, cntvct_el0
    0xeb17_001f, // cmp x0, x23
    0x5400_04c3, // b.lo bad
    0xaa00_03f7, // mov x23, x0
    0xd53b_d040, // mrs x0, tpidr_el0
    0xeb09_001f, // cmp x0, x9
    0x5400_0441, // b.ne bad
    0x4e18_3c00, // mov x0, v0.d[1]
    0xeb09_001f, // cmp x0, x9
    0x5400_03e1, // b.ne bad
    0x4e08_3fe0, // mov x0, v31.d[0]
    0xaa20_03e0, // mvn x0, x0
    0xeb09_001f, // cmp x0, x9
    0x5400_0361, // b.ne bad
    0x1000_4d21, // adr x1, cell
    0xf900_0039, // str x25, [x1]
    0xf940_0020, // ldr x0, [x1]
    0xeb19_001f, // cmp x0, x25
    0x5400_02c1, // b.ne bad
    0x3900_1e99, // strb w25, [x20, #7]
    0x3940_1e81, // ldrb w1, [x20, #7]
    0x1200_1f22, // and w2, w25, #0xff
    0x6b02_003f, // cmp w1, w2
    0x5400_0221, // b.ne bad
    0xb941_02c0, // ldr w0, [x22, #0x100]
    0x36d8_01e0, // tbz w0, #27, bad
    0x3940_1680, // ldrb w0, [x20, #5]
    0x3607_fc80, // tbz w0, #0, turn
    0x3940_0280, // ldrb w0, [x20]
    0x7101_bc1f, // cmp w0, #111
    0x5400_0180, // b.eq off
    0xaa18_03fb, // mov x27, x24
    0xd280_001c, // mov x28, #0
    0x9100_079c, // wait: add x28, x28, #1
    0xb400_00dc, // cbz x28, bad
    0xeb18_037f, // cmp x27, x24
    0x54ff_ffa0, // b.eq wait
    0x5280_07c1, // mov w1, #62
    0x3900_0281, // strb w1, [x20]
    0x17ff_ffd8, // b turn
    0x5280_0421, // bad: mov w1, #33
    0x3900_0281, // strb w1, [x20]
    0x5280_0100, // off: movz w0, #8
    0x72b0_8000, // movk w0, #0x8400, lsl #16
    0xd400_0002, // hvc #0
    0x1400_0000, // b .
];

/// What it does with an interrupt.
const TICK: [u32; 8] = [
    0xf81f_0fe0, // str x0, [sp, #-16]!
    0xd538_cc00, // mrs x0, S3_0_C12_C12_0
    0xd51b_e31a, // msr cntv_tval_el0, x26
    0xd503_3fdf, // isb
    0x9100_0718, // add x24, x24, #1
    0xd518_cc20, // msr S3_0_C12_C12_1, x0
    0xf841_07e0, // ldr x0, [sp], #16
    0xd69f_03e0, // eret
];
/// Where the exception vectors and the memory that it writes are, in words from the first instruction: vectors are aligned
/// to 2 KiB, and 64 bytes of header come before.
pub const VECTORS: usize = (2048 - HEADER) / 4;
pub const IRQ: usize = VECTORS + 0x280 / 4;
const CELL: usize = 672;
pub const WORDS: usize = CELL + 130;

/// All of it.
pub fn guest() -> Vec<u32> {
    let mut code = vec![0; WORDS];
    code[..MAIN.len()].copy_from_slice(&MAIN);
    code[IRQ..IRQ + TICK.len()].copy_from_slice(&TICK);
    code
}

/// What the shell of a host knows of a process that is to stand still.
pub const STILL: &str = r#"
# It has done nothing for two seconds, however busy its host is: it waits.
idle() { was=; for t in 1 2 3 4 5; do did=$(cut -d' ' -f14,15 /proc/$1/stat); [ "$did" = "$was" ] && break; was=$did; sleep 2; done; }
# It is stopped, and does nothing more: a signal that was sent is not yet one that all its threads have seen.
halt() { kill -STOP $1; for t in $(seq 100); do grep -h '^State:' /proc/$1/task/*/status | grep -qv 'T (stopped)' || break; sleep 0.05; done; }
"#;
