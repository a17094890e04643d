//! What a virtual machine monitor tells the portable witness: the few things of a flattened device tree that it needs
//! to look around and to be heard.
//!
//! Devicetree specification v0.4, chapters 2 (nodes, `ranges`) and 5 (the flat form); compatible strings: Linux,
//! Documentation/devicetree/bindings. A tree is somebody else's: every offset is checked, depth and lists are bounded,
//! and what cannot be used is left out.

/// Levels of nodes that are looked at.
const DEPTH: usize = 8;
/// The longest tree that is read, in bytes (arch/arm64/include/asm/boot.h `MAX_FDT_SIZE`, Linux 6.12).
pub const SIZE_MAX: usize = 2 << 20;
/// How many regions of redistributors and of memory are kept.
pub const REGIONS: usize = 8;

const MAGIC: u32 = 0xd00d_feed;
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;

/// A range of guest-physical addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Region {
    /// Its first address.
    pub base: u64,
    /// Bytes.
    pub size: u64,
}

/// How a UART is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// Arm's PL011.
    Pl011,
    /// A 16550 or 8250, whose registers lie `1 << shift` bytes apart.
    Ns16550 {
        /// `reg-shift`
        shift: u32,
        /// `reg-io-width`: whether a register is accessed with 32 bits, not 8.
        wide: bool,
    },
}

/// Where the account goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uart {
    /// Guest-physical address.
    pub base: u64,
    /// How it is driven.
    pub model: Model,
}

/// The instruction by which PSCI is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `hvc`
    Hvc,
    /// `smc`
    Smc,
}

/// What of a machine the portable witness needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// `stdout-path`, else the alias `serial0`, else the first UART.
    pub uart: Option<Uart>,
    /// The GICv3 distributor.
    pub distributor: Option<Region>,
    /// Whether there is an interrupt controller that is no GICv3.
    pub other_gic: bool,
    /// Regions of GICv3 redistributors; without a size behind the last.
    pub redistributors: [Region; REGIONS],
    /// Memory; without a size behind the last.
    pub memory: [Region; REGIONS],
    /// PSCI's conduit.
    pub psci: Option<Method>,
    /// CPUs that can be used. More than the list had room for is more than its length.
    pub cpus: u32,
}

/// A node while the tree is walked: its own properties, and those of its parents.
struct Node<'a, 'n> {
    strings: &'a [u8],
    /// From the root to the node itself: name, and where its properties are.
    levels: &'n [(&'a [u8], &'a [u8])],
}

/// A property as cells of 32 bits, and the rest of them.
fn cell(bytes: &[u8], index: usize) -> Option<u32> {
    let at = index.checked_mul(4)?;
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// A number of `cells` cells; of more than two, the last two.
fn number(bytes: &[u8], at: usize, cells: u32) -> Option<u64> {
    let mut value = 0u64;
    for index in 0..cells as usize {
        value = value << 32 | u64::from(cell(bytes, at.checked_add(index)?)?);
    }
    Some(value)
}

/// A string up to its end.
fn text(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// The next property in the structure block: name, value, and what is behind it.
fn property<'a>(block: &'a [u8], strings: &'a [u8]) -> Option<(&'a [u8], &'a [u8], &'a [u8])> {
    let mut block = block;
    while cell(block, 0)? == NOP {
        block = block.get(4..)?;
    }
    if cell(block, 0)? != PROPERTY {
        return None;
    }
    let length = cell(block, 1)? as usize;
    let name = text(strings.get(cell(block, 2)? as usize..)?);
    let value = block.get(12..length.checked_add(12)?)?;
    let rest = block.get(length.checked_add(12)?.checked_next_multiple_of(4)?..)?;
    Some((name, value, rest))
}

/// One property of a node.
fn find<'a>(properties: &'a [u8], strings: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let mut rest = properties;
    while let Some((name, value, behind)) = property(rest, strings) {
        if name == wanted {
            return Some(value);
        }
        rest = behind;
    }
    None
}

