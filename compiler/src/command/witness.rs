//! `vmlock witness`: the portable witness, which boots under any virtual machine monitor.

use crate::command::unwritable;
use crate::flags::WitnessFlags;
use crate::render::{Exit, Output};
use sha2::{Digest as _, Sha256};

/// `witness/` with its feature `portable`, which `vmlock-lab witness` puts here.
static IMAGE: &[u8] = include_bytes!("../../witness.Image");

/// Writes the image.
pub fn run(flags: &WitnessFlags, out: &mut Output) {
    let shown = flags.output.display().to_string();
    if let Err(error) = vmlock_atomic::replace(&flags.output, IMAGE) {
        return out.fail(Exit::Environment, unwritable(&shown, &error));
    }
    let digits = Sha256::digest(IMAGE);
    let digits: String = digits.iter().map(|byte| format!("{byte:02x}")).collect();
    out.line(format!("{shown}: an arm64 Image of {} bytes", IMAGE.len()));
    out.note(
        "boot it as a kernel, keep what its serial console prints, and read that with `vmlock observe`; \
         `vmlock witness --help` has command lines",
    );
    out.value("image", shown);
    out.value("digest", format!("sha256-{digits}"));
}
