//! What a host's kernel has to have built in, and what of it an Image lacks: told before it is booted, where it could only
//! stand still.
//!
//! An Image with `CONFIG_IKCONFIG=y` carries its configuration (kernel/configs.c, 5.10 to 7.3). Any other does not say how it
//! was configured, but most of these options bring a text into it that nothing else brings: the name of a parameter, a driver
//! or a device, or a message. These texts are in the kernels of every series from 5.10 to 7.3.

use crate::cache::{self, Scratch};
use crate::failure::{Failure, Result};
use crate::tools;
use std::path::Path;
use std::process::Command;

/// Something that has to be built in.
struct Needed {
    option: &'static str,
    /// The text that it brings, where it brings one.
    text: Option<&'static str>,
    /// What a host needs it for.
    what: &'static str,
}

/// As [`Needed`].
const fn needed(option: &'static str, text: Option<&'static str>, what: &'static str) -> Needed {
    Needed { option, text, what }
}

const NEEDED: [Needed; 12] = [
    needed(
        "CONFIG_KVM",
        Some("kvm-arm.vgic_v3_group1_trap"),
        "for guests at all",
    ),
    needed(
        "CONFIG_BLK_DEV_INITRD",
        Some("unpack rootfs image"),
        "for the lab's own files, which are an initramfs",
    ),
    needed(
        "CONFIG_SERIAL_AMBA_PL011",
        Some("uart-pl011"),
        "for the kernel's messages",
    ),
    needed(
        "CONFIG_SERIAL_8250_PCI",
        Some("8250_pci"),
        "for what programs print, which goes to serial ports on PCI",
    ),
    needed(
        "CONFIG_PCI_HOST_GENERIC",
        Some("pci-host-ecam-generic"),
        "for these ports' bus",
    ),
    needed(
        "CONFIG_SERIAL_AMBA_PL011_CONSOLE",
        None,
        "for the kernel's messages",
    ),
    needed("CONFIG_BINFMT_ELF", None, "for programs"),
    needed("CONFIG_BINFMT_SCRIPT", None, "for the first of them"),
    needed("CONFIG_PROC_FS", None, "for /proc"),
    needed("CONFIG_SYSFS", None, "for /sys"),
    needed("CONFIG_TMPFS", None, "for /dev"),
    needed("CONFIG_DEVTMPFS", None, "for /dev"),
];

/// What the lab loads a module for on Debian's kernels, by that module's name. Of an Image that did not come from there is no
/// module.
const DRIVERS: [(&str, Needed); 6] = [
    (
        "virtio_pci",
        needed(
            "CONFIG_VIRTIO_PCI",
            Some("virtio-pci"),
            "for the host's disks and its network card",
        ),
    ),
    (
        "virtio_blk",
        needed(
            "CONFIG_VIRTIO_BLK",
            Some("virtio_blk.queue_depth"),
            "for the host's disks",
        ),
    ),
    (
        "virtio_net",
        needed(
            "CONFIG_VIRTIO_NET",
            Some("virtio_net.napi_tx"),
            "for the host's network card",
        ),
    ),
    (
        "tun",
        needed(
            "CONFIG_TUN",
            Some("Universal TUN/TAP device driver"),
            "for the guest's network card",
        ),
    ),
    (
        "bridge",
        needed(
            "CONFIG_BRIDGE",
            Some("brforward"),
            "for what joins the two network cards",
        ),
    ),
    (
        "nvme",
        needed(
            "CONFIG_BLK_DEV_NVME",
            Some("nvme.use_threaded_interrupts"),
            "for the disk with the saved guest",
        ),
    ),
];

/// What stands before and behind the configuration that an Image carries, which is compressed with gzip.
const BEGINS: &[u8] = b"IKCFG_ST";
const ENDS: &[u8] = b"IKCFG_ED";

/// Refuses an Image in which some of what every host needs is not built in, by the options' names.
pub fn expect(image: &Path) -> Result<()> {
    judge(image, &NEEDED.iter().collect::<Vec<_>>())
}

