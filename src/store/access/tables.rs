//! What the tables hold, and how what a user holds is read from them.

use core::hint::black_box;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use foldhash::quality::RandomState;
use uuid::Uuid;

use super::Lookup;
use super::table::{Entry, HalfLine, Key, Line, PAYLOAD, Search, Table, Words, halves, hash};
use crate::domain::DomainKind;
use crate::grants::Grants;
use crate::id::{OrganizationId, UserId, WorkspaceId};
use crate::member::{Member, Term, WorkspaceMember};
use crate::organization::OrganizationStatus;
use crate::own_role::{Added, RoleNumber};
use crate::resource::{Layer, Resource};
use crate::role::{OrganizationRole, WorkspaceRole};
use crate::standing::{Glance, Held};
use crate::version::Version;

// Payloads. Roles, statuses and kinds are their codes, which are 1 to 3: 0 is none.
pub(super) const CODE: u64 = 0b11;
/// Of a member: suspended.
pub(super) const SUSPENDED: u64 = 1 << 2;
/// Of a member: ends, or holds a role of the organization's own; see `more`.
pub(super) const MORE_OF_MEMBER: u64 = 1 << 3;
/// Of a member: how many workspace roles are in `more`, from this bit on.
pub(super) const MORE: u32 = 8;
/// Of an organization: has roles of its own.
pub(super) const HAS_ROLES: u64 = 1 << 2;
/// Of an organization, its number, from this bit on.
pub(super) const NUMBER: u32 = 3;

/// A workspace role in a member's fourth word: the workspace's number and the role's code.
pub(super) const ROLE_BITS: u32 = 21;
pub(super) const ONE_ROLE: u64 = (1 << ROLE_BITS) - 1;
pub(super) const WORKSPACES: u64 = 1 << (ROLE_BITS - 2);
pub(super) const ORGANIZATIONS: u64 = 1 << 29;

/// No end.
pub(super) const OPEN: u64 = 1 << 63;

// The words of an organization's entry after the third.
pub(super) const VERSION: usize = 3;
pub(super) const HEARD: usize = 4;
pub(super) const TICKET: usize = 5;
/// The ticket that nobody has.
pub(super) const NOBODYS: u64 = u64::MAX;

/// One part's tables.
#[derive(Clone, Default)]
pub(super) struct Tables {
    /// By id. Payload: status, whether it has roles of its own, number. Words: the version that is here, the latest
    /// that was heard of, the ticket of whoever fills it.
    pub(super) organizations: Table<8, Line>,
    /// By user and organization's number. Payload: role, flags, how many more. Word: up to three workspace roles.
    pub(super) members: Table<4, HalfLine>,
    /// Workspaces and domains, by id and twice the organization's number, one more for domains. Payload: the
    /// workspace's number, and of a workspace whether it exists, of a domain its kind.
    pub(super) things: Table<3>,
    /// The ids of the workspaces that exist, by number.
    pub(super) workspaces: Words,
    /// What few hold, by user and twice the organization's number or twice the workspace's and one. Payload: the
    /// workspace role. Words: the term's column, the number of the organization's own role.
    pub(super) more: Table<5>,
    /// What roles of an organization's own add, by role and organization's number. Words: the grants.
    pub(super) adds: Table<5>,
}

/// An organization's id, and the hash of it that finds everything of its.
#[derive(Clone, Copy)]
pub(super) struct Whose {
    pub(super) id: OrganizationId,
    pub(super) salt: u64,
}

/// What a user holds somewhere: a code, for how long, and a role of the organization's own.
#[derive(Clone, Copy)]
pub(super) struct Holds {
    pub(super) code: u8,
    pub(super) term: Term,
    pub(super) own: Option<RoleNumber>,
}

impl Whose {
    pub(super) fn key(self) -> Key {
        Key {
            id: self.id.as_uuid().as_u128(),
            place: 1,
            hash: self.salt,
        }
    }

    pub(super) fn key_of(self, keys: &RandomState, id: Uuid, place: u64) -> Key {
        let id = id.as_u128();
        Key {
            id,
            place,
            hash: hash(keys, id, self.salt),
        }
    }
}

/// A key whose place is its salt.
pub(super) fn key_at(keys: &RandomState, id: u128, place: u64) -> Key {
    Key {
        id,
        place,
        hash: hash_at(keys, id, place),
    }
}

/// The hash of such a key.
pub(super) fn hash_at(keys: &RandomState, id: u128, place: u64) -> u64 {
    hash(keys, id, hash(keys, u128::from(place), 0))
}

pub(super) const fn place_of_workspace(organization: u64) -> u64 {
    organization << 1
}

pub(super) const fn place_of_domain(organization: u64) -> u64 {
    organization << 1 | 1
}

pub(super) const fn more_of_organization(organization: u64) -> u64 {
    organization << 1
}

