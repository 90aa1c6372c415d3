//! Versions of documents: which of two reads of the database saw more.
//!
//! Several processes read rows and write documents at once, so Elasticsearch must be able to refuse the older of two
//! reads whenever it arrives. A document's version is therefore derived from the snapshot its row was read with:
//! **how many transactions had completed in it**. Snapshots of one PostgreSQL primary form a chain, and each completed
//! transaction makes this number larger by at least one, so of two reads that differ the later has the larger version,
//! and two reads with equal versions saw the same rows.
//!
//! A WAL position taken before the read does not have this property: a commit is in the WAL before it becomes visible,
//! so two reads with the same position may differ, and a read without a commit may even carry the larger position.
//!
//! What could make the number smaller again is dealt with elsewhere:
//! - a failover loses transactions: the new primary has a larger timeline, which stands in the high bits;
//! - a crash forgets transactions whose completion was not flushed: [`crate::rows`] waits for that flush;
//! - another database (restored, rebuilt): it has another system identifier, and the index is built anew.

use std::{num::ParseIntError, str::FromStr};

use thiserror::Error;

/// Bits that hold the number of completed transactions: at 100,000 a second they last for 89 years.
const COMPLETED_BITS: u32 = 48;
/// Bits left for the timeline; Elasticsearch's versions are signed.
const TIMELINE_BITS: u32 = 63 - COMPLETED_BITS;

/// The external version of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u64);

/// A database that has outlived the room for versions.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("timeline {timeline} with {completed} completed transactions does not fit into a version")]
pub struct VersionOverflow {
    timeline: u32,
    completed: u64,
}

impl Version {
    /// The version of what a snapshot shows.
    ///
    /// # Errors
    /// When a number is too large for its bits.
    pub fn of(timeline: u32, snapshot: &Snapshot) -> Result<Self, VersionOverflow> {
        let completed = snapshot.completed();
        if timeline >> TIMELINE_BITS != 0 || completed >> COMPLETED_BITS != 0 {
            return Err(VersionOverflow { timeline, completed });
        }
        Ok(Self(u64::from(timeline) << COMPLETED_BITS | completed))
    }

    /// The number that Elasticsearch compares.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// A transaction as logical decoding names it: 32 bits that wrap around, or all 64.
pub type TransactionId = u64;

/// What a read could see, as `pg_current_snapshot()` describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// One more than the largest transaction that had completed.
    next: u64,
    /// The transactions below `next` that had not completed.
    in_progress: Vec<u64>,
}

/// A snapshot whose text is not `xmin:xmax:xip,…`.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("not a snapshot: {0}")]
pub struct SnapshotMalformed(String);

impl Snapshot {
    /// How many transactions had completed.
    #[must_use]
    pub fn completed(&self) -> u64 {
        self.next.saturating_sub(self.in_progress.len() as u64)
    }

    /// Whether the snapshot shows what a transaction did. False for one that aborted after the snapshot was taken, too.
    #[must_use]
    pub fn sees(&self, transaction: TransactionId) -> bool {
        let transaction = self.widened(transaction);
        transaction < self.next && !self.in_progress.contains(&transaction)
    }

    /// Logical decoding leaves out the high half of the number. PostgreSQL never lets transactions that it still tells
    /// apart lie 2^31 or more from each other, so the nearest number with this low half is the right one.
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
    type Err = SnapshotMalformed;

    fn from_str(text: &str) -> Result<Self, SnapshotMalformed> {
        let malformed = || SnapshotMalformed(text.to_owned());
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
        let many = Version::of(1, &snapshot("281474976710655:281474976710655:")).unwrap();
        let few = Version::of(2, &snapshot("3:3:")).unwrap();
        assert!(many < few);
        assert!(i64::try_from(Version::of(0x7fff, &snapshot("3:281474976710655:")).unwrap().number()).is_ok());
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        assert!(Version::of(0x8000, &snapshot("3:3:")).is_err());
        assert!(Version::of(1, &snapshot("281474976710656:281474976710656:")).is_err());
    }

    proptest! {
        /// The claim that everything rests on, against a model of PostgreSQL's transactions: begin one or complete one
        /// in any order; the snapshot's number grows with each completion and with nothing else.
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
                let (old, new) = (Version::of(1, &before).unwrap(), Version::of(1, &now).unwrap());
                prop_assert_eq!(old < new, completes);
                prop_assert!(old <= new);
                prop_assert!(completed.iter().all(|done| now.sees(*done)));
                prop_assert!(running.iter().all(|open| !now.sees(*open)));
                before = now;
            }
        }
    }
}
