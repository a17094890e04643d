//! Limits of a description that its types cannot say, and examples of what stands within them.

use serde_json::{Value, json};
use std::ops::RangeInclusive;
use vmlock_spec::machine::virtio::{
    CIDS, DEVICES_MAX, DISK_BYTES, MTUS, PORTS, PORTS_MAX, SECTOR, SERIAL_MAX, SOCKET_BYTES_MAX,
    TAP_BYTES_MAX,
};
use vmlock_spec::vm::limits::{
    BREAKPOINTS, CMDLINE_BYTES_MAX, COUNTERS, MEMORY_BYTES, MEMORY_STEP_BYTES, NAME_BYTES_MAX,
    TEXT_BYTES_MAX, VCPUS, VECTOR_BITS,
};

/// A digest as locks and descriptions write it.
pub const DIGEST: &str = "^sha256-[0-9a-f]{64}$";

/// What a machine or a device can be called (`spec/src/resolve/shape.rs` `is_name`).
pub fn name() -> String {
    format!(r"^(?!\.)[A-Za-z0-9_.-]{{1,{NAME_BYTES_MAX}}}$")
}

/// A text of a description, of one line.
pub fn text() -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": TEXT_BYTES_MAX, "pattern": PLAIN })
}

/// Limits of a description; the decoder and `spec/src/resolve/shape.rs` hold it to the same, and a test compares the
/// two.
pub fn limits(schema: &mut Value) {
    // A schema counts characters: of a text that is not ASCII it lets more pass than the compiler.
    let text = |value: &mut Value, least: usize, most: usize| {
        value["minLength"] = json!(least);
        value["maxLength"] = json!(most);
        value["pattern"] = json!(PLAIN);
    };
    let between = |value: &mut Value, range: &RangeInclusive<u64>| {
        value["minimum"] = json!(range.start());
        value["maximum"] = json!(range.end());
    };
    let vm = &mut schema["properties"];
    let name = json!(name());
    vm["name"]["pattern"] = name.clone();
    text(&mut vm["description"], 1, TEXT_BYTES_MAX);
    vm["labels"]["propertyNames"] = json!({ "pattern": name.clone() });
    text(&mut vm["labels"]["additionalProperties"], 1, TEXT_BYTES_MAX);
    vm["devices"]["maxItems"] = json!(DEVICES_MAX);
    vm["abi"]["minItems"] = json!(1);
    between(&mut vm["memory"], &MEMORY_BYTES);
    vm["memory"]["multipleOf"] = json!(MEMORY_STEP_BYTES);
    for list in ["abi", "vary", "runs-on", "import"] {
        vm[list]["uniqueItems"] = json!(true);
    }
    text(&mut vm["import"]["items"], 1, TEXT_BYTES_MAX);
    for place in ["$schema", "lock-schema"] {
        text(&mut vm[place], 1, TEXT_BYTES_MAX);
    }
    let cpu = &mut schema["definitions"]["Cpu"]["properties"];
    between(&mut cpu["count"], &VCPUS);
    for list in ["features", "hide", "vector-lengths"] {
        cpu[list]["uniqueItems"] = json!(true);
    }
    let length = &mut cpu["vector-lengths"]["items"];
    between(length, &VECTOR_BITS);
    length["multipleOf"] = json!(VECTOR_BITS.start());
    let pmu = &mut schema["definitions"]["Pmu"];
    pmu["minProperties"] = json!(1);
    let pmu = &mut pmu["properties"];
    between(&mut pmu["counters"], &COUNTERS);
    for list in ["allow", "deny"] {
        pmu[list]["minItems"] = json!(1);
    }
    let allow = &mut schema["definitions"]["Allow"]["properties"];
    text(&mut allow["reason"], 1, TEXT_BYTES_MAX);
    // Blanks alone say nothing.
    let plain = PLAIN.trim_start_matches('^');
    allow["reason"]["pattern"] = json!(format!(r"^(?!\s*$){plain}"));
    let fields = &mut allow["fields"];
    fields["minItems"] = json!(1);
    fields["uniqueItems"] = json!(true);
    let debug = &mut schema["definitions"]["Debug"];
    debug["minProperties"] = json!(1);
    for name in ["breakpoints", "watchpoints"] {
        between(&mut debug["properties"][name], &BREAKPOINTS);
    }
    device_limits(&mut schema["definitions"], &name);
    let boot = &mut schema["definitions"]["Boot"]["properties"];
    for name in ["kernel", "initrd"] {
        text(&mut boot[name], 1, TEXT_BYTES_MAX);
    }
    for name in ["kernel-digest", "initrd-digest"] {
        boot[name]["pattern"] = json!(DIGEST);
    }
    // A program is entered where an instruction can stand.
    boot["kernel-address"]["multipleOf"] = json!(4);
    text(&mut boot["cmdline"], 0, CMDLINE_BYTES_MAX);
    boot["cmdline"]["pattern"] = json!(PLAIN.replace("\\u0000-", "\\u0000-\\u0008\\u000a-"));
}

