//! Changes of records, written into the tables while readers read again.

use std::collections::{BTreeMap, BTreeSet};

use foldhash::quality::RandomState;
use uuid::Uuid;

use super::table::{Entry, hash};
use super::tables::{
    HAS_ROLES, Holds, MORE, MORE_OF_MEMBER, NUMBER, ONE_ROLE, OPEN, ORGANIZATIONS, SUSPENDED,
    TICKET, Tables, VERSION, WORKSPACES, Whose, free, hash_at, inline, key_at,
    more_of_organization, more_of_workspace, place_of_domain, place_of_workspace,
};
use crate::domain::Domain;
use crate::id::{UserId, WorkspaceId};
use crate::member::{Member, Term};
use crate::organization::Organization;
use crate::own_role::{RoleNumber, RolesInForce};
use crate::record::{Change, Record, RecordId};

/// What whoever writes knows of the tables.
pub(super) struct Writer {
    keys: RandomState,
    used: Used,
    /// By number, from 1: what the hashes of an organization's entries are salted with.
    salts: Vec<u64>,
    /// The last number that a workspace was given; the first is 1. A deleted workspace's is not used again before its
    /// organization is filled in anew, as a leftover role would open another workspace.
    workspaces: u64,
    /// By organization's number: the numbers of its workspaces that were deleted.
    deleted: BTreeMap<u64, Vec<u64>>,
    /// Numbers of which nothing is left.
    free: Vec<u64>,
    tickets: u64,
    /// Of organizations that have some, by number: the roles that `adds` has.
    roles: BTreeMap<u64, Vec<RoleNumber>>,
}

/// How many entries each table has.
#[derive(Clone, Copy, Default)]
struct Used {
    organizations: usize,
    members: usize,
    things: usize,
    more: usize,
    adds: usize,
}

/// Changes of one organization, made while readers read again.
pub(super) struct Edit<'a> {
    tables: &'a Tables,
    writer: &'a mut Writer,
    whose: Whose,
    number: u64,
}

impl<'a> Edit<'a> {
    /// Of the organization with that entry.
    pub(super) fn new(
        tables: &'a Tables,
        writer: &'a mut Writer,
        whose: Whose,
        entry: Entry,
    ) -> Self {
        Self {
            tables,
            writer,
            whose,
            number: tables.organizations.payload(entry) >> NUMBER,
        }
    }

    /// Makes the changes; `false` if no number is left for another workspace.
    pub(super) fn change(&mut self, changes: &[Change]) -> bool {
        let mut room = true;
        for change in changes {
            match change {
                Change::Put(Record::Member(member)) => self.set_member(member.user, Some(member)),
                Change::Put(Record::WorkspaceMember(member)) => {
                    let holds = Holds::in_workspace(member);
                    room &= self.set_workspace_role(member.workspace, member.user, Some(holds));
                }
                Change::Put(Record::Workspace(workspace)) => {
                    room &= self.put_workspace(workspace.id);
                }
                Change::Put(Record::Domain(domain)) => room &= self.put_domain(domain),
                Change::Delete(RecordId::Member(user)) => self.set_member(*user, None),
                Change::Delete(RecordId::WorkspaceMember(workspace, user)) => {
                    room &= self.set_workspace_role(*workspace, *user, None);
                }
                Change::Delete(RecordId::Domain(domain)) => {
                    self.remove_thing(domain.as_uuid(), place_of_domain(self.number));
                }
                // What no check looks at; and what goes last, as its number is needed until then.
                Change::Put(_) | Change::Delete(_) | Change::Claim(_) | Change::Release(_) => {}
            }
        }
        for change in changes {
            if let Change::Delete(RecordId::Workspace(workspace)) = change {
                let place = place_of_workspace(self.number);
                if let Some(number) = self.remove_thing(workspace.as_uuid(), place) {
                    self.tables.name_workspace(number, Uuid::nil());
                    let deleted = self.writer.deleted.entry(self.number);
                    deleted.or_default().push(number);
                }
            }
        }
        room
    }

