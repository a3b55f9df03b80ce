//! What every index keeps, wherever it is.

use std::num::NonZeroU32;

use tenancy::commands::{
    AcceptReceivedInvitation, CreateOrganization, InviteToOrganization, InviteToWorkspace,
};
use tenancy::store::{Change, Item, List, MemoryRepository, Place, Record, RecordId};
use tenancy::{
    Actor, Name, OrganizationId, OrganizationRole, Tenancy, UserId, VerifiedEmail, Version,
    WorkspaceId, WorkspaceRole,
};
use tenancy_sharded::{Extent, Feed, Lists, MemoryLists, WithLists};

use crate::pages::{Alike, agree};

fn somebody(name: &str) -> Actor {
    let address = format!("{name}@acme.example").parse().unwrap();
    Actor::user(UserId::from_external(name), VerifiedEmail::attest(address))
}

/// Ann's organization, in which Bob is a member and Cy is invited to a workspace.
async fn acme(store: &MemoryRepository) -> (OrganizationId, WorkspaceId) {
    let (tenancy, ann) = (Tenancy::new(store.clone()), somebody("ann"));
    let name = Name::new("Acme").unwrap();
    let create = CreateOrganization { name };
    let created = tenancy.execute(&ann, create).await.unwrap().output;
    let (organization, workspace) = (created.organization, created.workspace);
    let invite = InviteToOrganization {
        organization,
        email: "bob@acme.example".parse().unwrap(),
        role: OrganizationRole::Member,
    };
    let invitation = tenancy.execute(&ann, invite).await.unwrap();
    let accept = AcceptReceivedInvitation {
        organization,
        invitation: invitation.output.invitation,
    };
    tenancy.execute(&somebody("bob"), accept).await.unwrap();
    let invite = InviteToWorkspace {
        organization,
        workspace,
        email: "cy@acme.example".parse().unwrap(),
        role: WorkspaceRole::Reader,
    };
    tenancy.execute(&ann, invite).await.unwrap();
    (organization, workspace)
}

/// All that lists show of an organization.
fn whole(store: &MemoryRepository, organization: OrganizationId, from: Version) -> Feed {
    let state = store.state(organization).unwrap();
    let changes: Vec<_> = state.records().map(Change::Put).collect();
    let mut feed = Feed::of_changes(from, state.organization().unwrap(), &changes);
    feed.extent = Extent::Whole;
    feed
}

async fn all<L: Lists>(lists: &L, list: &List) -> Vec<Item> {
    lists.list(list, NonZeroU32::MAX).await.unwrap()
}

/// An empty index of these lists keeps what [`Lists`] says.
pub(crate) async fn is_kept<L: Lists + Clone>(lists: L) {
    let store = MemoryRepository::new();
    let (organization, workspace) = acme(&store).await;
    let bob = UserId::from_external("bob");
    let users = [UserId::from_external("ann"), bob];
    let addresses = ["ann@acme.example", "bob@acme.example", "cy@acme.example"];
    let index = WithLists::new(store.clone(), lists.clone());
    let says_it = async || {
        let asked = (&users[..], &addresses[..], &["", "acme", "b"][..]);
        agree((&store, &index), asked, Alike::Exactly).await
    };

    // From nothing to a version, once.
    assert_eq!(lists.version(organization).await.unwrap(), Version::ABSENT);
    let first = whole(&store, organization, Version::ABSENT);
    let at = first.organization.version;
    assert_eq!(first.put.len(), 4, "{first:?}"); // two members, a workspace, an open invitation
    assert!(!lists.feed(&whole(&store, organization, at)).await.unwrap());
    assert_eq!(lists.version(organization).await.unwrap(), Version::ABSENT);
    assert!(lists.feed(&first).await.unwrap());
    assert_eq!(lists.version(organization).await.unwrap(), at);
    assert_eq!(says_it().await.pairs, 4);

    // From another version than it is at: nothing is written.
    for from in [Version::ABSENT, Version::new(1), at.next()] {
        let mut old = whole(&store, organization, from);
        old.put.clear();
        old.organization.name = Name::new("Old").unwrap();
        assert!(!lists.feed(&old).await.unwrap());
        let _ = says_it().await;
    }

    // What can't be read stands where it stood, as far as that is known.
    let mut unreadable = whole(&store, organization, at);
    unreadable.extent = Extent::Changes;
    unreadable.put.clear();
    unreadable.unreadable = vec![RecordId::Member(bob), RecordId::Workspace(workspace)];
    assert!(lists.feed(&unreadable).await.unwrap());
    let after = None;
    let of_bob = all(&lists, &List::OrganizationsOf { user: bob, after }).await;
    let place = Place::Organization(organization);
    assert_eq!(of_bob, [Item::Unreadable(place)]);
    let email = |name: &str| somebody(name).verified_email().unwrap().key().clone();
    let (bobs, cys) = (email("bob"), email("cy"));
    let with_bob = List::OrganizationsWithMember { email: bobs, after };
    assert_eq!(all(&lists, &with_bob).await, []);
    let to_cy = List::InvitationsTo {
        email: cys,
        after: None,
    };
    let invited = store.state(organization).unwrap();
    let invitation = invited.open_invitations().next().unwrap().id;
    let place = Place::InvitationOf(organization, invitation);
    assert_eq!(all(&lists, &to_cy).await, [Item::Unreadable(place)]);

    // What changes is put and goes, and the rest stays.
    let mut changes = whole(&store, organization, at);
    changes.extent = Extent::Changes;
    changes.put.retain(|record| match record {
        Record::Member(member) => member.user == bob,
        _ => true,
    });
    changes.gone = vec![RecordId::Member(users[0]), RecordId::Invitation(invitation)];
    changes
        .put
        .retain(|record| !changes.gone.contains(&record.id()));
    changes.organization.version = at.next();
    assert!(lists.feed(&changes).await.unwrap());
    assert_eq!(lists.version(organization).await.unwrap(), at.next());
    let of_ann = List::OrganizationsOf {
        user: users[0],
        after,
    };
    assert_eq!(all(&lists, &of_ann).await, []);
    assert_eq!(all(&lists, &to_cy).await, []);
    let of_bob = all(&lists, &List::OrganizationsOf { user: bob, after }).await;
    assert!(matches!(of_bob[..], [Item::Across(..)]), "{of_bob:?}");

    // Whole, nothing of before is left, not of another organization's: that stays.
    let (rival, _) = acme(&store).await;
    assert!(
        lists
            .feed(&whole(&store, rival, Version::ABSENT))
            .await
            .unwrap()
    );
    assert!(
        lists
            .feed(&whole(&store, organization, at.next()))
            .await
            .unwrap()
    );
    assert_eq!(says_it().await.pairs, 8);
    let mut empty = whole(&store, organization, at);
    empty.put.clear();
    assert!(lists.feed(&empty).await.unwrap());
    let of_bob = all(&lists, &List::OrganizationsOf { user: bob, after }).await;
    assert_eq!(of_bob.len(), 1);
    let every = all(&lists, &List::AllOrganizations { after }).await;
    assert_eq!(every.len(), 2);

    // Of an organization's own lists it knows nothing.
    let own = List::Workspaces {
        organization,
        after: None,
    };
    assert_eq!(all(&lists, &own).await, []);
}

#[test]
fn an_index_in_memory_keeps_the_contract() {
    tenancy::block_on(is_kept(MemoryLists::new()));
}