impl<'a> Node<'a, '_> {
    fn at(&self, level: usize) -> &'a [u8] {
        self.levels.get(level).map_or(&[], |(_, block)| *block)
    }

    fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        find(
            self.at(self.levels.len().saturating_sub(1)),
            self.strings,
            name,
        )
    }

    fn word(&self, name: &[u8]) -> Option<u32> {
        cell(self.get(name)?, 0)
    }

    /// A property of the node at that level that has one cell.
    fn cells(&self, level: usize, name: &[u8], otherwise: u32) -> u32 {
        let value = find(self.at(level), self.strings, name);
        value.and_then(|value| cell(value, 0)).unwrap_or(otherwise)
    }

    /// Cells of an address and of a size in the children of the node at that level.
    fn sizes(&self, level: usize) -> (u32, u32) {
        let address = self.cells(level, b"#address-cells", 2);
        let size = self.cells(level, b"#size-cells", 1);
        (address.min(4), size.min(4))
    }

    /// Whether one of the strings in `compatible` is among these.
    fn is(&self, wanted: &[&[u8]]) -> bool {
        let strings = self.get(b"compatible").unwrap_or_default();
        let mut strings = strings.split(|byte| *byte == 0);
        strings.any(|string| wanted.contains(&string))
    }

    fn is_enabled(&self) -> bool {
        matches!(self.get(b"status").map(text), None | Some(b"okay" | b"ok"))
    }

    /// Whether that is the path of the node.
    fn has_path(&self, path: &[u8]) -> bool {
        let mut wanted = path
            .split(|byte| *byte == b'/')
            .filter(|name| !name.is_empty());
        let mut own = self.levels.iter().skip(1);
        loop {
            match (wanted.next(), own.next()) {
                (None, None) => return !path.is_empty(),
                (Some(wanted), Some((name, _))) if wanted == *name => {}
                // A name without its address is enough where it is the only one.
                (Some(wanted), Some((name, _)))
                    if name.split(|b| *b == b'@').next() == Some(wanted) => {}
                _ => return false,
            }
        }
    }

    /// One range of `reg`, as the CPUs see it.
    fn region(&self, index: usize) -> Option<Region> {
        let parent = self.levels.len().checked_sub(2)?;
        let (address, size) = self.sizes(parent);
        let reg = self.get(b"reg")?;
        let at = index.checked_mul((address + size) as usize)?;
        let mut region = Region {
            base: number(reg, at, address)?,
            size: number(reg, at.checked_add(address as usize)?, size)?,
        };
        // From bus to bus, up to the root.
        for level in (1..=parent).rev() {
            let ranges = find(self.at(level), self.strings, b"ranges")?;
            if ranges.is_empty() {
                continue;
            }
            let (child, size) = self.sizes(level);
            let (outer, _) = self.sizes(level - 1);
            let each = (child + outer + size) as usize;
            let entries = ranges.len() / 4 / each.max(1);
            region.base = (0..entries).find_map(|entry| {
                let at = entry * each;
                let inner = number(ranges, at, child)?;
                let to = number(ranges, at + child as usize, outer)?;
                let length = number(ranges, at + (child + outer) as usize, size)?;
                let offset = region.base.checked_sub(inner)?;
                (offset < length).then(|| to.checked_add(offset))?
            })?;
        }
        Some(region)
    }

    /// Ranges of `reg`, from `first` on.
    fn regions(&self, first: usize, into: &mut [Region; REGIONS]) {
        let mut free = into.iter_mut().filter(|region| region.size == 0);
        let mut index = first;
        while let (Some(region), Some(slot)) = (self.region(index), free.next()) {
            *slot = region;
            index += 1;
        }
    }

    fn uart(&self) -> Option<Uart> {
        let model = if self.is(&[b"arm,pl011", b"arm,sbsa-uart"]) {
            Model::Pl011
        } else if self.is(&[
            b"ns16550a",
            b"ns16550",
            b"ns16750",
            b"ns16850",
            b"ns8250",
            b"snps,dw-apb-uart",
        ]) {
            Model::Ns16550 {
                shift: self.word(b"reg-shift").unwrap_or(0).min(4),
                wide: self.word(b"reg-io-width") == Some(4),
            }
        } else {
            return None;
        };
        let base = self.region(0)?.base;
        self.is_enabled().then_some(Uart { base, model })
    }
}

/// Calls `see` for each node, parents first.
fn walk<'a>(block: &'a [u8], strings: &'a [u8], mut see: impl FnMut(&Node<'a, '_>)) -> Option<()> {
    let mut levels: [(&[u8], &[u8]); DEPTH] = [(&[], &[]); DEPTH];
    let mut depth = 0usize;
    let mut rest = block;
    loop {
        match cell(rest, 0)? {
            BEGIN_NODE => {
                let name = text(rest.get(4..)?);
                rest = rest.get((4 + name.len() + 1).next_multiple_of(4)..)?;
                if let Some(level) = levels.get_mut(depth) {
                    *level = (name, rest);
                }
                depth += 1;
                if let Some(levels) = levels.get(..depth) {
                    see(&Node { strings, levels });
                }
            }
            END_NODE => {
                depth = depth.checked_sub(1)?;
                rest = rest.get(4..)?;
                if depth == 0 {
                    return Some(());
                }
            }
            PROPERTY => rest = property(rest, strings)?.2,
            NOP => rest = rest.get(4..)?,
            _ => return None,
        }
    }
}