    pub(super) fn set_organization(&mut self, entry: Entry, next: &Organization) {
        let organizations = &self.tables.organizations;
        let has_roles = organizations.payload(entry) & HAS_ROLES != 0;
        let adds = RolesInForce::of(&next.roles);
        if has_roles || !adds.is_empty() {
            self.set_roles(&adds);
        }
        let flag = if adds.is_empty() { 0 } else { HAS_ROLES };
        let payload = self.number << NUMBER | flag | u64::from(next.status.code());
        organizations.set_payload(entry, payload);
        organizations.set_word(entry, VERSION, next.version.get());
        organizations.set_word(entry, TICKET, 0);
        self.tables.hear(entry, next.version);
    }

    fn set_roles(&mut self, adds: &RolesInForce) {
        let table = &self.tables.adds;
        for gone in self.writer.roles.remove(&self.number).unwrap_or_default() {
            let key = key_at(&self.writer.keys, u128::from(gone.get()), self.number);
            if let Some(entry) = table.find(key) {
                table.remove(entry, |id, place| self.writer.of_place(id, place));
                self.writer.used.adds = self.writer.used.adds.saturating_sub(1);
            }
        }
        let mut numbers = Vec::new();
        for (role, grants) in adds.iter() {
            let key = key_at(&self.writer.keys, u128::from(role.get()), self.number);
            let Some((entry, new)) = table.entry_or_new(key) else {
                continue;
            };
            let [ours, hosts] = grants.to_words();
            table.set_word(entry, 3, ours);
            table.set_word(entry, 4, hosts);
            self.writer.used.adds = self.writer.used.adds.saturating_add(usize::from(new));
            numbers.push(role);
        }
        if !numbers.is_empty() {
            self.writer.roles.insert(self.number, numbers);
        }
    }

    fn put_workspace(&mut self, id: WorkspaceId) -> bool {
        let Some((entry, number)) = self.number_of(id) else {
            return false;
        };
        self.tables.things.set_payload(entry, number << 2 | 1);
        self.tables.name_workspace(number, id.as_uuid());
        true
    }

    fn put_domain(&mut self, domain: &Domain) -> bool {
        let Some((_, workspace)) = self.number_of(domain.workspace) else {
            return false;
        };
        let place = place_of_domain(self.number);
        let key = self
            .whose
            .key_of(&self.writer.keys, domain.id.as_uuid(), place);
        let Some((entry, new)) = self.tables.things.entry_or_new(key) else {
            return false;
        };
        self.writer.used.things = self.writer.used.things.saturating_add(usize::from(new));
        let payload = workspace << 2 | u64::from(domain.kind.code());
        self.tables.things.set_payload(entry, payload);
        true
    }

    /// A workspace's number, a new one if it has none; `None` if there is none left.
    fn number_of(&mut self, id: WorkspaceId) -> Option<(Entry, u64)> {
        let place = place_of_workspace(self.number);
        let key = self.whose.key_of(&self.writer.keys, id.as_uuid(), place);
        let (entry, new) = self.tables.things.entry_or_new(key)?;
        if new {
            self.writer.used.things = self.writer.used.things.saturating_add(1);
            let number = self.writer.free_number();
            self.tables.things.set_payload(entry, number << 2);
        }
        let number = self.tables.things.payload(entry) >> 2;
        (number < WORKSPACES).then_some((entry, number))
    }

    /// Takes a workspace or a domain out; what number it had.
    fn remove_thing(&mut self, id: Uuid, place: u64) -> Option<u64> {
        let things = &self.tables.things;
        let entry = things.find(self.whose.key_of(&self.writer.keys, id, place))?;
        let number = things.payload(entry) >> 2;
        things.remove(entry, |id, place| self.writer.of_thing(id, place));
        self.writer.used.things = self.writer.used.things.saturating_sub(1);
        Some(number)
    }

    fn set_member(&mut self, user: UserId, member: Option<&Member>) {
        let holds = member.map(Holds::in_organization);
        self.edit_member(user, |edit, payload, _| {
            let place = more_of_organization(edit.number);
            if *payload & MORE_OF_MEMBER != 0 {
                edit.set_more(user, place, None);
            }
            *payload = *payload >> MORE << MORE;
            let Some(holds) = holds else { return };
            *payload |= u64::from(holds.code);
            match holds.term {
                Term::Open if holds.own.is_none() => {}
                Term::Suspended if holds.own.is_none() => *payload |= SUSPENDED,
                _ => {
                    *payload |= MORE_OF_MEMBER;
                    edit.set_more(user, place, Some(holds));
                }
            }
        });
    }