/// Refuses an Image in which one of these modules is not built in, by its option, or of which nobody knows that.
pub fn expect_drivers(image: &Path, modules: &[&str]) -> Result<()> {
    let known = |name: &&str| DRIVERS.iter().find(|(module, _)| module == name);
    if let Some(name) = modules.iter().find(|name| known(name).is_none()) {
        return Err(Failure::environment(format!(
            "{} did not come from Debian's archive, so there is no module {name} of it; name a series, e.g. --kernel 6.12",
            image.display()
        )));
    }
    let drivers: Vec<&Needed> = modules.iter().filter_map(known).map(|(_, n)| n).collect();
    judge(image, &drivers)
}

/// Whether a driver is built in, as the Image itself says.
pub fn has_driver(image: &Path, module: &str) -> Result<bool> {
    let bytes = cache::read(image)?;
    let driver = DRIVERS.iter().find(|(name, _)| *name == module);
    let needed: Vec<&Needed> = driver.iter().map(|(_, needed)| needed).collect();
    Ok(driver.is_some() && missing(&bytes, image, &needed)?.is_empty())
}

fn judge(image: &Path, needed: &[&Needed]) -> Result<()> {
    let missing = missing(&cache::read(image)?, image, needed)?;
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::environment(format!(
        "{} lacks what a host needs built in, not as modules:\n{}",
        image.display(),
        missing.join("\n")
    )))
}

/// What of it an Image lacks, which has these bytes.
fn missing(bytes: &[u8], image: &Path, needed: &[&Needed]) -> Result<Vec<String>> {
    Ok(match carried(bytes) {
        Some(packed) => missing_of_configuration(&unpacked(packed, image)?, needed),
        None => missing_of_texts(bytes, needed),
    })
}

/// The configuration that an Image carries, as it stands there.
fn carried(image: &[u8]) -> Option<&[u8]> {
    let place = |of: &[u8], text: &[u8]| of.windows(text.len()).position(|part| part == text);
    let from = place(image, BEGINS)? + BEGINS.len();
    let rest = image.get(from..)?;
    Some(&rest[..place(rest, ENDS)?])
}

fn unpacked(packed: &[u8], image: &Path) -> Result<String> {
    let scratch = Scratch::new()?;
    let path = scratch.path().join("config.gz");
    cache::write(&path, packed)?;
    let mut gzip = Command::new("gzip");
    let (status, config) = tools::output(gzip.arg("-dc").arg(&path))?;
    if !status.success() {
        return Err(Failure::environment(format!(
            "the configuration in {} (CONFIG_IKCONFIG) cannot be unpacked",
            image.display()
        )));
    }
    Ok(String::from_utf8_lossy(&config).into_owned())
}

/// By what the kernel itself says of how it was configured.
fn missing_of_configuration(config: &str, needed: &[&Needed]) -> Vec<String> {
    let mut missing = Vec::new();
    for Needed { option, what, .. } in needed {
        let mut lines = config.lines();
        let set = lines.find_map(|line| line.strip_prefix(option)?.strip_prefix('='));
        if set != Some("y") {
            let is = set.map_or("not set".to_owned(), |value| format!("`{value}`"));
            missing.push(format!(
                "  {option}=y {what}; its own configuration has it {is}"
            ));
        }
    }
    missing
}

