//! Trees of the shape that virtual machine monitors make: QEMU 7.2 and 11.1, kvmtool, Firecracker 1.16, Cloud Hypervisor
//! 53 and crosvm, as their own sources build them (hw/arm/virt.c, arm/fdt.c, src/vmm/src/arch/aarch64/fdt.rs,
//! arch/src/aarch64/fdt.rs, aarch64/src/fdt.rs). And trees that nobody should make.

extern crate std;

use super::*;
use std::string::String;
use std::vec;
use std::vec::Vec;

/// A tree that is being written.
#[derive(Default)]
struct Builder {
    block: Vec<u8>,
    strings: Vec<u8>,
}

impl Builder {
    fn token(&mut self, token: u32) {
        self.block.extend(token.to_be_bytes());
    }

    fn pad(&mut self) {
        while !self.block.len().is_multiple_of(4) {
            self.block.push(0);
        }
    }

    fn begin(&mut self, name: &str) -> &mut Self {
        self.token(BEGIN_NODE);
        self.block.extend(name.as_bytes());
        self.block.push(0);
        self.pad();
        self
    }

    fn end(&mut self) -> &mut Self {
        self.token(END_NODE);
        self
    }

    fn bytes(&mut self, name: &str, value: &[u8]) -> &mut Self {
        let at = self.strings.len() as u32;
        self.strings.extend(name.as_bytes());
        self.strings.push(0);
        self.token(PROPERTY);
        self.token(value.len() as u32);
        self.token(at);
        self.block.extend(value);
        self.pad();
        self
    }

    /// Strings, each with its end.
    fn text(&mut self, name: &str, value: &str) -> &mut Self {
        let value = String::from(value) + "\0";
        self.bytes(name, value.as_bytes())
    }

    fn words(&mut self, name: &str, value: &[u32]) -> &mut Self {
        let bytes: Vec<u8> = value.iter().flat_map(|word| word.to_be_bytes()).collect();
        self.bytes(name, &bytes)
    }

    fn cells(&mut self, address: u32, size: u32) -> &mut Self {
        self.words("#address-cells", &[address]);
        self.words("#size-cells", &[size])
    }

    /// The root with its cells.
    fn root() -> Self {
        let mut builder = Self::default();
        builder.begin("").cells(2, 2);
        builder
    }

    fn cpus(&mut self, cells: u32, affinities: &[u32]) -> &mut Self {
        self.begin("cpus").cells(cells, 0);
        for affinity in affinities {
            let reg = [0, *affinity];
            self.begin(&std::format!("cpu@{affinity:x}"))
                .text("device_type", "cpu")
                .text("compatible", "arm,arm-v8")
                .text("enable-method", "psci")
                .words("reg", &reg[2 - cells as usize..])
                .end();
        }
        self.end()
    }

    fn psci(&mut self, compatible: &str, method: &str) -> &mut Self {
        self.begin("psci")
            .text("compatible", compatible)
            .text("method", method)
            .end()
    }

    fn memory(&mut self, name: &str, reg: &[u32]) -> &mut Self {
        self.begin(name)
            .text("device_type", "memory")
            .words("reg", reg)
            .end()
    }

    /// A node that is a device and nothing more.
    fn device(&mut self, name: &str, compatible: &str, reg: &[u32]) -> &mut Self {
        self.begin(name)
            .text("compatible", compatible)
            .words("reg", reg)
            .end()
    }

    fn finish(&mut self) -> Vec<u8> {
        self.end();
        self.token(9);
        let strings_at = 40 + self.block.len() as u32;
        let size = strings_at + self.strings.len() as u32;
        let head = [
            MAGIC,
            size,
            40,
            strings_at,
            40,
            17,
            16,
            0,
            self.strings.len() as u32,
            self.block.len() as u32,
        ];
        let mut tree: Vec<u8> = head.iter().flat_map(|word| word.to_be_bytes()).collect();
        tree.extend(&self.block);
        tree.extend(&self.strings);
        tree
    }
}

fn looked_at(tree: &[u8]) -> (Machine, Vec<u64>) {
    let mut mpidr = [0; 8];
    let machine = read(tree, &mut mpidr).expect("a tree");
    (machine, mpidr[..machine.cpus as usize].to_vec())
}

fn region(base: u64, size: u64) -> Region {
    Region { base, size }
}

