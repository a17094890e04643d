//! What schedulers take for a label of a host: how each spells one, what it must not hold, the document in which it is
//! handed over, and what a machine writes that wants it.
//!
//! Names come from locks, and go where another program reads them: each spelling is held against that program's
//! published rules, and what does not fit is refused, never shortened or escaped.

mod kubernetes;

pub use kubernetes::Domain;

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// Largest file that node-feature-discovery reads, in bytes.
const NFD_BYTES_MAX: usize = 64 << 10;
/// Longest name of a trait (os-traits, placement API).
const TRAIT_BYTES_MAX: usize = 255;
/// Longest word for Slurm, by which nothing of a line of its configuration is cut off.
const WORD_BYTES_MAX: usize = 255;

/// One statement about a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// What it is about: `lock.web`, `boot`.
    pub name: String,
    /// What holds there.
    pub value: String,
}

impl Label {
    /// A statement with a value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

/// Who places machines on hosts.
#[derive(Clone, Debug)]
pub enum Scheduler {
    /// Kubernetes, told by a file of node-feature-discovery, which holds until then.
    Nfd(Domain, Option<SystemTime>),
    /// Kubernetes, told by kubectl of this node.
    Kubectl(Domain, Option<String>),
    /// OpenStack's placement.
    Openstack,
    /// Nomad.
    Nomad,
    /// Slurm.
    Slurm,
}

/// A label as a scheduler has it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Spelled {
    Pair(String, String),
    Word(String),
}

impl Spelled {
    /// By which it is found.
    fn key(&self) -> &str {
        match self {
            Spelled::Pair(key, _) | Spelled::Word(key) => key,
        }
    }
}

impl Scheduler {
    /// The whole document for one host.
    ///
    /// # Errors
    /// In words, all that cannot be said there: a label that does not fit, or two that would be one.
    pub fn document(&self, labels: &[Label]) -> Result<String, Vec<String>> {
        let spelled = self.spelled(labels)?;
        match self {
            Scheduler::Nfd(_, until) => {
                let mut text = String::new();
                if let Some(until) = until {
                    text += &format!("# +expiry-time={}\n", kubernetes::time(*until));
                }
                for one in spelled {
                    if let Spelled::Pair(key, value) = one {
                        text += &format!("{key}={value}\n");
                    }
                }
                if text.len() > NFD_BYTES_MAX {
                    let words = format!(
                        "the labels have {} bytes, and node-feature-discovery reads no file of more than {NFD_BYTES_MAX}",
                        text.len()
                    );
                    return Err(vec![words]);
                }
                Ok(text)
            }
            Scheduler::Kubectl(_, node) => {
                let node = node.as_deref().unwrap_or_default();
                kubernetes::node(node).map_err(|words| vec![words])?;
                Ok(lines(&json!({
                    "apiVersion": "v1",
                    "kind": "Node",
                    "metadata": { "name": node, "labels": pairs(spelled) },
                })))
            }
            Scheduler::Nomad => Ok(lines(&json!({ "client": { "meta": pairs(spelled) } }))),
            Scheduler::Openstack => Ok(words(&spelled).map(|word| format!("{word}\n")).collect()),
            Scheduler::Slurm => {
                let all: Vec<&str> = words(&spelled).collect();
                Ok(format!("{}\n", all.join(",")))
            }
        }
    }

    /// What a machine writes to be placed on hosts with that label alone.
    ///
    /// # Errors
    /// In words, what cannot be said there.
    pub fn selector(&self, label: &Label) -> Result<String, String> {
        let spelled = self.spell(label)?;
        let key = spelled.key();
        // Nothing that has to be escaped is in a spelling.
        Ok(match (self, &spelled) {
            (Scheduler::Nfd(..) | Scheduler::Kubectl(..), Spelled::Pair(_, value)) => {
                format!("nodeSelector:\n  \"{key}\": \"{value}\"\n")
            }
            (Scheduler::Nomad, Spelled::Pair(_, value)) => format!(
                "constraint {{\n  attribute = \"${{meta.{key}}}\"\n  value     = \"{value}\"\n}}\n"
            ),
            (Scheduler::Openstack, _) => format!("trait:{key}=required\n"),
            (_, _) => format!("--constraint={key}\n"),
        })
    }

    fn spelled(&self, labels: &[Label]) -> Result<Vec<Spelled>, Vec<String>> {
        let mut wrong = Vec::new();
        let mut known: BTreeMap<String, &Label> = BTreeMap::new();
        let mut all: Vec<Spelled> = Vec::new();
        for label in labels {
            match self.spell(label) {
                Err(words) => wrong.push(words),
                Ok(spelled) => match known.get(spelled.key()) {
                    // The same twice says nothing else than once.
                    Some(other) if **other == *label => {}
                    Some(other) => wrong.push(format!(
                        "`{}` ({}) and `{}` ({}) would both be `{}`, which can say one thing only",
                        other.name,
                        other.value,
                        label.name,
                        label.value,
                        spelled.key()
                    )),
                    None => {
                        known.insert(spelled.key().to_owned(), label);
                        all.push(spelled);
                    }
                },
            }
        }
        match wrong.is_empty() {
            true => Ok(all),
            false => Err(wrong),
        }
    }

