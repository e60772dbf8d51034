//! A Modbus slave as plain values: request bytes in, answer bytes out (MODBUS Application Protocol V1.1b3; Serial Line V1.02).

/// Largest frame on the line: address, 253 bytes, checksum (Serial Line V1.02, 2.5.1).
pub const MAX_FRAME: usize = 256;
/// Addresses of each table that exist: 0 to 255.
pub const TABLE_LEN: usize = 256;

const ILLEGAL_FUNCTION: u8 = 1;
const ILLEGAL_ADDRESS: u8 = 2;
const ILLEGAL_VALUE: u8 = 3;

/// CRC-16 of a frame (Serial Line V1.02, 6.2.2), sent low byte first.
#[must_use]
pub fn crc(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, b| {
        (0..8).fold(crc ^ u16::from(*b), |c, _| if c & 1 == 1 { (c >> 1) ^ 0xA001 } else { c >> 1 })
    })
}

/// A frame with its checksum.
#[must_use]
pub fn seal(mut body: Vec<u8>) -> Vec<u8> {
    let sum = crc(&body);
    body.extend_from_slice(&sum.to_le_bytes());
    body
}

/// The diagnostic counters (Application Protocol V1.1b3, 6.8, sub-functions 11 to 15).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages on the bus with a good checksum.
    pub bus_messages: u16,
    /// Messages with a wrong checksum.
    pub bus_errors: u16,
    /// Exception answers.
    pub exceptions: u16,
    /// Messages for this unit, broadcasts included.
    pub slave_messages: u16,
    /// Messages that got no answer.
    pub no_response: u16,
}

/// The memory of a slave and what it answers.
#[derive(Clone, Debug)]
pub struct Slave {
    unit: u8,
    /// Coils, read and written.
    pub coils: Vec<bool>,
    /// Discrete inputs, read only.
    pub discrete: Vec<bool>,
    /// Holding registers, read and written.
    pub holding: Vec<u16>,
    /// Input registers, read only.
    pub input: Vec<u16>,
    /// Its counters.
    pub counters: Counters,
}

fn word(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}

/// The part of a table that a request means.
fn span(start: u16, count: u16, most: u16) -> Result<std::ops::Range<usize>, u8> {
    if count == 0 || count > most {
        return Err(ILLEGAL_VALUE);
    }
    let range = usize::from(start)..usize::from(start) + usize::from(count);
    if range.end > TABLE_LEN { Err(ILLEGAL_ADDRESS) } else { Ok(range) }
}

fn pack(bits: &[bool]) -> Vec<u8> {
    bits.chunks(8).map(|c| c.iter().enumerate().fold(0, |b, (i, on)| b | u8::from(*on) << i)).collect()
}

fn counted(data: Vec<u8>) -> Vec<u8> {
    let mut out = vec![data.len() as u8];
    out.extend(data);
    out
}

impl Slave {
    /// A slave with this unit identifier and empty tables.
    #[must_use]
    pub fn new(unit: u8) -> Self {
        Self {
            unit,
            coils: vec![false; TABLE_LEN],
            discrete: vec![false; TABLE_LEN],
            holding: vec![0; TABLE_LEN],
            input: vec![0; TABLE_LEN],
            counters: Counters::default(),
        }
    }

    /// The answer to a frame; none where a slave stays silent (wrong checksum, other unit, broadcast).
    pub fn answer(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        if frame.len() < 4 || frame.len() > MAX_FRAME {
            self.counters.bus_errors = self.counters.bus_errors.wrapping_add(1);
            return None;
        }
        let (body, sum) = frame.split_at(frame.len() - 2);
        if crc(body).to_le_bytes() != sum {
            self.counters.bus_errors = self.counters.bus_errors.wrapping_add(1);
            return None;
        }
        self.counters.bus_messages = self.counters.bus_messages.wrapping_add(1);
        let unit = body[0];
        if unit != self.unit && unit != 0 {
            return None;
        }
        self.counters.slave_messages = self.counters.slave_messages.wrapping_add(1);
        let pdu = &body[1..];
        let result = self.act(pdu);
        if unit == 0 {
            self.counters.no_response = self.counters.no_response.wrapping_add(1);
            return None;
        }
        let mut out = vec![unit];
        match result {
            Ok(data) => {
                out.push(pdu[0]);
                out.extend(data);
            }
            Err(code) => {
                self.counters.exceptions = self.counters.exceptions.wrapping_add(1);
                out.extend([pdu[0] | 0x80, code]);
            }
        }
        Some(seal(out))
    }

