//! Readings as PostgreSQL's COPY BINARY takes them, straight from the packed numbers, a piece at a time.

use std::io::Cursor;

use super::rows::moment;
use crate::model::outbox::PackedReading;
use crate::model::vibration::Grade;

/// The columns of a reading, in the order in which they are written.
pub const COLUMNS: &str = "at, region_id, node_id, grade, displacement_pp_px, displacement_rms_px, \
    velocity_rms_mm_s, peak_hz, peak_amplitude_px, uncertainty_px";

/// How many they are.
const COUNT: i16 = 10;

/// The signature, no flags, no extension of the header.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// After the last row.
const TRAILER: [u8; 2] = (-1i16).to_be_bytes();
/// Bytes of a row at most: the count of its columns, and each with its length.
const ROW: usize = 2 + (4 + 8) + (4 + 4) + 2 * (4 + 2) + 6 * (4 + 4);
/// Bytes of a piece: below what an allocator asks the system for each time.
const PIECE: usize = 64 * 1024;
/// The length that stands for null.
const NULL: [u8; 4] = (-1i32).to_be_bytes();
/// PostgreSQL counts from the year 2000, in microseconds.
const YEAR_2000: i64 = 946_684_800;

/// Rows on their way: which are left, and under which number each region is kept.
pub struct Readings<'r> {
    rows: std::slice::Iter<'r, PackedReading>,
    regions: &'r [Option<i32>],
    node_id: i16,
    begun: bool,
    ended: bool,
}

impl<'r> Readings<'r> {
    /// All of these rows; `regions` has the database's number of a region at the place of the journal's.
    pub fn new(rows: &'r [PackedReading], regions: &'r [Option<i32>], node_id: i16) -> Self {
        Self { rows: rows.iter(), regions, node_id, begun: false, ended: false }
    }

    fn region(&self, r: &PackedReading) -> Option<i32> {
        self.regions.get(usize::from(r.region)).copied().flatten()
    }
}

impl Iterator for Readings<'_> {
    type Item = Cursor<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mut out = Vec::with_capacity(PIECE);
        if !self.begun {
            out.extend_from_slice(HEADER);
            self.begun = true;
        }
        while out.len() + ROW + TRAILER.len() <= PIECE {
            let Some(r) = self.rows.next() else {
                out.extend_from_slice(&TRAILER);
                self.ended = true;
                break;
            };
            if let Some(region) = self.region(r) {
                write(&mut out, r, region, self.node_id);
            }
        }
        Some(Cursor::new(out))
    }
}

/// One row, in one piece on the stack first: the buffer's end is looked at once.
fn write(out: &mut Vec<u8>, r: &PackedReading, region: i32, node_id: i16) {
    let mut row = [0u8; ROW];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        row[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    let us = (moment(r.second).as_second() - YEAR_2000) * 1_000_000;
    put(&COUNT.to_be_bytes());
    put(&8i32.to_be_bytes());
    put(&us.to_be_bytes());
    put(&4i32.to_be_bytes());
    put(&region.to_be_bytes());
    put(&2i32.to_be_bytes());
    put(&node_id.to_be_bytes());
    put(&2i32.to_be_bytes());
    put(&grade(r.grade).to_be_bytes());
    for v in r.measures {
        // A measure that is not known is null there.
        if v.is_nan() {
            put(&NULL);
        } else {
            put(&4i32.to_be_bytes());
            put(&v.to_be_bytes());
        }
    }
    out.extend_from_slice(&row[..at]);
}

fn grade(g: Grade) -> i16 {
    match g {
        Grade::Good => 3,
        Grade::Reduced => 2,
        Grade::Poor => 1,
        Grade::Untrusted => 0,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a reader of the format makes of the bytes: of each row its columns.
    fn decode(mut bytes: &[u8]) -> Vec<Vec<Option<Vec<u8>>>> {
        bytes = bytes.strip_prefix(HEADER).expect("begins with the header");
        let mut rows = Vec::new();
        loop {
            let (count, rest) = bytes.split_first_chunk::<2>().expect("a count");
            bytes = rest;
            let count = i16::from_be_bytes(*count);
            if count == -1 {
                assert!(bytes.is_empty(), "nothing after the end");
                return rows;
            }
            let mut row = Vec::new();
            for _ in 0..count {
                let (length, rest) = bytes.split_first_chunk::<4>().expect("a length");
                bytes = rest;
                let length = usize::try_from(i32::from_be_bytes(*length)).ok();
                row.push(length.map(|n| {
                    let (value, rest) = bytes.split_at(n);
                    bytes = rest;
                    value.to_vec()
                }));
            }
            rows.push(row);
        }
    }

    fn reading(second: i64, region: u16, measures: [f32; 6]) -> PackedReading {
        PackedReading { second, region, measures, grade: Grade::Reduced }
    }

    #[test]
    fn a_row_has_the_bytes_that_the_format_asks_for() {
        let rows = [reading(YEAR_2000 + 1, 1, [0.5, f32::NAN, 1.0, 2.0, 3.0, -0.0]), reading(0, 9, [0.0; 6])];
        let pieces: Vec<_> = Readings::new(&rows, &[None, Some(77)], 3).collect();
        assert_eq!(pieces.len(), 1);
        let got = decode(pieces[0].get_ref());
        assert_eq!(got.len(), 1, "a region without a number there is passed over");
        let want: [Option<&[u8]>; 6] = [
            Some(&1_000_000i64.to_be_bytes()),
            Some(&77i32.to_be_bytes()),
            Some(&3i16.to_be_bytes()),
            Some(&2i16.to_be_bytes()),
            Some(&0.5f32.to_be_bytes()),
            None,
        ];
        let first: Vec<Option<&[u8]>> = got[0].iter().take(6).map(Option::as_deref).collect();
        assert_eq!((first.as_slice(), got[0].len()), (want.as_slice(), COLUMNS.split(',').count()));
    }

    proptest! {
        #[test]
        fn any_number_of_rows_comes_out_whole_and_in_order(count in 0usize..5000, seed in any::<i64>()) {
            let one = |i: usize| reading(seed.wrapping_add(i as i64), 0, [i as f32; 6]);
            let rows: Vec<_> = (0..count).map(one).collect();
            let mut bytes = Vec::new();
            for piece in Readings::new(&rows, &[Some(1)], 1) {
                prop_assert!(piece.get_ref().len() <= PIECE);
                bytes.extend_from_slice(piece.get_ref());
            }
            let got = decode(&bytes);
            prop_assert_eq!(got.len(), count);
            for (i, row) in got.iter().enumerate() {
                prop_assert_eq!(row[4].clone(), Some((i as f32).to_be_bytes().to_vec()));
            }
        }
    }
}
