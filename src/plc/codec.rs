//! Modbus RTU frames as bytes: requests are built, answers are awaited to the byte and parsed; pure.

use crate::model::bus::Table;

/// Longest frame of the serial line, with address and checksum (MODBUS over Serial Line V1.02, section 2.5.1).
pub const MAX_FRAME: usize = 256;

/// Most bits of one read (V1.1b3, sections 6.1 and 6.2).
pub const MAX_READ_BITS: u16 = 2000;
/// Most registers of one read (sections 6.3 and 6.4).
pub const MAX_READ_REGISTERS: u16 = 125;
/// Most coils of one write (section 6.11).
pub const MAX_WRITE_BITS: usize = 1968;
/// Most registers of one write (section 6.12).
pub const MAX_WRITE_REGISTERS: usize = 123;

/// Shortest answer: an exception.
const EXCEPTION_LEN: usize = 5;
/// Bit that marks an exception in the function byte.
const EXCEPTION_BIT: u8 = 0x80;

/// A request, without the unit that it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Function 1, 2, 3 or 4, by the table.
    Read {
        /// Which table.
        table: Table,
        /// First address.
        start: u16,
        /// How many bits or registers.
        count: u16,
    },
    /// Function 5.
    WriteCoil {
        /// Address.
        address: u16,
        /// Wanted state.
        on: bool,
    },
    /// Function 6.
    WriteRegister {
        /// Address.
        address: u16,
        /// Wanted value.
        value: u16,
    },
    /// Function 8: sub-function 0 asks for the data back.
    Diagnostic {
        /// Sub-function.
        sub: u16,
        /// Data.
        data: u16,
    },
    /// Function 15.
    WriteCoils {
        /// First address.
        start: u16,
        /// Wanted states, at most [`MAX_WRITE_BITS`].
        bits: Vec<bool>,
    },
    /// Function 16.
    WriteRegisters {
        /// First address.
        start: u16,
        /// Wanted values, at most [`MAX_WRITE_REGISTERS`].
        values: Vec<u16>,
    },
}

/// What a PLC answered well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Bits, as many as asked for.
    Bits(Vec<bool>),
    /// Registers, as many as asked for.
    Registers(Vec<u16>),
    /// A write or diagnostic was confirmed.
    Done,
}

/// Why a request has no good answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Nothing came.
    #[error("no answer within {ms} ms")]
    Timeout {
        /// How long was waited, ms.
        ms: u64,
    },
    /// The checksum is wrong.
    #[error("bytes {at}..{}: checksum {got:04X} instead of {want:04X}; the line is disturbed", at + 1)]
    Crc {
        /// Computed over the bytes that came.
        want: u16,
        /// What came.
        got: u16,
        /// Where the checksum begins.
        at: usize,
    },
    /// The answer ends early.
    #[error("byte {got}: the answer ends here, {want} bytes were due")]
    Short {
        /// Bytes that came.
        got: usize,
        /// Bytes that were due.
        want: usize,
    },
    /// Another unit answered.
    #[error("byte 0: unit {got} answers instead of unit {want}")]
    WrongUnit {
        /// Asked.
        want: u8,
        /// Answered.
        got: u8,
    },
    /// Another function is answered.
    #[error("byte 1: function {got} is answered instead of {want}")]
    WrongFunction {
        /// Asked.
        want: u8,
        /// Answered.
        got: u8,
    },
    /// The PLC refuses.
    #[error("byte 2: exception {0}, {name}", name = exception_name(*.0))]
    Exception(u8),
    /// The answer contradicts the request.
    #[error("byte {at}: {got} instead of {want}")]
    Mismatch {
        /// First byte that differs.
        at: usize,
        /// What was due there.
        want: u8,
        /// What came.
        got: u8,
    },
    /// The port failed; the text is the operating system's.
    #[error("{0}")]
    Io(String),
}

/// The specification's name of an exception code (V1.1b3, section 7).
#[must_use]
pub fn exception_name(code: u8) -> &'static str {
    match code {
        1 => "illegal function",
        2 => "illegal data address",
        3 => "illegal data value",
        4 => "server device failure",
        5 => "acknowledge",
        6 => "server device busy",
        8 => "memory parity error",
        10 => "gateway path unavailable",
        11 => "gateway target device failed to respond",
        _ => "a code that the specification does not know",
    }
}

/// CRC-16/MODBUS: reflected polynomial 0xA001, start 0xFFFF; goes on the line low byte first.
#[must_use]
pub fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, b| {
        (0..8).fold(crc ^ u16::from(*b), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xA001 } else { c >> 1 })
    })
}

