//! Lists, each as items with a key.

use tenancy::store::{Item, List, OrganizationState, Record, RecordId};

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
        Item::Across(organization, Record::Invitation(invitation)) => {
            let ids = [organization.id.as_uuid(), invitation.id.as_uuid()];
            return ids.map(|id| *id.as_bytes()).concat();
        }
        Item::Across(organization, _) => organization.id.as_uuid(),
        Item::LogEntry(entry) => return entry.version.get().to_be_bytes().to_vec(),
    };
    id.as_bytes().to_vec()
}

/// The key after which a page begins.
pub(crate) fn after(list: &List) -> Option<Vec<u8>> {
    let id = match list {
        List::Members { after, .. }
        | List::WorkspaceMembers { after, .. }
        | List::Holders { after, .. } => after.map(|user| user.as_uuid()),
        List::Workspaces { after, .. } | List::WorkspacesOf { after, .. } => {
            after.map(|workspace| workspace.as_uuid())
        }
        List::Domains { after, .. } => after.map(|domain| domain.as_uuid()),
        List::Invitations { after, .. } => after.map(|invitation| invitation.as_uuid()),
        List::OrganizationsOf { after, .. } => after.map(|organization| organization.as_uuid()),
        List::InvitationsTo { after, .. } => {
            let (organization, invitation) = (*after)?;
            let ids = [organization.as_uuid(), invitation.as_uuid()];
            return Some(ids.map(|id| *id.as_bytes()).concat());
        }
        List::Log { after, .. } => return Some(after.get().to_be_bytes().to_vec()),
    };
    id.map(|id| id.as_bytes().to_vec())
}

/// The list from its beginning.
fn whole(list: &List) -> List {
    let mut list = list.clone();
    match &mut list {
        List::Members { after, .. }
        | List::WorkspaceMembers { after, .. }
        | List::Holders { after, .. } => *after = None,
        List::Workspaces { after, .. } | List::WorkspacesOf { after, .. } => *after = None,
        List::Domains { after, .. } => *after = None,
        List::Invitations { after, .. } => *after = None,
        List::OrganizationsOf { after, .. } => *after = None,
        List::InvitationsTo { after, .. } => *after = None,
        List::Log { after, .. } => *after = tenancy::Version::ABSENT,
    }
    list
}

impl Data {
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
                .filter_map(|(state, sent)| across(state, Record::Invitation(sent.clone())))
                .collect(),
            List::Log { organization, .. } => self
                .log_of(*organization)
                .cloned()
                .map(Item::LogEntry)
                .collect(),
            list => states
                .flat_map(|state| state.list(&whole(list), usize::MAX))
                .collect(),
        }
    }
}
