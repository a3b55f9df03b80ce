use super::*;
use crate::id::{InvitationId, UserId};
use crate::role::WorkspaceRole;

/// Every item of a list by its key, walked in pages of two.
fn walk<K: Copy>(
    acme: &Acme,
    list: impl Fn(Option<K>) -> List,
    key: impl Fn(&Item) -> Option<K>,
) -> Vec<K> {
    let key = |item: &Item| key(item).unwrap_or_else(|| panic!("of another list: {item:?}"));
    let (mut after, mut all) = (None, Vec::new());
    loop {
        let items = acme.list(&list(after), 2);
        assert!(items.len() <= 2);
        let Some(end) = items.last() else {
            return all;
        };
        after = Some(key(end));
        all.extend(items.iter().map(&key));
    }
}

fn sorted<T: Ord>(all: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort();
    all
}

/// The user of a list of members, of the organization or of a workspace.
fn user(item: &Item) -> Option<UserId> {
    match item {
        Item::Record(Record::Member(member)) => Some(member.user),
        Item::Record(Record::WorkspaceMember(member)) => Some(member.user),
        _ => None,
    }
}

fn members(acme: &Acme, roles: RoleSet) -> impl Fn(Option<UserId>) -> List {
    let organization = acme.id;
    move |after| List::Members {
        organization,
        roles,
        after,
    }
}

#[test]
fn members_are_listed_by_user_whatever_their_roles() {
    let acme = Acme::new();
    let roles = [
        OrganizationRole::Member,
        OrganizationRole::Admin,
        OrganizationRole::Accounting,
    ];
    let people: Vec<_> = roles
        .into_iter()
        .cycle()
        .take(9)
        .map(|role| (UserId::new(), role))
        .collect();
    acme.happens(people.iter().map(|(user, role)| joined(*user, *role)));
    let expected = |roles: RoleSet| {
        let all = people
            .iter()
            .copied()
            .chain([(acme.ann, OrganizationRole::Admin)]);
        let held = all.filter(|(_, role)| roles.contains(RoleSet::of_organization(*role)));
        sorted(held.map(|(user, _)| user))
    };
    for roles in [
        RoleSet::all(),
        RoleSet::empty(),
        RoleSet::READER,
        RoleSet::ORGANIZATION_ADMIN,
        RoleSet::MEMBER | RoleSet::ACCOUNTING,
    ] {
        let listed = walk(&acme, members(&acme, roles), user);
        assert_eq!(listed, expected(roles), "{roles}");
    }
}

#[test]
fn a_member_is_listed_by_the_role_that_they_have_now() {
    let acme = Acme::new();
    let bob = UserId::new();
    acme.happens([joined(bob, OrganizationRole::Member)]);
    acme.happens([Event::OrganizationRoleChanged {
        user: bob,
        from: OrganizationRole::Member,
        to: OrganizationRole::Accounting,
    }]);
    let holders = |roles| walk(&acme, members(&acme, roles), user);
    assert_eq!(holders(RoleSet::MEMBER), []);
    assert_eq!(holders(RoleSet::ACCOUNTING), [bob]);
}

#[test]
fn a_walk_misses_nobody_while_others_come_and_go() {
    let acme = Acme::new();
    let users = sorted((0..6).map(|_| UserId::new()));
    acme.happens(
        users[1..5]
            .iter()
            .map(|user| joined(*user, OrganizationRole::Member)),
    );
    let page = |after| {
        let list = members(&acme, RoleSet::MEMBER)(after);
        let users = acme.list(&list, 2);
        users.iter().filter_map(user).collect::<Vec<_>>()
    };
    assert_eq!(page(None), users[1..3]);
    acme.happens([
        Event::MemberLeft {
            user: users[2], // the place where the walk stands
            role: OrganizationRole::Member,
        },
        joined(users[0], OrganizationRole::Member),
        joined(users[5], OrganizationRole::Member),
    ]);
    assert_eq!(page(Some(users[2])), users[3..5]);
    assert_eq!(page(Some(users[4])), users[5..]);
}

