// The first instructions on a vCPU that is lent: exception vectors and a stack. The host has put aside everything that is
// changed here and after. x0 is the vCPU's index, x2 and x3 are where the distributor and its redistributor are; stage 1 of the translation is off, and D, A, I and F are masked.

.section .text.boot, "ax"

.global _start
_start:
    // No trap of FP (FPEN), SVE (ZEN) or SME (SMEN) by our own level, as in `boot.s`.
    mov     x1, #(3 << 20 | 3 << 16)
    orr     x1, x1, #(3 << 24)
    msr     cpacr_el1, x1
    adr     x1, vectors
    msr     vbar_el1, x1
    isb
    movz    x1, #({stack} >> 16), lsl #16
    movk    x1, #({stack} & 0xffff)
    mov     sp, x1
    msr     sp_el0, xzr                 // no probe under way
    msr     tpidr_el0, xzr              // and no visit to EL0
    msr     tpidr_el1, x0
    mov     x29, xzr
    mov     x30, xzr
    mrs     x1, mpidr_el1
    bl      {look}
2:  b       2b
