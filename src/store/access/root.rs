//! The tables of all parts, as each thread saw them last.
//!
//! Tables are replaced when one of them grows, and freed when nobody reads them any more. Whoever reads must therefore
//! hold on to them, and a count that all threads share would cost more than the rest of a check. So each thread keeps
//! what it saw last, and looks whether it is still the latest: a number that nobody writes but whoever replaces a table.
//! **The price**: a thread that asked, and then sleeps, keeps the tables that it saw until it asks again or ends.

use core::cell::Cell;
use core::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Arc, PoisonError, RwLock};

use super::STRIPES;
use super::tables::Tables;

pub(super) struct Root {
    latest: AtomicU64,
    current: RwLock<Arc<Generation>>,
}

/// The tables between two replacements.
struct Generation {
    /// Its own, among all generations of all indexes in the process.
    number: u64,
    tables: [Tables; STRIPES],
}

thread_local! {
    static SEEN: Cell<Option<Arc<Generation>>> = const { Cell::new(None) };
}

/// A number that no generation had before.
fn number() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Relaxed).wrapping_add(1)
}

impl Root {
    pub(super) fn new() -> Self {
        let number = number();
        let empty = Tables::default();
        Self {
            latest: AtomicU64::new(number),
            current: RwLock::new(Arc::new(Generation {
                number,
                tables: core::array::from_fn(|_| empty.clone()),
            })),
        }
    }

    /// Reads the tables of a part.
    #[inline]
    pub(super) fn read<T>(&self, part: usize, read: impl Fn(&Tables) -> T) -> Option<T> {
        let read = |seen: &Generation| seen.tables.get(part).map(&read);
        let read_seen = |cell: &Cell<Option<Arc<Generation>>>| {
            let latest = self.latest.load(Acquire);
            let seen = match cell.take() {
                Some(seen) if seen.number == latest => seen,
                _ => self.current(),
            };
            let found = read(&seen);
            cell.set(Some(seen));
            found
        };
        // A thread that ends keeps nothing any more.
        SEEN.try_with(read_seen)
            .unwrap_or_else(|_| read(&self.current()))
    }

    /// The tables of a part, for its writer.
    pub(super) fn tables(&self, part: usize) -> Tables {
        let current = self.current();
        current.tables.get(part).cloned().unwrap_or_default()
    }

    /// Replaces the tables of a part by others that say the same. Whoever calls it has the part's lock: whatever it
    /// writes next, readers see in the new ones.
    pub(super) fn replace(&self, part: usize, tables: &Tables) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let number = number();
        let all = &current.tables;
        let replaced = core::array::from_fn(|at| match all.get(at) {
            Some(kept) if at != part => kept.clone(),
            _ => tables.clone(),
        });
        *current = Arc::new(Generation {
            number,
            tables: replaced,
        });
        self.latest.store(number, Release);
    }

    #[cold]
    fn current(&self) -> Arc<Generation> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }
}
