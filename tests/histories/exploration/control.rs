//! The exploration on what is wrong: it has to notice, or it would notice nothing.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::TimeDelta;
use tenancy::store::{Claim, Invitation, InvitationState, Later, Record, RecordId};
use tenancy::token::TokenHash;
use tenancy::{
    InvitationId, InvitationTarget, Member, OrganizationRole, UserId, WorkspaceMember,
    WorkspaceRole,
};

use super::explorer::{Explorer, Node, VALIDITY};
use super::{Bounds, Found, SMALLEST, TWO_OF_ONE};
use crate::bytes::{address, user};
use crate::driver;
use tenancy_tests::commands::Kind;
use tenancy_tests::model::{Choices, Who};
use tenancy_tests::world::email;

/// Acme as it is born: Ann's, with one workspace.
fn born(explorer: &Explorer) -> Node {
    let mut found = Found::default();
    let mut first = None;
    let start = explorer.start();
    let mut commands = std::collections::BTreeSet::new();
    explorer.expand(&start, &mut found, &mut commands, |next| {
        first.get_or_insert(next);
    });
    first.expect("somebody may create it")
}

/// What an assertion said that failed.
fn failure(of: impl FnOnce()) -> String {
    match catch_unwind(AssertUnwindSafe(of)) {
        Ok(()) => "none".to_owned(),
        Err(said) => said.downcast_ref::<String>().cloned().unwrap_or_default(),
    }
}

/// With an organization's row put right, so that only what a test breaks is broken.
fn put(node: &mut Node, records: impl IntoIterator<Item = Record>) {
    for record in records {
        node.states[0].put(record);
    }
    let mut row = node.states[0].organization().unwrap().clone();
    row.counts = node.states[0].recount();
    node.states[0].set_organization(row);
}

type Breaks<'a> = Box<dyn Fn(&mut Node) + 'a>;

