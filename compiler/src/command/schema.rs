//! `vmlock schema`: prints a JSON Schema.

use crate::flags::SchemaFlags;
use crate::render::Output;
use crate::schema;

/// Prints the schema, the same with every `--format`.
pub fn run(flags: &SchemaFlags, out: &mut Output) {
    let schema = match flags.editor {
        true => schema::for_editors(flags.which),
        false => schema::schema(flags.which),
    };
    out.lines(format!("{schema:#}").lines());
    if let serde_json::Value::Object(object) = schema {
        out.whole(object);
    }
}
