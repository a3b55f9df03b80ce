//! A2, as one table: every command and every read, asked by those who may not see what they ask about,
//! answers the same whether it exists or not, after the same round trips to the store.
//!
//! The same: the refusal, as `Debug`, as JSON, as text, its code and its status, with the ids that were
//! asked for replaced by what they stand for. Round trips: which of the store's methods, with which kinds
//! of keys, in which order.
//!
//! The commands are the crate's own list. A read that is added to `src/` and not to the table here fails a test.
//!
//! Not in the table: what time it takes (a store reads more rows of what exists), and what the host asks
//! for itself ([`Tenancy::standing`] of a member at a workspace says whether the workspace exists; it
//! decides with it, and shows the decision).

pub(crate) mod counting;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use counting::Counting;
use table::{At, READS, Row, commands};
use tenancy::commands::DefineRole;
use tenancy::store::MemoryRepository;
use tenancy::{
    Actor, CommitId, DomainId, Grants, InvitationId, OrganizationId, OrganizationRole, RoleBase,
    Tenancy, UserId, WorkspaceAction, WorkspaceId, WorkspaceRole,
};
use tenancy_tests::world::{
    Acme, World, email, id, label, line, name, operator, token, unverified, user, user_at,
};

/// A deployment in which everything exists that can be asked about.
struct Deployment {
    tenancy: Tenancy<Counting<MemoryRepository>>,
    /// What exists.
    acme: At,
    /// Another organization, in which the same kinds of things exist.
    zebra: At,
    /// A workspace of Acme that nobody in the tables has a role in, with a domain and an invitation.
    elsewhere: (WorkspaceId, DomainId, InvitationId),
    /// An organization that was deleted, and a workspace that was.
    gone: (OrganizationId, WorkspaceId),
    /// A commit that Ann made in Acme.
    used: CommitId,
}

impl Deployment {
    fn new() -> Self {
        let world = World::new();
        let acme = world.acme();
        let ann = user("ann");
        world.member(acme, "mel", OrganizationRole::Member);
        world.member(acme, "cal", OrganizationRole::Accounting);
        world.workspace_member(acme, "rita", WorkspaceRole::Reader);
        let rex = world.member(acme, "rex", OrganizationRole::Admin);
        world.does(&ann, acme.remove(&rex));
        let other = world.does(&ann, acme.create_workspace("Elsewhere"));
        let elsewhere = (
            other,
            world.does(&ann, acme.sandbox_in(other, "elsewhere")),
            world
                .does(&ann, acme.invite_to(other, "visitor", WorkspaceRole::Admin))
                .invitation,
        );
        world.does(&ann, acme.invite("carol", OrganizationRole::Admin));
        let retired = world.does(&ann, acme.sandbox("retired"));
        world.does(&ann, acme.delete_domain(retired));
        let closed = world.does(&ann, acme.create_workspace("Closed"));
        world.does(&ann, acme.delete_workspace(closed));
        let old = world.born(&ann, "Old");
        world.does(&ann, old.delete_workspace(old.workspace));
        world.does(&ann, old.delete());
        let (acme_at, used) = at(&world, acme, "ann", "api");
        let zebra = world.owned_by(&user("zoe"), "Zebra");
        world.born(&user("zoe"), "Elsewhere too");
        let (zebra, _) = at(&world, zebra, "zoe", "zebra-api");
        Self {
            tenancy: Tenancy::new(Counting::new(world.store())).with_clock({
                let now = world.now();
                move || now
            }),
            acme: acme_at,
            zebra,
            elsewhere,
            gone: (old.organization, closed),
            used,
        }
    }
}

/// A domain, an invitation, another workspace, a member and a commit of an organization.
fn at(world: &World, it: Acme, owner: &str, called: &str) -> (At, CommitId) {
    let owner = user(owner);
    let domain = world.does(&owner, it.sandbox(called));
    let sent = world.does(&owner, it.invite("guest", OrganizationRole::Member));
    let to = world.does(&owner, it.create_workspace("Second"));
    let role = DefineRole {
        organization: it.organization,
        name: name("Tester"),
        base: RoleBase::Reader,
        adds: Grants::of(WorkspaceAction::Rename).unwrap(),
    };
    let role = world.does(&owner, role);
    let used = CommitId::new();
    world.did_as(used, &owner, it.rename("Renamed"));
    let at = At {
        commit: CommitId::new(),
        organization: it.organization,
        workspace: it.workspace,
        to,
        domain,
        invitation: token(&sent).invitation(),
        user: id(&owner),
        email: owner.verified_email().unwrap().address().clone(),
        label: label(called),
        name: name("Elsewhere"),
        line: line("C-1"),
        role,
    };
    (at, used)
}

