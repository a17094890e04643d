//! A device tree: nodes and properties, as text for people and as bytes for a
//! guest (Devicetree Specification v0.4 chapter 5).
//!
//! The bytes are frozen: a lock holds the digest of them. Nodes and properties
//! stand in the order in which they were added, strings in the order of their
//! first use, each once.

use crate::lock::hex::write_digits;
use std::borrow::Cow;
use std::fmt::Write as _;

/// What a property holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing: it is there or not.
    Empty,
    /// Texts, each ended by a zero byte.
    Texts(Vec<String>),
    /// Numbers of 32 bits.
    Cells(Vec<u32>),
    /// Numbers of 64 bits.
    Wide(Vec<u64>),
}

/// A node with its properties and children.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Node {
    /// Its name with the unit address; empty for the root.
    pub name: String,
    /// Its properties, in order.
    pub properties: Vec<(Cow<'static, str>, Value)>,
    /// Its children, in order.
    pub children: Vec<Node>,
}

impl Node {
    /// A node without anything in it.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }
    /// Adds a property that is there.
    pub fn flag(&mut self, name: &'static str) -> &mut Self {
        self.property(name, Value::Empty)
    }
    /// Adds a text.
    pub fn text(&mut self, name: &'static str, text: &str) -> &mut Self {
        self.texts(name, &[text])
    }
    /// Adds texts.
    pub fn texts(&mut self, name: &'static str, texts: &[&str]) -> &mut Self {
        let texts = texts.iter().map(|&t| t.to_owned()).collect();
        self.property(name, Value::Texts(texts))
    }
    /// Adds numbers of 32 bits.
    pub fn cells(&mut self, name: impl Into<Cow<'static, str>>, cells: &[u32]) -> &mut Self {
        self.property(name, Value::Cells(cells.to_vec()))
    }
    /// Adds numbers of 64 bits.
    pub fn wide(&mut self, name: &'static str, numbers: &[u64]) -> &mut Self {
        self.property(name, Value::Wide(numbers.to_vec()))
    }
    /// Adds a child.
    pub fn child(&mut self, child: Node) -> &mut Self {
        self.children.push(child);
        self
    }
    fn property(&mut self, name: impl Into<Cow<'static, str>>, value: Value) -> &mut Self {
        self.properties.push((name.into(), value));
        self
    }

    /// The tree in words, a property to a line, each of which ends.
    pub fn words(&self) -> String {
        let mut out = String::new();
        self.write_lines(0, &mut out);
        out
    }

    fn write_lines(&self, depth: usize, out: &mut String) {
        let indent = |depth: usize, out: &mut String| (0..depth).for_each(|_| out.push_str("  "));
        let name = if depth == 0 { "/" } else { &self.name };
        indent(depth, out);
        out.push_str(name);
        out.push('\n');
        for (name, value) in &self.properties {
            indent(depth + 1, out);
            out.push_str(name);
            value.write_words(out);
            out.push('\n');
        }
        for child in &self.children {
            child.write_lines(depth + 1, out);
        }
    }

    /// The flattened tree, which the guest gets.
    pub fn bytes(&self) -> Vec<u8> {
        const HEADER: u32 = 40;
        // The reservation map is the entry of zeros that ends it.
        const RESERVATIONS: u32 = 16;
        const VERSION: u32 = 17;
        const LAST_COMPATIBLE: u32 = 16;
        let (mut structure, mut strings) = (Vec::new(), Strings::default());
        self.flatten(&mut structure, &mut strings);
        word(&mut structure, END);
        let structure_at = HEADER + RESERVATIONS;
        let strings_at = structure_at + structure.len() as u32;
        let total = strings_at + strings.bytes.len() as u32;
        let mut out = Vec::with_capacity(total as usize);
        for value in [
            MAGIC,
            total,
            structure_at,
            strings_at,
            HEADER,
            VERSION,
            LAST_COMPATIBLE,
            0, // the CPU that boots
            strings.bytes.len() as u32,
            structure.len() as u32,
        ] {
            word(&mut out, value);
        }
        out.extend([0; RESERVATIONS as usize]);
        out.extend(structure);
        out.extend(strings.bytes);
        out
    }

    fn flatten<'a>(&'a self, out: &mut Vec<u8>, strings: &mut Strings<'a>) {
        word(out, BEGIN_NODE);
        ended(out, &self.name);
        pad(out);
        for (name, value) in &self.properties {
            word(out, PROP);
            word(out, value.size() as u32);
            word(out, strings.offset(name));
            value.write_bytes(out);
            pad(out);
        }
        for child in &self.children {
            child.flatten(out, strings);
        }
        word(out, END_NODE);
    }
}

