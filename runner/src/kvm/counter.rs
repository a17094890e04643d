//! The host's counter.

/// The host's counter, in ticks of CNTFRQ_EL0: what KVM counts offsets from
/// (`kvm_phys_timer_read`, arch/arm64/kvm/arch_timer.c, 5.10 to 7.3).
pub fn host_counter() -> u64 {
    let ticks;
    // SAFETY: Linux lets every program read CNTVCT_EL0 (its vDSO does), and gives itself no offset.
    unsafe {
        std::arch::asm!("isb", "mrs {}, cntvct_el0", out(reg) ticks, options(nostack, preserves_flags));
    }
    ticks
}