    fn spell(&self, label: &Label) -> Result<Spelled, String> {
        let Label { name, value } = label;
        match self {
            Scheduler::Nfd(domain, _) | Scheduler::Kubectl(domain, _) => {
                kubernetes::part(name, "a label's name")?;
                kubernetes::part(value, "a label's value")?;
                Ok(Spelled::Pair(format!("{domain}/{name}"), value.clone()))
            }
            Scheduler::Nomad => {
                let key = word(&["vmlock", name]);
                fits(name, &key, WORD_BYTES_MAX)?;
                match value
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
                {
                    true => Ok(Spelled::Pair(key, value.clone())),
                    false => Err(format!("`{name}` has a value that is no word")),
                }
            }
            Scheduler::Openstack => {
                let word = word(&["CUSTOM_VMLOCK", name, value]).to_ascii_uppercase();
                fits(name, &word, TRAIT_BYTES_MAX)?;
                Ok(Spelled::Word(word))
            }
            Scheduler::Slurm => {
                let word = word(&["vmlock", name, value]);
                fits(name, &word, WORD_BYTES_MAX)?;
                Ok(Spelled::Word(word))
            }
        }
    }
}

/// One word of letters, digits and `_`, which no expression takes apart.
fn word(parts: &[&str]) -> String {
    let whole = parts.join("_");
    let of_word = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    whole.chars().map(of_word).collect()
}

fn fits(name: &str, word: &str, most: usize) -> Result<(), String> {
    match word.len() <= most {
        true => Ok(()),
        false => Err(format!(
            "`{name}` would have {} characters, and at most {most} are allowed there",
            word.len()
        )),
    }
}

fn words(all: &[Spelled]) -> impl Iterator<Item = &str> {
    all.iter().map(Spelled::key)
}

fn pairs(all: Vec<Spelled>) -> Map<String, Value> {
    let pair = |one| match one {
        Spelled::Pair(key, value) => (key, Value::String(value)),
        Spelled::Word(word) => (word, Value::String("true".to_owned())),
    };
    all.into_iter().map(pair).collect()
}

fn lines(value: &Value) -> String {
    format!("{value:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Scheduler> {
        let domain = Domain::new("vmlock.example.com").unwrap();
        vec![
            Scheduler::Nfd(domain.clone(), None),
            Scheduler::Kubectl(domain, Some("n1".to_owned())),
            Scheduler::Openstack,
            Scheduler::Nomad,
            Scheduler::Slurm,
        ]
    }

    /// Every text that is no name of a machine's: it is refused, or a word without any of that.
    #[test]
    fn nothing_hostile_is_spelled() {
        let hostile = [
            "a\nb=c",
            "$(id)",
            "`id`",
            "a b",
            "a;b",
            "a\"b",
            "a'b",
            "a|b",
            "a&b",
            "a,b",
            "a=b",
            "a/b",
            "a\u{2028}b",
            "ä",
            "",
            "<b>",
            "${meta.x}",
            "a*2",
            "[a]",
            "(a)",
            "a!b",
        ];
        let mut refused = 0;
        for scheduler in all() {
            for text in hostile {
                for label in [Label::new(text, "0a"), Label::new("lock.web", text)] {
                    let Ok(document) = scheduler.document(std::slice::from_ref(&label)) else {
                        refused += 1;
                        continue;
                    };
                    // What is left has each such character as `_`, in one word.
                    let key = scheduler.spell(&label).unwrap().key().to_owned();
                    assert!(
                        key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
                        "{scheduler:?} {text:?}: {key}"
                    );
                    assert!(document.contains(&key), "{document}");
                    let raw = !text.is_empty() && document.contains(text);
                    assert!(!raw, "{scheduler:?} {text:?}: {document}");
                }
            }
        }
        assert!(refused > 2 * hostile.len(), "{refused}");
    }

    #[test]
    fn two_labels_that_would_be_one_are_refused() {
        let two = [Label::new("lock.a-b", "0a"), Label::new("lock.a_b", "0b")];
        let wrong = Scheduler::Nomad.document(&two).unwrap_err();
        assert!(wrong[0].contains("`vmlock_lock_a_b`"), "{wrong:?}");
        // The digest is in the word.
        assert!(Scheduler::Slurm.document(&two).is_ok());
        let same_name = [Label::new("lock.a", "0a"), Label::new("lock.a", "0b")];
        let kubernetes = &all()[0];
        assert!(kubernetes.document(&same_name).is_err());
        let twice = [Label::new("lock.a", "0a"), Label::new("lock.a", "0a")];
        assert_eq!(kubernetes.document(&twice).unwrap().lines().count(), 1);
    }

    #[test]
    fn what_is_selected_is_what_is_said() {
        let label = Label::new("lock.web-1.eu", "0123456789abcdef0123456789abcdef01234567");
        let mut held = 0;
        for scheduler in all() {
            let spelled = scheduler.spell(&label).unwrap();
            let document = scheduler.document(std::slice::from_ref(&label)).unwrap();
            let selector = scheduler.selector(&label).unwrap();
            assert!(document.contains(spelled.key()), "{document}");
            assert!(selector.contains(spelled.key()), "{selector}");
            if let Spelled::Pair(_, value) = &spelled {
                assert!(document.contains(value) && selector.contains(value));
            }
            held += 1;
        }
        assert_eq!(held, 5);
    }

    #[test]
    fn a_file_that_would_be_ignored_is_refused() {
        let label = |n| {
            Label::new(
                format!("lock.m{n}"),
                "0123456789abcdef0123456789abcdef01234567",
            )
        };
        let many: Vec<Label> = (0..2000).map(label).collect();
        let wrong = all()[0].document(&many).unwrap_err();
        assert!(wrong[0].contains("65536"), "{wrong:?}");
    }
}
