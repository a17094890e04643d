//! What the portable witness writes to a console: its records as lines of text that are found between anybody's
//! noise, with numbers and checks by which what is missing, damaged or cut off is noticed.
//!
//! ```text
//! vmlock1:0 begin witness=0.1.0 wire=4 vcpus=2 el=1 uart=pl011@9000000 gic=v3@8000000 psci=hvc ~93ab
//! vmlock1:1 v0 1 c000=413fd0c1 c006!1 c080=1100000010111112 ~0c71
//! vmlock1:2 v1 1 c000*2b c005=80000001 ~52e0
//! vmlock1:3 v1 end 2c 1 ~8842
//! vmlock1:4 end 57 1f4a77c0 ~77c0
//! ```
//!
//! A line is [`MARK`], its number, what it says, and the lower half of the [`Sum`] over all that the lines have said
//! so far. Numbers are hexadecimal. `v0 1` is vCPU 0 and a [`crate::Kind`]; then come records: `id=value`; `id!status`
//! or `id!status.value`, where the status is not that of a value; `id*count` where a vCPU saw of `count` records in turn
//! what vCPU 0 saw, beginning with that id. `v1 end` has the number of records and the state of the area
//! ([`crate::AreaHeader::done`]); `end` has the number of all records and the whole sum.

use crate::STATUS_VALUE;

/// Begins each line; the number is the version of the format.
pub const MARK: &str = "vmlock1:";
/// What [`MARK`] is without its version and the colon.
pub const NAME: &str = "vmlock";
/// The oldest [`crate::VERSION`] of which every record means what it means today: accounts of witnesses since then are
/// read. An older witness looks at fewer things, and what it has not looked at is not seen.
pub const OLDEST: u32 = 4;
const _: () = assert!(OLDEST <= crate::VERSION);
/// A line is ended when it has this many bytes; none has more than [`LINE_MAX`].
const WIDTH: usize = 96;
/// The most bytes of a line.
const LINE_MAX: usize = 256;

/// A running CRC-32 (IEEE 802.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sum(u32);

impl Sum {
    /// Of nothing.
    pub const EMPTY: Self = Self(!0);

    /// With these bytes behind the others.
    pub fn with(self, bytes: &[u8]) -> Self {
        let byte = |sum: u32, byte: &u8| {
            let mut sum = sum ^ u32::from(*byte);
            for _ in 0..8 {
                sum = sum >> 1 ^ if sum & 1 == 1 { 0xedb8_8320 } else { 0 };
            }
            sum
        };
        Self(bytes.iter().fold(self.0, byte))
    }

    /// Its value.
    pub fn value(self) -> u32 {
        !self.0
    }
}

/// A record of one vCPU, without the vCPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// [`crate::kind_of`] as a number.
    pub kind: u64,
    /// [`crate::id_of`].
    pub id: u64,
    /// [`crate::Record::status`].
    pub status: u32,
    /// [`crate::Record::value`].
    pub value: u64,
}

/// Writes lines to `out`, byte by byte.
pub struct Writer<F: FnMut(u8)> {
    out: F,
    line: [u8; LINE_MAX],
    length: usize,
    lines: u64,
    records: u64,
    sum: Sum,
    /// vCPU and kind of the line that is open.
    open: Option<(u32, u64)>,
}

impl<F: FnMut(u8)> Writer<F> {
    /// Has written nothing yet.
    pub fn new(out: F) -> Self {
        Self {
            out,
            line: [0; LINE_MAX],
            length: 0,
            lines: 0,
            records: 0,
            sum: Sum::EMPTY,
            open: None,
        }
    }

    /// Adds text to the line; beyond its end there is none.
    pub fn text(&mut self, text: &str) {
        for byte in text.bytes() {
            if let Some(slot) = self.line.get_mut(self.length) {
                *slot = byte;
                self.length += 1;
            }
        }
    }

    /// Adds a number in hexadecimal digits, as few as it takes.
    pub fn number(&mut self, number: u64) {
        let digits = (64 - number.leading_zeros()).div_ceil(4).max(1);
        self.digits(number, digits);
    }

