//! Several machines in one file: `machines` in the place of everything that one alone has.

use crate::several::{MACHINES_MAX, SEVERAL};
use serde_json::{Map, Value, json};

/// Lets a description have several machines, each as one alone is.
pub fn several(schema: &mut Value) {
    let words = "Several machines in the place of one: each is described in full, and has a lock of its own.";
    let required = schema["required"].take();
    if let Some(object) = schema.as_object_mut() {
        object.remove("required");
    }
    schema["properties"][SEVERAL] = json!({
        "description": words,
        "markdownDescription": words,
        "type": "array",
        "minItems": 1,
        "maxItems": MACHINES_MAX,
        "items": { "allOf": [{ "$ref": "#" }, { "not": has(&json!([SEVERAL])) }] },
    });
    schema["allOf"] = json!([{
        "if": has(&json!([SEVERAL])),
        "then": { "type": "object", "propertyNames": { "pattern": format!(r"^(\$schema|{SEVERAL})$") } },
        "else": has(&required),
    }]);
}

/// An object that has these. Strict validators want each to be named where it is required.
fn has(names: &Value) -> Value {
    let of = |name: &Value| Some((name.as_str()?.to_owned(), Value::Bool(true)));
    let properties: Map<String, Value> = names
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(of)
        .collect();
    json!({ "type": "object", "properties": properties, "required": names })
}
