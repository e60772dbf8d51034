//! Frames in words: one summary line and every field with its place; pure, and never at a loss.

use super::codec::{Request, crc16, exception_name, registers, unpack_bits};
use crate::model::bus::{Direction, Field, Table};

/// A frame in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// One line.
    pub summary: String,
    /// Every field, in the order of its bytes.
    pub fields: Vec<Field>,
}

/// Puts any bytes into words; `asked` is the request that an answer belongs to.
#[must_use]
pub fn decode(direction: Direction, bytes: &[u8], asked: Option<&Request>) -> Decoded {
    if bytes.is_empty() {
        return Decoded { summary: "silence".into(), fields: Vec::new() };
    }
    let mut w = Writer { bytes, fields: Vec::new(), end: bytes.len().saturating_sub(2).max(2.min(bytes.len())) };
    w.put("unit", 0, 1, format!("unit {}", bytes[0]));
    let summary = match bytes.get(1) {
        None => "one byte only".into(),
        Some(f) => {
            let name = function_name(*f & 0x7F);
            let what = if *f & 0x80 == 0 { format!("{f}, {name}") } else { format!("{}, {name}, refused", f & 0x7F) };
            w.put("function", 1, 1, what);
            if *f & 0x80 != 0 && direction == Direction::Answer {
                w.exception()
            } else if direction == Direction::Request {
                w.request(*f)
            } else {
                w.answer(*f, asked)
            }
        }
    };
    w.checksum();
    Decoded { summary, fields: w.fields }
}

/// The specification's name of a function code.
#[must_use]
pub fn function_name(code: u8) -> &'static str {
    match code {
        1 => "read coils",
        2 => "read discrete inputs",
        3 => "read holding registers",
        4 => "read input registers",
        5 => "write single coil",
        6 => "write single register",
        8 => "diagnostics",
        15 => "write multiple coils",
        16 => "write multiple registers",
        _ => "unknown function",
    }
}

fn table_of(function: u8) -> Option<Table> {
    match function {
        1 | 5 | 15 => Some(Table::Coil),
        2 => Some(Table::Discrete),
        3 | 6 | 16 => Some(Table::Holding),
        4 => Some(Table::Input),
        _ => None,
    }
}

fn span(start: u16, count: u16) -> String {
    match count {
        0 | 1 => format!("{start}"),
        n => format!("{start}..{}", u32::from(start) + u32::from(n) - 1),
    }
}

struct Writer<'a> {
    bytes: &'a [u8],
    fields: Vec<Field>,
    /// Where the checksum begins.
    end: usize,
}

