//! What of a lock of any version matters for who carries its guest from host to host.

use crate::cache;
use crate::failure::{Failure, Result};
use serde_json::Value;
use std::path::Path;

/// What of a lock matters on the way.
#[derive(Debug, Default)]
pub struct Needs {
    /// The guest's name.
    pub name: String,
    /// How many vCPUs it has.
    pub vcpus: usize,
    /// Bytes of its memory.
    pub memory: u64,
    /// Disks by their paths relative to the lock, and their bytes.
    pub disks: Vec<(String, u64)>,
    /// Names of its virtio devices.
    pub devices: Vec<String>,
    /// Names of the taps of its network cards.
    pub taps: Vec<String>,
    /// Whether it has a source of random numbers.
    pub random: bool,
    /// Whether its CPUs have vectors of any length.
    pub sve: bool,
    /// Whether they sign pointers.
    pub pauth: bool,
    /// Whether they have a PMU.
    pub pmu: bool,
    /// Whether it has a generation id.
    pub generation: bool,
    /// Its initial RAM file system, relative to the lock.
    pub initrd: String,
    /// Whether it is a Debian, whose root is its first disk: as its command line says.
    pub debian: bool,
}

impl Needs {
    /// Reads a lock of any version.
    pub fn read(path: &Path) -> Result<Self> {
        let unusable = |why: &str| {
            Failure::environment(format!(
                "the lock {} cannot be carried: {why}",
                path.display()
            ))
        };
        let lock: Value = serde_json::from_slice(&cache::read(path)?)
            .map_err(|e| unusable(&format!("it is no JSON: {e}")))?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let initrd = &lock["boot"]["initrd"];
        if initrd.get("sha256").or(initrd.get("digest")).is_some() {
            return Err(unusable(
                "it has the digest of its initial RAM file system, and the guest that looks whether anything is lost is another one; say `any-file=#true` in `boot` of its spec",
            ));
        }
        let named = match initrd {
            Value::Object(file) => file.get("path").map(text),
            other => Some(text(other)),
        };
        let named = named.filter(|path| !path.is_empty());
        let initrd = named.ok_or_else(|| unusable("it names no initial RAM file system"))?;
        let memory = &lock["machine"]["memory"]["size"];
        let memory = text(memory);
        let memory = u64::from_str_radix(memory.trim_start_matches("0x"), 16)
            .map_err(|_| unusable("it does not say how much memory there is"))?;
        let cmdline = text(&lock["boot"]["cmdline"]);
        let mut needs = Self {
            debian: cmdline.split(' ').any(|word| word == "root=/dev/vda"),
            name: text(&lock["name"]),
            vcpus: lock["machine"]["vcpus"].as_array().map_or(0, Vec::len),
            memory,
            initrd,
            ..Self::default()
        };
        let features = lock["features"].as_array();
        for feature in features.into_iter().flatten() {
            needs.sve |= feature == "sve";
            needs.pauth |= feature == "pauth";
            needs.pmu |= feature == "pmu";
        }
        let devices = lock["machine"]["devices"].as_array();
        for device in devices.into_iter().flatten() {
            let kind = device["kind"].as_str().unwrap_or_default();
            needs.generation |= kind.starts_with("vmgenid-");
            let Some(virtio) = device.get("virtio") else {
                continue;
            };
            needs.devices.push(text(&device["name"]));
            needs.random |= kind.starts_with("virtio-entropy-");
            if let Some(block) = virtio.get("block") {
                let bytes = block["sectors"].as_u64().unwrap_or(0).saturating_mul(512);
                needs.disks.push((text(&block["path"]), bytes));
            }
            if let Some(tap) = virtio.get("net").and_then(|net| net["tap"].as_str()) {
                needs.taps.push(tap.to_owned());
            }
        }
        if needs.debian && needs.disks.is_empty() {
            return Err(unusable("its root is /dev/vda, and it has no disk"));
        }
        match needs.disks.len() {
            ..=20 => Ok(needs),
            _ => Err(unusable("it has more disks than an emulated host is given")),
        }
    }

    /// How often as long all takes as with a guest that is one program.
    pub fn slowness(&self) -> u32 {
        1 + u32::from(self.debian)
    }

    /// Whether it talks to a peer.
    pub fn talks(&self) -> bool {
        !self.taps.is_empty()
    }

    /// What of the guest goes on in each of its rounds, as `carried.rs` names it.
    pub fn goes_on(&self) -> Vec<String> {
        let each = |what: &'static str| (0..self.vcpus).map(move |cpu| format!("{what}{cpu}"));
        let once = [
            ("disk", self.disks.len() > usize::from(self.debian)),
            ("pings", self.talks()),
            ("lines", self.talks()),
            ("random", self.random),
            ("services", self.debian),
        ];
        let once = once.into_iter().filter(|(_, is)| *is);
        let wide = [("sve", self.sve), ("pauth", self.pauth), ("pmu", self.pmu)];
        let wide = wide.into_iter().filter(|(_, is)| *is);
        each("cpu")
            .chain(wide.flat_map(|(what, _)| each(what)))
            .chain(once.map(|(what, _)| what.to_owned()))
            .chain(each("ticks"))
            .collect()
    }

    /// The sections that a saved guest of it has at least.
    pub fn sections(&self) -> Vec<String> {
        let vcpus = (0..self.vcpus).map(|n| format!("vcpu.{n}"));
        let devices = self.devices.iter().map(|name| format!("device.{name}"));
        let once = ["lock", "machine", "gic", "lines", "memory"].map(str::to_owned);
        once.into_iter().chain(vcpus).chain(devices).collect()
    }
}