#[test]
fn workspaces_and_their_members_are_listed_in_pages() {
    let acme = Acme::new();
    let created: Vec<_> = (0..4).map(|_| WorkspaceId::new()).collect();
    acme.happens(created.iter().map(|id| Event::WorkspaceCreated {
        workspace: *id,
        name: name(&format!("Workspace {id}")),
    }));
    let all = sorted(created.into_iter().chain([acme.payments]));
    let organization = acme.id;
    let listed = walk(
        &acme,
        |after| List::Workspaces {
            organization,
            after,
        },
        |item| match item {
            Item::Record(Record::Workspace(workspace)) => Some(workspace.id),
            _ => None,
        },
    );
    assert_eq!(listed, all);

    let given = |workspace, user, role| Event::WorkspaceRoleGiven {
        workspace,
        user,
        role,
        replaces: None,
    };
    acme.happens(
        all[1..]
            .iter()
            .map(|id| given(*id, acme.ann, WorkspaceRole::Admin)),
    );
    let listed = walk(
        &acme,
        |after| List::WorkspacesOf {
            organization,
            user: acme.ann,
            after,
        },
        |item| match item {
            Item::Pair(Record::Workspace(workspace), Record::WorkspaceMember(member)) => {
                assert_eq!(member.workspace, workspace.id);
                Some(workspace.id)
            }
            _ => None,
        },
    );
    assert_eq!(listed, all[1..]);

    let readers: Vec<_> = (0..3).map(|_| UserId::new()).collect();
    acme.happens(
        readers
            .iter()
            .flat_map(|user| {
                [
                    joined(*user, OrganizationRole::Member),
                    given(all[1], *user, WorkspaceRole::Reader),
                ]
            })
            .collect::<Vec<_>>(),
    );
    let holders = |workspace, roles| {
        let list = |after| List::WorkspaceMembers {
            organization,
            workspace,
            roles,
            after,
        };
        walk(&acme, list, user)
    };
    let everybody = readers.iter().copied().chain([acme.ann]);
    assert_eq!(holders(all[1], RoleSet::READER), sorted(readers.clone()));
    assert_eq!(holders(all[1], RoleSet::all()), sorted(everybody));
    assert_eq!(holders(all[1], RoleSet::WORKSPACE_ADMIN), [acme.ann]);
    assert_eq!(holders(all[0], RoleSet::all()), []);
}

#[test]
fn domains_are_listed_by_workspace() {
    let acme = Acme::new();
    let ids = sorted((0..5).map(|_| DomainId::new()));
    acme.happens(
        ids.iter()
            .map(|id| created(*id, acme.payments, &format!("d-{id}"))),
    );
    let domains = |workspace| {
        let list = |after| List::Domains {
            organization: acme.id,
            workspace,
            after,
        };
        walk(&acme, list, |item| match item {
            Item::Record(Record::Domain(domain)) => Some(domain.id),
            _ => None,
        })
    };
    assert_eq!(domains(acme.payments), ids);
    assert_eq!(domains(WorkspaceId::new()), []);
}

#[test]
fn the_names_that_an_organization_keeps_are_listed_by_name() {
    let acme = Acme::new();
    let globex = Acme::in_store(acme.store.clone());
    let gone = |of: &Acme, called: &str| {
        let (domain, workspace) = (DomainId::new(), of.payments);
        let name = DomainName::new(called).unwrap();
        let created = created(domain, workspace, called);
        [
            created,
            Event::DomainDeleted {
                domain,
                workspace,
                name,
            },
        ]
    };
    for called in ["ab", "a0", "a-b", "a"] {
        acme.happens(gone(&acme, called));
    }
    globex.happens(gone(&globex, "theirs"));
    let (mut after, mut listed) = (None, Vec::new());
    loop {
        let organization = acme.id;
        let list = List::KeptNames {
            organization,
            after,
        };
        let page = acme.list(&list, 2);
        let Some(last) = page.last().and_then(|item| list.place_of(item)) else {
            break;
        };
        after = DomainName::try_from(last).ok();
        listed.extend(page);
    }
    let listed = listed.iter().map(|item| match item {
        Item::Record(Record::RetiredDomainName(kept)) => kept.name.as_str(),
        other => panic!("of another list: {other:?}"),
    });
    assert_eq!(listed.collect::<Vec<_>>(), ["a", "a-b", "a0", "ab"]);
}

#[test]
fn open_invitations_are_listed_by_organization_workspace_and_address() {
    let acme = Acme::new();
    let globex = Acme::in_store(acme.store.clone());
    let (to_acme, to_payments, to_globex) = (
        InvitationId::new(),
        InvitationId::new(),
        InvitationId::new(),
    );
    let as_reader = InvitationTarget::Workspace {
        workspace: acme.payments,
        role: WorkspaceRole::Reader,
    };
    acme.happens([
        invited(to_acme, "Bob@example.com", AS_MEMBER, acme.ann),
        invited(to_payments, "bob@example.com", as_reader, acme.ann),
    ]);
    globex.happens([invited(to_globex, "bob@Example.com", AS_MEMBER, globex.ann)]);
    let open = |workspace| {
        let list = |after| List::Invitations {
            organization: acme.id,
            workspace,
            after,
        };
        walk(&acme, list, |item| match item {
            Item::Record(Record::Invitation(invitation)) => Some(invitation.id),
            _ => None,
        })
    };
    assert_eq!(open(None), [to_acme, to_payments]);
    assert_eq!(open(Some(acme.payments)), [to_payments]);

    let bob = email("BOB@example.com");
    let to_bob = || {
        let list = |after| List::InvitationsTo {
            email: bob.key().clone(),
            after,
        };
        walk(&acme, list, |item| match item {
            Item::Across(organization, Record::Invitation(invitation)) => {
                assert_eq!(invitation.target.workspace(), None);
                Some((organization.id, invitation.id))
            }
            Item::PairAcross(organization, Record::Invitation(sent), Record::Workspace(to)) => {
                assert_eq!(sent.target.workspace(), Some(to.id));
                Some((organization.id, sent.id))
            }
            _ => None,
        })
    };
    let mut expected = sorted([
        (acme.id, to_acme),
        (acme.id, to_payments),
        (globex.id, to_globex),
    ]);
    assert_eq!(to_bob(), expected);

    acme.happens([Event::InvitationDeclined {
        invitation: to_acme,
        user: UserId::new(),
    }]);
    expected.retain(|(_, id)| *id != to_acme);
    assert_eq!(to_bob(), expected);
    assert_eq!(open(None), [to_payments]);
}