/// Whether the last two bytes are the checksum of those before.
#[must_use]
pub fn crc_fits(frame: &[u8]) -> bool {
    split_crc(frame).is_some_and(|(body, got)| crc16(body) == got)
}

fn split_crc(frame: &[u8]) -> Option<(&[u8], u16)> {
    let (body, crc) = frame.split_last_chunk::<2>()?;
    Some((body, u16::from_le_bytes(*crc)))
}

impl Request {
    /// The function code.
    #[must_use]
    pub fn function(&self) -> u8 {
        match self {
            Self::Read { table: Table::Coil, .. } => 1,
            Self::Read { table: Table::Discrete, .. } => 2,
            Self::Read { table: Table::Holding, .. } => 3,
            Self::Read { table: Table::Input, .. } => 4,
            Self::WriteCoil { .. } => 5,
            Self::WriteRegister { .. } => 6,
            Self::Diagnostic { .. } => 8,
            Self::WriteCoils { .. } => 15,
            Self::WriteRegisters { .. } => 16,
        }
    }

    /// The whole frame for a unit, with address and checksum.
    #[must_use]
    pub fn build(&self, unit: u8) -> Vec<u8> {
        let mut f = vec![unit, self.function()];
        match self {
            Self::Read { start, count, .. } => put(&mut f, &[*start, *count]),
            Self::WriteCoil { address, on } => put(&mut f, &[*address, if *on { 0xFF00 } else { 0 }]),
            Self::WriteRegister { address, value } => put(&mut f, &[*address, *value]),
            Self::Diagnostic { sub, data } => put(&mut f, &[*sub, *data]),
            Self::WriteCoils { start, bits } => {
                put(&mut f, &[*start, bits.len() as u16]);
                let packed = pack_bits(bits);
                f.push(packed.len() as u8);
                f.extend(packed);
            }
            Self::WriteRegisters { start, values } => {
                put(&mut f, &[*start, values.len() as u16]);
                f.push((values.len() * 2) as u8);
                put(&mut f, values);
            }
        }
        let crc = crc16(&f);
        f.extend(crc.to_le_bytes());
        f
    }

    /// Exact length of a good answer, with address and checksum.
    #[must_use]
    pub fn answer_len(&self) -> usize {
        match self {
            Self::Read { table: Table::Coil | Table::Discrete, count, .. } => 5 + usize::from(*count).div_ceil(8),
            Self::Read { count, .. } => 5 + usize::from(*count) * 2,
            _ => 8,
        }
    }

    /// How many bytes of the answer are still to come; zero once it is complete.
    ///
    /// An exception is shorter than every answer, so no byte is waited for that may never come.
    #[must_use]
    pub fn still_needed(&self, got: &[u8]) -> usize {
        let whole = match got.get(1) {
            None => EXCEPTION_LEN,
            Some(f) if *f == self.function() | EXCEPTION_BIT => EXCEPTION_LEN,
            Some(_) => self.answer_len(),
        };
        whole.saturating_sub(got.len())
    }

    /// Parses what came by the time the answer was complete or its time was over.
    pub fn parse(&self, unit: u8, frame: &[u8]) -> Result<Answer, Fault> {
        let want = self.answer_len();
        let missing = self.still_needed(frame);
        let Some((body, got_crc)) = split_crc(frame) else { return Err(Fault::Short { got: frame.len(), want }) };
        let crc = crc16(body);
        if crc != got_crc {
            return Err(if missing > 0 {
                Fault::Short { got: frame.len(), want: frame.len() + missing }
            } else {
                Fault::Crc { want: crc, got: got_crc, at: body.len() }
            });
        }
        self.parse_body(unit, body, want)
    }

    fn parse_body(&self, unit: u8, body: &[u8], want: usize) -> Result<Answer, Fault> {
        let [got_unit, function, rest @ ..] = body else { return Err(Fault::Short { got: body.len() + 2, want }) };
        if *got_unit != unit {
            return Err(Fault::WrongUnit { want: unit, got: *got_unit });
        }
        if *function == self.function() | EXCEPTION_BIT {
            return match rest {
                [code, ..] => Err(Fault::Exception(*code)),
                [] => Err(Fault::Short { got: body.len() + 2, want: EXCEPTION_LEN }),
            };
        }
        if *function != self.function() {
            return Err(Fault::WrongFunction { want: self.function(), got: *function });
        }
        if body.len() + 2 < want {
            return Err(Fault::Short { got: body.len() + 2, want });
        }
        self.parse_rest(unit, body, rest)
    }

