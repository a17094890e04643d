//! The table itself: a row for each node. A field of a description that is written as others of its kind are needs its
//! place in `spec/src/vm.rs` and its row here.

use super::{Carried, Form, Node, Number, Positional, Property, Shared, Size, Value, words};
use std::ops::RangeInclusive;
use vmlock_spec::machine::virtio::{CIDS, MTUS, PORTS};
use vmlock_spec::vm::limits::{BREAKPOINTS, COUNTERS, MEMORY_BYTES, VCPUS, VECTOR_BITS};

/// A node without anything: the word alone.
pub const WORD: Node = Node {
    word: "",
    form: Form::Object,
    key: "",
    list: "",
    needed: false,
    meaning: "",
    values: &[],
    many: false,
    of: "",
    properties: &[],
    block: &[],
    repeats: false,
    shared: Shared::Parts,
    example: "",
};

const fn property(name: &'static str, value: Value) -> Property {
    Property {
        name,
        value,
        carried: Carried::Always,
        lacks: "",
    }
}

/// One that its node has to have.
const fn needed(name: &'static str, value: Value, lacks: &'static str) -> Property {
    Property {
        lacks,
        ..property(name, value)
    }
}

/// All that a node says.
const fn alone(value: Value, what: &'static str) -> Positional {
    named("", value, what)
}

/// A value that has a name in the JSON form.
const fn named(key: &'static str, value: Value, what: &'static str) -> Positional {
    Positional { key, value, what }
}

/// A whole number within bounds.
const fn number(bounds: RangeInclusive<u64>) -> Number {
    Number {
        least: *bounds.start(),
        most: *bounds.end(),
        code: "spec::out-of-range",
        hex_from: u64::MAX,
    }
}

/// An event of the PMU (PMEVTYPER<n>_EL0.evtCount).
pub const EVENT: Number = Number {
    hex_from: 0,
    ..number(0..=0xffff)
};
/// An address, which has hexadecimal digits.
const ADDRESS: Value = Value::Number(Number {
    hex_from: 0,
    ..number(0..=u64::MAX)
});
/// What a field holds.
const HELD: Value = Value::Number(Number {
    hex_from: 10,
    ..number(0..=u64::MAX)
});
const COUNT: Value = Value::Number(Number {
    code: "spec::cpu-count",
    ..number(VCPUS)
});
const LENGTH: Value = Value::Number(Number {
    code: "spec::vector-lengths",
    ..number(VECTOR_BITS)
});
const MEMORY: Value = Value::Size(Size {
    before: "memory ",
    code: "spec::memory-size",
    limits: "memory is 64MiB to 255TiB",
    least: *MEMORY_BYTES.start(),
});
const CAPACITY: Value = Value::Size(Size {
    before: "size=",
    code: "spec::disk-size",
    limits: "no file is 8 EiB long",
    least: 0,
});

/// The property that waives what a file holds.
pub const ANY_FILE: &str = "any-file";