    /// What the slave answers to every request while it refuses to work (exception 4, server device failure).
    #[must_use]
    pub fn failure(frame: &[u8]) -> Vec<u8> {
        let byte = |i: usize| frame.get(i).copied().unwrap_or(0);
        seal(vec![byte(0), byte(1) | 0x80, 4])
    }

    fn act(&mut self, pdu: &[u8]) -> Result<Vec<u8>, u8> {
        let two = || Ok::<_, u8>((word(pdu, 1).ok_or(ILLEGAL_VALUE)?, word(pdu, 3).ok_or(ILLEGAL_VALUE)?));
        let exactly = |n: usize| if pdu.len() == n { Ok(()) } else { Err(ILLEGAL_VALUE) };
        match pdu.first().copied().unwrap_or(0) {
            function @ 1..=4 => {
                exactly(5)?;
                let (start, count) = two()?;
                self.read(function, start, count)
            }
            5 => {
                exactly(5)?;
                let (at, value) = two()?;
                if value != 0 && value != 0xFF00 {
                    return Err(ILLEGAL_VALUE);
                }
                *self.coils.get_mut(usize::from(at)).ok_or(ILLEGAL_ADDRESS)? = value != 0;
                Ok(pdu[1..].to_vec())
            }
            6 => {
                exactly(5)?;
                let (at, value) = two()?;
                *self.holding.get_mut(usize::from(at)).ok_or(ILLEGAL_ADDRESS)? = value;
                Ok(pdu[1..].to_vec())
            }
            8 => self.diagnose(pdu),
            15 => self.write_coils(pdu),
            16 => self.write_registers(pdu),
            _ => Err(ILLEGAL_FUNCTION),
        }
    }

    fn read(&self, function: u8, start: u16, count: u16) -> Result<Vec<u8>, u8> {
        let most = if function <= 2 { 2000 } else { 125 };
        let span = span(start, count, most)?;
        let registers = |r: &[u16]| r.iter().flat_map(|v| v.to_be_bytes()).collect::<Vec<u8>>();
        Ok(counted(match function {
            1 => pack(&self.coils[span]),
            2 => pack(&self.discrete[span]),
            3 => registers(&self.holding[span]),
            _ => registers(&self.input[span]),
        }))
    }

    fn write_coils(&mut self, pdu: &[u8]) -> Result<Vec<u8>, u8> {
        let (start, count) = (word(pdu, 1).ok_or(ILLEGAL_VALUE)?, word(pdu, 3).ok_or(ILLEGAL_VALUE)?);
        let bytes = pdu.get(5).copied().ok_or(ILLEGAL_VALUE)?;
        let need = usize::from(count).div_ceil(8);
        if usize::from(bytes) != need || pdu.len() != 6 + need {
            return Err(ILLEGAL_VALUE);
        }
        for (i, coil) in self.coils[span(start, count, 1968)?].iter_mut().enumerate() {
            *coil = pdu[6 + i / 8] >> (i % 8) & 1 == 1;
        }
        Ok(pdu[1..5].to_vec())
    }

    fn write_registers(&mut self, pdu: &[u8]) -> Result<Vec<u8>, u8> {
        let (start, count) = (word(pdu, 1).ok_or(ILLEGAL_VALUE)?, word(pdu, 3).ok_or(ILLEGAL_VALUE)?);
        let bytes = pdu.get(5).copied().ok_or(ILLEGAL_VALUE)?;
        let need = usize::from(count) * 2;
        if usize::from(bytes) != need || pdu.len() != 6 + need {
            return Err(ILLEGAL_VALUE);
        }
        for (i, register) in self.holding[span(start, count, 123)?].iter_mut().enumerate() {
            *register = word(pdu, 6 + 2 * i).ok_or(ILLEGAL_VALUE)?;
        }
        Ok(pdu[1..5].to_vec())
    }