/// By what an Image with these options has in it.
fn missing_of_texts(image: &[u8], needed: &[&Needed]) -> Vec<String> {
    let mut missing = Vec::new();
    for Needed { option, text, what } in needed {
        let Some(text) = text else { continue };
        let mut parts = image.windows(text.len());
        if !parts.any(|part| part == text.as_bytes()) {
            missing.push(format!(
                "  {option}=y {what}; the Image has no `{text}`, which that brings"
            ));
        }
    }
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is refused of an Image with these bytes.
    fn refused(bytes: &[u8]) -> Option<String> {
        let scratch = Scratch::new().unwrap();
        let path = scratch.path().join("Image");
        std::fs::write(&path, bytes).unwrap();
        expect(&path).err().map(|failure| failure.to_string())
    }

    #[test]
    fn what_an_image_lacks_is_named_by_the_texts_that_are_not_there() {
        let texts = || NEEDED.iter().filter_map(|n| Some((n.option, n.text?)));
        let of = |skipped: &str| -> Vec<u8> {
            let kept = texts().filter(|(option, _)| *option != skipped);
            kept.flat_map(|(_, text)| [b"\0", text.as_bytes()].concat())
                .collect()
        };
        assert_eq!(refused(&of("")), None);
        for (option, _) in texts() {
            let words = refused(&of(option)).unwrap();
            assert_eq!(words.matches("CONFIG_").count(), 1, "{words}");
            assert!(words.contains(&format!("{option}=y")), "{words}");
        }
        let all: Vec<&Needed> = NEEDED.iter().collect();
        assert_eq!(missing_of_texts(b"", &all).len(), texts().count());
        assert!(texts().count() >= 5);
    }

    #[test]
    fn an_image_that_carries_its_configuration_is_judged_by_it() {
        let image = |config: &str| {
            let scratch = Scratch::new().unwrap();
            let plain = scratch.path().join("config");
            std::fs::write(&plain, config).unwrap();
            let mut gzip = Command::new("gzip");
            let (status, packed) = tools::output(gzip.arg("-nc").arg(&plain)).unwrap();
            assert!(status.success());
            [b"head", BEGINS, &packed, ENDS, b"tail"].concat()
        };
        let all: String = NEEDED
            .iter()
            .map(|needed| format!("{}=y\n", needed.option))
            .collect();
        assert_eq!(refused(&image(&all)), None);
        for Needed { option, .. } in &NEEDED {
            let set = format!("{option}=y\n");
            let unset = format!("# {option} is not set\n");
            let words = refused(&image(&all.replace(&set, &unset))).unwrap();
            assert!(words.contains(&format!("{option}=y ")), "{words}");
            assert!(words.contains("has it not set"), "{words}");
            assert_eq!(words.matches("CONFIG_").count(), 1, "{words}");
            let module = format!("{option}=m\n");
            let words = refused(&image(&all.replace(&set, &module))).unwrap();
            assert!(words.contains("has it `m`"), "{words}");
        }
        // What cannot be unpacked is not taken for a kernel without any of it, nor for one with all.
        let broken = [BEGINS, b"no gzip", ENDS].concat();
        assert!(refused(&broken).unwrap().contains("cannot be unpacked"));
    }

    #[test]
    fn an_image_of_which_there_are_no_modules_has_them_built_in_or_is_refused_by_the_option() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.path().join("Image");
        let names = DRIVERS.map(|(name, _)| name);
        let texts = || DRIVERS.iter().filter_map(|(_, needed)| needed.text);
        assert_eq!(texts().count(), DRIVERS.len());
        std::fs::write(&path, texts().collect::<Vec<_>>().join("\0")).unwrap();
        assert!(expect_drivers(&path, &names).is_ok());
        assert!(names.iter().all(|name| has_driver(&path, name).unwrap()));
        assert!(!has_driver(&path, "softdog").unwrap());
        let unknown = expect_drivers(&path, &["softdog"]).unwrap_err().to_string();
        assert!(unknown.contains("there is no module softdog"), "{unknown}");
        for (name, Needed { option, text, .. }) in &DRIVERS {
            let others = texts().filter(|other| Some(*other) != *text);
            std::fs::write(&path, others.collect::<Vec<_>>().join("\0")).unwrap();
            let words = expect_drivers(&path, &names).unwrap_err().to_string();
            assert!(words.contains(&format!("{option}=y ")), "{words}");
            assert_eq!(words.matches("CONFIG_").count(), 1, "{words}");
            assert!(!has_driver(&path, name).unwrap());
        }
    }
}
