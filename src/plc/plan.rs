//! Which requests serve the configured tags: reads merged into blocks, writes into runs; pure.

use super::codec::{MAX_READ_BITS, MAX_READ_REGISTERS, MAX_WRITE_BITS, MAX_WRITE_REGISTERS, Request};
use crate::config::sections::Tag;
use crate::model::bus::{Access, Table};

/// Unused registers that a read may span: 8 of them take less line time than a second request.
const NEAR_REGISTERS: u16 = 8;
/// Unused bits that a read may span.
const NEAR_BITS: u16 = 64;

/// A read that serves several tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadBlock {
    /// Which table.
    pub table: Table,
    /// First address.
    pub start: u16,
    /// How many bits or registers.
    pub count: u16,
    /// Indexes of the tags served, by address.
    pub tags: Vec<usize>,
}

impl ReadBlock {
    /// The request.
    #[must_use]
    pub fn request(&self) -> Request {
        Request::Read { table: self.table, start: self.start, count: self.count }
    }

    /// The block cut at every unused address; one block when it has none.
    ///
    /// For a PLC that answers "illegal data address" to a read across registers that it does not have.
    #[must_use]
    pub fn split(&self, tags: &[Tag]) -> Vec<Self> {
        blocks(tags, &self.tags, |_| 0)
    }
}

/// A write that serves neighbouring tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteRun {
    /// The request.
    pub request: Request,
    /// Indexes of the tags served and the values written, by address.
    pub tags: Vec<(usize, u16)>,
}

/// The reads of one poll.
#[must_use]
pub fn reads(tags: &[Tag]) -> Vec<ReadBlock> {
    let all: Vec<usize> = (0..tags.len()).filter(|i| tags[*i].access == Access::Read).collect();
    blocks(tags, &all, |t| if is_bits(t) { NEAR_BITS } else { NEAR_REGISTERS })
}

fn is_bits(table: Table) -> bool {
    matches!(table, Table::Coil | Table::Discrete)
}

fn blocks(tags: &[Tag], of: &[usize], near: impl Fn(Table) -> u16) -> Vec<ReadBlock> {
    let mut sorted = of.to_vec();
    sorted.sort_by_key(|i| (tags[*i].table, tags[*i].address));
    let mut out: Vec<ReadBlock> = Vec::new();
    for i in sorted {
        let Tag { table, address, .. } = tags[i];
        let most = if is_bits(table) { MAX_READ_BITS } else { MAX_READ_REGISTERS };
        let joined = out.last_mut().filter(|b| b.table == table).is_some_and(|b| {
            let count = u32::from(address - b.start) + 1;
            let gap = count.saturating_sub(u32::from(b.count) + 1);
            let fits = gap <= u32::from(near(table)) && count <= u32::from(most);
            if fits {
                b.count = b.count.max(count as u16);
                b.tags.push(i);
            }
            fits
        });
        if !joined {
            out.push(ReadBlock { table, start: address, count: 1, tags: vec![i] });
        }
    }
    out
}

/// The writes for these (tag, value) pairs; neighbours share a request unless `single`.
///
/// What is not a coil or holding register cannot be written and is left out.
#[must_use]
pub fn writes(tags: &[Tag], values: &[(usize, u16)], single: bool) -> Vec<WriteRun> {
    let mut sorted: Vec<(usize, u16)> =
        values.iter().copied().filter(|(i, _)| matches!(tags[*i].table, Table::Coil | Table::Holding)).collect();
    sorted.sort_by_key(|(i, _)| (tags[*i].table, tags[*i].address));
    let mut runs: Vec<Vec<(usize, u16)>> = Vec::new();
    for (i, v) in sorted {
        let t = &tags[i];
        let most = if is_bits(t.table) { MAX_WRITE_BITS } else { MAX_WRITE_REGISTERS };
        let next = |run: &&mut Vec<(usize, u16)>| {
            run.last().is_some_and(|(j, _)| {
                let last = &tags[*j];
                last.table == t.table && last.address.checked_add(1) == Some(t.address) && run.len() < most
            })
        };
        match runs.last_mut().filter(next).filter(|_| !single) {
            Some(run) => run.push((i, v)),
            None => runs.push(vec![(i, v)]),
        }
    }
    runs.into_iter().filter_map(|run| write_request(tags, run)).collect()
}

fn write_request(tags: &[Tag], run: Vec<(usize, u16)>) -> Option<WriteRun> {
    let first = tags.get(run.first()?.0)?;
    let (start, one) = (first.address, run.len() == 1);
    let request = match (first.table, one) {
        (Table::Coil, true) => Request::WriteCoil { address: start, on: run[0].1 != 0 },
        (Table::Coil, false) => Request::WriteCoils { start, bits: run.iter().map(|(_, v)| *v != 0).collect() },
        (_, true) => Request::WriteRegister { address: start, value: run[0].1 },
        (_, false) => Request::WriteRegisters { start, values: run.iter().map(|(_, v)| *v).collect() },
    };
    Some(WriteRun { request, tags: run })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag(table: Table, address: u16, access: Access) -> Tag {
        Tag { id: format!("{}-{address}", table.word()).into(), table, address, access, source: None }
    }

    #[test]
    fn near_reads_share_a_request_and_can_be_cut() {
        let tags = [100, 101, 105, 300].map(|a| tag(Table::Holding, a, Access::Read));
        let got = reads(&tags);
        assert_eq!(got.len(), 2);
        assert_eq!((got[0].start, got[0].count, &got[0].tags), (100, 6, &vec![0, 1, 2]));
        let cut = got[0].split(&tags);
        assert_eq!(cut.iter().map(|b| (b.start, b.count)).collect::<Vec<_>>(), [(100, 2), (105, 1)]);
    }

    #[test]
    fn neighbours_are_written_together() {
        let tags = [
            tag(Table::Coil, 100, Access::Write),
            tag(Table::Holding, 7, Access::Write),
            tag(Table::Coil, 101, Access::Write),
            tag(Table::Input, 1, Access::Write),
        ];
        let all = [(0, 1), (1, 42), (2, 0), (3, 9)];
        let got: Vec<Request> = writes(&tags, &all, false).into_iter().map(|w| w.request).collect();
        assert_eq!(
            got,
            [
                Request::WriteCoils { start: 100, bits: vec![true, false] },
                Request::WriteRegister { address: 7, value: 42 }
            ]
        );
        assert_eq!(writes(&tags, &all, true).len(), 3);
    }

    proptest! {
        #[test]
        fn every_tag_lies_in_exactly_one_block(
            at in prop::collection::vec((0..4usize, any::<u16>()), 0..60), dense in prop::collection::vec(0..400u16, 0..60)
        ) {
            let tables = [Table::Coil, Table::Discrete, Table::Holding, Table::Input];
            let mut tags: Vec<Tag> = at.iter().map(|(t, a)| tag(tables[*t], *a, Access::Read)).collect();
            tags.extend(dense.iter().map(|a| tag(Table::Holding, *a, Access::Read)));
            let mut seen = vec![0; tags.len()];
            for b in reads(&tags) {
                let most = if is_bits(b.table) { MAX_READ_BITS } else { MAX_READ_REGISTERS };
                prop_assert!(b.count >= 1 && b.count <= most);
                for i in b.tags {
                    seen[i] += 1;
                    let last = u32::from(b.start) + u32::from(b.count);
                    prop_assert!(tags[i].table == b.table && tags[i].address >= b.start && u32::from(tags[i].address) < last);
                }
            }
            prop_assert!(seen.iter().all(|n| *n == 1));
        }
    }
}