    fn set_workspace_role(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        holds: Option<Holds>,
    ) -> bool {
        let Some((_, workspace)) = self.number_of(workspace) else {
            return false;
        };
        self.edit_member(user, |edit, payload, roles| {
            if let Some(shift) = inline(*roles, workspace) {
                *roles &= !(ONE_ROLE << shift);
            }
            let place = more_of_workspace(workspace);
            if *payload >> MORE != 0 && edit.set_more(user, place, None) {
                *payload = payload.saturating_sub(1 << MORE);
            }
            let Some(holds) = holds else { return };
            let plain = holds.term == Term::Open && holds.own.is_none();
            match free(*roles) {
                Some(shift) if plain => *roles |= (workspace << 2 | u64::from(holds.code)) << shift,
                _ => {
                    edit.set_more(user, place, Some(holds));
                    *payload = payload.saturating_add(1 << MORE);
                }
            }
        });
        true
    }

    /// Changes a member's payload and workspace roles. One that holds nothing has no entry.
    fn edit_member(&mut self, user: UserId, edit: impl FnOnce(&mut Self, &mut u64, &mut u64)) {
        let members = &self.tables.members;
        let key = self
            .whose
            .key_of(&self.writer.keys, user.as_uuid(), self.number);
        let Some((entry, new)) = members.entry_or_new(key) else {
            return;
        };
        self.writer.used.members = self.writer.used.members.saturating_add(usize::from(new));
        let (mut payload, mut roles) = (members.payload(entry), members.word(entry, 3));
        edit(self, &mut payload, &mut roles);
        members.set_payload(entry, payload);
        members.set_word(entry, 3, roles);
        if payload == 0 && roles == 0 {
            members.remove(entry, |id, place| self.writer.of_member(id, place));
            self.writer.used.members = self.writer.used.members.saturating_sub(1);
        }
    }

    /// Sets what a user holds there in `more`; whether they held something there before.
    fn set_more(&mut self, user: UserId, place: u64, holds: Option<Holds>) -> bool {
        let more = &self.tables.more;
        let key = key_at(&self.writer.keys, user.as_uuid().as_u128(), place);
        let Some(holds) = holds else {
            let found = more.find(key);
            if let Some(entry) = found {
                more.remove(entry, |id, place| self.writer.of_place(id, place));
                self.writer.used.more = self.writer.used.more.saturating_sub(1);
            }
            return found.is_some();
        };
        let Some((entry, new)) = more.entry_or_new(key) else {
            return false;
        };
        self.writer.used.more = self.writer.used.more.saturating_add(usize::from(new));
        more.set_payload(entry, u64::from(holds.code));
        let term = holds
            .term
            .column()
            .map_or(OPEN, |column| u64::from_ne_bytes(column.to_ne_bytes()));
        more.set_word(entry, 3, term);
        let own = holds.own.map_or(0, RoleNumber::get);
        more.set_word(entry, 4, own);
        !new
    }
}

impl Writer {
    pub(super) fn new(keys: RandomState) -> Self {
        Self {
            keys,
            used: Used::default(),
            salts: Vec::new(),
            workspaces: 0,
            deleted: BTreeMap::new(),
            free: Vec::new(),
            tickets: 0,
            roles: BTreeMap::new(),
        }
    }

    /// A number for a workspace; one that is too large if none is left.
    fn free_number(&mut self) -> u64 {
        self.free.pop().unwrap_or_else(|| {
            self.workspaces = self.workspaces.saturating_add(1).min(WORKSPACES);
            self.workspaces
        })
    }

    /// A ticket that nobody had before.
    pub(super) fn ticket(&mut self) -> u64 {
        self.tickets = self.tickets.saturating_add(1);
        self.tickets
    }

    pub(super) fn bytes(&self) -> usize {
        self.salts.capacity().saturating_mul(size_of::<u64>())
    }

    /// The salt of an organization's number.
    fn salt(&self, number: u64) -> u64 {
        let at = number
            .checked_sub(1)
            .and_then(|at| usize::try_from(at).ok());
        at.and_then(|at| self.salts.get(at))
            .copied()
            .unwrap_or_default()
    }