/// One that says something of others, which name a file.
const fn of_file(name: &'static str, value: Value, file: &'static [&'static str]) -> Property {
    Property {
        carried: Carried::With(file),
        ..property(name, value)
    }
}

/// One that is each machine's own.
const fn own(name: &'static str, value: Value) -> Property {
    Property {
        carried: Carried::Never,
        ..property(name, value)
    }
}

/// The word alone, in a `cpu` block.
const fn feature(word: &'static str) -> Node {
    Node {
        word,
        form: Form::Nothing,
        list: "features",
        meaning: "/definitions/Feature",
        example: word,
        ..WORD
    }
}

const PMU: Node = Node {
    form: Form::Object,
    of: "/definitions/Pmu",
    properties: &[
        property("version", Value::Named("PmuVersion")),
        property("counters", Value::Number(number(COUNTERS))),
    ],
    block: &[
        Node {
            word: "allow",
            form: Form::List,
            meaning: "/definitions/Pmu/properties/allow",
            values: &[alone(Value::Event, "an event")],
            many: true,
            repeats: true,
            shared: Shared::Listed,
            example: "allow 0x11",
            ..WORD
        },
        Node {
            word: "deny",
            form: Form::List,
            meaning: "/definitions/Pmu/properties/deny",
            values: &[alone(Value::Event, "an event")],
            many: true,
            repeats: true,
            shared: Shared::Listed,
            example: "deny 0x11",
            ..WORD
        },
    ],
    ..feature("pmu")
};

const CPU: Node = Node {
    word: "cpu",
    needed: true,
    meaning: "/properties/cpu",
    values: &[named("model", Value::Model, "the CPU model")],
    of: "/definitions/Cpu",
    properties: &[needed(
        "count",
        COUNT,
        "`cpu` does not say how many there are",
    )],
    block: &[
        PMU,
        Node {
            form: Form::List,
            key: "vector-lengths",
            values: &[alone(LENGTH, "a vector length, in bits,")],
            many: true,
            example: "sve 128 256",
            ..feature("sve")
        },
        feature("pauth"),
        feature("mte"),
        feature("steal-time"),
        Node {
            word: "debug",
            meaning: "/definitions/Cpu/properties/debug",
            of: "/definitions/Debug",
            properties: &[
                property("breakpoints", Value::Number(number(BREAKPOINTS))),
                property("watchpoints", Value::Number(number(BREAKPOINTS))),
            ],
            example: "debug breakpoints=4 watchpoints=2",
            ..WORD
        },
        Node {
            word: "aarch32",
            form: Form::Truth,
            meaning: "/definitions/Cpu/properties/aarch32",
            example: "aarch32",
            ..WORD
        },
        Node {
            word: "hide",
            form: Form::List,
            meaning: "/definitions/Cpu/properties/hide",
            values: &[alone(Value::Hidden, "a feature to hide")],
            many: true,
            repeats: true,
            shared: Shared::Listed,
            example: "hide \"crc32\"",
            ..WORD
        },
        Node {
            word: "set",
            form: Form::Item,
            meaning: "/definitions/Cpu/properties/set",
            values: &[
                named("field", Value::Set, "the field to set"),
                named("value", HELD, "the value"),
            ],
            repeats: true,
            shared: Shared::Named,
            of: "/definitions/SetField",
            example: "set \"ID_AA64ISAR0_EL1.RNDR\" 0",
            ..WORD
        },
    ],
    example: "cpu \"neoverse-n1\" count=2",
    ..WORD
};

const BOOT: Node = Node {
    word: "boot",
    meaning: "/properties/boot",
    of: "/definitions/Boot",
    properties: &[
        needed("kernel", Value::File, "`boot` names no kernel"),
        property("initrd", Value::File),
        property("cmdline", Value::Text),
        of_file("kernel-digest", Value::Text, &["kernel"]),
        of_file("initrd-digest", Value::Text, &["initrd"]),
        of_file("kernel-address", ADDRESS, &["kernel"]),
        of_file(ANY_FILE, Value::Truth, &["kernel", "initrd"]),
        property("kaslr-seed", Value::Truth),
    ],
    example: "boot kernel=\"vmlinuz\" initrd=\"initrd.img\" cmdline=\"console=ttyS0\"",
    ..WORD
};

const DISK: Node = Node {
    word: "disk",
    form: Form::Device,
    meaning: "/definitions/Device/properties/disk",
    values: &[named("name", Value::Name, "a device's name")],
    of: "/definitions/Disk",
    properties: &[
        needed("path", Value::File, "this `disk` names no file"),
        of_file("size", CAPACITY, &["path"]),
        property("read-only", Value::Truth),
        property("serial", Value::Text),
        of_file("digest", Value::Text, &["path"]),
        of_file(ANY_FILE, Value::Truth, &["path"]),
    ],
    repeats: true,
    shared: Shared::Named,
    example: "disk \"root\" path=\"root.img\"",
    ..WORD
};

const NET: Node = Node {
    word: "net",
    form: Form::Device,
    meaning: "/definitions/Device/properties/net",
    values: &[named("name", Value::Name, "a device's name")],
    of: "/definitions/Net",
    properties: &[
        property("tap", Value::Text),
        own("mac", Value::Text),
        property("mtu", Value::Number(number(MTUS))),
    ],
    repeats: true,
    shared: Shared::Named,
    example: "net \"lan\" tap=\"tap0\"",
    ..WORD
};

const VSOCK: Node = Node {
    word: "vsock",
    form: Form::Device,
    meaning: "/definitions/Device/properties/vsock",
    of: "/definitions/Vsock",
    properties: &[Property {
        lacks: "this `vsock` has no context id",
        ..own(
            "cid",
            Value::Number(number(*CIDS.start() as u64..=*CIDS.end() as u64)),
        )
    }],
    block: &[Node {
        word: "port",
        form: Form::Item,
        key: "ports",
        meaning: "/definitions/Port",
        values: &[named("port", Value::Number(number(PORTS)), "a port")],
        of: "/definitions/Port",
        properties: &[needed("path", Value::File, "this `port` names no socket")],
        repeats: true,
        shared: Shared::Named,
        example: "port 1024 path=\"agent.sock\"",
        ..WORD
    }],
    repeats: true,
    shared: Shared::Named,
    example: "vsock cid=3 { port 1024 path=\"agent.sock\"; }",
    ..WORD
};

const ALLOW: Node = Node {
    word: "allow",
    form: Form::Item,
    meaning: "/properties/allow",
    values: &[
        named("code", Value::Named("Warning"), "a warning's code"),
        named("fields", Value::Named("Field"), "a field"),
    ],
    many: true,
    of: "/definitions/Allow",
    properties: &[needed("reason", Value::Text, "`allow` does not say why")],
    repeats: true,
    shared: Shared::Named,
    example: "allow \"spec::withholds-mitigation\" reason=\"…\"",
    ..WORD
};

/// The node of a description: one for each machine.
pub static VM: Node = Node {
    word: "vm",
    values: &[named("name", Value::Name, "the machine's name")],
    meaning: "",
    properties: &[property("from", Value::Machine)],
    repeats: true,
    shared: Shared::Own,
    block: &BLOCK,
    example: "vm \"NAME\" { … }",
    ..WORD
};

const BLOCK: [Node; 19] = [
    Node {
        word: "arch",
        form: Form::Value,
        needed: true,
        meaning: "/properties/arch",
        values: &[alone(Value::Named("Arch"), "the instruction set")],
        example: "arch \"arm64\"",
        ..WORD
    },
    Node {
        word: "abi",
        form: Form::List,
        needed: true,
        meaning: "/properties/abi",
        values: &[alone(Value::Baseline, "a baseline")],
        many: true,
        example: "abi \"kvm-6.8\"",
        ..WORD
    },
    CPU,
    Node {
        word: "memory",
        form: Form::Value,
        needed: true,
        meaning: "/properties/memory",
        values: &[alone(MEMORY, "memory")],
        example: "memory \"512MiB\"",
        ..WORD
    },
    BOOT,
    Node {
        word: "console",
        form: Form::Console,
        meaning: "/properties/console",
        values: &[alone(Value::Console, "the console")],
        repeats: true,
        shared: Shared::Named,
        example: "console \"16550\"",
        ..WORD
    },
    DISK,
    NET,
    Node {
        word: "rng",
        form: Form::Device,
        meaning: "/definitions/Device/properties/rng",
        repeats: true,
        shared: Shared::Named,
        example: "rng",
        ..WORD
    },
    VSOCK,
    Node {
        word: "across-saves",
        form: Form::Value,
        meaning: "/properties/across-saves",
        values: &[alone(Value::Named("AcrossSaves"), "what the counter does")],
        example: "across-saves \"goes-on\"",
        ..WORD
    },
    Node {
        word: "vmgenid",
        form: Form::Truth,
        meaning: "/properties/vmgenid",
        example: "vmgenid",
        ..WORD
    },
    Node {
        word: "vary",
        form: Form::List,
        meaning: "/properties/vary",
        values: &[alone(Value::Named("Field"), "a waived field")],
        many: true,
        repeats: true,
        shared: Shared::Listed,
        example: "vary \"PMCR_EL0.IMP\"",
        ..WORD
    },
    ALLOW,
    Node {
        word: "runs-on",
        form: Form::List,
        meaning: "/properties/runs-on",
        values: &[alone(Value::Named("RecordedHost"), "a host")],
        many: true,
        repeats: true,
        shared: Shared::Listed,
        example: "runs-on \"kvm-6.12\"",
        ..WORD
    },
    Node {
        word: "description",
        form: Form::Value,
        meaning: "/properties/description",
        values: &[alone(Value::Text, "the description")],
        shared: Shared::Own,
        example: "description \"serves the shop\"",
        ..WORD
    },
    Node {
        word: "labels",
        form: Form::Labels,
        meaning: "/properties/labels",
        example: "labels team=\"shop\" stage=\"live\"",
        ..WORD
    },
    Node {
        word: "import",
        form: Form::List,
        meaning: "/properties/import",
        values: &[alone(Value::Import, "a file")],
        many: true,
        repeats: true,
        shared: Shared::Listed,
        example: "import \"my-cpu.kdl\"",
        ..WORD
    },
    Node {
        word: "lock-schema",
        form: Form::Value,
        meaning: "/properties/lock-schema",
        values: &[alone(Value::Text, "the schema's place")],
        example: "lock-schema \"../schema/lock.v1.schema.json\"",
        ..WORD
    },
];

/// What an imported file gives the machines that import it.
pub static DEFAULTS: Node = Node {
    word: "defaults",
    block: &BLOCK,
    example: "defaults { … }",
    ..WORD
};

/// What `defaults` means, in Markdown: the JSON form, of which the schema tells, has no such.
pub const OF_DEFAULTS: &str = "what every machine that imports this file has, where it does not say it itself. \
     Paths are from this file.";

/// What `vm` means, in Markdown: in the JSON form the whole file is one.
pub const OF_VM: &str =
    "the block that describes one machine; its name stands behind it. A file may have several.";

/// What the one property of a `vm` means, in Markdown: the JSON form, of which the schema tells, has no such.
pub const FROM: &str = "another machine of this file, of which this one takes over all that it does not say itself. \
     Its `description`, and addresses by which two machines are told apart (`mac`, `cid`), stay its own.";

/// What a `vm` block may hold.
pub const VM_NODES: [&str; BLOCK.len()] = words(&BLOCK);