#[test]
fn a_state_that_breaks_an_invariant_is_noticed() {
    let bounds = Bounds {
        invitations: 1,
        ..SMALLEST
    };
    let explorer = Explorer::new(bounds);
    let whole = born(&explorer);
    explorer.in_order(&whole);
    let owner = whole.states[0].members().next().unwrap().clone();
    let workspace = whole.states[0].workspaces().next().unwrap().clone();
    let member = |user, role| {
        Record::Member(Member {
            user,
            role,
            own_role: None,
            email: email("somebody@host.example"),
            since: whole.now,
            lowered_in: None,
            suspended: false,
            until: None,
            later: Later::default(),
        })
    };
    let held = |user| {
        Record::WorkspaceMember(WorkspaceMember {
            workspace: workspace.id,
            user,
            role: WorkspaceRole::Reader,
            own_role: None,
            since: whole.now,
            lowered_in: None,
            until: None,
            later: Later::default(),
        })
    };
    let sent = |inviter: UserId| {
        Record::Invitation(Invitation {
            id: InvitationId::new(),
            email: email("new@host.example"),
            target: InvitationTarget::Organization {
                role: OrganizationRole::Member,
            },
            own_role: None,
            inviter,
            token_hash: TokenHash::from_bytes([1; 32]),
            sent_at: whole.now,
            sent_in: whole.states[0].version(),
            expires_at: whole.now + VALIDITY,
            state: InvitationState::Open,
            later: Later::default(),
        })
    };
    let somebody = user(1);
    let broken: [(&str, &str, Breaks<'_>); 6] = [
        (
            "no Admin",
            "NoAdmin",
            Box::new(|node| put(node, [member(owner.user, OrganizationRole::Member)])),
        ),
        (
            "a wrong count",
            "Counts",
            Box::new(|node| node.states[0].put(member(somebody, OrganizationRole::Member))),
        ),
        (
            "a workspace member who is no member",
            "NotAMember",
            Box::new(|node| {
                let mut counted = workspace.clone();
                counted.members = 1;
                put(node, [Record::Workspace(counted), held(somebody)]);
            }),
        ),
        (
            "an inviter who may not",
            "I6",
            Box::new(|node| {
                let role = OrganizationRole::Accounting;
                put(node, [member(somebody, role), sent(somebody)]);
            }),
        ),
        (
            "a claim for no domain",
            "D2: a claim for each name",
            Box::new(|node| {
                let claim = Claim::DomainName("api".parse().unwrap());
                node.claims.insert(claim, node.ids[0]);
            }),
        ),
        (
            "a record that is not in the log",
            "invariant 8",
            Box::new(|node| {
                drop(node.states[0].delete(&RecordId::Workspace(workspace.id)));
                put(node, []);
            }),
        ),
    ];
    for (what, expected, breaks) in broken {
        let mut node = whole.clone();
        breaks(&mut node);
        let said = failure(|| explorer.in_order(&node));
        assert!(said.contains(expected), "{what}: {said}");
    }
}

#[test]
fn a_reading_of_the_rulebook_that_differs_is_noticed() {
    let bounds = Bounds {
        quotas: &[1, 2],
        invitations: 2,
        links: Some(2),
        ..SMALLEST
    };
    let honest = Explorer::new(bounds).choices;
    let others = [
        Choices { quota: 2, ..honest },
        Choices { limit: 0, ..honest },
        Choices { links: 1, ..honest },
        Choices {
            pause: TimeDelta::zero(),
            ..honest
        },
        Choices {
            validity: VALIDITY * 2,
            ..honest
        },
    ];
    // Nothing, then an organization, in which everything can be asked, and then an invitation to it.
    let explored = |choices| {
        let explorer = Explorer {
            choices,
            ..Explorer::new(bounds)
        };
        let node = born(&explorer);
        let mut invited = None;
        explorer.expand(&node, &mut Found::default(), &mut BTreeSet::new(), |next| {
            if next.states[0].open_invitations().next().is_some() {
                invited.get_or_insert(next);
            }
        });
        let node = invited.expect("somebody may be invited");
        explorer.expand(&node, &mut Found::default(), &mut BTreeSet::new(), drop);
    };
    assert_eq!(failure(|| explored(honest)), "none");
    for (index, choices) in others.into_iter().enumerate() {
        assert_ne!(
            failure(|| explored(choices)),
            "none",
            "choice {index}: not noticed"
        );
    }
}

/// What is told of a past that differs: of whom an open invitation lets in no more (M2, M4).
#[test]
fn a_departure_that_is_forgotten_is_noticed() {
    let bounds = Bounds {
        addresses: TWO_OF_ONE,
        invitations: 1,
        ..SMALLEST
    };
    let explorer = Explorer::new(bounds);
    // Bob is appointed under one address, invited under the other, and leaves.
    let steps = [
        (Kind::AppointAdmin, Who::Operator),
        (
            Kind::InviteToOrganization,
            Who::User(user(0), Some(address(0))),
        ),
        (
            Kind::LeaveOrganization,
            Who::User(user(1), Some(address(1))),
        ),
    ];
    let mut node = born(&explorer);
    for (kind, who) in steps {
        let further = |next: &Node| match kind {
            Kind::AppointAdmin => next.states[0].member(user(1)).is_some(),
            Kind::InviteToOrganization => {
                let other = email(&address(2));
                next.states[0]
                    .open_invitations_to(other.key())
                    .next()
                    .is_some()
            }
            _ => next.states[0].member(user(1)).is_none(),
        };
        let mut found = None;
        let only = Explorer {
            actors: vec![(who.clone(), driver::actor(&who))],
            ..Explorer::new(bounds)
        };
        only.expand(&node, &mut Found::default(), &mut BTreeSet::new(), |next| {
            if further(&next) {
                found.get_or_insert(next);
            }
        });
        node = found.unwrap_or_else(|| panic!("{kind:?} leads further"));
    }
    explorer.in_order(&node);
    let form = explorer.renamings.form(&node);
    let departure = node.states[0].former_members().next().cloned();
    let departure = departure.expect("he departed");
    let id = RecordId::FormerMember(departure.user, departure.workspace);
    node.states[0].delete(&id);
    assert_ne!(
        explorer.renamings.form(&node),
        form,
        "the two are not alike"
    );
    let said = failure(|| explorer.in_order(&node));
    assert!(said.contains("invariant 8"), "{said}");
}