/// Nothing of all that.
fn nowhere(at: &At) -> At {
    At {
        commit: CommitId::new(),
        organization: OrganizationId::new(),
        workspace: WorkspaceId::new(),
        to: WorkspaceId::new(),
        domain: DomainId::new(),
        invitation: InvitationId::new(),
        user: UserId::new(),
        email: email("nobody@nowhere.example"),
        label: label("nowhere"),
        name: name("Nowhere"),
        role: "1000000".parse().unwrap(),
        ..at.clone()
    }
}

type Change = fn(&mut At, &At, &Deployment);

/// What of a question may exist or not, one at a time: everywhere, in an organization, in a workspace.
const ORGANIZATIONS: [(&str, Change); 3] = [
    ("no organization", |at, none, _| {
        at.organization = none.organization;
    }),
    ("a deleted organization", |at, _, all| {
        at.organization = all.gone.0;
    }),
    ("a commit that was made", |at, _, all| at.commit = all.used),
];
const WORKSPACES: [(&str, Change); 5] = [
    ("no workspace", |at, none, _| at.workspace = none.workspace),
    ("no other workspace", |at, none, _| at.to = none.to),
    ("a deleted workspace", |at, _, all| {
        at.workspace = all.gone.1;
    }),
    ("a workspace elsewhere", |at, _, all| {
        at.workspace = all.elsewhere.0;
    }),
    ("another organization's workspace", |at, _, all| {
        at.workspace = all.zebra.workspace;
    }),
];
const DOMAINS: [(&str, Change); 3] = [
    ("no domain", |at, none, _| at.domain = none.domain),
    ("a domain elsewhere", |at, _, all| {
        at.domain = all.elsewhere.1;
    }),
    ("another organization's domain", |at, _, all| {
        at.domain = all.zebra.domain;
    }),
];
const THE_REST: [(&str, Change); 13] = [
    ("no such role", |at, none, _| at.role = none.role),
    ("another organization's role", |at, _, all| {
        at.role = all.zebra.role;
    }),
    ("no invitation", |at, none, _| {
        at.invitation = none.invitation;
    }),
    ("an invitation elsewhere", |at, _, all| {
        at.invitation = all.elsewhere.2;
    }),
    ("another organization's invitation", |at, _, all| {
        at.invitation = all.zebra.invitation;
    }),
    ("no such user", |at, none, _| at.user = none.user),
    ("another organization's member", |at, _, all| {
        at.user = all.zebra.user;
    }),
    ("nobody's address", |at, none, _| {
        at.email = none.email.clone();
    }),
    ("an invited address", |at, _, _| {
        at.email = email("guest@acme.example");
    }),
    ("a free domain name", |at, none, _| {
        at.label = none.label.clone();
    }),
    ("a deleted domain's name", |at, _, _| {
        at.label = label("retired");
    }),
    ("another organization's domain name", |at, _, all| {
        at.label = all.zebra.label.clone();
    }),
    ("a free workspace name", |at, none, _| {
        at.name = none.name.clone();
    }),
];

/// Asks one row about what exists and about each variation, and tells the differences.
fn differences(
    all: &Deployment,
    who: &str,
    actor: &Actor,
    row: &Row,
    changes: &[(&str, Change)],
) -> Vec<String> {
    let exists = row.ask(&all.tenancy, actor, &all.acme);
    assert!(
        !exists.trips.is_empty() || row.is_about_oneself() || row.is_for_operators(),
        "{}: no round trip",
        row.name
    );
    let none = nowhere(&all.acme);
    let varied = changes.iter().filter_map(|(what, change)| {
        let mut at = all.acme.clone();
        change(&mut at, &none, all);
        let answer = row.ask(&all.tenancy, actor, &at);
        let told = || format!("{}, by {who}, {what}: {answer:?}, not {exists:?}", row.name);
        (answer != exists).then(told)
    });
    varied.collect()
}

