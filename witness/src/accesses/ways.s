// Accesses from elsewhere: EL0, AArch32, under single steps; and one with every
// register in use. The exception that ends a visit goes on here, at EL1: that of
// SVC, of a step, or one that should not have been.

.section .text.ways, "ax"

// x0: a `Visit` (ways.rs).
.global visit
visit:
    stp     x19, x20, [sp, #-144]!
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    stp     x29, x30, [sp, #80]
    mrs     x1, vbar_el1
    mrs     x2, ttbr0_el1
    stp     x1, x2, [sp, #96]
    mrs     x1, mdscr_el1
    mrs     x2, sctlr_el1
    stp     x1, x2, [sp, #112]
    str     x0, [sp, #128]
    msr     oslar_el1, xzr              // the OS lock keeps steps away
    adr     x1, visit_vectors
    msr     vbar_el1, x1
    ldp     x1, x2, [x0]
    msr     elr_el1, x1
    msr     spsr_el1, x2
    ldp     x1, x2, [x0, #16]
    msr     ttbr0_el1, x1
    msr     sctlr_el1, x2
    ldr     x1, [x0, #32]
    msr     mdscr_el1, x1
    isb
    tlbi    vmalle1
    dsb     nsh
    isb
    ldp     x1, x2, [x0, #40]
    ldp     x3, x4, [x0, #56]
    ldr     x5, [x0, #72]
    eret
visited_elsewhere:
    ldr     x0, [sp, #128]
    stp     x1, x2, [x0, #40]
    stp     x3, x4, [x0, #56]
    mrs     x1, esr_el1
    stp     x5, x1, [x0, #72]
    ldp     x1, x2, [sp, #112]
    msr     mdscr_el1, x1
    msr     sctlr_el1, x2
    ldp     x1, x2, [sp, #96]
    msr     vbar_el1, x1
    msr     ttbr0_el1, x2
    isb
    tlbi    vmalle1
    dsb     nsh
    isb
    ldp     x29, x30, [sp, #80]
    ldp     x27, x28, [sp, #64]
    ldp     x25, x26, [sp, #48]
    ldp     x23, x24, [sp, #32]
    ldp     x21, x22, [sp, #16]
    ldp     x19, x20, [sp], #144
    ret

// x0: an address to load from, x1: one to store w2 to. Gives what was loaded, in
// its upper half how many of the other registers have changed.
.global every_register
every_register:
    stp     x19, x20, [sp, #-128]!
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    stp     x29, x30, [sp, #80]
    stp     x0, x1, [sp, #96]
    str     x2, [sp, #112]
    .irp n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    movz    x\n, #0xa500 + \n, lsl #48
    movk    x\n, #0x5a00 + \n
    .endr
    ldr     w30, [x0]
    str     w2, [x1]
    str     x30, [sp, #120]
    mov     x30, xzr
    // A register of which the one beside it is now known is free to compare with.
    stp     x3, x4, [sp, #-16]!
    ldp     x3, x4, [sp, #112]
    cmp     x0, x3
    csinc   x30, x30, x30, eq
    cmp     x1, x4
    csinc   x30, x30, x30, eq
    ldr     x3, [sp, #128]
    cmp     x2, x3
    csinc   x30, x30, x30, eq
    ldp     x3, x4, [sp], #16
    .irp n, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    movz    x0, #0xa500 + \n, lsl #48
    movk    x0, #0x5a00 + \n
    cmp     x\n, x0
    csinc   x30, x30, x30, eq
    .endr
    ldr     x0, [sp, #120]
    orr     x0, x0, x30, lsl #32
    ldp     x29, x30, [sp, #80]
    ldp     x27, x28, [sp, #64]
    ldp     x25, x26, [sp, #48]
    ldp     x23, x24, [sp, #32]
    ldp     x21, x22, [sp, #16]
    ldp     x19, x20, [sp], #128
    ret

// Where a visit goes: the load, and 4 bytes behind it the store.
.global from_a64
from_a64:
    ldr     w1, [x2]
    str     w3, [x4]
    add     x5, x5, #1
    svc     #0

.global from_a32
from_a32:
    .inst   0xe5921000                  // ldr r1, [r2]
    .inst   0xe5843000                  // str r3, [r4]
    .inst   0xe2855001                  // add r5, r5, #1
    .inst   0xef000000                  // svc #0

.balign 0x800
visit_vectors:
    .rept 16
    b       visited_elsewhere
    .balign 0x80
    .endr
