//! A part of the index: all of some organizations. Any number of threads read it while one writes.
//!
//! A counter tells readers whether what they read is of one moment: it is odd while somebody writes, and another one
//! afterwards. They read it, then the tables, then the counter again, and write nothing themselves. Tables that
//! grow are built beside the old ones, which readers go on reading.

use core::hint;
use core::sync::atomic::{
    AtomicU64,
    Ordering::{Acquire, Relaxed, Release},
    fence,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foldhash::quality::RandomState;

use super::root::Root;
use super::table::Entry;
use super::tables::{HEARD, TICKET, Tables, VERSION, Whose};
use super::writer::{Edit, Writer};
use super::{Fed, Lookup};
use crate::id::UserId;
use crate::organization::Organization;
use crate::record::Change;
use crate::resource::Resource;
use crate::standing::Glance;
use crate::version::Version;

/// How often a reader who met a writer reads again before it gives up, and the store is asked: it never waits.
const TRIES: u32 = 100;

pub(super) struct Stripe {
    keys: RandomState,
    written: AtomicU64,
    root: Arc<Root>,
    part: usize,
    writer: Mutex<Writer>,
}

impl Stripe {
    pub(super) fn new(keys: &RandomState, root: &Arc<Root>, part: usize) -> Self {
        Self {
            keys: keys.clone(),
            written: AtomicU64::new(0),
            root: Arc::clone(root),
            part,
            writer: Mutex::new(Writer::new(keys.clone())),
        }
    }

    /// What a user holds, if the index knows.
    pub(super) fn held(&self, whose: Whose, user: UserId, resource: Resource) -> Lookup {
        let found = self.read(|tables| tables.held(&self.keys, whose, user, resource));
        found.unwrap_or(Lookup::Unknown)
    }

    /// The same at a glance, where that says enough.
    #[inline]
    pub(super) fn glance(&self, whose: Whose, user: UserId, resource: Resource) -> Option<Glance> {
        self.read(|tables| tables.glance(&self.keys, whose, user, resource))?
    }

    /// The version that is here, and the latest that was heard of; `None` of an organization that the index doesn't know.
    pub(super) fn versions(&self, whose: Whose) -> Option<(Version, Version)> {
        // The writer's lock, as this must have an answer.
        let _writer = self.writer();
        let tables = self.tables();
        let entry = tables.organizations.find(whose.key())?;
        let word = |word| Version::new(tables.organizations.word(entry, word));
        Some((word(VERSION), word(HEARD)))
    }

    pub(super) fn bytes(&self) -> usize {
        let writer = self.writer();
        self.tables().bytes().saturating_add(writer.bytes())
    }

    /// What a reader finds in a moment in which nobody writes; `None` after too many in which somebody does.
    #[inline]
    fn read<T>(&self, find: impl Fn(&Tables) -> T) -> Option<T> {
        for _ in 0..TRIES {
            let before = self.written.load(Acquire);
            if before % 2 == 0 {
                let found = self.root.read(self.part, &find)?;
                fence(Acquire);
                if self.written.load(Relaxed) == before {
                    return Some(found);
                }
            }
            hint::spin_loop();
        }
        None
    }

    // A thread that panics while it writes leaves the counter odd: from then on the store is asked.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes, while every reader of this part reads again. Whoever calls it has the writer's lock.
    fn write<T>(&self, change: impl FnOnce() -> T) -> T {
        let before = self.written.load(Relaxed);
        // Odd: somebody panicked while they wrote, and what is here is never read again.
        let writing = before | 1;
        self.written.store(writing, Relaxed);
        fence(Release);
        let changed = change();
        if before != writing {
            self.written.store(before.wrapping_add(2), Release);
        }
        changed
    }

    /// Makes what a commit changed, if the index is at the version before it.
    pub(super) fn apply(
        &self,
        whose: Whose,
        expected: Version,
        (next, changes): (&Organization, &[Change]),
    ) -> Fed {
        let mut writer = self.writer();
        let tables = self.with_room(&mut writer, changes.len(), next.roles.len());
        let found = tables.organizations.find(whose.key());
        let entry = match found {
            Some(entry) => entry,
            None if expected == Version::ABSENT => {
                let added = self.write(|| writer.add_organization(&tables, whose));
                let Some(entry) = added else {
                    return Fed::Unknown;
                };
                entry
            }
            None => {
                self.hear_of_new(&mut writer, &tables, whose, next.version);
                return Fed::Unknown;
            }
        };
        let word = |word| tables.organizations.word(entry, word);
        let fills = word(TICKET) != 0;
        if !fills && word(VERSION) >= next.version.get() {
            return Fed::Known;
        }
        if fills || word(VERSION) != expected.get() {
            self.write(|| tables.hear(entry, next.version));
            return Fed::Behind;
        }
        self.write(|| {
            let mut edit = Edit::new(&tables, &mut writer, whose, entry);
            if edit.change(changes) {
                edit.set_organization(entry, next);
                Fed::Applied
            } else {
                tables.give_up(entry);
                Fed::Behind
            }
        })
    }

    /// Notes that a version exists: until the index has it, the store is asked.
    pub(super) fn hear(&self, whose: Whose, version: Version) {
        let mut writer = self.writer();
        let tables = self.tables();
        let Some(entry) = tables.organizations.find(whose.key()) else {
            let tables = self.with_room(&mut writer, 0, 0);
            self.hear_of_new(&mut writer, &tables, whose, version);
            return;
        };
        if tables.organizations.word(entry, HEARD) < version.get() {
            self.write(|| tables.hear(entry, version));
        }
    }

    /// The same of an organization that isn't there: it has an entry from now on, and is not answered for.
    fn hear_of_new(&self, writer: &mut Writer, tables: &Tables, whose: Whose, version: Version) {
        self.write(|| {
            if let Some(entry) = writer.add_organization(tables, whose) {
                tables.hear(entry, version);
            }
        });
    }

    /// Begins to fill an organization anew: its ticket.
    pub(super) fn begin(&self, whose: Whose) -> Option<u64> {
        let mut writer = self.writer();
        let tables = self.with_room(&mut writer, 0, 0);
        let ticket = writer.ticket();
        let known = tables.organizations.find(whose.key());
        let entry = match known {
            Some(entry) => entry,
            None => self.write(|| writer.add_organization(&tables, whose))?,
        };
        let word = |word| tables.organizations.word(entry, word);
        let has_nothing = word(VERSION) == 0 && word(TICKET) == 0;
        self.write(|| {
            tables.organizations.set_word(entry, VERSION, 0);
            tables.organizations.set_word(entry, TICKET, ticket);
            tables.hear(entry, Version::new(1));
        });
        if !has_nothing {
            self.clear(&mut writer, &tables, entry);
        }
        Some(ticket)
    }

    /// Fills in some records, unless somebody else began anew. If there is no room, nobody finishes it.
    pub(super) fn fill(&self, whose: Whose, ticket: u64, changes: &[Change]) {
        let mut writer = self.writer();
        let tables = self.with_room(&mut writer, changes.len(), 0);
        let Some(entry) = tables.filled_by(whose, ticket) else {
            return;
        };
        let mut edit = Edit::new(&tables, &mut writer, whose, entry);
        self.write(|| {
            if !edit.change(changes) {
                tables.give_up(entry);
            }
        });
    }

    /// All is filled in: from now on the index answers. `None`: the organization doesn't exist.
    pub(super) fn finish(&self, whose: Whose, ticket: u64, next: Option<&Organization>) -> Fed {
        let mut writer = self.writer();
        let roles = next.map_or(0, |next| next.roles.len());
        let tables = self.with_room(&mut writer, 0, roles);
        let Some(entry) = tables.filled_by(whose, ticket) else {
            return Fed::Unknown;
        };
        let Some(next) = next else {
            let tables = self.clear(&mut writer, &tables, entry);
            self.write(|| writer.remove_organization(&tables, whose));
            return Fed::Applied;
        };
        let mut edit = Edit::new(&tables, &mut writer, whose, entry);
        self.write(|| edit.set_organization(entry, next));
        if tables.organizations.word(entry, HEARD) > next.version.get() {
            return Fed::Behind;
        }
        Fed::Applied
    }

    fn tables(&self) -> Tables {
        self.root.tables(self.part)
    }

    /// The tables, with room for one organization more and for that many changes and roles. Those that must grow are
    /// built beside the old ones.
    fn with_room(&self, writer: &mut Writer, changes: usize, roles: usize) -> Tables {
        let tables = self.tables();
        let Some(grown) = writer.grown(&tables, changes, roles) else {
            return tables;
        };
        self.root.replace(self.part, &grown);
        grown
    }

    /// Takes all of an organization that doesn't answer but its own entry out of the tables, which are built anew.
    fn clear(&self, writer: &mut Writer, tables: &Tables, entry: Entry) -> Tables {
        let cleared = writer.without(tables, entry);
        self.root.replace(self.part, &cleared);
        cleared
    }
}