fn outsiders() -> [(&'static str, Actor); 6] {
    [
        ("a stranger", user("dora")),
        ("a stranger without a verified address", unverified("uma")),
        ("the Admin of another organization", user("zoe")),
        ("a former Admin", user("rex")),
        ("somebody who is invited", user("carol")),
        (
            "a stranger with a member's address",
            user_at("eve", "ann@acme.example"),
        ),
    ]
}

fn rows() -> impl Iterator<Item = Row> {
    commands().chain(READS.iter().copied())
}

#[test]
fn a2_an_outsider_gets_one_answer_in_the_same_round_trips() {
    let all = Deployment::new();
    let nothing: (&str, Change) = ("nothing of it", |at, none, _| *at = none.clone());
    let changes: Vec<_> = [
        &[nothing][..],
        &ORGANIZATIONS,
        &WORKSPACES,
        &DOMAINS,
        &THE_REST,
    ]
    .concat();
    let mut found = Vec::new();
    for (who, actor) in outsiders() {
        for row in rows() {
            found.extend(differences(&all, who, &actor, &row, &changes));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a2_an_outsider_is_refused_by_every_command_that_names_something() {
    let all = Deployment::new();
    for (who, actor) in outsiders() {
        for row in commands().filter(|row| !row.is_creation()) {
            let answer = row.ask(&all.tenancy, &actor, &all.acme);
            let mut hidden = vec!["not_found 404", "invitation_not_found 404"];
            if actor.verified_email().is_none() {
                hidden.push("email_unverified 403"); // Without an address, nothing was received.
            }
            let said = hidden.iter().any(|code| answer.said.starts_with(code));
            assert!(said, "{}, asked by {who}: {}", row.name, answer.said);
            assert_eq!(answer.trips.len(), 1, "{}: one load, no commit", row.name);
        }
    }
}

/// Members of Acme are outsiders too, to what they may not view in it.
#[test]
fn a2_a_member_gets_one_answer_about_what_is_hidden_from_them() {
    let all = Deployment::new();
    let everything_below: Vec<_> = [&WORKSPACES[..], &DOMAINS, &THE_REST].concat();
    let accounting: Vec<_> = [&DOMAINS[..], &THE_REST].concat();
    let mut found = Vec::new();
    for row in rows().filter(|row| !row.for_the_host) {
        let mel = user("mel");
        found.extend(differences(&all, "a Member", &mel, &row, &everything_below));
        if !row.names_two_layers {
            let cal = user("cal");
            found.extend(differences(&all, "Accounting", &cal, &row, &accounting));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Whoever is no operator, an Admin too, looks for organizations as if there were none, and asks no store.
#[test]
fn a2_only_operators_look_for_organizations() {
    let all = Deployment::new();
    let members = ["ann", "cal", "mel", "rita"].map(|who| (who, user(who)));
    for row in READS.iter().filter(|row| row.is_for_operators()) {
        for (who, actor) in outsiders().into_iter().chain(members.clone()) {
            let answer = row.ask(&all.tenancy, &actor, &all.acme);
            let nothing = ["None", "Page { items: [], next: None, unreadable: [] }"];
            assert!(
                nothing.contains(&answer.said.as_str()),
                "{} by {who}: {answer:?}",
                row.name
            );
            assert_eq!(answer.trips.len(), 0, "{} by {who}", row.name);
        }
        let by_op = row.ask(&all.tenancy, &operator(), &all.acme);
        let most = if row.name == "organization_with_domain" {
            2
        } else {
            1
        };
        assert_eq!(by_op.trips.len(), most, "{}", row.name);
    }
}

/// A Reader of a workspace may view it and its domains, and no more: neither who is a member, nor which
/// names are taken, nor whom somebody invited, nor what is in another workspace.
#[test]
fn a2_a_reader_learns_nothing_by_asking_for_what_they_may_not() {
    let all = Deployment::new();
    for row in rows().filter(|row| !row.for_the_host) {
        let rita = user("rita");
        let found = differences(&all, "a Reader", &rita, &row, &THE_REST);
        assert!(found.is_empty(), "{}", found.join("\n"));
        let mut elsewhere = all.acme.clone();
        (elsewhere.workspace, elsewhere.domain, elsewhere.invitation) = all.elsewhere;
        elsewhere.to = elsewhere.workspace;
        let none = nowhere(&all.acme);
        let nothing = At {
            organization: all.acme.organization,
            to: none.workspace,
            ..none
        };
        let exists = row.ask(&all.tenancy, &rita, &elsewhere);
        let absent = row.ask(&all.tenancy, &rita, &nothing);
        assert_eq!(
            exists, absent,
            "{}, asked by a Reader of elsewhere",
            row.name
        );
    }
}

/// A page's cursor names a workspace and a domain too.
#[test]
fn a2_a_cursor_into_what_is_hidden_leads_where_one_into_nothing_does() {
    let all = Deployment::new();
    let (workspace, domain, _) = all.elsewhere;
    // The next id: nothing has it, and it sorts where the hidden one does.
    let absent = WorkspaceId::from_uuid(uuid::Uuid::from_u128(workspace.as_uuid().as_u128() + 1));
    for actor in [user("rita"), user("mel"), user("cal"), user("dora")] {
        let page = |workspace| {
            let first = tenancy::Paging::first(5);
            let paging = first.after((workspace, Some(domain)));
            let organization = all.acme.organization;
            let action = tenancy::DomainAction::View;
            let found = all
                .tenancy
                .reachable_domains(&actor, organization, action, paging);
            let found = tenancy::block_on(found).unwrap();
            (found, all.tenancy.repository().taken())
        };
        assert_eq!(page(workspace), page(absent), "{actor:?}");
    }
}

/// A5: through one's own organization, another one's things are not there.
#[test]
fn a5_what_is_another_organizations_is_as_absent_as_what_never_was() {
    let all = Deployment::new();
    let none = nowhere(&all.acme);
    for row in rows() {
        let crossed = At {
            organization: all.zebra.organization,
            label: none.label.clone(), // names of domains are the deployment's (D2)
            ..all.acme.clone()
        };
        let absent = At {
            organization: all.zebra.organization,
            ..none.clone()
        };
        let zoe = user("zoe");
        let exists = row.ask(&all.tenancy, &zoe, &crossed);
        let nothing = row.ask(&all.tenancy, &zoe, &absent);
        assert_eq!(exists, nothing, "{}, across organizations", row.name);
    }
}

/// The table can tell: those who may view do see what is there and what is not.
#[test]
fn a2_for_those_who_may_view_the_table_finds_differences() {
    let all = Deployment::new();
    let changes: Vec<_> = [&ORGANIZATIONS[..2], &WORKSPACES, &DOMAINS, &THE_REST].concat();
    let of_people = [
        "leave_organization",
        "follow_email_change",
        "leave_workspace",
    ];
    let of_holders = [
        "accept_invitation",
        "decline_invitation",
        "accept_received_invitation",
        "decline_received_invitation",
        "preview",
    ];
    for row in rows() {
        let alike = row.is_about_oneself() || row.is_creation();
        let by_ann = differences(&all, "Ann", &user("ann"), &row, &changes);
        let by_op = differences(&all, "an operator", &operator(), &row, &changes);
        if row.is_for_operators() {
            assert!(by_ann.is_empty(), "{}: {by_ann:?}", row.name);
            let names_nothing = row.name == "all_organizations";
            assert!(names_nothing || !by_op.is_empty(), "{}", row.name);
        } else if alike || of_holders.contains(&row.name) {
            assert!(
                by_ann.is_empty() && by_op.is_empty(),
                "{}: {by_ann:?} {by_op:?}",
                row.name
            );
        } else {
            assert!(!by_ann.is_empty(), "{}", row.name);
            let of_people = of_people.contains(&row.name);
            assert!(of_people || !by_op.is_empty(), "{}", row.name);
        }
    }
}

/// What stands between two words, each time that they come.
fn between<'a>(text: &'a str, open: &str, close: &str) -> BTreeSet<&'a str> {
    let after = text.split(open).skip(1);
    after
        .map(|after| after.split(close).next().unwrap())
        .collect()
}

/// Whatever file of the crate it is in. What isn't a read carries a command, or asks no rule.
#[test]
fn every_read_and_list_is_in_the_table() {
    let not_reads = [
        "execute",
        "execute_as",
        "execute_in_each",
        "execute_with",
        "execute_with_as",
        "prepare",
        "prepare_as",
        "standing_at_least", // the host's own, on its replica
        "mails",             // the host's own, of its outbox
        "fill",              // the host's own, of its index
        "read",              // of `Since`, from which the index is fed
        "catch_up",
    ];
    let mut names = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            for signature in between(&text, "pub async fn ", "(") {
                let name = signature.split('<').next().unwrap();
                let both = name == "standing_at_least"; // with a replica, with an index
                assert!(
                    names.insert(name.to_owned()) || both,
                    "two are named {name}"
                );
            }
        }
    }
    for name in not_reads {
        assert!(names.remove(name), "{name} is no more");
    }
    let listed: BTreeSet<_> = READS.iter().map(|row| row.name.to_owned()).collect();
    assert_eq!(listed, names);
    assert_eq!(READS.len(), names.len(), "each once");
}