impl Value {
    /// Adds what a line says of it behind the name.
    fn write_words(&self, line: &mut String) {
        match self {
            Value::Empty => {}
            Value::Texts(texts) => {
                line.push_str(" = ");
                for (at, text) in texts.iter().enumerate() {
                    line.push_str(if at == 0 { "" } else { ", " });
                    quote(text, line);
                }
            }
            Value::Cells(cells) => {
                line.push_str(" = ");
                write_numbers(cells, line);
            }
            Value::Wide(numbers) => {
                line.push_str(" = 64 bits ");
                write_numbers(numbers, line);
            }
        }
    }

    /// How many bytes it is.
    fn size(&self) -> usize {
        match self {
            Value::Empty => 0,
            Value::Texts(texts) => texts.iter().map(|t| t.len() + 1).sum(),
            Value::Cells(cells) => 4 * cells.len(),
            Value::Wide(numbers) => 8 * numbers.len(),
        }
    }

    fn write_bytes(&self, out: &mut Vec<u8>) {
        match self {
            Value::Empty => {}
            Value::Texts(texts) => texts.iter().for_each(|text| ended(out, text)),
            Value::Cells(cells) => cells.iter().for_each(|c| out.extend(c.to_be_bytes())),
            Value::Wide(numbers) => numbers.iter().for_each(|n| out.extend(n.to_be_bytes())),
        }
    }
}

const MAGIC: u32 = 0xd00d_feed;
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROP: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;

fn word(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_be_bytes());
}

/// Adds a text and the zero byte that ends it.
fn ended(out: &mut Vec<u8>, text: &str) {
    out.extend(text.as_bytes());
    out.push(0);
}

fn pad(out: &mut Vec<u8>) {
    out.resize(out.len().next_multiple_of(4), 0);
}

/// The names of properties, each once: there are few.
#[derive(Default)]
struct Strings<'a> {
    bytes: Vec<u8>,
    at: Vec<(&'a str, u32)>,
}

impl<'a> Strings<'a> {
    fn offset(&mut self, name: &'a str) -> u32 {
        if let Some((_, at)) = self.at.iter().find(|(known, _)| *known == name) {
            return *at;
        }
        let at = self.bytes.len() as u32;
        ended(&mut self.bytes, name);
        self.at.push((name, at));
        at
    }
}

/// Adds numbers between angle brackets.
fn write_numbers<N: Copy + Into<u64>>(numbers: &[N], line: &mut String) {
    line.push('<');
    for (at, number) in numbers.iter().enumerate() {
        let number = (*number).into();
        let bits = u64::BITS - number.leading_zeros();
        line.push_str(if at == 0 { "0x" } else { " 0x" });
        write_digits(number, bits.div_ceil(4).max(1), line);
    }
    line.push('>');
}

/// Adds a text between apostrophes; what would not be seen as it is is escaped.
fn quote(text: &str, line: &mut String) {
    line.push('\'');
    for c in text.chars() {
        match c {
            '\'' | '\\' => line.extend(['\\', c]),
            _ if c.is_control() => {
                let _ = write!(line, "\\u{{{:x}}}", c as u32);
            }
            _ => line.push(c),
        }
    }
    line.push('\'');
}

/// One property of a flattened tree: the path of its node, its name, and where its value lies.
struct Property<'a> {
    path: String,
    name: &'a [u8],
    value: std::ops::Range<usize>,
}

/// Walks a flattened tree that may hold anything; `None` in the end where it is none.
struct Walk<'a> {
    bytes: &'a [u8],
    strings: usize,
    at: usize,
    path: Vec<&'a [u8]>,
}

impl<'a> Walk<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let mut walk = Self {
            bytes,
            strings: 0,
            at: 0,
            path: Vec::new(),
        };
        if walk.word(0)? != MAGIC {
            return None;
        }
        walk.strings = walk.word(12)? as usize;
        walk.at = walk.word(8)? as usize;
        Some(walk)
    }

    fn word(&self, at: usize) -> Option<u32> {
        let bytes = self.bytes.get(at..at.checked_add(4)?)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }

    fn string(&self, at: usize) -> Option<&'a [u8]> {
        let rest = self.bytes.get(at..)?;
        rest.get(..rest.iter().position(|b| *b == 0)?)
    }

    /// The next property; `Ok(None)` behind the last one, `Err` where there is no tree.
    fn next(&mut self) -> Option<Result<Property<'a>, ()>> {
        loop {
            let Some(token) = self.word(self.at) else {
                return Some(Err(()));
            };
            self.at += 4;
            match token {
                BEGIN_NODE => {
                    let Some(name) = self.string(self.at) else {
                        return Some(Err(()));
                    };
                    self.at = (self.at + name.len() + 1).next_multiple_of(4);
                    self.path.push(name);
                }
                END_NODE => {
                    self.path.pop();
                }
                PROP => return Some(self.property().ok_or(())),
                NOP => {}
                END => return None,
                _ => return Some(Err(())),
            }
        }
    }

    fn property(&mut self) -> Option<Property<'a>> {
        let length = self.word(self.at)? as usize;
        let label = self
            .strings
            .checked_add(self.word(self.at.checked_add(4)?)? as usize)?;
        let start = self.at.checked_add(8)?;
        let end = start.checked_add(length)?;
        self.bytes.get(start..end)?;
        self.at = end.checked_next_multiple_of(4)?;
        let names = self.path.iter().skip(1);
        let path: String = names
            .map(|name| format!("/{}", String::from_utf8_lossy(name)))
            .collect();
        Some(Property {
            path: if path.is_empty() {
                "/".to_owned()
            } else {
                path
            },
            name: self.string(label)?,
            value: start..end,
        })
    }
}

