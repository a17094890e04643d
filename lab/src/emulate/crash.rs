//! A program that crashed in a host, and whose fault that was.
//!
//! On AArch64, TPIDR_EL0 says where a thread's own variables are. The kernel sets it when a thread begins, and KVM
//! exchanges it for the guest's while a guest runs: when a vCPU is put on a CPU, and back when it is taken off
//! (`__sysreg_restore_user_state`, arch/arm64/kvm/hyp/vhe/sysreg-sr.c, 6.1). Once in some hundred emulated hosts the
//! second does not happen, and a thread comes back with the guest's: newer kernels find it out by themselves
//! (`kvm_vcpu_load_debug`, `init.rs`), on others the thread crashes at the first of its variables, which are not where it
//! looks for them. No program can do that, as vmlock-run never writes the register.
//!
//! So a crash is the host's fault if the instruction that failed took its address from TPIDR_EL0, and TPIDR_EL0 was nowhere
//! near the thread's stack, beside which the C library puts these variables. All other crashes are the program's. That nobody
//! jumps in between the two instructions is taken for granted: compilers put them together.

use object::{Object as _, ObjectSegment as _};

/// Name of the threads that run vCPUs: no other ones can meet it.
const THREADS: &str = "vcpu";

/// How far a thread's variables may be from where its stack is in use, in bytes: more than a stack is large, and less than
/// what is between a stack and anything else of interest.
const NEAR: u64 = 16 << 20;

/// How many instructions are looked at before the one that failed.
const BEFORE: u64 = 16;

/// Says so if a vCPU's thread crashed since the host's KVM had left it a guest's TPIDR_EL0.
///
/// `words` end with what the host's kernel had to say of the crash (`print-fatal-signals`), and `program` is the program's
/// ELF file.
pub(super) fn lost_thread(words: &str, program: &[u8]) -> Option<String> {
    let program = object::File::parse(program).ok()?;
    let code = |at: u64| {
        let found = program.segments().find_map(|s| s.data_range(at, 4).ok()?);
        Some(u32::from_le_bytes(found?.try_into().ok()?))
    };
    let said = Said::read(words)?;
    let thread = said.thread_pointer(code)?;
    (thread.abs_diff(said.register(SP)?) > NEAR).then(|| {
        format!(
            "a vCPU's thread came back from KVM with another TPIDR_EL0 than its own, {thread:#x}, and crashed at {:#x}",
            said.pc
        )
    })
}

/// Number of the stack pointer where a base register is named (Arm ARM, C1.2.5).
const SP: u32 = 31;

/// What a kernel says of a thread's registers (`__show_regs`, arch/arm64/kernel/process.c).
struct Said<'a> {
    words: &'a str,
    pc: u64,
}

impl<'a> Said<'a> {
    /// The last thread that it speaks of, if that ran a vCPU.
    fn read(words: &'a str) -> Option<Self> {
        let (_, words) = words.rsplit_once("fatal signal 11")?;
        let (_, comm) = words.split_once("Comm: ")?;
        let mut said = Self { words, pc: 0 };
        said.pc = said.named("pc")?;
        comm.starts_with(THREADS).then_some(said)
    }

    /// `name : 0000000000000058`.
    fn named(&self, name: &str) -> Option<u64> {
        let mut pieces = self
            .words
            .split([' ', '\n', '\r'])
            .filter(|p| !p.is_empty());
        let value = loop {
            match (pieces.next()?, name) {
                (piece, _) if piece == name => match pieces.next()? {
                    ":" => break pieces.next()?,
                    _ => continue,
                },
                // Names of two letters are set like those of three.
                (piece, _) if piece.strip_suffix(':') == Some(name) => break pieces.next()?,
                _ => {}
            }
        };
        u64::from_str_radix(value, 16).ok()
    }

    fn register(&self, number: u32) -> Option<u64> {
        match number {
            SP => self.named("sp"),
            number => self.named(&format!("x{number}")),
        }
    }

    /// The TPIDR_EL0 from which the instruction that failed had its address; none where it had it from elsewhere, or
    /// where that cannot be told.
    fn thread_pointer(&self, code: impl Fn(u64) -> Option<u32>) -> Option<u64> {
        let failed = code(self.pc)?;
        if !is_access(failed) {
            return None;
        }
        let base = failed >> 5 & 31;
        let (mut register, mut added) = (base, 0);
        for back in 1..=BEFORE {
            let instruction = code(self.pc.checked_sub(4 * back)?)?;
            if instruction == MRS_TPIDR_EL0 | register {
                return self.register(base)?.checked_sub(added);
            }
            if is_branch(instruction) {
                return None;
            }
            match add(instruction) {
                Some((to, from, more)) if to == register => {
                    register = from;
                    added += more;
                }
                // It may have another value since; or this is what is stored, and then the answer is no where it could be yes.
                _ if names(instruction, register) => return None,
                _ => {}
            }
        }
        None
    }
}

/// `MRS X0, TPIDR_EL0` (Arm ARM, C6.2, D24.2).
const MRS_TPIDR_EL0: u32 = 0xd53b_d040;

/// Whether it is of the group of loads and stores (Arm ARM, C4.1).
const fn is_access(instruction: u32) -> bool {
    instruction >> 25 & 0b101 == 0b100
}

/// Whether a register may be a result of it: pairs, exclusives and atomics have two (Arm ARM, C4.1, loads and stores).
fn names(instruction: u32, register: u32) -> bool {
    let at = |bit: u32| instruction >> bit & 31 == register;
    at(0) || is_access(instruction) && (at(10) || at(16))
}

