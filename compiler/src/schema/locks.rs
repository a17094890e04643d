//! What of a lock its types cannot say: its version, the names of that version, values as wide as their registers.

use super::limits::{self, DIGEST};
use super::{names, strict};
use serde_json::{Value, json};
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::lock::v1;
use vmlock_spec::machine::virtio::{CIDS, MTUS, SECTORS_MAX, SERIAL_MAX};
use vmlock_spec::machine::{ADDRESS_BITS, VCPUS_MAX};
use vmlock_spec::smccc::PSCI_VERSIONS;
use vmlock_spec::vm::limits::{CMDLINE_BYTES_MAX, TEXT_BYTES_MAX, VCPUS_V1, VECTOR_BITS};

/// The value of a 32-bit register, and that of one of 64 bits.
const NARROW: &str = "^0x[0-9a-f]{8}$";
const WIDE: &str = "^0x[0-9a-f]{16}$";

/// Adds to the schema of a lock of that version what `spec/src/lock/consistent.rs` holds every lock to and a schema can
/// say.
pub fn locks(schema: &mut Value, version: u32) {
    for (place, what) in places(version) {
        // Not every version has every place.
        if let (Some(Value::Object(object)), Value::Object(what)) =
            (schema.pointer_mut(place), what)
        {
            object.extend(what);
        }
    }
    schema["properties"]["lockVersion"] = strict::version(version);
    schema["properties"]["baselines"]["properties"] = baselines();
    registers(schema, version);
}

/// Each place with what is added there.
fn places(version: u32) -> Vec<(&'static str, Value)> {
    let vcpus = match version {
        v1::VERSION => *VCPUS_V1.end(),
        _ => VCPUS_MAX.into(),
    };
    let digest = json!({ "pattern": DIGEST });
    let name = json!({ "pattern": limits::name() });
    let text = json!({ "minLength": 1 });
    let path = json!({ "minLength": 1, "maxLength": TEXT_BYTES_MAX });
    let gic = r"^(GICD_(CTLR|TYPER2?|IIDR|PIDR2|IGROUPR[0-9]{0,2}(\.writable)?)|GICR_(CTLR|IIDR|PIDR2|IGROUPR0(\.writable)?))$";
    let between = |least: u64, most: u64| json!({ "minimum": least, "maximum": most });
    let psci: Vec<&str> = PSCI_VERSIONS.iter().map(|(_, name)| *name).collect();
    let psci = format!("^({})$", psci.join("|").replace('.', r"\."));
    let bits = (
        u64::from(*ADDRESS_BITS.start()),
        u64::from(*ADDRESS_BITS.end()),
    );
    vec![
        ("/properties/$schema", text.clone()),
        ("/properties/name", name.clone()),
        (
            "/properties/baselines",
            json!({ "additionalProperties": { "type": "string", "pattern": DIGEST }, "minProperties": 1 }),
        ),
        ("/properties/features", json!({ "uniqueItems": true })),
        ("/properties/vectorLengths", json!({ "uniqueItems": true })),
        (
            "/properties/vectorLengths/items",
            json!({ "minimum": VECTOR_BITS.start(), "maximum": VECTOR_BITS.end(), "multipleOf": VECTOR_BITS.start() }),
        ),
        ("/properties/registers", json!({ "minItems": 1 })),
        (
            "/definitions/LockedCpu/properties/model",
            json!({ "minLength": 1, "anyOf": models() }),
        ),
        ("/definitions/LockedCpu/properties/digest", digest.clone()),
        (
            "/definitions/Register/properties/id",
            json!({ "pattern": "^0x60[23]0[0-9a-f]{12}$" }),
        ),
        ("/definitions/Register/properties/from", text.clone()),
        (
            "/definitions/Waiver/properties/field",
            json!({ "pattern": "^[A-Za-z][A-Za-z0-9_]*$" }),
        ),
        ("/definitions/Waiver/properties/from", text.clone()),
        (
            "/definitions/ResetValue/properties/name",
            json!({ "pattern": "^[A-Z][A-Z0-9_]*(<n>_EL0)?$" }),
        ),
        ("/definitions/Gic/properties/version", json!({ "const": 3 })),
        (
            "/definitions/Gic/properties/interrupts",
            json!({ "minimum": 64, "maximum": 1024, "multipleOf": 32 }),
        ),
        (
            "/definitions/GicRegister/properties/name",
            json!({ "pattern": gic }),
        ),
        ("/definitions/GicRegister/properties/from", text.clone()),
        (
            "/definitions/Hypercalls/properties/psci",
            json!({ "pattern": psci }),
        ),
        (
            "/definitions/Hypercalls/properties/smccc",
            json!({ "const": "1.1" }),
        ),
        (
            "/definitions/Hypercalls/properties/conduit",
            json!({ "const": "hvc" }),
        ),
        (
            "/definitions/Answer/properties/call",
            json!({ "pattern": r"^(SMC )?([A-Z][A-Z0-9_]*|function 0x[0-9a-f]{8})\([ -~]*\)(\.x[1-3])?$" }),
        ),
        ("/definitions/Answer/properties/from", text.clone()),
        (
            "/definitions/Machine/properties/addressBits",
            between(bits.0, bits.1),
        ),
        (
            "/definitions/Machine/properties/vcpus",
            json!({ "minItems": 1, "maxItems": vcpus }),
        ),
        (
            "/definitions/PrivateInterrupts/properties/virtualTimer",
            between(16, 31),
        ),
        (
            "/definitions/PrivateInterrupts/properties/physicalTimer",
            between(16, 31),
        ),
        (
            "/definitions/PrivateInterrupts/properties/pmu",
            between(16, 31),
        ),
        ("/definitions/Device/properties/name", name),
        (
            "/definitions/Device/properties/interrupt",
            between(32, 1019),
        ),
        ("/definitions/DeviceTree/properties/digest", digest),
        (
            "/definitions/DeviceTree/properties/text",
            json!({ "minItems": 1 }),
        ),
        (
            "/definitions/Fdt/properties/bytes/items",
            json!({ "pattern": "^([0-9a-f]{2}){1,32}$" }),
        ),
        (
            "/definitions/Boot/properties/cmdline",
            json!({ "maxLength": CMDLINE_BYTES_MAX + 1 }),
        ),
        ("/definitions/BootFile/properties/path", path.clone()),
        ("/definitions/Block/properties/path", path.clone()),
        (
            "/definitions/Block/properties/sectors",
            between(1, SECTORS_MAX),
        ),
        (
            "/definitions/Block/properties/serial",
            json!({ "pattern": format!("^[!-~]([ -~]{{0,{}}}[!-~])?$", SERIAL_MAX - 2) }),
        ),
        (
            "/definitions/Net/properties/mtu",
            between(*MTUS.start(), *MTUS.end()),
        ),
        (
            "/definitions/Vsock/properties/cid",
            between((*CIDS.start()).into(), (*CIDS.end()).into()),
        ),
        ("/definitions/Port/properties/path", path),
    ]
}