#[test]
fn the_organizations_of_a_user_are_those_that_they_are_still_in() {
    let acme = Acme::new();
    let bob = UserId::new();
    let others: Vec<_> = (0..3).map(|_| Acme::in_store(acme.store.clone())).collect();
    for organization in others.iter().chain([&acme]) {
        organization.happens([joined(bob, OrganizationRole::Member)]);
    }
    acme.happens([Event::MemberLeft {
        user: bob,
        role: OrganizationRole::Member,
    }]);
    let listed = walk(
        &acme,
        |after| List::OrganizationsOf { user: bob, after },
        |item| match item {
            Item::Across(organization, Record::Member(_)) => Some(organization.id),
            _ => None,
        },
    );
    assert_eq!(
        listed,
        sorted(others.iter().map(|organization| organization.id))
    );
}

#[test]
fn organizations_are_found_by_id_by_name_and_by_a_members_address() {
    let acme = Acme::new();
    let others: Vec<_> = (0..3).map(|_| Acme::in_store(acme.store.clone())).collect();
    let globex = &others[0];
    globex.happens([renamed("Globex")]);
    let found = |list: List| {
        let (mut next, mut found) = (list, Vec::new());
        while let Some(last) = acme.list(&next, 1).pop() {
            next = next.behind(next.place_of(&last));
            found.push(last);
        }
        found
    };
    let ids = |items: Vec<Item>| -> Vec<_> {
        let ids = items.into_iter().map(|item| match item {
            Item::Organization(organization) | Item::Named(_, organization) => organization.id,
            other => panic!("of another list: {other:?}"),
        });
        ids.collect()
    };
    let named = |prefix: &str| {
        let prefix = name(prefix).key();
        let after = None;
        ids(found(List::OrganizationsNamed { prefix, after }))
    };
    let everybody = sorted(others.iter().chain([&acme]).map(|it| it.id));
    let called_acme = everybody.iter().copied().filter(|id| *id != globex.id);
    assert_eq!(
        ids(found(List::AllOrganizations { after: None })),
        everybody
    );
    assert_eq!(named("ACM"), called_acme.collect::<Vec<_>>());
    assert_eq!(named("glob"), [globex.id]);
    assert_eq!(named("globexx"), []);

    // One of two members of an address leaves.
    let [bob, bobby] = [UserId::new(), UserId::new()];
    let with = |address: &str| {
        let (email, after) = (email(address).key().clone(), None);
        ids(found(List::OrganizationsWithMember { email, after }))
    };
    let joined = |user| Event::MemberJoined {
        user,
        email: email("Bob@example.com"),
        role: OrganizationRole::Member,
    };
    let left = |user| Event::MemberLeft {
        user,
        role: OrganizationRole::Member,
    };
    let both = sorted([acme.id, globex.id]);
    acme.happens([joined(bob), joined(bobby)]);
    globex.happens([joined(bob)]);
    assert_eq!(with("bob@EXAMPLE.com"), both);
    acme.happens([left(bobby)]);
    assert_eq!(with("bob@example.com"), both);
    acme.happens([left(bob)]);
    assert_eq!(with("bob@example.com"), [globex.id]);
}

#[test]
fn the_log_is_read_from_a_version_on() {
    let acme = Acme::new();
    for to in ["A", "B", "C"] {
        acme.happens([renamed(to)]);
    }
    let versions = |after, size| {
        let log = acme.log_after(after, size);
        log.iter().map(|e| e.version.get()).collect::<Vec<_>>()
    };
    assert_eq!(versions(0, 9), [1, 2, 3, 4]);
    assert_eq!(versions(2, 1), [3]);
    assert_eq!(versions(4, 9), [0; 0]);
    assert_eq!(versions(u64::MAX, 9), [0; 0]);
}