/// Whether it is of the group of branches, exceptions and system instructions, and reads no register of the system (MRS).
const fn is_branch(instruction: u32) -> bool {
    instruction >> 26 & 0b111 == 0b101 && instruction >> 20 & 0xfff != 0xd53
}

/// `ADD Xd, Xn, #imm{, LSL #12}`: d, n and what is added.
const fn add(instruction: u32) -> Option<(u32, u32, u64)> {
    if instruction >> 23 != 0b1_0010_0010 {
        return None;
    }
    let shift = (instruction >> 22 & 1) * 12;
    let more = (instruction >> 10 & 0xfff) as u64;
    Some((instruction & 31, instruction >> 5 & 31, more << shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Linux 6.1 said of the one that was met.
    const WORDS: &str = "\
[   91.884928] potentially unexpected fatal signal 11.\n\
[   91.886701] CPU: 0 PID: 99 Comm: vcpu0 Not tainted 6.1.0-56-cloud-arm64 #1  Debian 6.1.192-2\n\
[   91.886838] Hardware name: linux,dummy-virt (DT)\n\
[   91.886981] pstate: 60001000 (nZCv daif -PAN -UAO -TCO -DIT +SSBS BTYPE=--)\n\
[   91.887108] pc : 000000000043ae48\n\
[   91.887127] lr : 0000ffff827087bc\n\
[   91.887138] sp : 0000ffff81ca32a0\n\
[   91.887148] x29: 0000ffff81ca44f0 x28: 8000000000000000 x27: 0000000000000000\n\
[   91.887697] x8 : 0000000000000058 x7 : e89ac5d7feb984d8 x6 : e89ac5d7feb984d8\n";

    /// The handler of the signal that makes a vCPU's thread come out of KVM_RUN, and where it is.
    const HANDLER: (u64, [u32; 5]) = (
        0x43_ae3c,
        [
            0xd53b_d048, // mrs x8, tpidr_el0
            0x9140_0108, // add x8, x8, #0x0, lsl #12
            0x9101_6108, // add x8, x8, #0x58
            0xf940_0108, // ldr x8, [x8]
            0xb400_0068, // cbz x8, …
        ],
    );

    fn thread_pointer(words: &str, (start, code): (u64, [u32; 5])) -> Option<u64> {
        let code = |at: u64| {
            let index = usize::try_from(at.checked_sub(start)? / 4).ok()?;
            code.get(index).copied()
        };
        Said::read(words)?.thread_pointer(code)
    }

    #[test]
    fn a_thread_that_lost_its_variables_is_told_from_one_that_went_astray() {
        assert_eq!(thread_pointer(WORDS, HANDLER), Some(0));
        // The guest's own.
        let guest = WORDS.replace("x8 : 0000000000000058", "x8 : 0000ffffa0000098");
        assert_eq!(thread_pointer(&guest, HANDLER), Some(0xffff_a000_0040));
        // Another thread, a crash of another kind, one at another place, an address that comes from elsewhere.
        let other = WORDS.replace("Comm: vcpu0", "Comm: scribe");
        assert_eq!(thread_pointer(&other, HANDLER), None);
        let other = WORDS.replace("signal 11", "signal 4");
        assert_eq!(thread_pointer(&other, HANDLER), None);
        let other = WORDS.replace("43ae48", "43ae4c");
        assert_eq!(thread_pointer(&other, HANDLER), None);
        let (start, mut code) = HANDLER;
        code[1] = 0xf940_0268; // ldr x8, [x19]
        assert_eq!(thread_pointer(WORDS, (start, code)), None);
        code[1] = 0xa940_2260; // ldp x0, x8, [x19]
        assert_eq!(thread_pointer(WORDS, (start, code)), None);
        code[1] = 0x9400_0001; // bl …
        assert_eq!(thread_pointer(WORDS, (start, code)), None);
        assert_eq!(thread_pointer("", HANDLER), None);
    }

    #[test]
    fn only_a_pointer_far_from_the_stack_was_lost() {
        let elf = program(HANDLER.0, &HANDLER.1);
        assert!(lost_thread(WORDS, &elf).is_some_and(|words| words.contains("0x43ae48")));
        let own = WORDS.replace("x8 : 0000000000000058", "x8 : 0000ffff81ca8798");
        assert_eq!(lost_thread(&own, &elf), None);
        assert_eq!(lost_thread(WORDS, b"no ELF file"), None);
    }

    /// An ELF file with one segment.
    fn program(address: u64, code: &[u32]) -> Vec<u8> {
        let code: Vec<u8> = code.iter().flat_map(|c| c.to_le_bytes()).collect();
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(16, 0);
        file.extend([2u16, 183].iter().flat_map(|n| n.to_le_bytes()));
        file.extend(1u32.to_le_bytes());
        file.extend([address, 64, 0].iter().flat_map(|n| n.to_le_bytes()));
        file.extend(0u32.to_le_bytes());
        file.extend(
            [64u16, 56, 1, 64, 0, 0]
                .iter()
                .flat_map(|n| n.to_le_bytes()),
        );
        file.extend([1u32, 5].iter().flat_map(|n| n.to_le_bytes()));
        let size = code.len() as u64;
        let header = [120, address, address, size, size, 4];
        file.extend(header.iter().flat_map(|n| n.to_le_bytes()));
        file.extend(code);
        file
    }
}
