//! Versions of documents. They tell which of two reads of the database saw more.
//!
//! Several processes read rows and write documents at once, so Elasticsearch must be able to refuse the older of two
//! reads, whenever it arrives. A document's version is therefore made from the snapshot that its row was read with: it
//! is **the number of transactions that had completed in the snapshot**. Snapshots of one PostgreSQL primary form a
//! chain, and each completed transaction makes this number larger by at least one, so of two reads that differ the
//! later has the larger version, and two reads with equal versions saw the same rows.
//!
//! A WAL position taken before the read does not have this property: a commit is in the WAL before it becomes visible,
//! so two reads with the same position may differ, and a read without a commit may even carry the larger position.
//!
//! Three events could make the number smaller again:
//! - A failover loses transactions. The new primary has a larger timeline, and the timeline stands in the high bits.
//! - A crash forgets transactions whose completion was not flushed. [`super::rows`] waits for that flush.
//! - The database is another one (restored or rebuilt). It has another system identifier, and the index is built again.

use std::{num::ParseIntError, str::FromStr};

use thiserror::Error;

use crate::index::Version;

/// Bits for the number of completed transactions. At 100,000 transactions a second they last for 89 years.
const COMPLETED_BITS: u32 = 48;
/// Bits for the timeline. Elasticsearch's versions are signed, so 63 bits are left in all.
const TIMELINE_BITS: u32 = 63 - COMPLETED_BITS;

/// The timeline or the number of completed transactions is too large for its bits.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("timeline {timeline} with {completed} completed transactions does not fit into a version")]
pub struct VersionError {
    timeline: u32,
    completed: u64,
}

/// The number of a transaction as logical decoding writes it: 32 bits that wrap around, or all 64.
pub(crate) type TransactionId = u64;

/// The transactions that a read could see, as `pg_current_snapshot()` describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// One more than the largest transaction that had completed.
    next: u64,
    /// The transactions below `next` that had not completed.
    in_progress: Vec<u64>,
}

/// The text of a snapshot is not `xmin:xmax:xip,…`. PostgreSQL had no other form when this was written.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a snapshot: {0}")]
pub struct SnapshotError(String);

impl Snapshot {
    /// The version of documents that were read with this snapshot.
    pub(crate) fn version(&self, timeline: u32) -> Result<Version, VersionError> {
        let completed = self.completed();
        if timeline >> TIMELINE_BITS != 0 || completed >> COMPLETED_BITS != 0 {
            return Err(VersionError { timeline, completed });
        }
        Ok(Version(u64::from(timeline) << COMPLETED_BITS | completed))
    }

    /// The number of transactions that had completed.
    fn completed(&self) -> u64 {
        self.next.saturating_sub(self.in_progress.len() as u64)
    }

    /// Whether the snapshot shows the changes of a transaction. Also false for a transaction that aborted after the
    /// snapshot was taken.
    pub(crate) fn sees(&self, transaction: TransactionId) -> bool {
        let transaction = self.widened(transaction);
        transaction < self.next && !self.in_progress.contains(&transaction)
    }

    /// Adds the high half of the number, which logical decoding leaves out. PostgreSQL keeps all transactions that it
    /// still distinguishes less than 2^31 apart, so the number that is nearest to the snapshot is the right one.
    fn widened(&self, transaction: TransactionId) -> u64 {
        const EPOCH: u64 = 1 << 32;
        if transaction >= EPOCH {
            return transaction;
        }
        let same_epoch = (self.next & !(EPOCH - 1)) | transaction;
        let candidates = [same_epoch.checked_sub(EPOCH), Some(same_epoch), same_epoch.checked_add(EPOCH)];
        candidates.into_iter().flatten().min_by_key(|candidate| candidate.abs_diff(self.next)).unwrap_or(same_epoch)
    }
}

impl FromStr for Snapshot {
    type Err = SnapshotError;