    /// The part after unit and function; its length is right.
    fn parse_rest(&self, unit: u8, body: &[u8], rest: &[u8]) -> Result<Answer, Fault> {
        let Self::Read { table, count, .. } = self else {
            // Every write and diagnostic is answered with the first six bytes of the request.
            let sent = self.build(unit);
            return match body.iter().zip(&sent).take(6).position(|(a, b)| a != b) {
                Some(at) => Err(Fault::Mismatch { at, want: sent[at], got: body[at] }),
                None => Ok(Answer::Done),
            };
        };
        let bytes = (self.answer_len() - 5) as u8;
        let [len, data @ ..] = rest else { return Err(Fault::Short { got: body.len() + 2, want: self.answer_len() }) };
        if *len != bytes {
            return Err(Fault::Mismatch { at: 2, want: bytes, got: *len });
        }
        Ok(match table {
            Table::Coil | Table::Discrete => Answer::Bits(unpack_bits(data, usize::from(*count))),
            Table::Holding | Table::Input => Answer::Registers(registers(data)),
        })
    }
}

fn put(frame: &mut Vec<u8>, words: &[u16]) {
    frame.extend(words.iter().flat_map(|w| w.to_be_bytes()));
}

/// Bits of the data part, lowest bit of the first byte first.
#[must_use]
pub fn unpack_bits(data: &[u8], count: usize) -> Vec<bool> {
    data.iter().flat_map(|b| (0..8).map(move |i| b >> i & 1 == 1)).take(count).collect()
}

fn pack_bits(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8).map(|c| c.iter().enumerate().fold(0, |b, (i, on)| b | u8::from(*on) << i)).collect()
}