pub(super) const fn more_of_workspace(workspace: u64) -> u64 {
    workspace << 1 | 1
}

pub(super) const fn code(payload: u64) -> u8 {
    (payload & CODE) as u8
}

fn load<const W: usize>(words: &[AtomicU64; W], word: usize) -> u64 {
    words.get(word).map_or(0, |word| word.load(Relaxed))
}

const fn signed(word: u64) -> i64 {
    i64::from_ne_bytes(word.to_ne_bytes())
}

/// Where in a member's fourth word the role in that workspace is.
#[inline]
pub(super) const fn inline(roles: u64, workspace: u64) -> Option<u32> {
    const SECOND: u32 = ROLE_BITS;
    const THIRD: u32 = 2 * ROLE_BITS;
    // A workspace's number is never zero, so that an empty place is none's.
    if roles >> 2 & (WORKSPACES - 1) == workspace {
        Some(0)
    } else if roles >> (SECOND + 2) & (WORKSPACES - 1) == workspace {
        Some(SECOND)
    } else if roles >> (THIRD + 2) & (WORKSPACES - 1) == workspace {
        Some(THIRD)
    } else {
        None
    }
}

/// A place in a member's fourth word that is empty.
pub(super) const fn free(roles: u64) -> Option<u32> {
    inline(roles, 0)
}

impl Tables {
    pub(super) fn bytes(&self) -> usize {
        [
            self.organizations.bytes(),
            self.members.bytes(),
            self.things.bytes(),
            self.workspaces.bytes(),
            self.more.bytes(),
            self.adds.bytes(),
        ]
        .into_iter()
        .fold(0, usize::saturating_add)
    }

    /// What a user holds on the path to a resource: [`OrganizationState::held`](crate::store::OrganizationState::held).
    pub(super) fn held(
        &self,
        keys: &RandomState,
        whose: Whose,
        user: UserId,
        resource: Resource,
    ) -> Lookup {
        let Some(organization) = self.organizations.find(whose.key()) else {
            return Lookup::Absent;
        };
        let payload = self.organizations.payload(organization);
        let number = payload >> NUMBER;
        let version = self.organizations.word(organization, VERSION);
        let member = self
            .members
            .find(whose.key_of(keys, user.as_uuid(), number));
        let (thing, domain) = match resource {
            Resource::Organization(_) => (None, None),
            Resource::Workspace(_, id) => {
                let key = whose.key_of(keys, id.as_uuid(), place_of_workspace(number));
                (self.things.find(key), None)
            }
            Resource::Domain(_, id) => {
                let key = whose.key_of(keys, id.as_uuid(), place_of_domain(number));
                (self.things.find(key), Some(id))
            }
        };
        let Some(status) = OrganizationStatus::from_code(code(payload)) else {
            return Lookup::Unknown;
        };
        if version < self.organizations.word(organization, HEARD) {
            return Lookup::Unknown;
        }
        let mut held = Held::nothing(Version::new(version), status);
        let (payload, roles) = member.map_or((0, 0), |member| {
            (self.members.payload(member), self.members.word(member, 3))
        });
        held.organization_role = OrganizationRole::from_code(code(payload));
        if payload & SUSPENDED != 0 {
            held.organization_term = Term::Suspended;
        }
        if payload & MORE_OF_MEMBER != 0 {
            let more = self.more_at(keys, user, more_of_organization(number));
            let Some(holds) = more else {
                return Lookup::Unknown;
            };
            held.organization_term = holds.term;
            held.organization_adds = holds.own.and_then(|own| self.added(keys, own, number));
        }
        let Some(thing) = thing.map(|thing| self.things.payload(thing)) else {
            return Lookup::Held(held);
        };
        let workspace = thing >> 2;
        match (resource, domain) {
            (_, Some(id)) => {
                held.domain = Some(id);
                held.kind = DomainKind::from_code(code(thing));
                held.workspace = self.workspace(workspace);
            }
            (Resource::Workspace(_, id), None) if thing & CODE != 0 => held.workspace = Some(id),
            _ => {}
        }
        if held.workspace.is_none() {
            return Lookup::Held(held);
        }
        if let Some(shift) = inline(roles, workspace) {
            held.workspace_role = WorkspaceRole::from_code(code(roles >> shift));
        } else if payload >> MORE != 0 {
            if let Some(holds) = self.more_at(keys, user, more_of_workspace(workspace)) {
                held.workspace_role = WorkspaceRole::from_code(holds.code);
                held.workspace_term = holds.term;
                held.workspace_adds = holds.own.and_then(|own| self.added(keys, own, number));
            }
        }
        Lookup::Held(held)
    }

