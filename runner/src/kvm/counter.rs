//! The host's counter, and how fast it counts.

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

/// CNTFRQ_EL0, in ticks a second: the guest reads the same, since no kernel changes it.
pub fn host_frequency() -> u64 {
    let ticks;
    // SAFETY: Linux lets every program read CNTFRQ_EL0 where it lets it read the counter.
    unsafe {
        std::arch::asm!("mrs {}, cntfrq_el0", out(reg) ticks, options(nomem, nostack, preserves_flags));
    }
    ticks
}
