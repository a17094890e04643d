//! JSON Schemas, generated from the types that read and write the formats, with the names that the catalogue knows.
//!
//! They pass strict validators as they are checked in (`schema/`). An editor gets them with `markdownDescription`
//! beside, which is no part of JSON Schema and which strict validators refuse.

mod limits;
mod locks;
mod names;
mod reports;
mod several;
mod strict;

use crate::flags::Which;
use crate::render::json::Envelope;
use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use vmlock_spec::event::Line;
use vmlock_spec::lock::{LOCK_VERSION, Lock, v1, v2};
use vmlock_spec::observation::account::Account;
use vmlock_spec::report::HostReport;
use vmlock_spec::status::Status;
use vmlock_spec::vm::VmSpec;

/// Draft-07: the version that editors support best.
pub fn schema(which: Which) -> Value {
    let mut schema = whole(which);
    strict::without_markdown(&mut schema);
    schema
}

/// The same with its descriptions as Markdown, which VS Code and its language server show.
pub fn for_editors(which: Which) -> Value {
    let mut schema = whole(which);
    strict::with_markdown(&mut schema);
    schema
}

fn whole(which: Which) -> Value {
    // What is read may leave out what has a default, and what is only written has what is always written.
    let read = SchemaSettings::draft07();
    let written = SchemaSettings::draft07().for_serialize().into_generator();
    let generator = read.into_generator();
    let schema = match which {
        Which::Spec => generator.into_root_schema_for::<VmSpec>(),
        Which::Lock => generator.into_root_schema_for::<Lock>(),
        Which::LockV1 => generator.into_root_schema_for::<v1::LockShape>(),
        Which::LockV2 => generator.into_root_schema_for::<v2::LockShape>(),
        Which::Host => generator.into_root_schema_for::<HostReport>(),
        Which::Observed => generator.into_root_schema_for::<Account>(),
        Which::Status => written.into_root_schema_for::<Status>(),
        Which::Event => written.into_root_schema_for::<Line>(),
        Which::Diagnostics => written.into_root_schema_for::<Envelope>(),
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
    strict::strict(&mut schema);
    match which {
        Which::Spec => {
            strict::nullable_objects(&mut schema);
            strict::one_key(&mut schema["definitions"]["Device"]);
            limits::limits(&mut schema);
            names::names(&mut schema);
            limits::examples(&mut schema);
            several::several(&mut schema);
        }
        Which::Lock | Which::LockV1 | Which::LockV2 => {
            strict::no_null(&mut schema);
            locks::locks(&mut schema, version);
        }
        Which::Host => {
            strict::no_null(&mut schema);
            reports::reports(&mut schema);
        }
        Which::Observed => {
            strict::no_null(&mut schema);
            schema["properties"]["observedVersion"] = strict::version(version);
        }
        Which::Status => {
            strict::no_null(&mut schema);
            schema["properties"]["statusVersion"] = strict::version(version);
        }
        Which::Event => strict::no_null(&mut schema),
        Which::Diagnostics => {
            strict::no_null(&mut schema);
            schema["properties"]["version"] = strict::version(version);
        }
    }
    schema
}
