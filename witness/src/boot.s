// Brings every vCPU from its first instruction to Rust: exception vectors,
// an identity map, caches, a stack. Of memory, only the block for what the vCPU
// begins with is written before the MMU is on: no other write can hide behind a
// stale cache line.
//
// Register fields: Arm ARM DDI 0487, chapter D24 (SCTLR_EL1, TCR_EL1,
// MAIR_EL1, CPACR_EL1).

.section .text.boot, "ax"

.global _start
_start:
    .if {portable}
    // Linux's header of an Image (Documentation/arch/arm64/booting.rst, 6.12):
    // little-endian, pages of 4 KiB, anywhere in memory.
    b       1f
    .long   0
    .quad   0                           // at the beginning of the 2 MiB
    .quad   __size
    .quad   0xa
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0
    // x0: the device tree. The one place that can be written before a register
    // is free is in it: two words at offset 24 that nobody reads here.
1:  cbz     x0, 1b
    str     x1, [x0, #24]
    adrp    x1, __blocks
    str     x0, [x1, #{tree}]
    ldr     x1, [x0, #24]
    .endif
    adrp    x0, __blocks                // vCPU 0's

// PSCI CPU_ON's context id, the address of the vCPU's block, arrives in x0. What
// it begins with goes there (`vmlock_wire::entry`, in this order): the
// flags first, which nothing here changes.
.global secondary_entry
secondary_entry:
    stp     x1, x2, [x0, #8]
    stp     x3, x4, [x0, #24]
    stp     x5, x6, [x0, #40]
    stp     x7, x8, [x0, #56]
    stp     x9, x10, [x0, #72]
    stp     x11, x12, [x0, #88]
    stp     x13, x14, [x0, #104]
    stp     x15, x16, [x0, #120]
    stp     x17, x18, [x0, #136]
    stp     x19, x20, [x0, #152]
    stp     x21, x22, [x0, #168]
    stp     x23, x24, [x0, #184]
    stp     x25, x26, [x0, #200]
    stp     x27, x28, [x0, #216]
    stp     x29, x30, [x0, #232]
    mrs     x1, nzcv
    mrs     x2, daif
    mrs     x3, currentel
    mrs     x4, spsel
    orr     x1, x1, x2
    orr     x3, x3, x4
    orr     x1, x1, x3
    .if {portable}
    mrs     x3, currentel
    cmp     x3, #(2 << 2)
    b.eq    leave_el2
    .endif
    mrs     x3, sctlr_el1
at_el1:
    mov     x2, sp
    stp     x1, x2, [x0, #248]
    mrs     x1, sp_el0
    stp     x1, x3, [x0, #264]
    mrs     x1, cpacr_el1
    mrs     x2, ttbr0_el1
    stp     x1, x2, [x0, #280]
    mrs     x1, tcr_el1
    mrs     x2, mair_el1
    stp     x1, x2, [x0, #296]
    mrs     x1, vbar_el1
    mrs     x2, tpidr_el0
    stp     x1, x2, [x0, #312]
    mrs     x1, tpidr_el1
    mrs     x2, esr_el1
    stp     x1, x2, [x0, #328]
    mrs     x1, far_el1
    mrs     x2, elr_el1
    stp     x1, x2, [x0, #344]
    mrs     x1, spsr_el1
    mrs     x2, ttbr1_el1
    stp     x1, x2, [x0, #360]

    msr     daifset, #0xf
    msr     spsel, #1

    // No trap of FP (FPEN), SVE (ZEN) or SME (SMEN) by our own level: what
    // then still traps is the machine's answer.
    mov     x1, #(3 << 20 | 3 << 16)
    orr     x1, x1, #(3 << 24)
    msr     cpacr_el1, x1
    isb

    // What is set in any of V0 to V31, where ID_AA64PFR0_EL1.FP says that they
    // are there.
    mrs     x1, id_aa64pfr0_el1
    ubfx    x1, x1, #16, #4
    cmp     x1, #0xf
    b.eq    1f
    .irp    n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    orr     v0.16b, v0.16b, v\n\().16b
    .endr
    fmov    x1, d0
    fmov    x2, v0.d[1]
    orr     x1, x1, x2
    str     x1, [x0]
1:
    // The block was written past the caches, and may stand in one as it was
    // before. No line is shorter than 16 bytes (CTR_EL0.DminLine).
    adrp    x1, __blocks
    sub     x19, x0, x1
    lsr     x19, x19, #{block_shift}    // the index of the vCPU
    mov     x1, #(1 << {block_shift} >> 4)
    dmb     sy
2:  dc      ivac, x0
    add     x0, x0, #16
    subs    x1, x1, #1
    b.ne    2b
    dsb     sy

    adr     x0, vectors
    msr     vbar_el1, x0

    // Attribute 0: device nGnRnE; 1: normal, write-back, allocating; 2: the
    // same with tags, which nobody uses where there are none.
    mov     x0, #0xff00
    movk    x0, #0xf0, lsl #16
    msr     mair_el1, x0

    adrp    x0, {table}
    add     x0, x0, :lo12:{table}
    msr     ttbr0_el1, x0

    // There are zeroes, which are no windows.
    adrp    x0, __windows
    msr     ttbr1_el1, x0

    // T0SZ and T1SZ 25 (512 GiB), walks write-back and inner shareable, 4 KiB
    // granule; IPS as the machine says, 48 bits at most.
    mrs     x1, id_aa64mmfr0_el1
    and     x1, x1, #0xf
    mov     x2, #5
    cmp     x1, x2
    csel    x1, x1, x2, ls
    mov     x0, #(25 | 1 << 8 | 1 << 10 | 3 << 12)
    movk    x0, #(25 | 1 << 8 | 1 << 10 | 3 << 12 | 1 << 15), lsl #16
    orr     x0, x0, x1, lsl #32
    msr     tcr_el1, x0
    isb
    tlbi    vmalle1
    ic      iallu
    dsb     nsh
    isb

    // RES1 bits of Armv8.0, and M, C, I.
    mov     x0, #0x1805
    movk    x0, #0x30d0, lsl #16
    msr     sctlr_el1, x0
    isb

    adrp    x0, __stacks
    add     x0, x0, :lo12:__stacks
    add     x1, x19, #1
    mov     x2, #{stack_size}
    madd    x0, x1, x2, x0
    mov     sp, x0
    msr     sp_el0, xzr                 // no probe under way
    msr     tpidr_el0, xzr              // and no visit to EL0
    msr     tpidr_el1, x19
    mov     x29, xzr
    mov     x30, xzr
    .if {portable}
    cbnz    x19, 2f
    // R_AARCH64_RELATIVE (ELF for the Arm 64-bit architecture, section 5.7.16): what lies at the
    // image plus the addend. The linker makes no others.
    adrp    x0, __rela
    add     x0, x0, :lo12:__rela
    adrp    x1, __rela_end
    add     x1, x1, :lo12:__rela_end
    adrp    x2, __image
1:  cmp     x0, x1
    b.hs    2f
    ldp     x3, x4, [x0]
    ldr     x5, [x0, #16]
    add     x5, x5, x2
    str     x5, [x3, x2]
    add     x0, x0, #24
    b       1b
2:
    .endif
    mov     x0, x19
    bl      {main}
2:  wfi
    b       2b

// Sets all bits of V0 to V31, where ID_AA64PFR0_EL1.FP says that they are there.
.global leave_vectors
leave_vectors:
    mrs     x0, id_aa64pfr0_el1
    ubfx    x0, x0, #16, #4
    cmp     x0, #0xf
    b.eq    6f
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    movi    v\n\().16b, #0xff
    .endr
6:  ret

// Returns to AArch32 at EL0 at x0 under the translation table x1, and gives in
// x0 the ESR_EL1 of the exception that ends the visit: SVC from AArch32, or an
// illegal state at this level. TPIDR_EL0 holds where to go on while it lasts.
.global visit_aarch32
visit_aarch32:
    // A visit may clear the upper half of every register.
    stp     x19, x20, [sp, #-96]!
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    stp     x29, x30, [sp, #80]
    mrs     x19, ttbr0_el1              // below 4 GiB
    msr     ttbr0_el1, x1
    isb
    tlbi    vmalle1
    dsb     nsh
    isb
    adr     x2, 4f
    msr     tpidr_el0, x2
    msr     elr_el1, x0
    mov     x3, #0x1d0                  // AArch32 User mode, A32, A, I and F masked
    msr     spsr_el1, x3
    isb
    eret
4:  msr     tpidr_el0, xzr
    msr     ttbr0_el1, x19
    isb
    tlbi    vmalle1
    dsb     nsh
    isb
    ldp     x29, x30, [sp, #80]
    ldp     x27, x28, [sp, #64]
    ldp     x25, x26, [sp, #48]
    ldp     x23, x24, [sp, #32]
    ldp     x21, x22, [sp, #16]
    ldp     x19, x20, [sp], #96
    ret
