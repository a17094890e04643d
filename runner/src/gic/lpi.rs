//! GICR_PROPBASER and GICR_PENDBASER: where the tables of LPIs would be.
//!
//! A machine of ours has no ITS, so its LPIs cannot be enabled (`vgic_mmio_write_v3r_ctlr`,
//! arch/arm64/kvm/vgic/vgic-mmio-v3.c, 5.10 to 7.3), and all that comes of these registers is what is read back. They
//! never reach the kernel while the guest runs. What is kept of what is written is what KVM keeps
//! (`vgic_sanitise_propbaser`, `vgic_sanitise_pendbaser` and what they call, in the same file; fields: Arm IHI 0069
//! sections 12.11.32 and 12.11.31).

/// Which register; both have 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// GICR_PROPBASER. KVM has one for all redistributors (`vgic_dist.propbaser`).
    Properties,
    /// GICR_PENDBASER.
    Pending,
}

/// InnerShareable, and Normal Inner Read-allocate Write-back: what GICR_PENDBASER begins with (`INITIAL_PENDBASER_VALUE`,
/// vgic-v3.c).
pub const FIRST_PENDING: u64 = 1 << SHAREABILITY | 3 << INNER;

/// Lowest bits of the fields that not every value is kept of: two bits, and twice three.
const SHAREABILITY: u32 = 10;
const INNER: u32 = 7;
const OUTER: u32 = 56;

impl Table {
    /// The bits that it keeps. The address has 52 bits; GICR_PENDBASER.PTZ is never read, so it is nowhere.
    fn bits(self) -> u64 {
        let fields = 7 << OUTER | 3 << SHAREABILITY | 7 << INNER;
        fields
            | match self {
                Self::Properties => 0xf_ffff_ffff_f000 | 0x1f,
                Self::Pending => 0xf_ffff_ffff_0000,
            }
    }

    /// What is held after so many bytes of `value` were written at byte `at` of a register that held `before`; 4 or 8
    /// bytes, at a multiple of that.
    pub fn written(self, before: u64, at: u32, width: usize, value: u64) -> u64 {
        let all = match width {
            8 => value,
            _ => {
                let shift = 8 * at;
                before & !(0xffff_ffff << shift) | (value & 0xffff_ffff) << shift
            }
        };
        let field = |low: u32, mask: u64| all >> low & mask;
        let put = |low: u32, value: u64| value << low;
        // Never outer shareable, never without a cache inside, and outside either none or the same as inside.
        let shareability = match field(SHAREABILITY, 3) {
            2 => 1,
            other => other,
        };
        let inner = match field(INNER, 7) {
            0 | 1 => 3,
            other => other,
        };
        let outer = match field(OUTER, 7) {
            1 => 1,
            _ => 0,
        };
        let rest = all & self.bits() & !(put(SHAREABILITY, 3) | put(INNER, 7) | put(OUTER, 7));
        rest | put(SHAREABILITY, shareability) | put(INNER, inner) | put(OUTER, outer)
    }

    /// What so many bytes at byte `at` of it read as.
    pub fn read(held: u64, at: u32, width: usize) -> u64 {
        match width {
            8 => held,
            _ => held >> (8 * at) & 0xffff_ffff,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What 44 recorded hosts show of ones and zeroes, and of either half.
    #[test]
    fn what_is_kept_is_what_kernels_keep() {
        let ones = |table: Table| table.written(0, 0, 8, u64::MAX);
        let zeroes = |table: Table| table.written(u64::MAX, 0, 8, 0);
        assert_eq!(ones(Table::Properties), 0x000f_ffff_ffff_ff9f);
        assert_eq!(zeroes(Table::Properties), 0x180);
        assert_eq!(ones(Table::Pending), 0x000f_ffff_ffff_0f80);
        assert_eq!(zeroes(Table::Pending), 0x180);
        assert_eq!(FIRST_PENDING, 0x580);
        let high = Table::Pending.written(FIRST_PENDING, 4, 4, u64::MAX);
        assert_eq!(high, 0x000f_ffff_0000_0580);
        let low = Table::Pending.written(high, 0, 4, 0x8000_0000);
        assert_eq!(low, 0x000f_ffff_8000_0180);
        assert_eq!(Table::read(low, 4, 4), 0x000f_ffff);
        assert_eq!(Table::read(low, 0, 4), 0x8000_0180);
    }

    #[test]
    fn attributes_that_kernels_do_not_take_become_those_that_they_do() {
        let share = |value: u64| Table::Properties.written(0, 0, 8, value << 10) >> 10 & 3;
        assert_eq!([0, 1, 2, 3].map(share), [0, 1, 1, 3]);
        let inner = |value: u64| Table::Properties.written(0, 0, 8, value << 7) >> 7 & 7;
        assert_eq!([0, 1, 2, 3, 7].map(inner), [3, 3, 2, 3, 7]);
        let outer = |value: u64| Table::Pending.written(0, 0, 8, value << 56) >> 56 & 7;
        assert_eq!([0, 1, 2, 7].map(outer), [0, 1, 0, 0]);
    }

    #[test]
    fn what_was_kept_once_is_kept_again() {
        for table in [Table::Properties, Table::Pending] {
            for bit in 0..64 {
                let kept = table.written(0, 0, 8, 1 << bit);
                assert_eq!(table.written(kept, 0, 8, kept), kept, "{table:?} {bit}");
            }
        }
    }
}
