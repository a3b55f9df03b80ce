//! Hash tables of words that many threads read while one writes: open addressing in lines of the processor's cache.
//!
//! An entry is `W` words: an id in the first two, its place in the upper half of the third, 32 bits of payload in the
//! lower half, and `W - 3` words of payload after that. A third word of zero is an empty slot. Whoever reads while
//! somebody writes may see anything: the [stripe](super::stripe) tells, and reads again.

use core::hash::{BuildHasher as _, Hasher as _};
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Arc;

use foldhash::quality::RandomState;

/// What is filled at most: 7 of 8 slots. A table that grows is filled to 3 of 4.
const FULL: (usize, usize) = (7, 8);
const GROWN: (usize, usize) = (3, 4);

/// How many slots for that many entries, in a table that grows.
fn roomy(wanted: usize) -> usize {
    wanted.saturating_mul(GROWN.1).div_ceil(GROWN.0).max(8)
}

/// What an entry is found by.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub(super) id: u128,
    /// Where the id is one: never zero, below 2³².
    pub(super) place: u64,
    /// Where the search begins: of the id and its place's salt ([`hash`]).
    pub(super) hash: u64,
}

/// The keyed hash of an id, which a salt tells from the same id elsewhere: a hash itself.
#[inline]
pub(super) fn hash(keys: &RandomState, id: u128, salt: u64) -> u64 {
    let mut hasher = keys.build_hasher();
    hasher.write_u128(id);
    hasher.write_u64(salt);
    hasher.finish()
}

#[expect(clippy::cast_possible_truncation, reason = "each half is 64 bits")]
pub(super) const fn halves(id: u128) -> (u64, u64) {
    ((id >> 64) as u64, id as u64)
}

const fn whole(high: u64, low: u64) -> u128 {
    (high as u128) << 64 | low as u128
}

/// The payload's half of a third word.
pub(super) const PAYLOAD: u64 = 0xFFFF_FFFF;

/// Entries of `W` words, each aligned as an `A` is.
pub(super) struct Table<const W: usize, A = u64>(Arc<[Slot<W, A>]>);

struct Slot<const W: usize, A> {
    words: [AtomicU64; W],
    _aligned: [A; 0],
}

/// A line of the processor's cache, and half of one: what is aligned so never lies across two.
#[repr(align(64))]
pub(super) struct Line;
#[repr(align(32))]
pub(super) struct HalfLine;

/// Words by number, shared by the tables before and after another one grew.
#[derive(Clone, Default)]
pub(super) struct Words(Arc<[AtomicU64]>);

impl Words {
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    /// The words and room for as many as are wanted, if there is none.
    pub(super) fn grown(&self, wanted: usize) -> Option<Self> {
        (wanted > self.0.len()).then(|| self.copied(roomy(wanted)))
    }

    /// A copy of its own.
    pub(super) fn copy(&self) -> Self {
        self.copied(self.0.len())
    }

    fn copied(&self, count: usize) -> Self {
        Self(
            (0..count)
                .map(|word| AtomicU64::new(self.get(word)))
                .collect(),
        )
    }

    pub(super) fn get(&self, word: usize) -> u64 {
        self.0.get(word).map_or(0, |word| word.load(Relaxed))
    }

    pub(super) fn set(&self, word: usize, value: u64) {
        if let Some(word) = self.0.get(word) {
            word.store(value, Relaxed);
        }
    }
}

/// An entry that was found: the number of its slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry(usize);

/// A search that has begun.
pub(super) struct Search<'a, const W: usize, A> {
    table: &'a Table<W, A>,
    hash: u64,
    /// The slots from where it begins.
    slots: &'a [Slot<W, A>],
}

impl<const W: usize, A> Clone for Search<'_, W, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<const W: usize, A> Copy for Search<'_, W, A> {}

impl<'a, const W: usize, A> Search<'a, W, A> {
    /// Asks for the first two slots, and says nothing of them.
    #[inline]
    pub(super) fn touch(self) -> u64 {
        let third = |slot: Option<&Slot<W, A>>| {
            let word = slot.and_then(|slot| slot.words.get(2));
            word.map_or(0, |word| word.load(Relaxed))
        };
        third(self.slots.first()) ^ third(self.slots.get(1))
    }

    /// The words of the entry with that id in that place, if it is there.
    #[inline]
    pub(super) fn get(self, id: u128, place: u64) -> Option<&'a [AtomicU64; W]> {
        let (high, low) = halves(id);
        for slot in self.slots {
            let [first, second, third] = slot.words.first_chunk::<3>()?;
            let its = third.load(Relaxed) >> 32;
            if its == place && second.load(Relaxed) == low && first.load(Relaxed) == high {
                return Some(&slot.words);
            }
            if its == 0 {
                return None;
            }
        }
        // It goes on at the beginning.
        let hash = self.hash;
        self.table.slot(self.table.find(Key { id, place, hash })?.0)
    }
}