/// Where a flattened tree first says something else than it should, in words; `None` where both are the same bytes.
pub fn difference(expected: &[u8], found: &[u8]) -> Option<String> {
    if expected == found {
        return None;
    }
    let broken = || "it is no flattened device tree".to_owned();
    let (Some(mut wanted), Some(mut had)) = (Walk::new(expected), Walk::new(found)) else {
        return Some(broken());
    };
    let named = |p: &Property| {
        let name = String::from_utf8_lossy(p.name).escape_debug().to_string();
        format!("`{name}` of {}", p.path.escape_debug())
    };
    loop {
        match (wanted.next(), had.next()) {
            (_, Some(Err(()))) | (Some(Err(())), _) => return Some(broken()),
            (Some(Ok(a)), Some(Ok(b))) => {
                if (&a.path, a.name) != (&b.path, b.name) {
                    let words = format!("{} stands where {} belongs", named(&b), named(&a));
                    return Some(words);
                }
                let (value, other) = (&expected[a.value.clone()], &found[b.value.clone()]);
                if value != other {
                    return Some(format!(
                        "{} is {}, and the machine has {}",
                        named(&b),
                        hex(other),
                        hex(value)
                    ));
                }
            }
            (Some(Ok(a)), None) => return Some(format!("{} is missing", named(&a))),
            (None, Some(Ok(b))) => return Some(format!("{} is too much", named(&b))),
            (None, None) => return Some("it is laid out otherwise".to_owned()),
        }
    }
}

/// A property's value for a message: text where it is some, else words of 32 bits.
fn hex(value: &[u8]) -> String {
    const SHOWN: usize = 64;
    let printable = |b: &u8| (0x20..0x7f).contains(b);
    match value.strip_suffix(&[0]) {
        Some(text) if !text.is_empty() && text.iter().all(printable) => {
            let text = &text[..text.len().min(SHOWN)];
            format!("\"{}\"", String::from_utf8_lossy(text).escape_debug())
        }
        _ => {
            let mut out = String::from("<");
            for (index, chunk) in value.chunks(4).take(SHOWN / 4).enumerate() {
                if index > 0 {
                    out.push(' ');
                }
                out.push_str("0x");
                for byte in chunk {
                    let _ = write!(out, "{byte:02x}");
                }
            }
            out.push('>');
            out
        }
    }
}

/// `/chosen`'s property of the initial RAM file system's first address.
pub const INITRD_START: &str = "linux,initrd-start";
/// `/chosen`'s property of the address behind it.
pub const INITRD_END: &str = "linux,initrd-end";
/// `/chosen`'s property from which a kernel takes the randomness of its addresses (arch/arm64/kernel/pi/kaslr_early.c).
pub const KASLR_SEED: &str = "kaslr-seed";

/// Fills in where the initial RAM file system lies. The tree may come from
/// anywhere: nothing outside `tree` is touched, and no content panics.
///
/// # Errors
/// When `tree` is not a flattened device tree with both properties.
pub fn patch_initrd(tree: &mut [u8], start: u64, end: u64) -> Result<(), &'static str> {
    for (name, value) in [(INITRD_START, start), (INITRD_END, end)] {
        let at = find_u64(tree, name).ok_or("the FDT has no place for the initrd's address")?;
        tree[at..at + 8].copy_from_slice(&value.to_be_bytes());
    }
    Ok(())
}

/// Fills in the seed of a kernel's addresses; no content panics.
///
/// # Errors
/// When `tree` is not a flattened device tree with that property.
pub fn patch_seed(tree: &mut [u8], seed: [u8; 8]) -> Result<(), &'static str> {
    let at = find_u64(tree, KASLR_SEED).ok_or("the FDT has no place for the kernel's seed")?;
    tree[at..at + 8].copy_from_slice(&seed);
    Ok(())
}

/// Offset of the 8-byte value of the first property of that name.
fn find_u64(tree: &[u8], name: &str) -> Option<usize> {
    let mut walk = Walk::new(tree)?;
    loop {
        let property = walk.next()?.ok()?;
        if property.name == name.as_bytes() && property.value.len() == 8 {
            return Some(property.value.start);
        }
    }
}