impl Writer<'_> {
    fn put(&mut self, name: &'static str, offset: usize, len: usize, text: String) {
        let len = len.min(self.bytes.len().saturating_sub(offset));
        if len > 0 {
            self.fields.push(Field { name, offset, len, text });
        }
    }

    /// The 16-bit word at an offset, if it lies before the checksum.
    fn word(&self, at: usize) -> Option<u16> {
        if at + 2 > self.end {
            return None;
        }
        self.bytes.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]))
    }

    fn data(&self, from: usize) -> &[u8] {
        self.bytes.get(from..self.end).unwrap_or(&[])
    }

    fn exception(&mut self) -> String {
        let Some(code) = self.data(2).first().copied() else { return "exception without a code".into() };
        self.put("exception code", 2, 1, format!("{code}, {}", exception_name(code)));
        format!("exception {code}, {}", exception_name(code))
    }

    fn request(&mut self, function: u8) -> String {
        let (Some(first), Some(second)) = (self.word(2), self.word(4)) else {
            self.rest(2);
            return format!("{}, cut off", function_name(function));
        };
        match (function, table_of(function)) {
            (1..=4, Some(table)) => {
                self.put("starting address", 2, 2, format!("{} {first}", table.word()));
                self.put("quantity", 4, 2, second.to_string());
                self.rest(6);
                format!("read {} {}", table.word(), span(first, second))
            }
            (15 | 16, Some(table)) => self.write_many(table, first, second),
            _ => self.single(function, first, second),
        }
    }

    fn write_many(&mut self, table: Table, start: u16, count: u16) -> String {
        self.put("starting address", 2, 2, format!("{} {start}", table.word()));
        self.put("quantity", 4, 2, count.to_string());
        if let Some(n) = self.data(6).first().copied() {
            self.put("byte count", 6, 1, n.to_string());
            self.values(7, table, Some((start, count)));
        }
        format!("write {} {}", table.word(), span(start, count))
    }

    /// Functions 5, 6 and 8, whose answer looks like the request.
    fn single(&mut self, function: u8, first: u16, second: u16) -> String {
        match function {
            5 => {
                let text = match second {
                    0xFF00 => "on".into(),
                    0 => "off".into(),
                    v => format!("{v:04X}, neither on (FF00) nor off (0000)"),
                };
                self.put("output address", 2, 2, format!("coil {first}"));
                self.put("output value", 4, 2, text.clone());
                self.rest(6);
                format!("write coil {first} {text}")
            }
            6 => {
                self.put("register address", 2, 2, format!("holding {first}"));
                self.put("register value", 4, 2, format!("{second} ({second:04X} hex)"));
                self.rest(6);
                format!("write holding {first} = {second}")
            }
            8 => {
                let sub = if first == 0 { "return query data" } else { "other" };
                self.put("sub-function", 2, 2, format!("{first}, {sub}"));
                self.put("data", 4, 2, format!("{second:04X}"));
                self.rest(6);
                format!("diagnostics {first}")
            }
            f => {
                self.rest(2);
                format!("function {f}, unknown here")
            }
        }
    }

    fn answer(&mut self, function: u8, asked: Option<&Request>) -> String {
        match (function, table_of(function)) {
            (1..=4, Some(table)) => self.read_answer(table, asked),
            (15 | 16, Some(table)) => {
                let (Some(start), Some(count)) = (self.word(2), self.word(4)) else {
                    self.rest(2);
                    return "cut off".into();
                };
                self.put("starting address", 2, 2, format!("{} {start}", table.word()));
                self.put("quantity", 4, 2, count.to_string());
                self.rest(6);
                format!("ok {} {}", table.word(), span(start, count))
            }
            _ => {
                if let (Some(first), Some(second)) = (self.word(2), self.word(4)) {
                    format!("ok {}", self.single(function, first, second))
                } else {
                    self.rest(2);
                    "cut off".into()
                }
            }
        }
    }

    fn read_answer(&mut self, table: Table, asked: Option<&Request>) -> String {
        let Some(n) = self.data(2).first().copied() else { return "cut off".into() };
        self.put("byte count", 2, 1, n.to_string());
        let place = match asked {
            Some(Request::Read { table: t, start, count }) if *t == table => Some((*start, *count)),
            _ => None,
        };
        self.values(3, table, place);
        let have = self.data(3).len();
        if have < usize::from(n) {
            return format!("cut off: {have} of {n} bytes");
        }
        match table {
            Table::Coil | Table::Discrete => format!("ok {} bits", place.map_or(have * 8, |(_, c)| usize::from(c))),
            Table::Holding | Table::Input => format!("ok {} registers", have / 2),
        }
    }

    /// The data part, one field a register or a byte of bits.
    fn values(&mut self, from: usize, table: Table, place: Option<(u16, u16)>) {
        let data = self.data(from).to_vec();
        let start = place.map(|(s, _)| u32::from(s));
        let name = |i: u32| start.map_or_else(|| format!("+{i}"), |s| format!("{} {}", table.word(), s + i));
        if matches!(table, Table::Holding | Table::Input) {
            for (i, v) in registers(&data).iter().enumerate() {
                self.put("register", from + i * 2, 2, format!("{} = {v} ({v:04X} hex)", name(i as u32)));
            }
            if data.len() % 2 == 1 {
                self.put("stray byte", from + data.len() - 1, 1, "half a register".into());
            }
            return;
        }
        let count = place.map_or(data.len() * 8, |(_, c)| usize::from(c));
        for (i, b) in data.iter().enumerate() {
            let bits = unpack_bits(&[*b], count.saturating_sub(i * 8).min(8));
            let text: String = bits.iter().map(|on| if *on { '1' } else { '0' }).collect();
            self.put("bits", from + i, 1, format!("from {}: {text}", name(i as u32 * 8)));
        }
    }

    fn rest(&mut self, from: usize) {
        if self.end > from {
            self.put("data", from, self.end - from, format!("{} more bytes", self.end - from));
        }
    }

    fn checksum(&mut self) {
        let Some((body, crc)) = self.bytes.split_last_chunk::<2>().filter(|(b, _)| b.len() >= 2) else { return };
        let (got, want) = (u16::from_le_bytes(*crc), crc16(body));
        let text = if got == want { format!("{got:04X}, right") } else { format!("{got:04X}, must be {want:04X}") };
        self.put("checksum", body.len(), 2, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_read_in_words() {
        let ask = Request::Read { table: Table::Holding, start: 100, count: 2 };
        let d = decode(Direction::Request, &ask.build(1), None);
        assert_eq!(d.summary, "read holding 100..101");
        assert_eq!(
            d.fields.iter().map(|f| f.name).collect::<Vec<_>>(),
            ["unit", "function", "starting address", "quantity", "checksum"]
        );
        let mut body = vec![1, 3, 4, 0, 7, 1, 0];
        body.extend(crc16(&body).to_le_bytes());
        let d = decode(Direction::Answer, &body, Some(&ask));
        assert_eq!(d.summary, "ok 2 registers");
        assert_eq!(d.fields[4].text, "holding 101 = 256 (0100 hex)");
        assert_eq!(d.fields[5].text.split(", ").nth(1), Some("right"));
    }

    #[test]
    fn writes_and_refusals_in_words() {
        let on = Request::WriteCoil { address: 100, on: true };
        assert_eq!(decode(Direction::Request, &on.build(1), None).summary, "write coil 100 on");
        assert_eq!(decode(Direction::Answer, &on.build(1), Some(&on)).summary, "ok write coil 100 on");
        let many = Request::WriteCoils { start: 3, bits: vec![true, false, true] };
        let d = decode(Direction::Request, &many.build(1), None);
        assert_eq!((d.summary.as_str(), d.fields[5].text.as_str()), ("write coil 3..5", "from coil 3: 101"));
        let d = decode(Direction::Answer, &[1, 0x83, 2, 0xC0, 0xF1], None);
        assert_eq!(d.summary, "exception 2, illegal data address");
        assert_eq!(decode(Direction::Answer, &[], None).summary, "silence");
    }

    proptest! {
        #[test]
        fn any_bytes_have_words(bytes in prop::collection::vec(any::<u8>(), 0..300), answer: bool, start: u16, count: u16) {
            let direction = if answer { Direction::Answer } else { Direction::Request };
            let asked = Request::Read { table: Table::Holding, start, count };
            for asked in [None, Some(&asked)] {
                let d = decode(direction, &bytes, asked);
                prop_assert!(!d.summary.is_empty());
                for f in d.fields {
                    prop_assert!(f.len > 0 && f.offset + f.len <= bytes.len());
                }
            }
        }
    }
}