    /// The same at a glance, where that says enough: a check's own way, without a copy of what it doesn't look at.
    #[inline]
    pub(super) fn glance(
        &self,
        keys: &RandomState,
        whose: Whose,
        user: UserId,
        resource: Resource,
    ) -> Option<Glance> {
        let user = user.as_uuid().as_u128();
        let (id, kind) = match resource {
            Resource::Organization(_) => (None, 0),
            Resource::Workspace(_, id) => (Some(id.as_uuid().as_u128()), 0),
            Resource::Domain(_, id) => (Some(id.as_uuid().as_u128()), 1),
        };
        let organization = self.organizations.begin(whose.salt);
        let member = self.members.begin(hash(keys, user, whose.salt));
        let thing = id.map(|id| self.things.begin(hash(keys, id, whose.salt)));
        // Nothing of this waits for anything else of it: the processor has all three on their way at once.
        let touched = organization.touch() ^ member.touch();
        black_box(touched ^ thing.map_or(0, Search::touch));

        let organization = organization.get(whose.id.as_uuid().as_u128(), 1)?;
        let [version, heard, payload] = [VERSION, HEARD, 2].map(|word| load(organization, word));
        if version < heard {
            return None;
        }
        let number = (payload & PAYLOAD) >> NUMBER;
        let mut glance = Glance {
            version: Version::new(version),
            status: OrganizationStatus::from_code(code(payload))?,
            organization_role: None,
            workspace_role: None,
            reaches: Layer::Organization,
        };
        let mut roles = 0;
        if let Some(member) = member.get(user, number) {
            let payload = load(member, 2) & PAYLOAD;
            if payload & !CODE != 0 {
                return None;
            }
            glance.organization_role = OrganizationRole::from_code(code(payload));
            roles = load(member, 3);
        }
        let place = number << 1 | kind;
        let thing = thing.and_then(|thing| thing.get(id?, place));
        if let Some(thing) = thing {
            let payload = load(thing, 2) & PAYLOAD;
            if payload & CODE != 0 {
                glance.reaches = resource.layer();
            }
            if let Some(shift) = inline(roles, payload >> 2) {
                glance.workspace_role = WorkspaceRole::from_code(code(roles >> shift));
            }
        }
        Some(glance)
    }

    fn more_at(&self, keys: &RandomState, user: UserId, place: u64) -> Option<Holds> {
        let entry = self
            .more
            .find(key_at(keys, user.as_uuid().as_u128(), place))?;
        let column = match self.more.word(entry, 3) {
            OPEN => None,
            column => Some(signed(column)),
        };
        Some(Holds {
            code: code(self.more.payload(entry)),
            term: Term::from_column(column)?,
            own: RoleNumber::from_column(signed(self.more.word(entry, 4))),
        })
    }

    fn added(&self, keys: &RandomState, role: RoleNumber, number: u64) -> Option<Added> {
        let key = key_at(keys, u128::from(role.get()), number);
        let entry = self.adds.find(key)?;
        let words = [self.adds.word(entry, 3), self.adds.word(entry, 4)];
        Some(Added {
            role,
            adds: Grants::from_words(words),
        })
    }

    /// The workspace with that number, if it exists.
    fn workspace(&self, number: u64) -> Option<WorkspaceId> {
        let at = usize::try_from(number).ok()?.checked_mul(2)?;
        let (high, low) = (
            self.workspaces.get(at),
            self.workspaces.get(at.checked_add(1)?),
        );
        let id = Uuid::from_u64_pair(high, low);
        (!id.is_nil()).then(|| WorkspaceId::from_uuid(id))
    }

    pub(super) fn name_workspace(&self, number: u64, id: Uuid) {
        let (high, low) = halves(id.as_u128());
        if let Some(at) = usize::try_from(number)
            .ok()
            .and_then(|at| at.checked_mul(2))
        {
            self.workspaces.set(at, high);
            self.workspaces.set(at.saturating_add(1), low);
        }
    }

    pub(super) fn hear(&self, entry: Entry, version: Version) {
        let heard = self.organizations.word(entry, HEARD).max(version.get());
        self.organizations.set_word(entry, HEARD, heard);
    }

    /// Something couldn't be put in: the store is asked about this organization until it is filled in anew.
    pub(super) fn give_up(&self, entry: Entry) {
        self.organizations.set_word(entry, VERSION, 0);
        self.organizations.set_word(entry, TICKET, NOBODYS);
        self.hear(entry, Version::new(1));
    }

    pub(super) fn filled_by(&self, whose: Whose, ticket: u64) -> Option<Entry> {
        let entry = self.organizations.find(whose.key())?;
        (self.organizations.word(entry, TICKET) == ticket).then_some(entry)
    }
}

impl Holds {
    pub(super) fn in_organization(member: &Member) -> Self {
        Self {
            code: member.role.code(),
            term: member.term(),
            own: member.own_role,
        }
    }

    pub(super) fn in_workspace(member: &WorkspaceMember) -> Self {
        Self {
            code: member.role.code(),
            term: member.term(),
            own: member.own_role,
        }
    }
}
