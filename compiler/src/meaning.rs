//! What names and words mean: out of the schema of descriptions as editors get it.

use crate::flags::Which;
use crate::language::nodes::Value as Kind;
use crate::schema::for_editors;
use serde_json::Value;
use std::sync::OnceLock;

/// A name that can be written, and what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    /// In plain words.
    pub words: String,
    /// In Markdown.
    pub markdown: String,
}

/// Made once, when somebody asks.
fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| for_editors(Which::Spec))
}

/// What stands at a place of the schema says, in Markdown.
pub fn of(place: &str) -> Option<String> {
    let object = schema().pointer(place)?;
    let words = object.get("markdownDescription");
    let words = words.or_else(|| object.get("description"))?;
    words.as_str().map(str::to_owned)
}

/// What a word of a definition that lists words means.
pub fn of_word(place: &str, word: &str) -> Option<String> {
    let listed = names_at(place).into_iter().find(|named| named.name == word);
    listed.map(|named| named.markdown).or_else(|| of(place))
}

/// The names that can stand for a value; none where it is something else.
pub fn names(kind: Kind) -> Vec<Named> {
    match kind {
        Kind::Named(definition) => names_at(&format!("/definitions/{definition}")),
        Kind::Baseline => names_at("/definitions/KnownBaseline"),
        Kind::Model => names_at("/definitions/KnownModel"),
        Kind::Hidden => names_at("/definitions/Cpu/properties/hide/items"),
        Kind::Set => names_at("/definitions/SetField/properties/field"),
        Kind::Console => {
            let mut names = names_at("/definitions/Console");
            let words = of("/definitions/Device/properties/console").unwrap_or_default();
            names.push(Named {
                name: "virtio".to_owned(),
                words: words.clone(),
                markdown: words,
            });
            names
        }
        Kind::Import | Kind::File | Kind::Truth | Kind::Name | Kind::Machine => Vec::new(),
        Kind::Text | Kind::Number(_) | Kind::Event | Kind::Size(_) => Vec::new(),
    }
}

/// The names that a place of the schema lists, or that those do which it names.
fn names_at(place: &str) -> Vec<Named> {
    let mut out = Vec::new();
    if let Some(object) = schema().pointer(place) {
        collect(object, &mut out, 0);
    }
    out
}

fn collect(object: &Value, out: &mut Vec<Named>, depth: usize) {
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    if let Some(name) = text("const") {
        let words = text("description").unwrap_or_default();
        out.push(Named {
            name: name.to_owned(),
            words: words.to_owned(),
            markdown: text("markdownDescription").unwrap_or(words).to_owned(),
        });
    }
    // Definitions name each other, but not in circles as deep.
    if depth > 8 {
        return;
    }
    if let Some(place) = text("$ref").and_then(|r| r.strip_prefix('#'))
        && let Some(object) = schema().pointer(place)
    {
        collect(object, out, depth + 1);
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        for inner in object
            .get(key)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            collect(inner, out, depth + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::nodes::{VM, every};
    use vmlock_spec::catalogue::{BASELINES, CPUS};

    #[test]
    fn every_kind_of_name_has_names_with_words() {
        let mut seen = 0;
        for node in every(VM.block) {
            let kinds = node.values.iter().map(|value| value.value);
            for kind in kinds.chain(node.properties.iter().map(|p| p.value)) {
                let listed = matches!(
                    kind,
                    Kind::Named(_)
                        | Kind::Baseline
                        | Kind::Model
                        | Kind::Hidden
                        | Kind::Set
                        | Kind::Console
                );
                assert_eq!(names(kind).is_empty(), !listed, "{} {kind:?}", node.word);
                seen += usize::from(listed);
                assert!(
                    names(kind).iter().all(|n| !n.markdown.is_empty()),
                    "{kind:?}"
                );
            }
        }
        assert!(seen > 10);
        let catalogue = vmlock_spec::catalogue::Catalogue::builtin();
        let standing = catalogue.standing().len();
        assert!(standing > 0);
        let listed = BASELINES.len() + standing;
        assert_eq!(names(Kind::Baseline).len(), listed);
        assert_eq!(names(Kind::Model).len(), CPUS.len());
    }

    #[test]
    fn a_feature_s_word_means_that_feature() {
        assert!(
            of_word("/definitions/Feature", "sve")
                .unwrap()
                .contains("SVE")
        );
        assert!(of("/properties/abi").is_some());
        assert_eq!(of("/nothing"), None);
    }
}