    fn from_str(text: &str) -> Result<Self, SnapshotError> {
        let malformed = || SnapshotError(text.to_owned());
        let mut parts = text.splitn(3, ':').skip(1);
        let (Some(next), Some(list)) = (parts.next(), parts.next()) else { return Err(malformed()) };
        let in_progress: Result<Vec<u64>, ParseIntError> =
            list.split(',').filter(|number| !number.is_empty()).map(str::parse).collect();
        Ok(Self { next: next.parse().map_err(|_| malformed())?, in_progress: in_progress.map_err(|_| malformed())? })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn snapshot(text: &str) -> Snapshot {
        text.parse().unwrap()
    }

    #[test]
    fn a_snapshot_is_read_from_its_text() {
        assert_eq!(snapshot("10:20:10,14,15"), Snapshot { next: 20, in_progress: vec![10, 14, 15] });
        assert_eq!(snapshot("10:10:"), Snapshot { next: 10, in_progress: vec![] });
        for text in ["", "10", "10:20", "10:x:", "10:20:1,x"] {
            assert!(text.parse::<Snapshot>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_snapshot_shows_what_completed_before_it() {
        let snapshot = snapshot("10:20:10,14");
        assert!(snapshot.sees(9) && snapshot.sees(11) && snapshot.sees(19));
        assert!(!snapshot.sees(10) && !snapshot.sees(14) && !snapshot.sees(20) && !snapshot.sees(1000));
    }

    #[test]
    fn a_32_bit_transaction_is_looked_for_next_to_the_snapshot() {
        let epoch = 1_u64 << 32;
        let after_wrap = snapshot(&format!("{0}:{0}:", epoch + 5));
        assert!(after_wrap.sees(u64::from(u32::MAX)), "the last of the epoch before");
        assert!(after_wrap.sees(4) && !after_wrap.sees(5));
        let before_wrap = snapshot(&format!("{0}:{0}:", epoch - 2));
        assert!(!before_wrap.sees(3), "the first of the epoch to come");
        assert!(before_wrap.sees(epoch - 3));
    }

    #[test]
    fn a_later_timeline_outweighs_any_number_of_transactions() {
        let many = snapshot("281474976710655:281474976710655:").version(1).unwrap();
        let few = snapshot("3:3:").version(2).unwrap();
        assert!(many < few);
        assert!(i64::try_from(snapshot("3:281474976710655:").version(0x7fff).unwrap().0).is_ok());
    }

    #[test]
    fn a_number_too_large_for_its_bits_is_an_error() {
        assert!(snapshot("3:3:").version(0x8000).is_err());
        assert!(snapshot("281474976710656:281474976710656:").version(1).is_err());
    }

    proptest! {
        /// Tests the property that the whole index depends on against a model of PostgreSQL's transactions. They begin
        /// and complete in any order. The version grows with each completion and with nothing else.
        #[test]
        fn each_completed_transaction_makes_the_version_larger(choices in prop::collection::vec(any::<u16>(), 1..200)) {
            let (mut assigned, mut latest_completed) = (3_u64, 2_u64);
            let mut running = BTreeSet::new();
            let mut completed: Vec<u64> = Vec::new();
            let mut before = Snapshot { next: 3, in_progress: vec![] };
            for choice in choices {
                let completes = choice % 2 == 1 && !running.is_empty();
                if completes {
                    let chosen = *running.iter().nth(usize::from(choice / 2) % running.len()).unwrap();
                    running.remove(&chosen);
                    completed.push(chosen);
                    latest_completed = latest_completed.max(chosen);
                } else {
                    running.insert(assigned);
                    assigned += 1;
                }
                let next = latest_completed + 1;
                let now = Snapshot { next, in_progress: running.range(..next).copied().collect() };
                let (old, new) = (before.version(1).unwrap(), now.version(1).unwrap());
                prop_assert_eq!(old < new, completes);
                prop_assert!(old <= new);
                prop_assert!(completed.iter().all(|done| now.sees(*done)));
                prop_assert!(running.iter().all(|open| !now.sees(*open)));
                before = now;
            }
        }
    }
}