impl<const W: usize, A> Clone for Table<W, A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<const W: usize, A> Default for Table<W, A> {
    fn default() -> Self {
        Self::with_slots(0)
    }
}

impl<const W: usize, A> Table<W, A> {
    fn with_slots(slots: usize) -> Self {
        let empty = |_| Slot {
            words: [const { AtomicU64::new(0) }; W],
            _aligned: [],
        };
        Self((0..slots).map(empty).collect())
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.0)
    }

    #[inline]
    fn slot(&self, slot: usize) -> Option<&[AtomicU64; W]> {
        self.0.get(slot).map(|slot| &slot.words)
    }

    /// The upper bits of the hash, scaled to the number of slots, which is any.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "less than the number of slots"
    )]
    fn home(&self, hash: u64) -> usize {
        (u128::from(hash).wrapping_mul(self.0.len() as u128) >> 64) as usize
    }

    fn after(&self, slot: usize) -> usize {
        let next = slot.wrapping_add(1);
        if next == self.0.len() { 0 } else { next }
    }

    /// One of the entry's words.
    #[inline]
    pub(super) fn word(&self, entry: Entry, word: usize) -> u64 {
        let word = self.slot(entry.0).and_then(|words| words.get(word));
        word.map_or(0, |word| word.load(Relaxed))
    }

    pub(super) fn set_word(&self, entry: Entry, word: usize, value: u64) {
        let word = self.slot(entry.0).and_then(|words| words.get(word));
        if let Some(word) = word {
            word.store(value, Relaxed);
        }
    }

    /// The 32 bits of payload beside the place.
    #[inline]
    pub(super) fn payload(&self, entry: Entry) -> u64 {
        self.word(entry, 2) & PAYLOAD
    }

    pub(super) fn set_payload(&self, entry: Entry, payload: u64) {
        let place = self.word(entry, 2) & !PAYLOAD;
        self.set_word(entry, 2, place | payload & PAYLOAD);
    }

    /// Where the search for a key begins, without a look at what is there: for whoever asks the processor for several
    /// places in memory before looking at the first.
    #[inline]
    pub(super) fn begin(&self, hash: u64) -> Search<'_, W, A> {
        let slots = self.0.get(self.home(hash)..).unwrap_or_default();
        Search {
            table: self,
            hash,
            slots,
        }
    }

    pub(super) fn find(&self, key: Key) -> Option<Entry> {
        let (entry, is_there) = self.search(key)?;
        is_there.then_some(entry)
    }

    /// The entry and `true`, or the empty slot that it would take and `false`; neither in a table that is full.
    #[inline]
    fn search(&self, key: Key) -> Option<(Entry, bool)> {
        let (high, low) = halves(key.id);
        let mut at = self.home(key.hash);
        // The bound is for whoever reads while somebody writes: a table is never full.
        for _ in 0..self.0.len() {
            let [first, second, third] = self.slot(at)?.first_chunk::<3>()?;
            let place = third.load(Relaxed) >> 32;
            if place == key.place && second.load(Relaxed) == low && first.load(Relaxed) == high {
                return Some((Entry(at), true));
            }
            if place == 0 {
                return Some((Entry(at), false));
            }
            at = self.after(at);
        }
        None
    }

    /// The entry of that key, new if it isn't there, and then with a payload of zeros. `None` in a table that is full.
    pub(super) fn entry_or_new(&self, key: Key) -> Option<(Entry, bool)> {
        let (entry, is_there) = self.search(key)?;
        if !is_there {
            let (high, low) = halves(key.id);
            self.set_word(entry, 0, high);
            self.set_word(entry, 1, low);
            self.set_word(entry, 2, key.place << 32);
            for word in 3..W {
                self.set_word(entry, word, 0);
            }
        }
        Some((entry, !is_there))
    }

    /// Takes an entry out, and moves those after it up that would not be found any more. `hash` tells an entry's
    /// own, from its id and its place.
    pub(super) fn remove(&self, entry: Entry, hash: impl Fn(u128, u64) -> u64) {
        let mut hole = entry.0;
        let mut slot = hole;
        for _ in 0..self.0.len() {
            slot = self.after(slot);
            let moved = Entry(slot);
            let place = self.word(moved, 2) >> 32;
            if place == 0 {
                break;
            }
            let home = self.home(hash(self.id(moved), place));
            if self.distance(home, slot) >= self.distance(hole, slot) {
                for word in 0..W {
                    self.set_word(Entry(hole), word, self.word(moved, word));
                }
                hole = slot;
            }
        }
        self.set_word(Entry(hole), 2, 0);
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        if from <= to {
            to.wrapping_sub(from)
        } else {
            to.wrapping_add(self.0.len()).wrapping_sub(from)
        }
    }

    fn id(&self, entry: Entry) -> u128 {
        whole(self.word(entry, 0), self.word(entry, 1))
    }

    /// Every entry, with its id and its place.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Entry, u128, u64)> {
        let slots = (0..self.0.len()).map(Entry);
        slots.filter_map(move |entry| match self.word(entry, 2) >> 32 {
            0 => None,
            place => Some((entry, self.id(entry), place)),
        })
    }

    /// The table with room for that many entries, if it must grow for it.
    pub(super) fn grown(&self, wanted: usize, hash: impl Fn(u128, u64) -> u64) -> Option<Self> {
        let fits = wanted.saturating_mul(FULL.1) <= self.0.len().saturating_mul(FULL.0);
        (!fits).then(|| self.rebuilt(roomy(wanted), hash, |_| true).0)
    }

    /// A table with those entries whose place `stays`, and how many they are.
    pub(super) fn kept(
        &self,
        hash: impl Fn(u128, u64) -> u64,
        stays: impl Fn(u64) -> bool,
    ) -> (Self, usize) {
        self.rebuilt(self.0.len(), hash, stays)
    }

    fn rebuilt(
        &self,
        slots: usize,
        hash: impl Fn(u128, u64) -> u64,
        stays: impl Fn(u64) -> bool,
    ) -> (Self, usize) {
        let rebuilt = Self::with_slots(slots);
        let mut kept = 0_usize;
        for (entry, id, place) in self.entries().filter(|(_, _, place)| stays(*place)) {
            let key = Key {
                id,
                place,
                hash: hash(id, place),
            };
            if let Some((new, _)) = rebuilt.entry_or_new(key) {
                for word in 2..W {
                    rebuilt.set_word(new, word, self.word(entry, word));
                }
                kept = kept.saturating_add(1);
            }
        }
        (rebuilt, kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{OrganizationId, UserId};

    /// Ids that are made one after the other differ little, and those of an organization share a salt.
    #[test]
    fn entries_lie_near_where_they_are_looked_for() {
        let keys = RandomState::default();
        let table: Table<4, HalfLine> = Table::with_slots(7_500);
        let (mut place, mut count, mut salts) = (0, 0, Vec::new());
        while count < 6_000 {
            let organization = OrganizationId::new().as_uuid().as_u128();
            let members: Vec<_> = (0..20).map(|_| UserId::new().as_uuid().as_u128()).collect();
            let salt = hash(&keys, organization, 0);
            // Those of one part.
            if salt % 64 != 0 {
                continue;
            }
            place += 1;
            salts.push(salt);
            for id in members {
                let hash = hash(&keys, id, salt);
                assert!(table.entry_or_new(Key { id, place, hash }).is_some());
                count += 1;
            }
        }
        let apart = table.entries().map(|(entry, id, place)| {
            let salt = salts[usize::try_from(place).unwrap() - 1];
            let hash = hash(&keys, id, salt);
            assert!(table.find(Key { id, place, hash }) == Some(entry));
            table.distance(table.home(hash), entry.0)
        });
        let apart: usize = apart.sum();
        // At random it is 2 slots on average, in a table that is filled to 4 of 5.
        assert!(apart < 5 * count, "{apart} slots for {count} entries");
    }

    #[test]
    fn what_is_taken_out_leaves_the_rest_where_it_is_found() {
        let keys = RandomState::default();
        let table: Table<3> = Table::with_slots(64);
        let key = |id: u64| Key {
            id: u128::from(id),
            place: 1,
            hash: hash(&keys, u128::from(id), 0),
        };
        let of = |id, _| hash(&keys, id, 0);
        for round in 0..200 {
            for id in round..round + 55 {
                assert!(table.entry_or_new(key(id)).is_some());
            }
            for id in (round..round + 55).filter(|id| id % 2 == 0) {
                table.remove(table.find(key(id)).unwrap(), of);
            }
            for id in round..round + 55 {
                assert_eq!(table.find(key(id)).is_some(), id % 2 == 1);
            }
            for id in (round..round + 55).filter(|id| id % 2 == 1) {
                table.remove(table.find(key(id)).unwrap(), of);
            }
            assert_eq!(table.entries().count(), 0);
        }
    }
}
