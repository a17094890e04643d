// Exception vectors of a guest that takes its interrupts as exceptions, at this level and with its own stack.

.section .text, "ax"

.balign 0x800
.global moments_vectors
moments_vectors:
    .rept 5                             // SP_EL0, never used; synchronous
    b       moments_fault
    .balign 0x80
    .endr
    b       moments_interrupt           // current level, IRQ
    .balign 0x80
    .rept 10
    b       moments_fault
    .balign 0x80
    .endr

// Puts aside what Rust may change: the general registers and the vectors that belong to whoever calls.
moments_interrupt:
    sub     sp, sp, #576
    stp     x0, x1, [sp]
    stp     x2, x3, [sp, #16]
    stp     x4, x5, [sp, #32]
    stp     x6, x7, [sp, #48]
    stp     x8, x9, [sp, #64]
    stp     x10, x11, [sp, #80]
    stp     x12, x13, [sp, #96]
    stp     x14, x15, [sp, #112]
    stp     x16, x17, [sp, #128]
    stp     x18, x29, [sp, #144]
    mrs     x0, elr_el1
    mrs     x1, spsr_el1
    stp     x0, x1, [sp, #160]
    str     x30, [sp, #176]
    add     x0, sp, #192
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    str     q\n, [x0], #16
    .endr
    bl      {interrupt}
    add     x0, sp, #192
    .irp    n, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    ldr     q\n, [x0], #16
    .endr
    ldp     x0, x1, [sp, #160]
    msr     elr_el1, x0
    msr     spsr_el1, x1
    ldr     x30, [sp, #176]
    ldp     x18, x29, [sp, #144]
    ldp     x16, x17, [sp, #128]
    ldp     x14, x15, [sp, #112]
    ldp     x12, x13, [sp, #96]
    ldp     x10, x11, [sp, #80]
    ldp     x8, x9, [sp, #64]
    ldp     x6, x7, [sp, #48]
    ldp     x4, x5, [sp, #32]
    ldp     x2, x3, [sp, #16]
    ldp     x0, x1, [sp]
    add     sp, sp, #576
    eret

moments_fault:
    mrs     x0, esr_el1
    mrs     x1, elr_el1
    bl      {unexpected}
3:  wfi
    b       3b
