//! A line with names that its node does not have: what each of them is here. All of the line is told in one finding, and
//! what it says is written out for its author only where each value is kept as it is.

use super::span::{head, range};
use super::word::FROM_ELSEWHERE;
use super::{Decoder, LACKS, meant};
use crate::diagnostic::{Diagnostic, join};
use crate::language::elsewhere;
use crate::language::nodes::{Form, Node, Value};
use kdl::{KdlEntry, KdlNode, KdlValue};
use std::ops::Range;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::names;
use vmlock_spec::words::did_you_mean;

/// What a line says that is written as other programs have it.
pub(super) struct Line<'a> {
    row: &'static Node,
    node: &'a KdlNode,
    source: &'a str,
}

/// Where a part of a line belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The value with that number, from 0.
    Value(usize),
    /// The property of that name.
    Property(&'static str),
}

impl<'a> Line<'a> {
    pub(super) fn new(row: &'static Node, node: &'a KdlNode, source: &'a str) -> Self {
        Self { row, node, source }
    }

    /// From the node's name to its last entry, where all of that is one line as people write one, and nothing but blanks
    /// stands between its parts. `None` of one that was put together from several.
    pub(super) fn span(&self) -> Option<Range<usize>> {
        let all = head(self.node);
        let mut end = all.end;
        for entry in self.node.entries() {
            let span = range(entry.span());
            let between = self.source.get(end..span.start)?;
            let (mut lines, mut continued) = (0, 0);
            for c in between.chars() {
                match c {
                    '\n' => lines += 1,
                    '\\' => continued += 1,
                    c if c.is_whitespace() => {}
                    _ => return None,
                }
            }
            if lines > continued {
                return None;
            }
            end = span.end;
        }
        Some(all.start..end)
    }