/// How many bytes the tree has whose first bytes these are; `None` where they begin no tree that is read.
pub fn size(head: &[u8]) -> Option<usize> {
    let size = cell(head, 1)? as usize;
    (cell(head, 0)? == MAGIC && (40..=SIZE_MAX).contains(&size)).then_some(size)
}

/// Reads a tree; the MPIDR_EL1 affinity of each CPU goes into `mpidr`. `None` where it is no tree, or a broken one.
pub fn read(tree: &[u8], mpidr: &mut [u64]) -> Option<Machine> {
    let tree = tree.get(..size(tree)?)?;
    let part = |offset: usize, size: usize| {
        let begin = cell(tree, offset)? as usize;
        tree.get(begin..begin.checked_add(cell(tree, size)? as usize)?)
    };
    let (block, strings) = (part(2, 9)?, part(3, 8)?);
    let mut chosen: &[u8] = &[];
    let mut serial: &[u8] = &[];
    walk(block, strings, |node| {
        let found = |names: &[&[u8]]| names.iter().find_map(|name| node.get(name)).map(text);
        if node.has_path(b"/chosen") {
            let path = found(&[b"stdout-path", b"linux,stdout-path"]).unwrap_or_default();
            // Behind a colon are its parameters.
            chosen = path.split(|byte| *byte == b':').next().unwrap_or_default();
        } else if node.has_path(b"/aliases") {
            serial = found(&[b"serial0"]).unwrap_or_default();
        }
    })?;
    if !chosen.starts_with(b"/") {
        let mut alias: &[u8] = &[];
        walk(block, strings, |node| {
            if node.has_path(b"/aliases") {
                alias = node.get(chosen).map(text).unwrap_or_default();
            }
        })?;
        chosen = alias;
    }
    let mut machine = Machine::default();
    // How sure it is that the UART is the one that is meant.
    let mut sure = 0;
    walk(block, strings, |node| {
        if let Some(uart) = node.uart() {
            let rank = match () {
                () if node.has_path(chosen) => 3,
                () if node.has_path(serial) => 2,
                () => 1,
            };
            if rank > sure {
                (machine.uart, sure) = (Some(uart), rank);
            }
        }
        if node.is(&[b"arm,gic-v3"]) && node.is_enabled() && machine.distributor.is_none() {
            machine.distributor = node.region(0);
            let count = node.word(b"#redistributor-regions").unwrap_or(1) as usize;
            node.regions(1, &mut machine.redistributors);
            for region in machine.redistributors.iter_mut().skip(count) {
                *region = Region::default();
            }
        }
        machine.other_gic |=
            node.is(&[b"arm,cortex-a15-gic", b"arm,gic-400", b"arm,cortex-a9-gic"]);
        if node.is(&[b"arm,psci", b"arm,psci-0.2", b"arm,psci-1.0"]) {
            machine.psci = match node.get(b"method").map(text) {
                Some(b"hvc") => Some(Method::Hvc),
                Some(b"smc") => Some(Method::Smc),
                _ => machine.psci,
            };
        }
        let kind = node.get(b"device_type").map(text);
        if kind == Some(b"memory") && node.levels.len() == 2 && node.is_enabled() {
            node.regions(0, &mut machine.memory);
        }
        let parent = node
            .levels
            .len()
            .checked_sub(2)
            .and_then(|at| node.levels.get(at));
        if kind == Some(b"cpu")
            && parent.is_some_and(|(name, _)| *name == b"cpus")
            && node.is_enabled()
        {
            let (cells, _) = node.sizes(node.levels.len() - 2);
            if let Some(affinity) = node.get(b"reg").and_then(|reg| number(reg, 0, cells)) {
                if let Some(slot) = mpidr.get_mut(machine.cpus as usize) {
                    *slot = affinity;
                }
                machine.cpus += 1;
            }
        }
    })?;
    Some(machine)
}

#[cfg(test)]
mod tests;