    // The hash of an entry, from what it is found by.

    fn of_organization(&self, id: u128, _: u64) -> u64 {
        hash(&self.keys, id, 0)
    }

    fn of_member(&self, id: u128, place: u64) -> u64 {
        hash(&self.keys, id, self.salt(place))
    }

    fn of_thing(&self, id: u128, place: u64) -> u64 {
        hash(&self.keys, id, self.salt(place >> 1))
    }

    fn of_place(&self, id: u128, place: u64) -> u64 {
        hash_at(&self.keys, id, place)
    }

    /// The tables with room for one organization more and for that many changes and roles, if one must grow: beside
    /// those that are read.
    pub(super) fn grown(&self, tables: &Tables, changes: usize, roles: usize) -> Option<Tables> {
        let mut grown = None;
        macro_rules! grow {
            ($table:ident, $more:expr, $hash:ident) => {
                let wanted = self.used.$table.saturating_add($more);
                if let Some(table) = tables.$table.grown(wanted, |id, at| self.$hash(id, at)) {
                    grown.get_or_insert_with(|| tables.clone()).$table = table;
                }
            };
        }
        grow!(organizations, 1, of_organization);
        grow!(members, changes, of_member);
        // A change may make a thing and the workspace that it is in.
        grow!(things, changes.saturating_mul(2), of_thing);
        grow!(more, changes, of_place);
        grow!(adds, roles, of_place);
        let wanted = usize::try_from(self.workspaces).unwrap_or(usize::MAX);
        let wanted = wanted.saturating_add(changes).saturating_add(1);
        if let Some(words) = tables.workspaces.grown(wanted.saturating_mul(2)) {
            grown.get_or_insert_with(|| tables.clone()).workspaces = words;
        }
        grown
    }

    /// The tables without anything of an organization but its own entry. It takes time in proportion to them.
    pub(super) fn without(&mut self, tables: &Tables, entry: Entry) -> Tables {
        let number = tables.organizations.payload(entry) >> NUMBER;
        let things = tables.things.entries();
        let its = things.filter(|(_, _, place)| *place == place_of_workspace(number));
        let its: BTreeSet<u64> = its
            .map(|(entry, _, _)| tables.things.payload(entry) >> 2)
            .collect();
        let mut without = tables.clone();
        let mut used = self.used;
        macro_rules! keep {
            ($table:ident, $hash:ident, $stays:expr) => {
                let hash = |id, place| self.$hash(id, place);
                (without.$table, used.$table) = tables.$table.kept(hash, $stays);
            };
        }
        keep!(members, of_member, |place| place != number);
        keep!(things, of_thing, |place| place >> 1 != number);
        keep!(more, of_place, |place: u64| match place & 1 {
            0 => place >> 1 != number,
            _ => !its.contains(&(place >> 1)),
        });
        keep!(adds, of_place, |place| place != number);
        without.workspaces = tables.workspaces.copy();
        for workspace in its {
            without.name_workspace(workspace, Uuid::nil());
            if workspace < WORKSPACES {
                self.free.push(workspace);
            }
        }
        self.free
            .extend(self.deleted.remove(&number).unwrap_or_default());
        self.used = used;
        self.roles.remove(&number);
        without
    }

    pub(super) fn add_organization(&mut self, tables: &Tables, whose: Whose) -> Option<Entry> {
        let number = u64::try_from(self.salts.len()).ok()?.checked_add(1)?;
        if number >= ORGANIZATIONS {
            return None;
        }
        let (entry, _) = tables.organizations.entry_or_new(whose.key())?;
        self.salts.push(whose.salt);
        self.used.organizations = self.used.organizations.saturating_add(1);
        // Without a status, it can't be answered for.
        tables.organizations.set_payload(entry, number << NUMBER);
        Some(entry)
    }

    pub(super) fn remove_organization(&mut self, tables: &Tables, whose: Whose) {
        if let Some(entry) = tables.organizations.find(whose.key()) {
            tables
                .organizations
                .remove(entry, |id, place| self.of_organization(id, place));
            self.used.organizations = self.used.organizations.saturating_sub(1);
        }
    }
}