    /// A value as it stands in the text.
    fn written(&self, entry: &KdlEntry) -> Option<&'a str> {
        let span = super::span::of_value(self.source, entry);
        let text = self.source.get(span)?.trim();
        (!text.is_empty() && !text.contains('\n')).then_some(text)
    }

    /// Where a property belongs that the node has, or has under another name.
    pub(super) fn place(&self, name: &str) -> Option<Place> {
        if let Some(property) = self.row.property(name) {
            return Some(Place::Property(property.name));
        }
        let alike = |known: &str| plain(known) == plain(name);
        let ours = elsewhere::property(self.row.word, name)
            .and_then(|ours| self.row.property(ours))
            .or_else(|| self.row.properties.iter().find(|p| alike(p.name)));
        if let Some(ours) = ours {
            return Some(Place::Property(ours.name));
        }
        if self.row.word == "vm" && FROM_ELSEWHERE.contains(&name) {
            return Some(Place::Property("from"));
        }
        let values = self.row.values;
        let key = values.iter().position(|value| value.key == name);
        let first = || elsewhere::value(self.row.word, name).filter(|at| *at < values.len());
        // Numbers that say what they are are read as such.
        let sized = || unit(name).filter(|_| self.row.word == "memory").map(|_| 0);
        key.or_else(first).or_else(sized).map(Place::Value)
    }

    /// The line as it is written here. `None` where a value would have to be made up, turned into another one or left
    /// out, or where it is not plain what it says.
    pub(super) fn as_written(&self) -> Option<String> {
        let (row, word) = (self.row, self.row.word);
        self.span()?;
        let mut values: Vec<Option<String>> = Vec::new();
        let mut properties: Vec<(&'static str, String)> = Vec::new();
        let mut others: Vec<String> = Vec::new();
        let given = |name: &str| {
            let mut named = self.node.entries().iter().filter_map(KdlEntry::name);
            named.any(|other| self.place(other.value()).is_some_and(|p| is(p, name)))
        };
        // What has no name comes behind what has one elsewhere.
        let (named, nameless): (Vec<&KdlEntry>, Vec<&KdlEntry>) =
            self.node.entries().iter().partition(|e| e.name().is_some());
        for entry in named {
            let name = entry.name()?.value();
            let written = self.written(entry)?;
            if entry.ty().is_some() {
                return None;
            }
            if let Some(other) = self.names_itself(name, entry) {
                others.push(other);
                continue;
            }
            match self.place(name)? {
                Place::Property(ours) => {
                    let known = row.property(ours)?;
                    if properties.iter().any(|(other, _)| *other == ours) {
                        return None;
                    }
                    properties.push((ours, meant::same(known.value, entry.value(), written)?));
                }
                Place::Value(at) => {
                    let one = match (unit(name), entry.value().as_integer()) {
                        (Some(unit), Some(number)) if word == "memory" && number > 0 => {
                            format!("\"{number}{unit}\"")
                        }
                        _ => meant::same(row.value(at)?, entry.value(), written)?,
                    };
                    values.resize(values.len().max(at + 1), None);
                    if values[at].replace(one).is_some() {
                        return None;
                    }
                }
            }
        }
        for entry in nameless {
            let written = self.written(entry)?;
            if entry.ty().is_some() {
                return None;
            }
            let free = values.iter().position(Option::is_none);
            let at = free.unwrap_or(values.len());
            match elsewhere::nameless(word, at).filter(|ours| !given(ours)) {
                Some(ours) if !properties.iter().any(|(other, _)| *other == ours) => {
                    let known = row.property(ours)?;
                    let one = meant::same(known.value, entry.value(), written)?;
                    properties.insert(0, (ours, one));
                }
                _ => {
                    let one = meant::same(row.value(at)?, entry.value(), written)?;
                    match free {
                        Some(at) => values[at] = Some(one),
                        None => values.push(Some(one)),
                    }
                }
            }
        }
        let mut line: Vec<String> = values.into_iter().collect::<Option<_>>()?;
        if !others.is_empty() && word == "set" {
            let several = others.iter().map(|one| format!("set {one}"));
            let alone = line.is_empty() && properties.is_empty();
            return alone.then(|| several.collect::<Vec<_>>().join("; "));
        }
        line.extend(others);
        let least = match (row.values.len(), row.many || !row.list.is_empty()) {
            (0, _) => 0,
            _ if !row.list.is_empty() => 0,
            (_, true) => 1,
            (all, false) => all,
        };
        let lacks = |p: &&crate::language::nodes::Property| {
            !p.lacks.is_empty() && !properties.iter().any(|(name, _)| *name == p.name)
        };
        if line.len() < least || row.properties.iter().any(|p| lacks(&p)) {
            return None;
        }
        line.insert(0, word.to_owned());
        line.extend(
            properties
                .iter()
                .map(|(name, value)| format!("{name}={value}")),
        );
        if word == "vm" {
            line.push("{ … }".to_owned());
        }
        Some(line.join(" "))
    }

    /// A property that is called what its value is here: `kvm=6.8` is the baseline `kvm-6.8`, and `FIELD=1` is a field and
    /// what it is set to.
    fn names_itself(&self, name: &str, entry: &KdlEntry) -> Option<String> {
        let written = self.written(entry)?;
        match (self.row.word, self.row.value(0)) {
            ("set", _) if name.contains('.') => {
                let value = meant::same(self.row.value(1)?, entry.value(), written)?;
                Some(format!("{name:?} {value}"))
            }
            ("abi" | "runs-on", _) => {
                let version = match entry.value() {
                    KdlValue::String(text) => text.as_str(),
                    KdlValue::Integer(_) | KdlValue::Float(_) => written,
                    _ => return None,
                };
                let family = match name {
                    "kvm" | "kernel" | "version" | "release" | "linux" => "kvm",
                    name => name,
                };
                let version = version.strip_prefix("kvm-").unwrap_or(version);
                let one = format!("{family}-{version}");
                names::is_known(&one, &Catalogue::builtin()).then(|| format!("{one:?}"))
            }
            _ => None,
        }
    }

    /// What is said of the properties that the node does not have, where the line cannot be written out.
    fn words(&self, odd: &[&KdlEntry]) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        let mut push = |words: String| {
            if !out.contains(&words) {
                out.push(words);
            }
        };
        let name = |entry: &KdlEntry| entry.name().map_or("", |n| n.value()).to_owned();
        // What is so without several of them is said once.
        let mut left: Vec<&KdlEntry> = odd.to_vec();
        while let Some(first) = left.first().copied() {
            let why = elsewhere::nothing::property(self.row.word, &name(first));
            let alike = |entry: &&KdlEntry| match why {
                Some(_) => elsewhere::nothing::property(self.row.word, &name(entry)) == why,
                None => std::ptr::eq(*entry, first),
            };
            let (same, rest): (Vec<&KdlEntry>, Vec<&KdlEntry>) = left.into_iter().partition(alike);
            left = rest;
            let it = match (same.len() == odd.len(), same.len()) {
                (true, 1) => "it".to_owned(),
                (true, _) => "them".to_owned(),
                (false, _) => called(&same),
            };
            match why {
                Some(words) => push(format!("leave {it} out: {words}")),
                None => push(self.word(&name(first), first)),
            }
        }
        // What else such a line has to say is told with that.
        if odd.iter().any(|entry| self.place(&name(entry)).is_some()) {
            out.extend(self.lacks());
        }
        out
    }

    /// What a line has to say, and does not under any name.
    fn lacks(&self) -> Vec<String> {
        let (row, word) = (self.row, self.row.word);
        let mut out = Vec::new();
        let nameless = self.node.entries().iter().filter(|e| e.name().is_none());
        let count = nameless.count();
        if let Some(value) = row.values.first().filter(|_| row.list.is_empty())
            && count == 0
            && !self.says_value(0)
        {
            out.push(format!("{} stands right behind `{word}`", value.what));
        }
        for property in row.properties.iter().filter(|p| !p.lacks.is_empty()) {
            let behind = (0..count).any(|at| elsewhere::nameless(word, at) == Some(property.name));
            if self.given(property.name) == 0 && !behind {
                out.push(format!("`{word}` needs its `{}`", property.name));
            }
        }
        out
    }

    /// What is said of one of them.
    fn word(&self, name: &str, entry: &KdlEntry) -> String {
        let word = self.row.word;
        if let Some(on) = self.switched(name, entry) {
            return switch(self.row, on, Some(name));
        }
        match self.place(name) {
            Some(Place::Property(ours)) if self.given(ours) > 1 => {
                format!(
                    "`{name}` is called `{ours}` here, which is given more than once: keep one of them"
                )
            }
            Some(Place::Property(ours)) => format!("`{name}` is called `{ours}` here"),
            Some(Place::Value(at)) => {
                let what = self
                    .row
                    .values
                    .get(at)
                    .map_or("a value", |value| value.what);
                let sized = matches!(self.row.value(at), Some(Value::Size(_)));
                match entry
                    .value()
                    .as_integer()
                    .filter(|_| sized && unit(name).is_none())
                {
                    Some(n) => {
                        format!("say its unit, `\"{n}MiB\"` or `\"{n}GiB\"`, right behind `{word}`")
                    }
                    None => format!(
                        "{} stands right behind `{word}`, without a name",
                        what.trim_end_matches(',')
                    ),
                }
            }
            None => self.unknown(name, entry),
        }
    }

    /// How often that property is given, whatever it is called.
    fn given(&self, ours: &str) -> usize {
        let named = self.node.entries().iter().filter_map(KdlEntry::name);
        named
            .filter(|name| {
                self.place(name.value())
                    .is_some_and(|place| is(place, ours))
            })
            .count()
    }

    /// Whether a property turns a feature on or off, whose word alone says that here.
    fn switched(&self, name: &str, entry: &KdlEntry) -> Option<bool> {
        let named = SWITCHES.contains(&name) && is_switch(self.row);
        meant::truth(entry.value()).filter(|_| named)
    }

    /// What is said of a property that is none here, nor anywhere else that is known of.
    fn unknown(&self, name: &str, entry: &KdlEntry) -> String {
        let (row, word) = (self.row, self.row.word);
        let known = row.properties.iter().map(|property| property.name);
        let inside = row.inner(name).is_some();
        let off = word == "cpu" && meant::truth(entry.value()) == Some(false);
        if let Some(words) = did_you_mean(name, known.clone()) {
            return words;
        }
        match word {
            "cpu" if inside && off => return format!("leave it out: without `{name}` it is off"),
            "vm" | "cpu" if inside => {
                return format!("`{name}` stands inside the block: `{word} … {{ {name} … }}`");
            }
            "vm" if elsewhere::counts(name) => {
                let count = self.written(entry).unwrap_or("2");
                return format!(
                    "how many vCPUs there are stands in the line of `cpu`: `cpu \"…\" count={count}`"
                );
            }
            "hide" => {
                return format!(
                    "a feature is hidden by its name alone, as in `{}`; what is not hidden is left out",
                    row.example
                );
            }
            "set" => return format!("`set` takes a field and its value, as in `{}`", row.example),
            _ => {}
        }
        let has = match known.len() {
            0 => format!("`{word}` has no properties"),
            _ => {
                let names: Vec<String> = known.map(|name| format!("`{name}`")).collect();
                format!("`{word}` has {}", join(&names))
            }
        };
        let nameless = self
            .node
            .entries()
            .iter()
            .any(|entry| entry.name().is_none());
        match row
            .values
            .first()
            .filter(|_| !nameless && row.list.is_empty())
        {
            Some(value) if !self.says_value(0) => {
                format!(
                    "{has}; {} stands right behind `{word}`, without a name",
                    value.what
                )
            }
            _ => has,
        }
    }

    /// Whether a property says the value with that number.
    fn says_value(&self, at: usize) -> bool {
        let mut named = self.node.entries().iter().filter_map(KdlEntry::name);
        named.any(|name| self.place(name.value()) == Some(Place::Value(at)))
    }
}