/// The same of the devices.
fn device_limits(definitions: &mut Value, name: &Value) {
    let range = |value: &mut Value, range: &RangeInclusive<u64>| {
        value["minimum"] = json!(range.start());
        value["maximum"] = json!(range.end());
    };
    let path = |value: &mut Value, most: usize| {
        value["minLength"] = json!(1);
        value["maxLength"] = json!(most);
        value["pattern"] = json!(PLAIN);
    };
    let disk = &mut definitions["Disk"]["properties"];
    disk["name"]["pattern"] = name.clone();
    path(&mut disk["path"], TEXT_BYTES_MAX);
    range(&mut disk["size"], &DISK_BYTES);
    disk["size"]["multipleOf"] = json!(SECTOR);
    disk["serial"]["pattern"] = json!(format!("^[!-~]([ -~]{{0,{}}}[!-~])?$", SERIAL_MAX - 2));
    disk["digest"]["pattern"] = json!(DIGEST);
    let net = &mut definitions["Net"]["properties"];
    net["name"]["pattern"] = name.clone();
    net["tap"]["pattern"] = json!(format!(
        r"^(?!\.{{1,2}}$)[!-$&-.0-9;-~]{{1,{TAP_BYTES_MAX}}}$"
    ));
    net["mac"]["pattern"] = json!("^(?!00:00:00:00:00:00$)[0-9a-f][02468ace](:[0-9a-f]{2}){5}$");
    range(&mut net["mtu"], &MTUS);
    let cids = u64::from(*CIDS.start())..=(*CIDS.end()).into();
    range(&mut definitions["Vsock"]["properties"]["cid"], &cids);
    definitions["Vsock"]["properties"]["ports"]["maxItems"] = json!(PORTS_MAX);
    let port = &mut definitions["Port"]["properties"];
    range(&mut port["port"], &PORTS);
    path(&mut port["path"], SOCKET_BYTES_MAX);
}

/// What an editor offers where something is to be written. Each is valid.
pub fn examples(schema: &mut Value) {
    let digest = format!("sha256-{}", "0123456789abcdef".repeat(4));
    for (place, example) in [
        ("/properties/$schema", json!("urn:vmlock:schema:spec:v1")),
        ("/properties/name", json!("web")),
        ("/properties/description", json!("serves the shop")),
        ("/properties/labels", json!({ "team": "shop" })),
        ("/properties/memory", json!(512 << 20)),
        ("/properties/import", json!(["my-cpu.kdl"])),
        (
            "/properties/lock-schema",
            json!("../schema/lock.v3.schema.json"),
        ),
        ("/definitions/Cpu/properties/count", json!(2)),
        (
            "/definitions/Cpu/properties/vector-lengths",
            json!([128, 256]),
        ),
        ("/definitions/Pmu/properties/counters", json!(4)),
        ("/definitions/Pmu/properties/deny", json!([17])),
        ("/definitions/Debug/properties/breakpoints", json!(4)),
        ("/definitions/Debug/properties/watchpoints", json!(4)),
        (
            "/definitions/SetField",
            json!({ "field": "ID_AA64ISAR0_EL1.RNDR", "value": 0 }),
        ),
        (
            "/definitions/Allow",
            json!({ "code": "spec::withholds-mitigation", "reason": "no code of others runs in this guest" }),
        ),
        ("/definitions/Boot/properties/kernel", json!("vmlinuz")),
        ("/definitions/Boot/properties/initrd", json!("initrd.img")),
        (
            "/definitions/Boot/properties/cmdline",
            json!("console=ttyS0"),
        ),
        ("/definitions/Boot/properties/kernel-digest", json!(digest)),
        ("/definitions/Boot/properties/initrd-digest", json!(digest)),
        (
            "/definitions/Boot/properties/kernel-address",
            json!(0x4020_0000),
        ),
        ("/definitions/Disk/properties/name", json!("root")),
        ("/definitions/Disk/properties/path", json!("root.img")),
        ("/definitions/Disk/properties/size", json!(8u64 << 30)),
        ("/definitions/Disk/properties/serial", json!("root-1")),
        ("/definitions/Disk/properties/digest", json!(digest)),
        ("/definitions/Net/properties/name", json!("lan")),
        ("/definitions/Net/properties/tap", json!("tap0")),
        (
            "/definitions/Net/properties/mac",
            json!("52:54:00:12:34:56"),
        ),
        ("/definitions/Net/properties/mtu", json!(1500)),
        ("/definitions/Vsock/properties/cid", json!(3)),
        (
            "/definitions/Port",
            json!({ "port": 1024, "path": "agent.sock" }),
        ),
        (
            "",
            json!({
                "name": "web",
                "arch": "arm64",
                "abi": ["kvm-6.8", "gic-iidr-rev1", "psci-1.1"],
                "cpu": { "model": "neoverse-n1", "count": 2, "features": ["pmu"] },
                "memory": 512 << 20,
                "boot": { "kernel": "vmlinuz", "cmdline": "console=ttyS0" },
                "allow": [{ "code": "spec::emulated-cpu", "reason": "a trial on emulated hosts" }],
            }),
        ),
    ] {
        if let Some(object) = schema.pointer_mut(place) {
            object["examples"] = json!([example]);
        }
    }
}

/// Text as `spec/src/resolve/shape.rs` lets it pass.
const PLAIN: &str = r"^[^\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]*$";