/// Registers of the data part, high byte first.
#[must_use]
pub fn registers(data: &[u8]) -> Vec<u16> {
    data.as_chunks::<2>().0.iter().map(|c| u16::from_be_bytes(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with_crc(body: &[u8]) -> Vec<u8> {
        let mut f = body.to_vec();
        f.extend(crc16(body).to_le_bytes());
        f
    }

    fn read(table: Table, start: u16, count: u16) -> Request {
        Request::Read { table, start, count }
    }

    #[test]
    fn checksum_of_the_check_value() {
        // The catalogue's check value of CRC-16/MODBUS.
        assert_eq!(crc16(b"123456789"), 0x4B37);
        assert_eq!(read(Table::Holding, 0x6B, 3).build(0x11), [0x11, 3, 0, 0x6B, 0, 3, 0x76, 0x87]);
    }

    #[test]
    fn every_function_is_built() {
        let cases: [(Request, &[u8]); 7] = [
            (read(Table::Coil, 19, 37), &[1, 1, 0, 19, 0, 37]),
            (read(Table::Discrete, 0xC4, 22), &[1, 2, 0, 0xC4, 0, 22]),
            (Request::WriteCoil { address: 0xAC, on: true }, &[1, 5, 0, 0xAC, 0xFF, 0]),
            (Request::WriteRegister { address: 1, value: 0x0203 }, &[1, 6, 0, 1, 2, 3]),
            (Request::Diagnostic { sub: 0, data: 0xA537 }, &[1, 8, 0, 0, 0xA5, 0x37]),
            (
                Request::WriteCoils {
                    start: 19,
                    bits: [0xCD, 1].iter().flat_map(|b| (0..8).map(move |i| b >> i & 1 == 1)).take(10).collect(),
                },
                &[1, 15, 0, 19, 0, 10, 2, 0xCD, 1],
            ),
            (Request::WriteRegisters { start: 1, values: vec![10, 258] }, &[1, 16, 0, 1, 0, 2, 4, 0, 10, 1, 2]),
        ];
        for (request, want) in cases {
            assert_eq!(request.build(1), with_crc(want), "{request:?}");
        }
    }

    #[test]
    fn each_fault_is_told_apart() {
        let ask = read(Table::Holding, 0, 2);
        let good = with_crc(&[1, 3, 4, 0, 7, 0, 8]);
        assert_eq!(ask.parse(1, &good), Ok(Answer::Registers(vec![7, 8])));
        let mut bad = good.clone();
        bad[3] ^= 1;
        assert!(matches!(ask.parse(1, &bad), Err(Fault::Crc { at: 7, .. })));
        assert_eq!(ask.parse(1, &good[..6]), Err(Fault::Short { got: 6, want: 9 }));
        assert_eq!(ask.parse(1, &[]), Err(Fault::Short { got: 0, want: 9 }));
        assert_eq!(ask.parse(2, &good), Err(Fault::WrongUnit { want: 2, got: 1 }));
        assert_eq!(ask.parse(1, &with_crc(&[1, 0x83, 2])), Err(Fault::Exception(2)));
        assert_eq!(ask.parse(1, &with_crc(&[1, 4, 4, 0, 7, 0, 8])), Err(Fault::WrongFunction { want: 3, got: 4 }));
        assert_eq!(ask.parse(1, &with_crc(&[1, 3, 2, 0, 7, 0, 8])), Err(Fault::Mismatch { at: 2, want: 4, got: 2 }));
        let write = Request::WriteCoil { address: 9, on: true };
        assert_eq!(write.parse(1, &with_crc(&[1, 5, 0, 8, 0xFF, 0])), Err(Fault::Mismatch { at: 3, want: 9, got: 8 }));
    }

    #[test]
    fn an_exception_ends_after_five_bytes() {
        let ask = read(Table::Input, 0, 10);
        assert_eq!(ask.still_needed(&[]), 5);
        assert_eq!(ask.still_needed(&[1]), 4);
        assert_eq!(ask.still_needed(&[1, 0x84]), 3);
        assert_eq!(ask.still_needed(&[1, 4]), 23);
        assert_eq!(Fault::Exception(2).to_string(), "byte 2: exception 2, illegal data address");
    }

    fn requests() -> impl Strategy<Value = Request> {
        prop_oneof![
            (any::<bool>(), any::<u16>(), 1..=2000u16).prop_map(|(c, s, n)| read(
                if c { Table::Coil } else { Table::Discrete },
                s,
                n
            )),
            (any::<bool>(), any::<u16>(), 1..=125u16).prop_map(|(h, s, n)| read(
                if h { Table::Holding } else { Table::Input },
                s,
                n
            )),
            any::<(u16, bool)>().prop_map(|(address, on)| Request::WriteCoil { address, on }),
            any::<(u16, u16)>().prop_map(|(address, value)| Request::WriteRegister { address, value }),
            any::<(u16, u16)>().prop_map(|(sub, data)| Request::Diagnostic { sub, data }),
            (any::<u16>(), prop::collection::vec(any::<bool>(), 1..=MAX_WRITE_BITS))
                .prop_map(|(start, bits)| Request::WriteCoils { start, bits }),
            (any::<u16>(), prop::collection::vec(any::<u16>(), 1..=MAX_WRITE_REGISTERS))
                .prop_map(|(start, values)| Request::WriteRegisters { start, values }),
        ]
    }

    /// What an honest PLC answers when every byte of its memory is `fill`.
    fn honest(request: &Request, unit: u8, fill: u8) -> Vec<u8> {
        let sent = request.build(unit);
        if let Request::Read { .. } = request {
            let n = request.answer_len() - 5;
            let mut body = vec![unit, request.function(), n as u8];
            body.resize(n + 3, fill);
            with_crc(&body)
        } else {
            with_crc(&sent[..6])
        }
    }

    proptest! {
        #[test]
        fn an_honest_answer_is_read_byte_by_byte(request in requests(), unit in 1..=247u8, fill: u8) {
            let answer = honest(&request, unit, fill);
            for n in 0..answer.len() {
                let needed = request.still_needed(&answer[..n]);
                prop_assert!(needed > 0 && n + needed <= answer.len());
                prop_assert!(request.parse(unit, &answer[..n]).is_err() || crc_fits(&answer[..n]));
            }
            prop_assert_eq!(request.still_needed(&answer), 0);
            prop_assert!(request.build(unit).len() <= MAX_FRAME);
            match (request.parse(unit, &answer).unwrap(), &request) {
                (Answer::Bits(b), Request::Read { count, .. }) => prop_assert_eq!(b.len(), usize::from(*count)),
                (Answer::Registers(r), Request::Read { count, .. }) => prop_assert_eq!(r.len(), usize::from(*count)),
                (a, _) => prop_assert_eq!(a, Answer::Done),
            }
        }

        #[test]
        fn no_bytes_break_the_parser(
            request in requests(), unit: u8, bytes in prop::collection::vec(any::<u8>(), 0..300), sum: bool,
        ) {
            let bytes = if sum { with_crc(&bytes) } else { bytes };
            let _ = request.still_needed(&bytes);
            let _ = request.parse(unit, &bytes);
        }

        #[test]
        fn a_flipped_bit_never_passes(request in requests(), unit in 1..=247u8, fill: u8, bit: prop::sample::Index) {
            let mut answer = honest(&request, unit, fill);
            let i = bit.index(answer.len() * 8);
            answer[i / 8] ^= 1 << (i % 8);
            prop_assert!(request.parse(unit, &answer).is_err());
        }
    }
}