/// What a feature is turned on and off by elsewhere.
const SWITCHES: [&str; 9] = [
    "state", "enabled", "enable", "status", "value", "on", "active", "present", "policy",
];

/// Codes of findings on what a line is made of, and on single values of it.
const OF_LINES: [&str; 4] = [
    "spec::unknown-property",
    "spec::unexpected-argument",
    "spec::missing",
    "spec::wrong-type",
];
const OF_VALUES: [&str; 10] = [
    "spec::type-annotation",
    "spec::unknown-console",
    "spec::unknown-arch",
    "spec::unknown-across-saves",
    "spec::memory-size",
    "spec::disk-size",
    "spec::out-of-range",
    "spec::cpu-count",
    "spec::duplicate-property",
    "spec::unexpected-block",
];

/// Whether the word of a node alone turns something on.
pub(super) fn is_switch(row: &Node) -> bool {
    !row.list.is_empty() || row.form == Form::Truth || row.word == "rng"
}

/// What is said of a word that is turned on or off.
pub(super) fn switch(row: &Node, on: bool, name: Option<&str>) -> String {
    let word = row.word;
    match (on, name) {
        (false, _) if row.list.is_empty() => {
            format!("leave the line out: without `{word}` there is none")
        }
        (false, _) => format!("leave the line out: without `{word}` it is off"),
        (true, Some(name)) => format!("leave `{name}` out: the word alone asks for it"),
        (true, None) => "the word alone asks for it; without it there is none".to_owned(),
    }
}