#[test]
fn qemu() {
    let mut builder = Builder::root();
    builder
        .psci("arm,psci-1.0\0arm,psci-0.2\0arm,psci", "hvc")
        .memory("memory@40000000", &[0, 0x4000_0000, 0, 0x1000_0000])
        .begin("platform-bus@c000000")
        .text("compatible", "qemu,platform\0simple-bus")
        .words("ranges", &[0, 0, 0x0c00_0000, 0x200_0000])
        .end()
        .begin("secure-uart@9040000")
        .text("status", "disabled")
        .words("reg", &[0, 0x0904_0000, 0, 0x1000])
        .text("compatible", "arm,pl011\0arm,primecell")
        .end()
        .begin("pl011@9000000")
        .words("reg", &[0, 0x0900_0000, 0, 0x1000])
        .text("compatible", "arm,pl011\0arm,primecell")
        .end()
        .begin("intc@8000000")
        .words(
            "reg",
            &[
                0,
                0x0800_0000,
                0,
                0x1_0000,
                0,
                0x080a_0000,
                0,
                0xf6_0000,
                0x40,
                0,
                0,
                0x400_0000,
            ],
        )
        .words("#redistributor-regions", &[2])
        .text("compatible", "arm,gic-v3")
        .cells(2, 2)
        .begin("its@8080000")
        .text("compatible", "arm,gic-v3-its")
        .end()
        .end()
        .cpus(1, &[0, 1, 2, 3])
        .begin("chosen")
        .text("stdout-path", "/pl011@9000000")
        .bytes("rng-seed", &[7; 32])
        .end();
    let (machine, cpus) = looked_at(&builder.finish());
    let uart = Uart {
        base: 0x0900_0000,
        model: Model::Pl011,
    };
    assert_eq!(machine.uart, Some(uart));
    assert_eq!(machine.distributor, Some(region(0x0800_0000, 0x1_0000)));
    assert_eq!(machine.redistributors[0], region(0x080a_0000, 0xf6_0000));
    assert_eq!(
        machine.redistributors[1],
        region(0x40_0000_0000, 0x400_0000)
    );
    assert_eq!(machine.redistributors[2].size, 0);
    assert_eq!(machine.memory[0], region(0x4000_0000, 0x1000_0000));
    assert_eq!(machine.psci, Some(Method::Hvc));
    assert_eq!(cpus, [0, 1, 2, 3]);
    assert!(!machine.other_gic);
}

#[test]
fn kvmtool() {
    let mut builder = Builder::root();
    builder
        .begin("chosen")
        .words("linux,pci-probe-only", &[1])
        .text("bootargs", "console=ttyS0")
        .text("stdout-path", "serial0")
        .end()
        .memory("memory@80000000", &[0, 0x8000_0000, 0, 0x1000_0000])
        .cpus(1, &[0, 1])
        .device(
            "intc",
            "arm,gic-v3",
            &[0, 0x3fff_0000, 0, 0x1_0000, 0, 0x3ffb_0000, 0, 0x4_0000],
        )
        .begin("U6_16550A@1000000")
        .text("compatible", "ns16550a")
        .words("reg", &[0, 0x0100_0000, 0, 8])
        .words("clock-frequency", &[1_843_200])
        .end()
        .device("U6_16550A@1001000", "ns16550a", &[0, 0x0100_1000, 0, 8])
        .psci("arm,psci-0.2\0arm,psci", "hvc")
        .begin("aliases")
        .text("serial1", "/U6_16550A@1001000")
        .text("serial0", "/U6_16550A@1000000")
        .end();
    let (machine, cpus) = looked_at(&builder.finish());
    let model = Model::Ns16550 {
        shift: 0,
        wide: false,
    };
    assert_eq!(
        machine.uart,
        Some(Uart {
            base: 0x0100_0000,
            model
        })
    );
    assert_eq!(machine.redistributors[0], region(0x3ffb_0000, 0x4_0000));
    assert_eq!(machine.memory[0].base, 0x8000_0000);
    assert_eq!((machine.psci, cpus), (Some(Method::Hvc), vec![0, 1]));
}

#[test]
fn firecracker() {
    let mut builder = Builder::root();
    builder
        .cpus(2, &[0, 1])
        .memory("memory@ram", &[0, 0x8020_0000, 0, 0x0fe0_0000])
        .begin("chosen")
        .text("bootargs", "console=ttyS0 reboot=k panic=1")
        .end()
        .device(
            "intc",
            "arm,gic-v3",
            &[0, 0x3fff_0000, 0, 0x1_0000, 0, 0x3ffb_0000, 0, 0x4_0000],
        )
        .psci("arm,psci-0.2", "hvc")
        .device(
            "rtc@40001000",
            "arm,pl031\0arm,primecell",
            &[0, 0x4000_1000, 0, 0x1000],
        )
        .device("uart@40002000", "ns16550a", &[0, 0x4000_2000, 0, 0x1000]);
    let (machine, cpus) = looked_at(&builder.finish());
    let model = Model::Ns16550 {
        shift: 0,
        wide: false,
    };
    assert_eq!(
        machine.uart,
        Some(Uart {
            base: 0x4000_2000,
            model
        })
    );
    assert_eq!(machine.memory[0], region(0x8020_0000, 0x0fe0_0000));
    assert_eq!(cpus, [0, 1]);
}

