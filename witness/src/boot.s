// Brings every vCPU from its first instruction to Rust: exception vectors,
// an identity map, caches, a stack. Nothing is written to memory before the
// MMU is on, so that no write can hide behind a stale cache line.
//
// Register fields: Arm ARM DDI 0487, chapter D24 (SCTLR_EL1, TCR_EL1,
// MAIR_EL1, CPACR_EL1).

.section .text.boot, "ax"

.global _start
_start:
    mov     x19, xzr                    // vCPU 0
    b       1f

// PSCI CPU_ON's context id, the index of the vCPU, arrives in x0.
.global secondary_entry
secondary_entry:
    mov     x19, x0

1:  msr     daifset, #0xf
    msr     spsel, #1

    // No trap of FP (FPEN), SVE (ZEN) or SME (SMEN) by our own level: what
    // then still traps is the machine's answer.
    mov     x0, #(3 << 20 | 3 << 16)
    orr     x0, x0, #(3 << 24)
    msr     cpacr_el1, x0

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

    // The host left zeroes there, which are no windows.
    mov     x0, #({windows} & 0xffff)
    movk    x0, #({windows} >> 16), lsl #16
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
    mov     x0, x19
    bl      {main}
2:  wfi
    b       2b

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

// The end of a visit: x0 gets ESR_EL1 and the visitor goes on in this level.
visited:
    msr     elr_el1, x0
    mov     x0, #0x3c5                  // EL1h, all masked, no illegal state
    msr     spsr_el1, x0
    mrs     x0, esr_el1
    eret
from_aarch32:
    mrs     x0, tpidr_el0
    cbz     x0, fault
    b       visited

// A probe marks itself by a non-zero SP_EL0 and is ready to lose x20 and x21.
// Its faulting instruction is skipped (a branch returns by x30) and x20 gets ESR_EL1, which is never
// zero there (IL is set, or the class is).
probe_exception:
    mrs     x20, sp_el0
    cbz     x20, 5f
    mrs     x20, esr_el1
    ubfx    x20, x20, #26, #6
    cmp     x20, #0x21                  // an instruction fetch: back to who branched
    mrs     x20, elr_el1
    add     x20, x20, #4
    csel    x20, x30, x20, eq
    msr     elr_el1, x20
    mrs     x20, esr_el1
    eret
5:  mrs     x20, tpidr_el0
    cbz     x20, fault
    mov     x0, x20
    b       visited

fault:
    msr     sp_el0, xzr
    mrs     x0, esr_el1
    mrs     x1, elr_el1
    mrs     x2, far_el1
    bl      {fault}
3:  wfi
    b       3b

.balign 0x800
vectors:
    .rept 4                             // current level, SP_EL0: never used
    b       fault
    .balign 0x80
    .endr
    b       probe_exception             // current level, synchronous
    .balign 0x80
    .rept 7                             // IRQ, FIQ, SError (masked); EL0 in AArch64: never used
    b       fault
    .balign 0x80
    .endr
    b       from_aarch32                // EL0 in AArch32, synchronous
    .balign 0x80
    .rept 3
    b       fault
    .balign 0x80
    .endr
