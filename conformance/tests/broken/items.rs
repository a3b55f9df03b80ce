//! Lists, each as items with a key.

use tenancy::store::{Item, List, OrganizationState, Place, Record, RecordId};

use tenancy::OrganizationId;
use tenancy::text::NameKey;
use tenancy_conformance::Garbled;

use super::store::Data;

/// The key of an item: what its list is ordered and paged by.
pub(crate) fn key(item: &Item) -> Vec<u8> {
    let id = match item {
        Item::Record(record) | Item::Pair(record, _) => match record.id() {
            RecordId::Member(user)
            | RecordId::WorkspaceMember(_, user)
            | RecordId::FormerMember(user, _) => user.as_uuid(),
            RecordId::Workspace(workspace) => workspace.as_uuid(),
            RecordId::Domain(domain) => domain.as_uuid(),
            RecordId::Invitation(invitation) => invitation.as_uuid(),
            RecordId::RetiredDomainName(name) => return name.as_str().as_bytes().to_vec(),
        },
        Item::Across(organization, Record::Invitation(invitation))
        | Item::PairAcross(organization, Record::Invitation(invitation), _) => {
            let ids = [organization.id.as_uuid(), invitation.id.as_uuid()];
            return ids.map(|id| *id.as_bytes()).concat();
        }
        Item::Across(organization, _) | Item::PairAcross(organization, ..) => {
            organization.id.as_uuid()
        }
        Item::Organization(organization) => organization.id.as_uuid(),
        Item::Named(name, organization) => return named(name, organization.id),
        Item::LogEntry(entry) => return entry.version.get().to_be_bytes().to_vec(),
        Item::Unreadable(place) => return at(place),
    };
    id.as_bytes().to_vec()
}

/// The key after which a page begins.
pub(crate) fn after(list: &List) -> Option<Vec<u8>> {
    list.after().as_ref().map(at)
}

fn at(place: &Place) -> Vec<u8> {
    let id = match place {
        Place::User(user) => user.as_uuid(),
        Place::Workspace(workspace) => workspace.as_uuid(),
        Place::Domain(domain) => domain.as_uuid(),
        Place::DomainName(name) => return name.as_str().as_bytes().to_vec(),
        Place::Invitation(invitation) => invitation.as_uuid(),
        Place::Organization(organization) => organization.as_uuid(),
        Place::Named(name, organization) => return named(name, *organization),
        Place::InvitationOf(organization, invitation) => {
            let ids = [organization.as_uuid(), invitation.as_uuid()];
            return ids.map(|id| *id.as_bytes()).concat();
        }
        Place::Version(version) => return version.get().to_be_bytes().to_vec(),
    };
    id.as_bytes().to_vec()
}

/// No name has a zero in it.
fn named(name: &NameKey, organization: OrganizationId) -> Vec<u8> {
    let id = organization.as_uuid();
    [name.as_str().as_bytes(), &[0], id.as_bytes()].concat()
}

impl Data {
    /// An item, or only its place if somebody has garbled it.
    pub(crate) fn readable(&self, list: &List, item: Item) -> Item {
        let is = |id: OrganizationId, what: Garbled| self.garbled.contains(&(id, what));
        let record = |id, record: &Record| is(id, Garbled::Record(record.id()));
        let garbled = match (&item, list.organization()) {
            (Item::Record(one), Some(id)) => record(id, one),
            (Item::Pair(one, other), Some(id)) => record(id, one) || record(id, other),
            (Item::LogEntry(entry), Some(id)) => is(id, Garbled::LogEntry(entry.version)),
            (Item::Across(organization, one), _) => {
                is(organization.id, Garbled::Summary) || record(organization.id, one)
            }
            (Item::Organization(organization) | Item::Named(_, organization), _) => {
                is(organization.id, Garbled::Summary)
            }
            (Item::PairAcross(organization, one, other), _) => {
                let id = organization.id;
                is(id, Garbled::Summary) || record(id, one) || record(id, other)
            }
            _ => false,
        };
        match list.place_of(&item).filter(|_| garbled) {
            Some(place) => Item::Unreadable(place),
            None => item,
        }
    }

    /// The organizations by the keys of their names, of which some are wanted.
    pub(crate) fn named(&self, wanted: impl Fn(&NameKey, OrganizationId) -> bool) -> Vec<Item> {
        let states = self.organizations.values();
        let organizations = states.filter_map(OrganizationState::organization);
        organizations
            .map(|organization| (organization.name.key(), organization))
            .filter(|(name, organization)| wanted(name, organization.id))
            .map(|(name, organization)| Item::Named(name, organization.summary()))
            .collect()
    }

    /// What a list holds, wherever the page begins.
    pub(crate) fn items(&self, list: &List) -> Vec<Item> {
        let across = |state: &OrganizationState, record| {
            Some(Item::Across(state.organization()?.summary(), record))
        };
        let states = self.organizations.values();
        match list {
            List::OrganizationsOf { user, .. } => states
                .filter_map(|state| {
                    let member = state.member(*user)?.clone();
                    across(state, Record::Member(member))
                })
                .collect(),
            List::InvitationsTo { email, .. } => states
                .flat_map(|state| state.open_invitations_to(email).map(move |i| (state, i)))
                .filter_map(|(state, sent)| {
                    let to = sent.target.workspace().and_then(|to| state.workspace(to));
                    let sent = Record::Invitation(sent.clone());
                    let Some(to) = to else {
                        return across(state, sent);
                    };
                    let to = Record::Workspace(to.clone());
                    Some(Item::PairAcross(state.organization()?.summary(), sent, to))
                })
                .collect(),
            List::AllOrganizations { .. } => states
                .filter_map(|state| Some(Item::Organization(state.organization()?.summary())))
                .collect(),
            List::OrganizationsWithMember { email, .. } => states
                .filter(|state| state.members().any(|member| member.email.key() == email))
                .filter_map(|state| Some(Item::Organization(state.organization()?.summary())))
                .collect(),
            List::OrganizationsNamed { prefix, .. } => {
                self.named(|name, _| name.as_str().starts_with(prefix.as_str()))
            }
            List::Log { organization, .. } => self
                .log_of(*organization)
                .cloned()
                .map(Item::LogEntry)
                .collect(),
            list => states
                .flat_map(|state| state.list(&list.behind(None), usize::MAX))
                .collect(),
        }
    }
}