#[test]
fn cloud_hypervisor() {
    let mut builder = Builder::root();
    builder
        .begin("chosen")
        .text("bootargs", "console=ttyAMA0")
        .end()
        .cpus(1, &[0, 0x100])
        .memory("memory@40000000", &[0, 0x4000_0000, 0, 0x2000_0000])
        .device(
            "intc",
            "arm,gic-v3",
            &[0, 0x08ff_0000, 0, 0x1_0000, 0, 0x08fb_0000, 0, 0x4_0000],
        )
        .device(
            "serial@9000000",
            "arm,pl011\0arm,primecell",
            &[0, 0x0900_0000, 0, 0x1000],
        )
        .psci("arm,psci-0.2", "hvc");
    let (machine, cpus) = looked_at(&builder.finish());
    assert_eq!(machine.uart.map(|uart| uart.model), Some(Model::Pl011));
    assert_eq!(
        machine.distributor.map(|region| region.base),
        Some(0x08ff_0000)
    );
    assert_eq!(cpus, [0, 0x100]);
}

#[test]
fn crosvm() {
    let mut builder = Builder::root();
    builder
        .begin("chosen")
        .text("stdout-path", "/U6_16550A@3f8")
        .bytes("kaslr-seed", &[9; 8])
        .end()
        .memory("memory", &[0, 0x8000_0000, 0, 0x2000_0000])
        .cpus(1, &[0])
        .device(
            "intc",
            "arm,gic-v3",
            &[0, 0x3fff_0000, 0, 0x1_0000, 0, 0x3ffd_0000, 0, 0x2_0000],
        )
        .device("U6_16550A@3f8", "ns16550a", &[0, 0x3f8, 0, 8])
        .device("U6_16550A@2f8", "ns16550a", &[0, 0x2f8, 0, 8])
        .psci("arm,psci-1.0\0arm,psci-0.2", "hvc");
    let (machine, _) = looked_at(&builder.finish());
    assert_eq!(machine.uart.map(|uart| uart.base), Some(0x3f8));
    assert_eq!(machine.cpus, 1);
}

/// A board: a bus that is mapped elsewhere, wide registers, another interrupt controller, a CPU that is not there.
#[test]
fn buses_widths_and_what_is_disabled() {
    let mut builder = Builder::root();
    builder
        .begin("soc")
        .cells(1, 1)
        .words("ranges", &[0x7e00_0000, 0, 0xfe00_0000, 0x0100_0000])
        .begin("serial@7e201000")
        .text("compatible", "snps,dw-apb-uart")
        .words("reg", &[0x7e20_1000, 0x100])
        .words("reg-shift", &[2])
        .words("reg-io-width", &[4])
        .end()
        .begin("intc@0")
        .text("compatible", "arm,gic-400")
        .end()
        .end()
        .begin("cpus")
        .cells(1, 0)
        .begin("cpu@0")
        .text("device_type", "cpu")
        .words("reg", &[0])
        .end()
        .begin("cpu@1")
        .text("device_type", "cpu")
        .text("status", "disabled")
        .words("reg", &[1])
        .end()
        .end()
        .psci("arm,psci-1.0", "smc");
    let (machine, cpus) = looked_at(&builder.finish());
    let model = Model::Ns16550 {
        shift: 2,
        wide: true,
    };
    assert_eq!(
        machine.uart,
        Some(Uart {
            base: 0xfe20_1000,
            model
        })
    );
    assert!(machine.other_gic && machine.distributor.is_none());
    assert_eq!(machine.psci, Some(Method::Smc));
    assert_eq!(cpus, [0]);
}

/// Whatever is there, reading it ends, and without a panic.
#[test]
fn broken_trees() {
    let mut builder = Builder::root();
    builder
        .cpus(2, &[0, 1])
        .begin("soc")
        .cells(2, 2)
        .words("ranges", &[0, 0, 0, 0, 1, 0])
        .device("uart@0", "arm,pl011", &[0, 0, 0, 0x1000])
        .end();
    let tree = builder.finish();
    let mut mpidr = [0; 1];
    let whole = read(&tree, &mut mpidr).expect("a tree");
    assert_eq!(whole.cpus, 2, "more than there was room for are counted");
    for length in 0..tree.len() {
        assert_eq!(read(&tree[..length], &mut mpidr), None);
    }
    for at in 0..tree.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff] {
            let mut broken = tree.clone();
            broken[at] = value;
            // What comes of it is not the question.
            let _ = read(&broken, &mut mpidr);
        }
    }
}
