//! `vmm` nodes: virtual machine monitors that are none of ours.

use crate::{Reader, arguments, children, has, owned};
use kdl::{KdlNode, KdlValue};
use std::borrow::Cow;
use vmlock_catalogue_types::Text;
use vmlock_catalogue_types::vmm::{
    CommandOption, Form, Given, Lengths, Manner, Overwrites, Vmm, Writes,
};

/// What can be said of one.
const SAYS: [&str; 8] = [
    "title",
    "versions",
    "form",
    "gicv3",
    "option",
    "writes",
    "feature",
    "overwrites",
];

impl Reader {
    pub(crate) fn vmm(&mut self, node: &KdlNode) -> Option<Vmm> {
        self.known_properties(node, &[]);
        let name = self.text(node, 0, "a name")?;
        let (mut title, mut versions) = (Cow::Borrowed(""), Vec::new());
        let (mut form, mut gicv3, mut unreleased_from) = (None, None, None);
        let (mut options, mut writes) = (Vec::new(), Vec::new());
        let (mut features, mut overwrites) = (Vec::new(), Vec::new());
        for child in children(node) {
            match child.name().value() {
                "title" => title = self.text(child, 0, "a line of text").unwrap_or_default(),
                "versions" => {
                    self.known_properties(child, &["unreleased-from"]);
                    unreleased_from = self.whole(child, "unreleased-from");
                    versions = self.texts(child);
                }
                "form" => form = self.form(child),
                "gicv3" => gicv3 = self.gicv3(child),
                "option" => options.extend(self.option(child)),
                "writes" => writes.push(self.writes(child)),
                "feature" => features.extend(self.given(child)),
                "overwrites" => overwrites.push(self.overwrites(child)),
                other => {
                    let words = format!("a VMM has no `{other}`");
                    self.problem(child, words, Some(&has(&SAYS)));
                }
            }
        }
        let since = writes.iter().filter_map(|w: &Writes| w.since.as_ref());
        for version in since.filter(|v| !versions.contains(v)) {
            let words = format!("`{version}` is none of the versions of `{name}`");
            self.problem(node, words, None);
        }
        let said = form.zip(gicv3);
        let said = said.filter(|_| !title.is_empty() && !versions.is_empty());
        let Some((form, (insists_on_gicv3, gicv3_source))) = said else {
            let words = format!("VMM `{name}` needs `title`, `versions`, `form` and `gicv3`");
            self.problem(node, words, None);
            return None;
        };
        Some(Vmm {
            name,
            title,
            versions: Cow::Owned(versions),
            unreleased_from,
            form,
            insists_on_gicv3,
            gicv3_source,
            options: Cow::Owned(options),
            writes: Cow::Owned(writes),
            features: Cow::Owned(features),
            overwrites: Cow::Owned(overwrites),
        })
    }

    fn form(&mut self, node: &KdlNode) -> Option<Form> {
        const FORMS: &str = "`arguments`, `template` or `domain`";
        match self.text(node, 0, FORMS)?.as_ref() {
            "arguments" => Some(Form::Arguments),
            "template" => Some(Form::Template),
            "domain" => Some(Form::Domain),
            other => {
                let words = format!("unknown form `{other}`");
                self.problem(node, words, Some(FORMS));
                None
            }
        }
    }

    /// Whether it insists on one, and where that was read.
    fn gicv3(&mut self, node: &KdlNode) -> Option<(bool, Text)> {
        self.known_properties(node, &["source"]);
        let source = self.source(node);
        match self.text(node, 0, "`insists` or `else-gicv2`")?.as_ref() {
            "insists" => Some((true, source)),
            "else-gicv2" => Some((false, source)),
            other => {
                let words = format!("no interrupt controller is given `{other}`");
                self.problem(node, words, Some("`insists` or `else-gicv2`"));
                None
            }
        }
    }

    fn option(&mut self, node: &KdlNode) -> Option<CommandOption> {
        self.known_properties(node, &["source"]);
        let value = arguments(node).get(1).and_then(|v| v.as_string());
        Some(CommandOption {
            name: self.text(node, 0, "an option")?,
            value: owned(value.unwrap_or_default()),
            source: self.source(node),
        })
    }

    /// A property that is true, or is not there.
    fn flag(&mut self, node: &KdlNode, name: &str) -> bool {
        let said = node.get(name);
        if said.is_some_and(|value| value.as_bool() != Some(true)) {
            self.problem(node, format!("`{name}` is `#true`, or is left out"), None);
        }
        said.is_some()
    }

    /// Names, or beginnings of names.
    fn patterns(&mut self, node: &KdlNode) -> Cow<'static, [Text]> {
        let names = self.texts(node);
        if names.is_empty() {
            let words = format!("`{}` names nothing", node.name().value());
            self.problem(node, words, None);
        }
        Cow::Owned(names)
    }

    fn writes(&mut self, node: &KdlNode) -> Writes {
        self.known_properties(node, &["but", "since", "tell", "source"]);
        let but = self.property(node, "but").unwrap_or_default();
        Writes {
            names: self.patterns(node),
            but: but.split_whitespace().map(owned).collect(),
            since: self.property(node, "since"),
            tell: self.property(node, "tell"),
            source: self.source(node),
        }
    }

    fn given(&mut self, node: &KdlNode) -> Option<Given> {
        let known = [
            "on",
            "off",
            "length",
            "no-length",
            "insists",
            "if-offered",
            "source",
        ];
        self.known_properties(node, &known);
        let feature = self.text(node, 0, "a vCPU feature")?;
        let manner = match self.text(node, 1, "`told`, `never` or `always`")?.as_ref() {
            "told" => {
                let lengths = ["length", "no-length"].map(|name| self.property(node, name));
                if lengths.iter().flatten().count() == 1 {
                    let words = "`length` and `no-length` stand together";
                    self.problem(node, words, None);
                }
                let [length, no_length] = lengths;
                let lengths = length.zip(no_length);
                Manner::Told {
                    on: self.property(node, "on"),
                    off: self.property(node, "off"),
                    lengths: lengths.map(|(on, off)| Lengths { on, off }),
                    insists: self.flag(node, "insists"),
                    if_offered: self.flag(node, "if-offered"),
                }
            }
            "never" => Manner::Never,
            "always" => Manner::Always,
            other => {
                let words = format!("no feature is given `{other}`");
                self.problem(node, words, Some("`told`, `never` or `always`"));
                return None;
            }
        };
        Some(Given {
            feature,
            manner,
            source: self.source(node),
        })
    }

    /// A property that is a whole number, where it is there.
    fn whole<T: TryFrom<i128>>(&mut self, node: &KdlNode, name: &str) -> Option<T> {
        let value: &KdlValue = node.get(name)?;
        let number = value.as_integer().and_then(|v| T::try_from(v).ok());
        if number.is_none() {
            let words = format!("`{name}` is a whole number of {} bits", 8 * size_of::<T>());
            self.problem(node, words, None);
        }
        number
    }

    fn overwrites(&mut self, node: &KdlNode) -> Overwrites {
        self.known_properties(node, &["value", "mask", "source"]);
        let [value, mask] = ["value", "mask"].map(|name| self.whole(node, name));
        Overwrites {
            names: self.patterns(node),
            value,
            mask: mask.unwrap_or(u64::MAX),
            source: self.source(node),
        }
    }
}
