//! JSON Schemas, generated from the types that read and write the formats.

use crate::flags::Which;
use crate::render::json::Envelope;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use vmlock_spec::lock::{LOCK_VERSION, Lock, v1};
use vmlock_spec::machine::{MEMORY_MAX, VCPUS_MAX};
use vmlock_spec::report::HostReport;
use vmlock_spec::vm::VmSpec;

/// Draft-07: the version that editors support best.
pub fn schema(which: Which) -> Value {
    let generator = SchemaSettings::draft07().into_generator();
    let schema = match which {
        Which::Spec => generator.into_root_schema_for::<VmSpec>(),
        Which::Lock => generator.into_root_schema_for::<Lock>(),
        Which::LockV1 => generator.into_root_schema_for::<v1::LockShape>(),
        Which::Host => generator.into_root_schema_for::<HostReport>(),
        Which::Diagnostics => generator.into_root_schema_for::<Envelope>(),
    };
    let (name, title) = match which {
        Which::Spec => (
            "spec",
            "vmlock: a virtual machine, as its author describes it",
        ),
        Which::Lock | Which::LockV1 => (
            "lock",
            "vmlock: everything that a guest sees, with one value each",
        ),
        Which::Host => ("host-report", "vmlock: what one host can be made to show"),
        Which::Diagnostics => ("diagnostics", "vmlock: what `--format json` prints"),
    };
    let mut schema = schema.to_value();
    let version = match which {
        Which::Lock => LOCK_VERSION,
        _ => 1,
    };
    schema["$id"] = json!(format!("urn:vmlock:schema:{name}:v{version}"));
    schema["title"] = json!(title);
    limits(which, &mut schema);
    schema
}

/// Limits of a description that its types cannot say; `language/decode/` and
/// the resolver hold them too, and a test compares the two.
fn limits(which: Which, schema: &mut Value) {
    if which != Which::Spec {
        return;
    }
    let vm = &mut schema["properties"];
    vm["name"]["pattern"] = json!("^[A-Za-z0-9_.-]{1,63}$");
    vm["abi"]["minItems"] = json!(1);
    vm["memory"]["minimum"] = json!(64u64 << 20);
    vm["memory"]["maximum"] = json!(MEMORY_MAX & !((2 << 20) - 1));
    vm["memory"]["multipleOf"] = json!(2u64 << 20);
    for list in ["abi", "vary", "runs-on", "import"] {
        vm[list]["uniqueItems"] = json!(true);
        vm[list]["items"]["minLength"] = json!(1);
    }
    let cpu = &mut schema["definitions"]["Cpu"]["properties"];
    cpu["count"]["minimum"] = json!(1);
    cpu["count"]["maximum"] = json!(VCPUS_MAX);
    cpu["model"]["minLength"] = json!(1);
    for list in ["features", "hide", "vector-lengths"] {
        cpu[list]["uniqueItems"] = json!(true);
    }
    let pmu = &mut schema["definitions"]["Pmu"]["properties"];
    pmu["counters"]["maximum"] = json!(31);
    let debug = &mut schema["definitions"]["Debug"]["properties"];
    for name in ["breakpoints", "watchpoints"] {
        debug[name]["minimum"] = json!(2);
        debug[name]["maximum"] = json!(16);
    }
    let cpu = &mut schema["definitions"]["Cpu"]["properties"];
    let length = &mut cpu["vector-lengths"]["items"];
    length["minimum"] = json!(128);
    length["maximum"] = json!(2048);
    length["multipleOf"] = json!(128);
    let boot = &mut schema["definitions"]["Boot"]["properties"];
    boot["kernel"]["minLength"] = json!(1);
    boot["cmdline"]["maxLength"] = json!(2048);
}