/// The names of properties, for people.
fn called(entries: &[&KdlEntry]) -> String {
    let name = |entry: &&KdlEntry| format!("`{}`", entry.name().map_or("", |n| n.value()));
    join(&entries.iter().map(name).collect::<Vec<String>>())
}

/// A name without what other languages part its words by.
fn plain(name: &str) -> String {
    let parts = name.split(['-', '_']).collect::<String>();
    parts.to_ascii_lowercase()
}

/// The unit that a size's name says.
fn unit(name: &str) -> Option<&'static str> {
    let last = name.rsplit(['-', '_']).next()?.to_ascii_lowercase();
    let units = [
        ("kib", "KiB"),
        ("mib", "MiB"),
        ("gib", "GiB"),
        ("tib", "TiB"),
    ];
    units
        .iter()
        .find(|(name, _)| *name == last)
        .map(|(_, unit)| *unit)
}

fn is(place: Place, name: &str) -> bool {
    matches!(place, Place::Property(ours) if ours == name)
}

impl Decoder<'_> {
    /// Reports the properties of a node that it does not have, in one finding.
    pub(super) fn odd_ones(&mut self, row: &'static Node, node: &KdlNode, odd: &[&KdlEntry]) {
        let Some((first, rest)) = odd.split_first() else {
            return;
        };
        let source = self.source;
        let line = Line::new(row, node, &source.text);
        let name = |entry: &KdlEntry| entry.name().map_or("", |n| n.value()).to_owned();
        let of_nothing = |entry: &KdlEntry| {
            let none = line.place(&name(entry)).is_none();
            none && elsewhere::nothing::property(row.word, &name(entry)).is_some()
        };
        for entry in odd {
            self.resembles(&name(entry), row.properties.iter().map(|known| known.name));
            if let Some(Place::Property(ours)) = line.place(&name(entry)) {
                self.misspelt.insert(ours);
            }
        }
        // What such a line lacks is what they were meant to be.
        if odd.iter().any(|entry| !of_nothing(entry)) {
            self.odd.insert(head(node).start);
        }
        let alone = match line.place(&name(first)) {
            Some(Place::Property(ours)) if rest.is_empty() && line.given(ours) == 1 => {
                let kind = row.property(ours).map(|property| property.value);
                let same = kind.zip(line.written(first));
                let same = same.and_then(|(kind, text)| meant::same(kind, first.value(), text));
                same.map(|value| format!("write `{ours}={value}`"))
            }
            _ => None,
        };
        let help = match line.as_written() {
            Some(written) => vec![alone.unwrap_or_else(|| format!("write `{written}`"))],
            None => line.words(odd),
        };
        let properties = if rest.is_empty() {
            "property"
        } else {
            "properties"
        };
        let message = format!("`{}` has no {properties} {}", row.word, called(odd));
        let mut found = Diagnostic::error("spec::unknown-property", message);
        for entry in odd {
            let span = match (of_nothing(entry), entry.name()) {
                (false, Some(name)) => range(name.span()),
                _ => range(entry.span()),
            };
            // Side by side they are one.
            match found.labels.last_mut().filter(|_| of_nothing(entry)) {
                Some(last)
                    if source
                        .text
                        .get(last.span.end..span.start)
                        .is_some_and(|s| s.trim().is_empty()) =>
                {
                    last.span.end = span.end;
                }
                _ => found = found.at(source, span, "unknown"),
            }
        }
        found.help = help;
        self.found.push(found);
    }

    /// Makes one finding of all that was found of a line since then.
    pub(super) fn in_one(&mut self, row: &'static Node, node: &KdlNode, since: usize) {
        let source = self.source;
        let line = Line::new(row, node, &source.text);
        // Names of labels are their author's: each is by itself what is wrong with it.
        let Some(span) = line.span().filter(|_| row.form != Form::Labels) else {
            return;
        };
        let of_line = |found: &Diagnostic| {
            let known = OF_LINES.contains(&found.code) || OF_VALUES.contains(&found.code);
            let here = found
                .labels
                .first()
                .is_some_and(|label| span.contains(&label.span.start));
            let of_block = found.message.iter().any(|words| words.starts_with(LACKS));
            known && here && !of_block
        };
        let all = self.found.get(since..).unwrap_or_default();
        let shapes = all.iter().filter(|found| of_line(found));
        let shaped = shapes.clone().any(|found| OF_LINES.contains(&found.code));
        if shapes.count() < 2 || !shaped {
            return;
        }
        let (mut of_this, rest): (Vec<Diagnostic>, Vec<Diagnostic>) =
            self.found.drain(since..).partition(|found| of_line(found));
        self.found.extend(rest);
        // What is missing comes behind what is there.
        let at = |found: &Diagnostic| found.labels.first().map_or(0, |label| label.span.start);
        of_this.sort_by_key(|found| (found.code == "spec::missing", at(found)));
        // Beside other words it has to be said what is to be left out.
        let odd = node.entries().iter().filter(|entry| {
            let name = entry.name().map(|name| name.value());
            name.is_some_and(|name| row.property(name).is_none())
        });
        let odd = called(&odd.collect::<Vec<&KdlEntry>>());
        for found in of_this
            .iter_mut()
            .filter(|f| f.code == "spec::unknown-property")
        {
            for help in &mut found.help {
                for it in ["leave it out:", "leave them out:"] {
                    if let Some(rest) = help.strip_prefix(it) {
                        *help = format!("leave {odd} out:{rest}");
                    }
                }
            }
        }
        let mut of_this = of_this.into_iter();
        let Some(mut one) = of_this.next() else {
            return;
        };
        for other in of_this {
            let new = other.message.into_iter();
            let new: Vec<String> = new.filter(|words| !one.message.contains(words)).collect();
            one.message.extend(new);
            one.labels.extend(other.labels);
            let new = other
                .help
                .into_iter()
                .filter(|help| !one.help.contains(help));
            let new: Vec<String> = new.collect();
            one.help.extend(new);
        }
        if let Some(line) = line.as_written() {
            one.help = vec![format!("write `{line}`")];
        }
        self.found.push(one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::nodes;
    use kdl::KdlDocument;

    /// A line, and how it is written here.
    const KEPT: [(&str, &str, &str); 30] = [
        ("disk", "name=\"root\" file=\"a\"", "\"root\" path=\"a\""),
        (
            "disk",
            "id=\"root\" source=\"a\" ro=\"on\"",
            "\"root\" path=\"a\" read-only=#true",
        ),
        (
            "disk",
            "\"root\" img=\"a\" capacity=\"1GiB\"",
            "\"root\" path=\"a\" size=\"1GiB\"",
        ),
        (
            "disk",
            "\"root\" \"a\" readOnly=0",
            "\"root\" path=\"a\" read-only=#false",
        ),
        (
            "disk",
            "\"root\" path=a serial=1",
            "\"root\" path=a serial=\"1\"",
        ),
        (
            "net",
            "\"lan\" ifname=\"t0\" hwaddr=\"m\"",
            "\"lan\" tap=\"t0\" mac=\"m\"",
        ),
        ("net", "\"lan\" \"t5\"", "\"lan\" tap=\"t5\""),
        (
            "net",
            "name=\"lan\" dev=\"t0\" mtu=\"1500\"",
            "\"lan\" tap=\"t0\" mtu=1500",
        ),
        (
            "net",
            "\"lan\" tap=\"t0\" mtu=1500.0",
            "\"lan\" tap=\"t0\" mtu=1500",
        ),
        ("vsock", "guest_cid=\"7\"", "cid=7"),
        ("vsock", "7", "cid=7"),
        ("memory", "size=\"1GiB\"", "\"1GiB\""),
        ("memory", "mem_size_mib=512", "\"512MiB\""),
        ("cpu", "model=\"n1\" vcpus=2", "\"n1\" count=2"),
        ("cpu", "\"n1\" smp=2.0", "\"n1\" count=2"),
        ("cpu", "\"n1\" 2", "\"n1\" count=2"),
        (
            "pmu",
            "counters=\"0x4\" version=3.1",
            "counters=0x4 version=\"3.1\"",
        ),
        ("hide", "feature=\"crc32\"", "\"crc32\""),
        ("set", "field=\"A_EL1.B\" value=\"0x1\"", "\"A_EL1.B\" 0x1"),
        ("set", "A_EL1.B=1", "\"A_EL1.B\" 1"),
        ("set", "\"A_EL1.B\" to=1", "\"A_EL1.B\" 1"),
        (
            "boot",
            "image=\"k\" append=\"q\" initramfs=\"i\"",
            "kernel=\"k\" cmdline=\"q\" initrd=\"i\"",
        ),
        ("boot", "\"k\" append=\"q\"", "kernel=\"k\" cmdline=\"q\""),
        (
            "boot",
            "kernel=\"k\" any_file=1",
            "kernel=\"k\" any-file=#true",
        ),
        ("allow", "code=\"c\" why=\"x\"", "\"c\" reason=\"x\""),
        (
            "allow",
            "\"c\" \"A.B\" because=\"x\"",
            "\"c\" \"A.B\" reason=\"x\"",
        ),
        ("abi", "kvm=\"6.8\" psci=1.1", "\"kvm-6.8\" \"psci-1.1\""),
        ("abi", "baseline=\"kvm-6.8\"", "\"kvm-6.8\""),
        ("runs-on", "kernel=\"6.12\"", "\"kvm-6.12\""),
        ("arch", "value=\"arm64\"", "\"arm64\""),
    ];

    /// Lines that cannot be written out without making something up, turning it into another, or losing it.
    const LOST: [(&str, &str); 46] = [
        ("disk", "path=\"a\""),
        ("disk", "\"root\""),
        ("disk", "\"root\" size=\"1GiB\""),
        ("disk", "file=\"a\" format=\"b\""),
        ("disk", "\"root\" file=\"a\" format=\"raw\""),
        ("disk", "\"root\" file=\"a\" source=\"b\""),
        ("disk", "\"root\" path=\"a\" file=\"b\""),
        ("disk", "\"root\" path=\"a\" size=10"),
        ("disk", "\"root\" path=\"a\" size=\"10G\""),
        ("disk", "\"root\" path=\"a\" ro=\"maybe\""),
        ("disk", "\"root\" \"a\" \"ro\""),
        ("disk", "name=\"a\" id=\"b\" path=\"c\""),
        ("disk", "\"root\" path=#null"),
        ("disk", "\"root\" file=\"a\" /* so */ ro=#true"),
        ("net", "ifname=\"t0\""),
        ("net", "type=\"tap\" ifname=\"t0\""),
        ("net", "\"lan\" tap=\"t0\" mtu=1500.5"),
        ("vsock", "\"v\""),
        ("vsock", "id=\"v\" cid=3"),
        ("memory", "size=1024"),
        ("memory", "size=\"512M\""),
        ("memory", "size=\"1GiB\" slots=2"),
        ("memory", "\"1GiB\" \"2GiB\""),
        ("memory", "mib=0"),
        ("cpu", "vcpus=2"),
        ("cpu", "model=\"n1\""),
        ("cpu", "\"n1\" vcpus=2.5"),
        ("cpu", "\"n1\" vcpus=2 mode=\"host\""),
        ("cpu", "\"n1\" cores=2 threads=2 count=4"),
        ("cpu", "\"n1\" count=2 pmu=#false"),
        ("pmu", "state=\"off\""),
        ("pmu", "state=\"on\""),
        ("pmu", "#false"),
        ("rng", "model=\"virtio\""),
        ("hide", "x=#false"),
        ("hide", "crc32=#true"),
        ("hide", "#false"),
        ("set", "A_EL1.B=#true"),
        ("set", "\"A_EL1.B\" 1 why=\"x\""),
        ("set", "reg=\"A_EL1\" B=1"),
        ("boot", "append=\"q\""),
        ("boot", "kernel=\"k\" initrd=#null"),
        ("boot", "\"k\" \"i\""),
        ("allow", "why=\"x\""),
        ("allow", "\"c\" why=\"x\" until=\"2027\""),
        ("abi", "kvm=\"99\""),
    ];

    fn written(word: &str, said: &str) -> Option<String> {
        let text = format!("{word} {said}\n");
        let document = KdlDocument::parse_v2(&text).unwrap();
        let row = nodes::every(nodes::VM.block)
            .into_iter()
            .find(|row| row.word == word);
        // `allow` is a word of `pmu`, too.
        let row = nodes::VM.inner(word).or(row).unwrap();
        Line::new(row, &document.nodes()[0], &text).as_written()
    }

    #[test]
    fn a_line_is_written_out_only_where_all_that_it_says_is_kept() {
        for (word, said, here) in KEPT {
            assert_eq!(
                written(word, said),
                Some(format!("{word} {here}")),
                "{said}"
            );
            // One that is right already is the same, and one that says more is none.
            assert_eq!(
                written(word, here),
                Some(format!("{word} {here}")),
                "{here}"
            );
            for more in ["frobnicate=\"x\"", "frobnicate=#null", "(u8)\"x\""] {
                assert_eq!(
                    written(word, &format!("{said} {more}")),
                    None,
                    "{said} {more}"
                );
            }
        }
        for (word, said) in LOST {
            assert_eq!(written(word, said), None, "{word} {said}");
        }
    }
}