    fn digits(&mut self, number: u64, digits: u32) {
        for at in (0..digits).rev() {
            let digit = (number >> (4 * at) & 15) as usize;
            if let Some(digit) = "0123456789abcdef".get(digit..=digit) {
                self.text(digit);
            }
        }
    }

    /// Ends a line, if one is open.
    pub fn end_line(&mut self) {
        self.open = None;
        if self.length == 0 {
            return;
        }
        let said = core::mem::take(&mut self.length);
        let line = self.line;
        let said = line.get(..said).unwrap_or_default();
        self.sum = self.sum.with(said);
        self.text(MARK);
        self.number(self.lines);
        self.text(" ");
        self.put();
        for byte in said {
            (self.out)(*byte);
        }
        self.text(" ~");
        self.digits(u64::from(self.sum.value() & 0xffff), 4);
        self.text("\r\n");
        self.put();
        self.lines += 1;
    }

    /// Writes out what is in the line, which is empty then.
    fn put(&mut self) {
        let length = core::mem::take(&mut self.length);
        for byte in self.line.iter().take(length) {
            (self.out)(*byte);
        }
    }

    /// Opens a line for records of that vCPU and kind, if none is.
    fn open(&mut self, vcpu: u32, kind: u64) {
        if self.open == Some((vcpu, kind)) && self.length < WIDTH {
            return;
        }
        self.end_line();
        self.text("v");
        self.number(vcpu.into());
        self.text(" ");
        self.number(kind);
        self.open = Some((vcpu, kind));
    }

    /// A record.
    pub fn record(&mut self, vcpu: u32, entry: Entry) {
        self.open(vcpu, entry.kind);
        self.text(" ");
        self.number(entry.id);
        if entry.status == STATUS_VALUE {
            self.text("=");
            self.number(entry.value);
        } else {
            self.text("!");
            self.number(entry.status.into());
            if entry.value != 0 {
                self.text(".");
                self.number(entry.value);
            }
        }
        self.records += 1;
    }

    /// As many records, beginning with this one, as vCPU 0 has them.
    pub fn same(&mut self, vcpu: u32, first: Entry, count: u64) {
        self.open(vcpu, first.kind);
        self.text(" ");
        self.number(first.id);
        self.text("*");
        self.number(count);
        self.records += count;
    }

    /// The end of a vCPU's records.
    pub fn end_vcpu(&mut self, vcpu: u32, records: u64, done: u32) {
        self.end_line();
        self.text("v");
        self.number(vcpu.into());
        self.text(" end ");
        self.number(records);
        self.text(" ");
        self.number(done.into());
        self.end_line();
    }

    /// The end of everything. The sum is that of all lines before.
    pub fn end(&mut self) {
        self.end_line();
        self.text("end ");
        self.number(self.records);
        self.text(" ");
        let sum = self.sum.value();
        self.digits(sum.into(), 8);
        self.end_line();
    }
}

/// Writes the records of one vCPU: of others than vCPU 0 only what differs from `first`, vCPU 0's own.
///
/// `entries` and `first` give the record at a place, and nothing behind the last.
pub fn vcpu<F: FnMut(u8)>(
    writer: &mut Writer<F>,
    vcpu: u32,
    done: u32,
    entries: impl Fn(usize) -> Option<Entry>,
    first: impl Fn(usize) -> Option<Entry>,
) {
    let mut at = 0;
    // Both lists are in the order in which the witness looks.
    let mut seek = 0;
    while let Some(entry) = entries(at) {
        let same_thing = |there: &usize| {
            first(*there).is_some_and(|other| (other.kind, other.id) == (entry.kind, entry.id))
        };
        let mut ahead = (seek..).take_while(|there| vcpu != 0 && first(*there).is_some());
        let found = ahead
            .find(same_thing)
            .filter(|there| first(*there) == Some(entry));
        let Some(there) = found else {
            writer.record(vcpu, entry);
            at += 1;
            continue;
        };
        let alike = |count: &usize| {
            let next = entries(at + count);
            next.is_some_and(|next| next.kind == entry.kind) && next == first(there + count)
        };
        let count = (1..).take_while(alike).count() + 1;
        writer.same(vcpu, entry, count as u64);
        at += count;
        seek = there + count;
    }
    writer.end_vcpu(vcpu, at as u64, done);
}
