//! JSON Schemas, generated from the types that read and write the formats.

use crate::flags::Which;
use crate::render::json::Envelope;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use std::ops::RangeInclusive;
use vmlock_spec::event::Line;
use vmlock_spec::lock::{LOCK_VERSION, Lock, v1, v2};
use vmlock_spec::machine::virtio::{
    CIDS, DEVICES_MAX, DISK_BYTES, MTUS, PORTS, PORTS_MAX, SECTOR, SERIAL_MAX, SOCKET_BYTES_MAX,
    TAP_BYTES_MAX,
};
use vmlock_spec::observation::account::Account;
use vmlock_spec::report::HostReport;
use vmlock_spec::status::Status;
use vmlock_spec::vm::VmSpec;
use vmlock_spec::vm::limits::{
    BREAKPOINTS, CMDLINE_BYTES_MAX, COUNTERS, MEMORY_BYTES, MEMORY_STEP_BYTES, NAME_BYTES_MAX,
    TEXT_BYTES_MAX, VCPUS, VECTOR_BITS,
};

/// Draft-07: the version that editors support best.
pub fn schema(which: Which) -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let schema = match which {
        Which::Spec => generator.into_root_schema_for::<VmSpec>(),
        Which::Lock => generator.into_root_schema_for::<Lock>(),
        Which::LockV1 => generator.into_root_schema_for::<v1::LockShape>(),
        Which::LockV2 => generator.into_root_schema_for::<v2::LockShape>(),
        Which::Host => generator.into_root_schema_for::<HostReport>(),
        Which::Observed => generator.into_root_schema_for::<Account>(),
        Which::Status => generator.into_root_schema_for::<Status>(),
        Which::Event => generator.into_root_schema_for::<Line>(),
        Which::Diagnostics => generator.into_root_schema_for::<Envelope>(),
    };
    let (name, title) = match which {
        Which::Spec => (
            "spec",
            "vmlock: a virtual machine, as its author describes it",
        ),
        Which::Lock | Which::LockV1 | Which::LockV2 => (
            "lock",
            "vmlock: everything that a guest sees, with one value each",
        ),
        Which::Host => ("host-report", "vmlock: what one host can be made to show"),
        Which::Observed => ("observed", "vmlock: what a guest saw under somebody's VMM"),
        Which::Status => ("status", "vmlock: what a living guest has done"),
        Which::Event => ("event", "vmlock: what a guest's runner says"),
        Which::Diagnostics => ("diagnostics", "vmlock: what `--format json` prints"),
    };
    let mut schema = schema.to_value();
    let version = match which {
        Which::Lock => LOCK_VERSION,
        Which::LockV2 => v2::VERSION,
        _ => 1,
    };
    schema["$id"] = json!(format!("urn:vmlock:schema:{name}:v{version}"));
    schema["title"] = json!(title);
    limits(which, &mut schema);
    schema
}

/// Limits of a description that its types cannot say; the decoder and `spec/src/resolve/shape.rs`
/// hold it to the same, and a test compares the two.
fn limits(which: Which, schema: &mut Value) {
    if which != Which::Spec {
        return;
    }
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
    let name = json!(format!(r"^(?!\.)[A-Za-z0-9_.-]{{1,{NAME_BYTES_MAX}}}$"));
    vm["name"]["pattern"] = name.clone();
    vm["devices"]["maxItems"] = json!(DEVICES_MAX);
    vm["abi"]["minItems"] = json!(1);
    between(&mut vm["memory"], &MEMORY_BYTES);
    vm["memory"]["multipleOf"] = json!(MEMORY_STEP_BYTES);
    for list in ["abi", "vary", "runs-on", "import"] {
        vm[list]["uniqueItems"] = json!(true);
        text(&mut vm[list]["items"], 1, TEXT_BYTES_MAX);
    }
    text(&mut vm["lock-schema"], 1, TEXT_BYTES_MAX);
    let cpu = &mut schema["definitions"]["Cpu"]["properties"];
    between(&mut cpu["count"], &VCPUS);
    text(&mut cpu["model"], 1, TEXT_BYTES_MAX);
    text(&mut cpu["hide"]["items"], 1, TEXT_BYTES_MAX);
    for list in ["features", "hide", "vector-lengths"] {
        cpu[list]["uniqueItems"] = json!(true);
    }
    let length = &mut cpu["vector-lengths"]["items"];
    between(length, &VECTOR_BITS);
    length["multipleOf"] = json!(VECTOR_BITS.start());
    let set = &mut schema["definitions"]["SetField"]["properties"];
    text(&mut set["field"], 1, TEXT_BYTES_MAX);
    let pmu = &mut schema["definitions"]["Pmu"];
    pmu["minProperties"] = json!(1);
    let pmu = &mut pmu["properties"];
    between(&mut pmu["counters"], &COUNTERS);
    text(&mut pmu["version"], 1, TEXT_BYTES_MAX);
    for list in ["allow", "deny"] {
        pmu[list]["minItems"] = json!(1);
    }
    let fields = &mut schema["definitions"]["Allow"]["properties"]["fields"];
    fields["minItems"] = json!(1);
    fields["uniqueItems"] = json!(true);
    text(&mut fields["items"], 1, TEXT_BYTES_MAX);
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
        boot[name]["pattern"] = json!("^sha256-[0-9a-f]{64}$");
    }
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
    disk["digest"]["pattern"] = json!("^sha256-[0-9a-f]{64}$");
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

/// Text as `spec/src/resolve/shape.rs` lets it pass.
const PLAIN: &str = r"^[^\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]*$";
