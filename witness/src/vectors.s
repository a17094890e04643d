// What becomes of exceptions: a probe's is told to it, a visit to EL0 ends with its first one, and any other one is
// a fault of the witness's own.

.section .text.boot, "ax"

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