    fn diagnose(&mut self, pdu: &[u8]) -> Result<Vec<u8>, u8> {
        let sub = word(pdu, 1).ok_or(ILLEGAL_VALUE)?;
        // Only the return of query data takes any data; the others ask with zero.
        if sub == 0 && pdu.len() >= 5 {
            return Ok(pdu[1..].to_vec());
        }
        if pdu.len() != 5 || word(pdu, 3) != Some(0) {
            return Err(ILLEGAL_VALUE);
        }
        let c = self.counters;
        let value = match sub {
            10 => {
                self.counters = Counters::default();
                0
            }
            11 => c.bus_messages,
            12 => c.bus_errors,
            13 => c.exceptions,
            14 => c.slave_messages,
            15 => c.no_response,
            // No character was ever refused as busy, negatively acknowledged or overrun.
            2 | 16..=18 => 0,
            _ => return Err(ILLEGAL_FUNCTION),
        };
        let mut out = sub.to_be_bytes().to_vec();
        out.extend(value.to_be_bytes());
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ask(slave: &mut Slave, body: &[u8]) -> Option<Vec<u8>> {
        let answer = slave.answer(&seal(body.to_vec()))?;
        let (body, sum) = answer.split_at(answer.len() - 2);
        assert_eq!(crc(body).to_le_bytes(), sum);
        Some(body.to_vec())
    }

    #[test]
    fn checksum_of_the_known_example() {
        // 01 03 00 00 00 0A: C5 CD on the line.
        assert_eq!(seal(vec![1, 3, 0, 0, 0, 10])[6..], [0xC5, 0xCD]);
    }

    #[test]
    fn answers_as_the_specification_says() {
        let mut s = Slave::new(1);
        s.coils[0] = true;
        s.coils[9] = true;
        s.input[2] = 0x1234;
        s.discrete[1] = true;
        for (request, want) in [
            (&[1, 1, 0, 0, 0, 10][..], &[1, 1, 2, 1, 2][..]),
            (&[1, 2, 0, 0, 0, 3], &[1, 2, 1, 2]),
            (&[1, 4, 0, 2, 0, 1], &[1, 4, 2, 0x12, 0x34]),
            (&[1, 5, 0, 100, 0xFF, 0], &[1, 5, 0, 100, 0xFF, 0]),
            (&[1, 1, 0, 100, 0, 1], &[1, 1, 1, 1]),
            (&[1, 6, 0, 100, 0, 7], &[1, 6, 0, 100, 0, 7]),
            (&[1, 15, 0, 100, 0, 10, 2, 0xCD, 1], &[1, 15, 0, 100, 0, 10]),
            (&[1, 1, 0, 100, 0, 10], &[1, 1, 2, 0xCD, 1]),
            (&[1, 16, 0, 101, 0, 2, 4, 0, 10, 1, 2], &[1, 16, 0, 101, 0, 2]),
            (&[1, 3, 0, 100, 0, 3], &[1, 3, 6, 0, 7, 0, 10, 1, 2]),
            (&[1, 8, 0, 0, 0xA5, 0x37], &[1, 8, 0, 0, 0xA5, 0x37]),
            // Exceptions: function, address, value.
            (&[1, 7], &[1, 0x87, 1]),
            (&[1, 3, 0, 250, 0, 10], &[1, 0x83, 2]),
            (&[1, 3, 0, 0, 0, 126], &[1, 0x83, 3]),
            (&[1, 5, 0, 0, 1, 0], &[1, 0x85, 3]),
            (&[1, 16, 0, 0, 0, 2, 3, 0, 0, 0], &[1, 0x90, 3]),
            (&[1, 8, 0, 99, 0, 0], &[1, 0x88, 1]),
        ] {
            assert_eq!(ask(&mut s, request).as_deref(), Some(want), "{request:02X?}");
        }
        assert_eq!(ask(&mut s, &[1, 8, 0, 13, 0, 0]), Some(vec![1, 8, 0, 13, 0, 6]), "six exceptions so far");
    }

    #[test]
    fn stays_silent_where_a_slave_does() {
        let mut s = Slave::new(1);
        assert_eq!(ask(&mut s, &[2, 3, 0, 0, 0, 1]), None, "another unit");
        assert_eq!(ask(&mut s, &[0, 6, 0, 5, 0, 9]), None, "broadcast");
        assert_eq!(s.holding[5], 9, "and yet it was acted on");
        assert_eq!(s.answer(&[1, 3, 0, 0, 0, 1, 0, 0]), None, "wrong checksum");
        assert_eq!((s.counters.bus_errors, s.counters.no_response), (1, 1));
    }

    proptest! {
        #[test]
        fn never_panics(body in proptest::collection::vec(any::<u8>(), 0..300), valid: bool, function in 0_u8..20) {
            let mut s = Slave::new(1);
            let mut frame = body;
            if valid {
                frame.truncate(252);
                frame.splice(0..0, [1, function]);
                frame = seal(frame);
            }
            if let Some(answer) = s.answer(&frame) {
                prop_assert!(answer.len() <= MAX_FRAME);
                prop_assert_eq!(answer[1] & 0x7F, frame[1] & 0x7F);
            }
            prop_assert_eq!(s.coils.len(), TABLE_LEN);
        }
    }
}
