// From EL2, where some machines start a guest that is to be a hypervisor, to EL1 with nothing kept from it. What EL1
// then cannot do is UNDEFINED there, which is what the machine without its EL2 would say; HVC is, too.
//
// Registers: Arm ARM DDI 0487, chapters D13 (traps) and D24. Where HCR_EL2.E2H is one and stays so, the names of EL1's
// registers mean those of EL2, and others those of EL1.

// x0 and x1 are kept, x3 gets SCTLR_EL1 as it was, x2 and x4 to x6 are lost.
leave_el2:
    mov     x4, #(1 << 31)              // HCR_EL2: RW; APK and API, ATA: no traps
    movk    x4, #0x300, lsl #32
    movk    x4, #0x100, lsl #48
    msr     hcr_el2, x4
    isb
    mrs     x5, hcr_el2
    mov     x6, #0x0800                 // SCTLR_EL1: all off, RES1 bits of Armv8.0
    movk    x6, #0x30d0, lsl #16
    tbnz    x5, #34, 1f
    mrs     x3, sctlr_el1
    msr     sctlr_el1, x6
    mov     x4, #0x22ff                 // CPTR_EL2: RES1 bits, no trap of FP, SVE, SME
    msr     cptr_el2, x4
    mov     x4, #3                      // CNTHCTL_EL2: the physical counter and timer
    msr     cnthctl_el2, x4
    b       2f
1:  mrs     x3, s3_5_c1_c0_0            // SCTLR_EL12
    msr     s3_5_c1_c0_0, x6
    mov     x4, #0x03330000
    msr     cptr_el2, x4
    mov     x4, #0xc00
    msr     cnthctl_el2, x4
2:  msr     cntvoff_el2, xzr
    msr     hstr_el2, xzr
    mrs     x4, midr_el1
    msr     vpidr_el2, x4
    mrs     x4, mpidr_el1
    msr     vmpidr_el2, x4
    mrs     x4, mdcr_el2                // HPMN: all counters, as at reset
    and     x4, x4, #0x1f
    msr     mdcr_el2, x4
    mrs     x5, id_aa64pfr0_el1
    ubfx    x4, x5, #24, #4             // GIC
    cbz     x4, 3f
    mov     x4, #0xf                    // ICC_SRE_EL2: SRE, Enable
    msr     s3_4_c12_c9_5, x4
    isb
    msr     s3_4_c12_c11_0, xzr         // ICH_HCR_EL2
3:  ubfx    x4, x5, #32, #4             // SVE
    cbz     x4, 4f
    mov     x4, #0x1ff
    msr     s3_4_c1_c2_0, x4            // ZCR_EL2
4:  mrs     x5, id_aa64pfr1_el1
    ubfx    x5, x5, #24, #4             // SME
    cbz     x5, 5f
    mov     x4, #0x1ff
    msr     s3_4_c1_c2_6, x4            // SMCR_EL2
    mov     x5, #(3 << 54)              // HFG*TR_EL2: nSMPRI_EL1, nTPIDR2_EL0
5:  mrs     x4, id_aa64mmfr0_el1
    lsr     x4, x4, #56                 // FGT is in bits 59:56
    tst     x4, #0xf
    b.eq    6f
    msr     s3_4_c1_c1_4, x5            // HFGRTR_EL2
    msr     s3_4_c1_c1_5, x5            // HFGWTR_EL2
    msr     s3_4_c1_c1_6, xzr           // HFGITR_EL2
    msr     s3_4_c3_c1_4, xzr           // HDFGRTR_EL2
    msr     s3_4_c3_c1_5, xzr           // HDFGWTR_EL2
6:  mrs     x4, id_aa64mmfr1_el1
    ubfx    x4, x4, #40, #4             // HCX
    cbz     x4, 7f
    mov     x4, #(1 << 11 | 1 << 14 | 1 << 15) // HCRX_EL2: MSCEn, TCR2En, SCTLR2En
    movk    x4, #(1 << 6 | 1 << 7), lsl #16    // GCSEn, EnFPM
    msr     s3_4_c1_c2_2, x4
7:  adr     x4, el2_vectors
    msr     vbar_el2, x4
    adr     x4, at_el1
    msr     elr_el2, x4
    mov     x4, #0x3c5                  // EL1h, all masked
    msr     spsr_el2, x4
    isb
    eret

// Gives EL1 what it cannot do as UNDEFINED (EC 0, IL), at its synchronous vector. The instruction is the one at
// ELR_EL2, but for HVC, behind which that points. SP_EL2 and TPIDR_EL2 are nobody's.
give_el1:
    msr     tpidr_el2, x0
    mov     sp, x1
    mrs     x0, esr_el2
    lsr     x0, x0, #26
    mrs     x1, elr_el2
    cmp     x0, #0x16
    b.ne    1f
    sub     x1, x1, #4
1:  mrs     x0, hcr_el2
    tbnz    x0, #34, 2f
    msr     elr_el1, x1
    mrs     x1, spsr_el2
    msr     spsr_el1, x1
    mov     x1, #(1 << 25)
    msr     esr_el1, x1
    mrs     x1, vbar_el1
    b       3f
2:  msr     s3_5_c4_c0_1, x1            // ELR_EL12
    mrs     x1, spsr_el2
    msr     s3_5_c4_c0_0, x1            // SPSR_EL12
    mov     x1, #(1 << 25)
    msr     s3_5_c5_c2_0, x1            // ESR_EL12
    mrs     x1, s3_5_c12_c0_0           // VBAR_EL12
3:  add     x1, x1, #0x200
    msr     elr_el2, x1
    mov     x1, #0x3c5
    msr     spsr_el2, x1
    mov     x1, sp
    mrs     x0, tpidr_el2
    eret

.balign 0x800
el2_vectors:
    .rept 8                             // from EL2 itself: never
    b       .
    .balign 0x80
    .endr
    b       give_el1                    // from EL1, synchronous
    .balign 0x80
    .rept 7                             // IRQ, FIQ, SError (masked); AArch32: goes to EL1
    b       .
    .balign 0x80
    .endr