/// Known baselines, so that an editor says what each is; there may be others.
fn baselines() -> Value {
    let catalogue = Catalogue::builtin();
    let found = catalogue
        .baseline_names()
        .filter_map(|name| catalogue.baseline(name));
    let entry =
        |words: String| json!({ "type": "string", "pattern": DIGEST, "description": words });
    found
        .map(|b| (b.name.to_string(), entry(names::of_baseline(b))))
        .collect()
}

/// Known CPU models, or any other.
fn models() -> Vec<Value> {
    let catalogue = Catalogue::builtin();
    let found = catalogue.cpu_names().filter_map(|name| catalogue.cpu(name));
    let known = |name: &str, words: String| json!({ "type": "string", "const": name, "description": words });
    let other = json!({ "type": "string", "description": "A CPU model of an imported file." });
    found
        .map(|cpu| known(&cpu.name, names::of_model(cpu)))
        .chain([other])
        .collect()
}

/// A register has the name that its version of the lock gives it, and a value as wide as its id says.
fn registers(schema: &mut Value, version: u32) {
    let register = &mut schema["definitions"]["Register"];
    register["properties"]["name"]["anyOf"] = json!(names::registers(version));
    let as_wide = |pattern: &str| {
        let value = json!({ "type": "string", "pattern": pattern });
        json!({ "type": "object", "properties": { "value": value, "mask": value } })
    };
    // The size in a KVM register id (`KVM_REG_SIZE_MASK`): 2 is four bytes, 3 is eight.
    register["if"] = json!({
        "type": "object",
        "properties": { "id": { "type": "string", "pattern": "^0x6020" } },
    });
    register["then"] = as_wide(NARROW);
    register["else"] = as_wide(WIDE);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::Which;
    use crate::schema::schema;

    #[test]
    fn every_place_is_one_of_some_version() {
        let schemas = [Which::Lock, Which::LockV2, Which::LockV1].map(schema);
        for (place, _) in places(v1::VERSION) {
            let found = schemas.iter().any(|schema| schema.pointer(place).is_some());
            assert!(found, "no lock has {place}");
        }
    }
}
