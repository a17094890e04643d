//! What of a host report its types cannot say: which version one is of, and of how many vCPUs an imported one tells.

use serde_json::{Value, json};
use vmlock_spec::machine::VCPUS_MAX;
use vmlock_spec::report::{IMPORTED_VERSION, REPORT_VERSION};

/// Adds what `spec/src/report.rs` asks of every report and a schema can say.
pub fn reports(schema: &mut Value) {
    let description = format!(
        "Version of this format: {REPORT_VERSION} of what was tried on a host, {IMPORTED_VERSION} of what was imported."
    );
    schema["properties"]["reportVersion"] = json!({
        "type": "integer",
        "minimum": REPORT_VERSION,
        "maximum": IMPORTED_VERSION,
        "description": description,
    });
    // An imported report is one by what stands in it, so that its version is what an editor complains of.
    let is = |version: u32| {
        let version = json!({ "type": "integer", "const": version });
        json!({ "type": "object", "properties": { "reportVersion": version } })
    };
    schema["if"] = json!({
        "type": "object",
        "properties": { "imported": { "type": "object" } },
        "required": ["imported"],
    });
    schema["then"] = is(IMPORTED_VERSION);
    schema["else"] = is(REPORT_VERSION);
    schema["definitions"]["Imported"]["properties"]["shown"]["minItems"] = json!(1);
    schema["definitions"]["Imported"]["properties"]["shown"]["maxItems"] = json!(VCPUS_MAX);
}
