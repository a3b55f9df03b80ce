//! R1–R8: roles of an organization's own.

use tenancy::commands::{
    ChangeOrganizationRole, DefineRole, DeleteRole, GiveWorkspaceRole, InviteMany,
    InviteToOrganization, InviteToWorkspace, Invited, RestoreRole, RetireRole, ReviseRole,
};
use tenancy::policy::{ActionRow, Catalogue};
use tenancy::store::{BrokenContract, Item, List, Organization, RecordId, Violation};
use tenancy::{
    Action, Actor, Code, Decision, DomainAction, DomainId, DomainKind, Done, Error, Grant, Grants,
    InvitationOffer, Layer, OrganizationAction, OrganizationId, OrganizationRole, Paging, Refusal,
    Role, RoleBase, RoleNumber, RoleSet, RoleState, Settings, WorkspaceAction, WorkspaceId,
    WorkspaceRole, block_on, catalogue,
};

use tenancy_tests::world::{
    Acme, World, accept, email, forbidden, id, name, not_found, operator, token, user,
};

/// A host's actions, on domains and on workspaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deployment {
    Start,
    Approve,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Report {
    Read,
    Bill,
    Secret,
}

impl Deployment {
    const ALL: [Self; 2] = [Self::Start, Self::Approve];

    const fn row(self) -> ActionRow {
        match self {
            Self::Start => {
                ActionRow::new("start a deployment", RoleSet::WORKSPACE_ADMIN).with_code(64)
            }
            Self::Approve => {
                ActionRow::new("approve a deployment", RoleSet::ORGANIZATION_ADMIN).with_code(66)
            }
        }
    }
}

impl Report {
    const ALL: [Self; 3] = [Self::Read, Self::Bill, Self::Secret];

    const fn row(self) -> ActionRow {
        match self {
            Self::Read => ActionRow::new("read a report", RoleSet::WORKSPACE_ADMIN).with_code(70),
            Self::Bill => {
                let roles = RoleSet::ORGANIZATION_ADMIN.union(RoleSet::ACCOUNTING);
                ActionRow::new("bill a report", roles).with_code(71)
            }
            Self::Secret => ActionRow::new("read a secret report", RoleSet::WORKSPACE_ADMIN),
        }
    }
}

macro_rules! row {
    ($($action:ty: $on:ty;)+) => {$(
        impl Action for $action {
            type On = $on;

            fn allowed(&self) -> RoleSet {
                self.row().allowed()
            }

            fn phrase(&self) -> &'static str {
                self.row().phrase()
            }

            fn code(&self) -> Option<Code> {
                self.row().code()
            }
        }
    )+};
}

row! {
    Deployment: (OrganizationId, DomainId);
    Report: (OrganizationId, WorkspaceId);
}

const OURS: Catalogue = catalogue!(Deployment, Report);

fn host() -> World {
    World::with(Settings {
        catalogue: OURS,
        ..Settings::default()
    })
}

pub(super) fn define(acme: Acme, called: &str, base: RoleBase, adds: Grants) -> DefineRole {
    DefineRole {
        organization: acme.organization,
        name: name(called),
        base,
        adds,
    }
}

fn revise(acme: Acme, role: RoleNumber, called: &str, adds: Grants) -> ReviseRole {
    ReviseRole {
        organization: acme.organization,
        role,
        name: name(called),
        adds,
    }
}

pub(super) fn give(acme: Acme, who: &Actor, role: RoleNumber) -> GiveWorkspaceRole<RoleNumber> {
    GiveWorkspaceRole {
        organization: acme.organization,
        workspace: acme.workspace,
        user: id(who),
        role,
    }
}

pub(super) fn change(
    acme: Acme,
    who: &Actor,
    role: RoleNumber,
) -> ChangeOrganizationRole<RoleNumber> {
    ChangeOrganizationRole {
        organization: acme.organization,
        user: id(who),
        role,
    }
}

fn invite(acme: Acme, who: &str, role: RoleNumber) -> InviteToWorkspace<RoleNumber> {
    InviteToWorkspace {
        organization: acme.organization,
        workspace: acme.workspace,
        email: email(&format!("{who}@acme.example")),
        role,
    }
}

fn delete(acme: Acme, role: RoleNumber) -> DeleteRole {
    DeleteRole {
        organization: acme.organization,
        role,
    }
}

pub(super) fn retire(acme: Acme, role: RoleNumber) -> RetireRole {
    RetireRole {
        organization: acme.organization,
        role,
    }
}

pub(super) fn restore(acme: Acme, role: RoleNumber) -> RestoreRole {
    RestoreRole {
        organization: acme.organization,
        role,
    }
}

pub(super) fn configure(kind: DomainKind) -> Grants {
    Grants::on(kind, DomainAction::Configure).unwrap()
}

/// A role that may configure sandboxes, and whoever holds it in Acme's workspace, which has a sandbox.
pub(super) fn tester(world: &World, acme: Acme) -> (RoleNumber, Actor, (OrganizationId, DomainId)) {
    let ann = user("ann");
    let adds = configure(DomainKind::Sandbox);
    let tester = world.does(&ann, define(acme, "Sandbox tester", RoleBase::Reader, adds));
    let sandbox = world.does(&ann, acme.sandbox("acme-sandbox"));
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    world.does(&ann, give(acme, &bob, tester));
    (tester, bob, (acme.organization, sandbox))
}

#[test]
fn r1_only_admins_define_roles() {
    let world = World::new();
    let acme = world.acme();
    let role = world.does(
        &user("ann"),
        define(acme, "Tester", RoleBase::Reader, Grants::NONE),
    );
    let cal = world.member(acme, "cal", OrganizationRole::Accounting);
    let wes = world.workspace_member(acme, "wes", WorkspaceRole::Admin);
    for who in [cal, wes, operator()] {
        let Decision::Forbidden { has, .. } =
            world.asks(&who, acme.organization, OrganizationAction::ManageRoles)
        else {
            panic!("{who:?} may")
        };
        let no = forbidden(OrganizationAction::ManageRoles, has);
        let define = define(acme, "Other", RoleBase::Reader, Grants::NONE);
        assert_eq!(world.refused(&who, define), no);
        assert_eq!(
            world.refused(&who, revise(acme, role, "Other", Grants::NONE)),
            no
        );
        assert_eq!(world.refused(&who, retire(acme, role)), no);
        assert_eq!(world.refused(&who, restore(acme, role)), no);
        assert_eq!(world.refused(&who, delete(acme, role)), no);
    }
    let nobody = user("dora");
    let hidden = not_found(acme.organization);
    assert_eq!(world.refused(&nobody, delete(acme, role)), hidden);
}

#[test]
fn r1_names_of_roles_are_unique_built_in_ones_included() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let tester = world.does(&ann, define(acme, "Tester", RoleBase::Reader, Grants::NONE));
    for taken in [
        "Tester",
        "TESTER",
        "admin",
        "Accounting",
        "member",
        "DEVELOPER",
        "Reader",
    ] {
        let name = name(taken);
        // At whichever layer.
        for base in RoleBase::ALL {
            let again = define(acme, taken, base, Grants::NONE);
            let taken = Refusal::RoleNameTaken { name: name.clone() };
            assert_eq!(world.refused(&ann, again), taken);
        }
    }
    let other = world.does(&ann, define(acme, "Keeper", RoleBase::Member, Grants::NONE));
    let taken = Refusal::RoleNameTaken {
        name: name("tester"),
    };
    assert_eq!(
        world.refused(&ann, revise(acme, other, "tester", Grants::NONE)),
        taken
    );
    // One's own name is free to oneself, in other letters too.
    world.does(&ann, revise(acme, tester, "TESTER", Grants::NONE));
    // And another organization's is free.
    let zebra = world.owned_by(&user("zoe"), "Zebra");
    world.does(
        &user("zoe"),
        define(zebra, "Tester", RoleBase::Reader, Grants::NONE),
    );
}

#[test]
fn r1_at_most_thirty_two_or_as_many_as_the_host_says() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let mut roles = Vec::new();
    for number in 0..32 {
        let role = define(
            acme,
            &format!("Role {number}"),
            RoleBase::Reader,
            Grants::NONE,
        );
        roles.push(world.does(&ann, role));
    }
    let one_more = || define(acme, "One more", RoleBase::Member, Grants::NONE);
    let full = Refusal::TooManyRoles { limit: 32 };
    assert_eq!(world.refused(&ann, one_more()), full);
    // A retired one counts, a deleted one doesn't.
    world.does(&ann, retire(acme, roles[0]));
    assert_eq!(world.refused(&ann, one_more()), full);
    world.does(&ann, delete(acme, roles[0]));
    let new = world.does(&ann, one_more());
    assert!(!roles.contains(&new), "no number is used again");

    let world = World::with(Settings {
        own_role_limit: 0,
        ..Settings::default()
    });
    let acme = world.acme();
    let any = define(acme, "Any", RoleBase::Reader, Grants::NONE);
    assert_eq!(world.refused(&ann, any), Refusal::TooManyRoles { limit: 0 });
}

#[test]
fn r2_whoever_holds_a_role_counts_as_its_base_everywhere() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let all = Catalogue::NONE.ceiling(Layer::Organization);
    let role = world.does(&ann, define(acme, "Nearly Admin", RoleBase::Member, all));
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    world.does(&ann, change(acme, &bob, role));
    assert_eq!(world.role(acme, &bob), Some(OrganizationRole::Member));
    assert_eq!(world.row(acme).counts.admins, 1);
    // Ann is the last Admin, whatever the role adds.
    assert_eq!(world.refused(&ann, acme.leave()), Refusal::LastAdmin);
    let members = List::Members {
        organization: acme.organization,
        roles: RoleSet::MEMBER,
        after: None,
    };
    let listed = world.state(acme).list(&members, 10);
    assert!(
        matches!(&listed[..], [Item::Record(_)]),
        "as a Member: {listed:?}"
    );
    // It has no power over people, nor over roles.
    for action in [
        OrganizationAction::Invite,
        OrganizationAction::ManageRoles,
        OrganizationAction::RemoveMember,
    ] {
        assert!(!world.may(&bob, acme.organization, action), "{action:?}");
    }
    for action in [
        WorkspaceAction::ManageRoles,
        WorkspaceAction::InviteMember,
        WorkspaceAction::Delete,
    ] {
        assert!(!world.may(&bob, acme.there(), action), "{action:?}");
    }
    // But all the rest that its layer may.
    assert!(world.may(&bob, acme.organization, OrganizationAction::CreateWorkspace));
    assert!(world.may(&bob, acme.there(), WorkspaceAction::EditInvoicing));
}

#[test]
fn r2_a_role_only_adds() {
    let world = World::new();
    let acme = world.acme();
    let (role, bob, sandbox) = tester(&world, acme);
    // M5: what a role held elsewhere gives, it gives beside it.
    world.does(
        &user("ann"),
        acme.change_role(&bob, OrganizationRole::Accounting),
    );
    assert!(world.may(&bob, acme.there(), WorkspaceAction::EditInvoicing));
    assert!(world.may(&bob, sandbox, DomainAction::Configure));
    world.does(
        &user("ann"),
        acme.change_role(&bob, OrganizationRole::Admin),
    );
    assert_eq!(
        world.asks(&bob, sandbox, DomainAction::Configure),
        Decision::Allowed {
            by: Grant::Cascade(OrganizationRole::Admin)
        },
    );
    world.does(
        &user("ann"),
        acme.change_role(&bob, OrganizationRole::Member),
    );
    assert_eq!(
        world.asks(&bob, sandbox, DomainAction::Configure),
        Decision::Allowed {
            by: Grant::Own {
                role,
                base: RoleBase::Reader
            }
        },
        "kept while a cascade covered it"
    );
}

#[test]
fn r3_what_is_reserved_has_no_code() {
    for action in OrganizationAction::ALL {
        let reserved = Refusal::ActionReserved {
            action: action.phrase().to_owned(),
        };
        assert_eq!(
            Grants::of(action).err(),
            action.code().is_none().then_some(reserved)
        );
    }
    assert!(Grants::of(OrganizationAction::Delete).is_err());
    assert!(Grants::of(WorkspaceAction::Delete).is_err());
    assert!(
        Grants::of(DomainAction::Delete).is_ok(),
        "of domains it isn't"
    );
}

#[test]
fn r3_a_role_of_a_layer_adds_what_its_admin_may_at_that_layer_or_below() {
    let world = host();
    let acme = world.acme();
    let ann = user("ann");
    let refused = |base: RoleBase, adds, phrase: &str| {
        let no = world.refused(&ann, define(acme, "Too much", base, adds));
        let actions = vec![phrase.to_owned()];
        assert_eq!(
            no,
            Refusal::BeyondItsLayer {
                layer: base.layer(),
                actions
            }
        );
    };
    // A workspace's Admin may not touch its invoicing; the organization's may.
    let invoicing = Grants::of(WorkspaceAction::EditInvoicing).unwrap();
    refused(RoleBase::Developer, invoicing, "edit workspace invoicing");
    world.does(
        &ann,
        define(acme, "Bookkeeper", RoleBase::Member, invoicing),
    );
    // Nothing above its layer.
    let upwards = Grants::of(OrganizationAction::Rename).unwrap();
    let no = world.refused(&ann, define(acme, "Upwards", RoleBase::Reader, upwards));
    assert_eq!(no.code(), "beyond_its_layer");
    // A host's row is judged by the same table.
    refused(
        RoleBase::Reader,
        Grants::of(Report::Bill).unwrap(),
        "bill a report",
    );
    let adds = Grants::of(Report::Bill).unwrap() | Grants::of(Deployment::Approve).unwrap();
    world.does(&ann, define(acme, "Approver", RoleBase::Member, adds));
    // Revising asks the same.
    let role = world.does(
        &ann,
        define(
            acme,
            "Reporter",
            RoleBase::Reader,
            Grants::of(Report::Read).unwrap(),
        ),
    );
    let no = world.refused(&ann, revise(acme, role, "Reporter", invoicing));
    assert_eq!(no.code(), "beyond_its_layer");
}

#[test]
fn r4_a_domains_actions_are_added_for_sandbox_for_production_or_both() {
    for kinds in [
        &[DomainKind::Sandbox][..],
        &[DomainKind::Production],
        &DomainKind::ALL,
    ] {
        let world = World::new();
        let acme = world.acme();
        let ann = user("ann");
        let adds = kinds.iter().map(|kind| configure(*kind)).collect();
        let role = world.does(&ann, define(acme, "Tester", RoleBase::Reader, adds));
        let bob = world.member(acme, "bob", OrganizationRole::Member);
        world.does(&ann, give(acme, &bob, role));
        for kind in DomainKind::ALL {
            let mut create = acme.sandbox(&format!("acme-{kind}"));
            create.kind = kind;
            let on = (acme.organization, world.does(&ann, create));
            assert_eq!(
                world.may(&bob, on, DomainAction::Configure),
                kinds.contains(&kind),
                "{kind}"
            );
            assert!(!world.may(&bob, on, DomainAction::ViewServerKeys));
        }
    }
    assert_eq!(
        Grants::of(DomainAction::Configure).unwrap(),
        configure(DomainKind::Sandbox) | configure(DomainKind::Production)
    );
}

#[test]
fn r5_who_may_do_something_may_see_it_and_what_holds_it() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let adds = configure(DomainKind::Sandbox);
    let role = world.does(&ann, define(acme, "Everywhere", RoleBase::Member, adds));
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let sandbox = (
        acme.organization,
        world.does(&ann, acme.sandbox("acme-sandbox")),
    );
    let mut live = acme.sandbox("acme-live");
    live.kind = DomainKind::Production;
    let live = (acme.organization, world.does(&ann, live));
    assert_eq!(
        world.asks(&bob, sandbox, DomainAction::View),
        Decision::Hidden
    );
    world.does(&ann, change(acme, &bob, role));
    let by = Grant::Own {
        role,
        base: RoleBase::Member,
    };
    assert_eq!(
        world.asks(&bob, sandbox, DomainAction::View),
        Decision::Allowed { by }
    );
    assert_eq!(
        world.asks(&bob, acme.there(), WorkspaceAction::View),
        Decision::Allowed { by }
    );
    // What it doesn't bring stays hidden, and what is seen but not added is forbidden.
    assert_eq!(
        world.asks(&bob, live, DomainAction::Configure),
        Decision::Hidden
    );
    assert!(matches!(
        world.asks(&bob, sandbox, DomainAction::Delete),
        Decision::Forbidden { .. }
    ));
    // An organization role counts in all workspaces, those that come later too.
    let later = world.does(&ann, acme.create_workspace("Later"));
    let there = world.does(&ann, acme.sandbox_in(later, "later-sandbox"));
    assert!(world.may(&bob, (acme.organization, there), DomainAction::Configure));
    let reach = world.tenancy.reachable_domains(
        &bob,
        acme.organization,
        DomainAction::Configure,
        Paging::first(50),
    );
    let reached = tenancy::block_on(reach).unwrap().items;
    assert!(
        reached
            .iter()
            .all(|domain| domain.kind == DomainKind::Sandbox)
    );
}

#[test]
fn r5_a_workspace_role_counts_in_its_own_workspace() {
    let world = World::new();
    let acme = world.acme();
    let (role, bob, sandbox) = tester(&world, acme);
    let ann = user("ann");
    let other = world.does(&ann, acme.create_workspace("Other"));
    let there = (
        acme.organization,
        world.does(&ann, acme.sandbox_in(other, "other-sandbox")),
    );
    assert!(world.may(&bob, sandbox, DomainAction::Configure));
    assert_eq!(
        world.asks(&bob, there, DomainAction::Configure),
        Decision::Hidden
    );
    // Moved there, the domain is out of reach.
    world.does(&ann, acme.move_domain(sandbox.1, other));
    assert_eq!(
        world.asks(&bob, sandbox, DomainAction::Configure),
        Decision::Hidden
    );
    let _ = role;
}

#[test]
fn r5_who_adds_moving_moves_where_they_may_on_both() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let adds = Grants::on(DomainKind::Sandbox, DomainAction::Move).unwrap();
    let mover = world.does(&ann, define(acme, "Mover", RoleBase::Member, adds));
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    world.does(&ann, change(acme, &bob, mover));
    let other = world.does(&ann, acme.create_workspace("Other"));
    let sandbox = world.does(&ann, acme.sandbox("acme-sandbox"));
    let mut live = acme.sandbox("acme-live");
    live.kind = DomainKind::Production;
    let live = world.does(&ann, live);
    world.does(&bob, acme.move_domain(sandbox, other));
    let hidden = not_found((acme.organization, live));
    assert_eq!(world.refused(&bob, acme.move_domain(live, other)), hidden);
}

#[test]
fn r6_who_may_give_the_base_may_give_the_role() {
    let world = World::new();
    let acme = world.acme();
    let (role, bob, sandbox) = tester(&world, acme);
    let wes = world.workspace_member(acme, "wes", WorkspaceRole::Admin);
    let cy = world.member(acme, "cy", OrganizationRole::Member);
    world.does(&wes, give(acme, &cy, role));
    assert!(world.may(&cy, sandbox, DomainAction::Configure));
    world.does(&wes, acme.take(acme.workspace, &cy));
    assert_eq!(
        world.asks(&cy, sandbox, DomainAction::View),
        Decision::Hidden
    );
    // Who holds it may not hand it on.
    let no = world.refused(&bob, give(acme, &cy, role));
    assert_eq!(no.code(), "forbidden");
    // An invitation offers it.
    let sent = world.does(&user("ann"), invite(acme, "fay", role));
    let preview = tenancy::block_on(world.tenancy.preview(&token(&sent))).unwrap();
    let json = serde_json::to_value(&preview).unwrap();
    assert_eq!(json["invitation"]["own_role_name"], "Sandbox tester");
    let accepted = world.does(&user("fay"), accept(&sent));
    assert_eq!(accepted.own_role, Some(role));
    assert_eq!(
        accepted.workspace_role,
        Some((acme.workspace, WorkspaceRole::Reader))
    );
    assert!(world.may(&user("fay"), sandbox, DomainAction::Configure));
}

#[test]
fn r6_i9_many_are_invited_with_it() {
    let world = World::new();
    let acme = world.acme();
    let (tester, _, sandbox) = tester(&world, acme);
    let ann = user("ann");
    let rename = Grants::of(OrganizationAction::Rename).unwrap();
    let editor = world.does(&ann, define(acme, "Editor", RoleBase::Member, rename));
    let there = |role| InvitationOffer::Workspace {
        workspace: acme.workspace,
        role: Role::Own(role),
    };
    let here = |role| InvitationOffer::Organization {
        role: Role::Own(role),
    };
    let lines = ["fay@acme.example", "no address", "gil@acme.example"];
    let many = world.does(&ann, acme.invite_many(there(tester), &lines));
    assert_eq!(world.row(acme).roles[0].offered, 2);
    world.does(&user("gil"), accept(many.lines[2].as_ref().unwrap()));
    assert!(world.may(&user("gil"), sandbox, DomainAction::Configure));
    let many = world.does(&ann, acme.invite_many(here(editor), &["hal@acme.example"]));
    world.does(&user("hal"), accept(many.lines[0].as_ref().unwrap()));
    assert!(world.may(&user("hal"), acme.organization, OrganizationAction::Rename));

    // A role that can't be given there is no line's fault: nobody is invited.
    for (offer, role) in [(there(editor), editor), (here(tester), tester)] {
        let none = world.refused(&ann, acme.invite_many(offer, &lines));
        assert_eq!(none, Refusal::RoleNotFound { role });
    }
    world.does(&ann, retire(acme, tester));
    let retired = world.refused(&ann, acme.invite_many(there(tester), &lines));
    assert_eq!(retired.code(), "role_is_retired");
    let may_not = world.refused(&user("hal"), acme.invite_many(there(tester), &lines));
    assert_eq!(
        may_not.code(),
        "not_found",
        "who may not invite isn't told of roles"
    );
}

#[test]
fn r6_a_role_is_given_at_its_own_layer_only() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let of_workspaces = world.does(&ann, define(acme, "Tester", RoleBase::Reader, Grants::NONE));
    let of_organization = world.does(&ann, define(acme, "Keeper", RoleBase::Member, Grants::NONE));
    let never: RoleNumber = "1000000".parse().unwrap();
    for role in [of_workspaces, never] {
        let none = Refusal::RoleNotFound { role };
        assert_eq!(world.refused(&ann, change(acme, &bob, role)), none);
        let invite = InviteToOrganization {
            organization: acme.organization,
            email: email("fay@acme.example"),
            role,
        };
        assert_eq!(world.refused(&ann, invite), none);
    }
    for role in [of_organization, never] {
        let none = Refusal::RoleNotFound { role };
        assert_eq!(world.refused(&ann, give(acme, &bob, role)), none);
        assert_eq!(world.refused(&ann, invite(acme, "fay", role)), none);
    }
    let none = Refusal::RoleNotFound { role: never };
    assert_eq!(
        world.refused(&ann, revise(acme, never, "Any", Grants::NONE)),
        none
    );
    assert_eq!(world.refused(&ann, retire(acme, never)), none);
    assert_eq!(world.refused(&ann, restore(acme, never)), none);
    assert_eq!(world.refused(&ann, delete(acme, never)), none);
    // Another organization's number is none here.
    let zebra = world.owned_by(&user("zoe"), "Zebra");
    world.does(&ann, retire(acme, of_workspaces));
    let theirs = world.does(
        &user("zoe"),
        define(zebra, "Zebra's", RoleBase::Reader, Grants::NONE),
    );
    assert_eq!(world.refused(&ann, give(acme, &bob, theirs)).rule(), "R6");
}

#[test]
fn r6_a_decision_by_an_added_action_names_the_role_and_its_base() {
    let world = World::new();
    let acme = world.acme();
    let (role, bob, sandbox) = tester(&world, acme);
    let may = world.asks(&bob, sandbox, DomainAction::Configure);
    assert_eq!(
        may,
        Decision::Allowed {
            by: Grant::Own {
                role,
                base: RoleBase::Reader
            }
        }
    );
    let by =
        format!("allowed as role {role} of the organization's own (workspace Reader and more)");
    assert_eq!(may.to_string(), by);
    let explain = world.tenancy.explain(&bob, acme.organization, may);
    let explained = tenancy::block_on(explain).unwrap();
    assert_eq!(
        explained,
        "allowed as Sandbox tester (workspace Reader and more)"
    );
    // What the base does, it does as the base.
    assert_eq!(
        world.asks(&bob, sandbox, DomainAction::View).to_string(),
        "allowed as workspace Reader"
    );
    let dora = user("dora");
    let outsider = world.tenancy.explain(&dora, acme.organization, may);
    assert!(tenancy::block_on(outsider).is_err());
}

#[test]
fn r6_its_roles_are_read_by_whoever_views_the_organization() {
    let world = World::new();
    let acme = world.acme();
    let (role, bob, _) = tester(&world, acme);
    let read = |who: &Actor| tenancy::block_on(world.tenancy.own_roles(who, acme.organization));
    let for_bob = read(&bob).unwrap();
    assert_eq!(
        (for_bob[0].number, for_bob[0].in_use),
        (role, None),
        "not how many hold it"
    );
    let for_ann = read(&user("ann")).unwrap();
    let used = for_ann[0].in_use.unwrap();
    assert_eq!((used.holders, used.offered), (1, 0));
    assert!(read(&user("dora")).is_err());
}

#[test]
fn r7_revising_acts_at_once_for_all_who_hold_it() {
    let world = World::new();
    let acme = world.acme();
    let (role, bob, sandbox) = tester(&world, acme);
    let keys = Grants::on(DomainKind::Sandbox, DomainAction::ViewServerKeys).unwrap();
    let before = world.row(acme).version;
    world.does(&user("ann"), revise(acme, role, "Key keeper", keys));
    assert_eq!(
        world.row(acme).version,
        before.next(),
        "one commit, and no member is written"
    );
    assert!(!world.may(&bob, sandbox, DomainAction::Configure));
    assert!(world.may(&bob, sandbox, DomainAction::ViewServerKeys));
    // The same again is nothing new.
    world.does(&user("ann"), revise(acme, role, "Key keeper", keys));
    assert_eq!(world.row(acme).version, before.next());
}

#[test]
fn r7_retiring_makes_all_who_hold_it_hold_its_base_and_can_be_taken_back() {
    let world = World::new();
    let acme = world.acme();
    let (role, bob, sandbox) = tester(&world, acme);
    let ann = user("ann");
    let sent = world.does(&ann, invite(acme, "fay", role));
    world.does(&ann, retire(acme, role));
    assert!(matches!(
        world.asks(&bob, sandbox, DomainAction::Configure),
        Decision::Forbidden { .. }
    ));
    assert!(world.may(&bob, sandbox, DomainAction::View), "as a Reader");
    // Nobody is given it.
    let retired = Refusal::RoleIsRetired {
        role,
        name: name("Sandbox tester"),
    };
    let cy = world.member(acme, "cy", OrganizationRole::Member);
    assert_eq!(world.refused(&ann, give(acme, &cy, role)), retired);
    assert_eq!(world.refused(&ann, invite(acme, "gus", role)), retired);
    assert_eq!(world.refused(&ann, acme.resend(sent.invitation)), retired);
    // Whoever was offered it before holds it, which is its base.
    world.does(&user("fay"), accept(&sent));
    assert!(!world.may(&user("fay"), sandbox, DomainAction::Configure));
    world.does(&ann, retire(acme, role));
    world.does(&ann, restore(acme, role));
    for who in [bob, user("fay")] {
        assert!(world.may(&who, sandbox, DomainAction::Configure));
    }
    world.does(&ann, restore(acme, role));
    assert_eq!(world.row(acme).roles[0].state, RoleState::InForce);
}

#[test]
fn r7_deleting_needs_that_nobody_holds_it_and_nothing_offers_it() {
    let world = World::new();
    let acme = world.acme();
    let (role, bob, _) = tester(&world, acme);
    let ann = user("ann");
    let sent = world.does(&ann, invite(acme, "fay", role));
    let other = world.does(&ann, acme.create_workspace("Other"));
    let mut there = give(acme, &bob, role);
    there.workspace = other;
    world.does(&ann, there);
    let used = |holders, offered| Refusal::RoleInUse { holders, offered };
    assert_eq!(world.refused(&ann, delete(acme, role)), used(2, 1));
    // Retired or not.
    world.does(&ann, retire(acme, role));
    assert_eq!(world.refused(&ann, delete(acme, role)), used(2, 1));
    world.does(&ann, acme.revoke(sent.invitation));
    assert_eq!(world.refused(&ann, delete(acme, role)), used(2, 0));
    // Another role takes its place.
    world.does(&ann, acme.give(other, &bob, WorkspaceRole::Developer));
    assert_eq!(world.refused(&ann, delete(acme, role)), used(1, 0));
    world.does(&ann, acme.remove(&bob));
    world.does(&ann, delete(acme, role));
    assert!(world.row(acme).roles.is_empty());
    let again = world.does(
        &ann,
        define(acme, "Sandbox tester", RoleBase::Reader, Grants::NONE),
    );
    assert_ne!(again, role, "its name is free, its number isn't");
}

#[test]
fn r8_an_actions_code_is_stable_for_ever() {
    let codes = |action: Option<Code>| action.map(Code::number);
    let organization = OrganizationAction::ALL.map(|action| codes(action.code()));
    assert_eq!(
        organization.into_iter().flatten().collect::<Vec<_>>(),
        (0..=9).collect::<Vec<u8>>()
    );
    let workspace = WorkspaceAction::ALL.map(|action| codes(action.code()));
    assert_eq!(
        workspace.into_iter().flatten().collect::<Vec<_>>(),
        (16..=23).collect::<Vec<u8>>()
    );
    let domain = DomainAction::ALL.map(|action| codes(action.code()));
    assert_eq!(domain, [32, 34, 36, 38, 40, 42, 44].map(Some));
}

#[test]
fn r8_a_code_that_a_program_does_not_know_grants_nothing() {
    // Defined where the host has actions, and read where it has none.
    let world = host();
    let acme = world.acme();
    let ann = user("ann");
    let adds = Grants::of(Deployment::Start).unwrap() | configure(DomainKind::Sandbox);
    let role = world.does(&ann, define(acme, "Starter", RoleBase::Reader, adds));
    let older = World::on(world.store());
    // What it doesn't know it keeps, and gives to no other role.
    older.does(&ann, revise(acme, role, "Starter, renamed", adds));
    assert!(world.row(acme).roles[0].adds.contains(adds));
    let no = older.refused(
        &ann,
        define(
            acme,
            "Another",
            RoleBase::Reader,
            Grants::of(Report::Read).unwrap(),
        ),
    );
    assert_eq!(
        no,
        Refusal::BeyondItsLayer {
            layer: Layer::Workspace,
            actions: vec!["code 70".to_owned()]
        }
    );
}

#[test]
fn a4_a_hosts_action_is_added_only_if_it_has_a_code() {
    let world = host();
    let acme = world.acme();
    let ann = user("ann");
    let no = Grants::of(Report::Secret).unwrap_err();
    assert_eq!(no.code(), "action_reserved");
    let adds = Grants::of(Deployment::Start).unwrap() | Grants::of(Report::Read).unwrap();
    let role = world.does(&ann, define(acme, "Starter", RoleBase::Reader, adds));
    let sandbox = (
        acme.organization,
        world.does(&ann, acme.sandbox("acme-sandbox")),
    );
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    assert_eq!(
        world.asks(&bob, sandbox, Deployment::Start),
        Decision::Hidden
    );
    world.does(&ann, give(acme, &bob, role));
    let by = Grant::Own {
        role,
        base: RoleBase::Reader,
    };
    assert_eq!(
        world.asks(&bob, sandbox, Deployment::Start),
        Decision::Allowed { by }
    );
    assert_eq!(
        world.asks(&bob, acme.there(), Report::Read),
        Decision::Allowed { by }
    );
    assert!(!world.may(&bob, acme.there(), Report::Secret));
    assert!(!world.may(&bob, sandbox, Deployment::Approve));
    let who = world
        .tenancy
        .who_can(&ann, sandbox, Deployment::Start, Paging::first(10));
    let who: Vec<_> = tenancy::block_on(who)
        .unwrap()
        .items
        .into_iter()
        .map(|it| it.user)
        .collect();
    assert!(who.contains(&id(&bob)) && who.contains(&id(&ann)));
}

/// A row that its actor doesn't see: Members have nothing below the organization.
#[derive(Clone, Copy, Debug)]
pub(super) struct ForMembers;

impl Action for ForMembers {
    type On = (OrganizationId, DomainId);

    fn allowed(&self) -> RoleSet {
        RoleSet::MEMBER
    }

    fn phrase(&self) -> &'static str {
        "do what Members do"
    }
}

#[test]
fn a4_a_row_never_opens_what_the_actor_may_not_view() {
    let world = World::new();
    let acme = world.acme();
    let sandbox = (
        acme.organization,
        world.does(&user("ann"), acme.sandbox("acme-sandbox")),
    );
    let mel = world.member(acme, "mel", OrganizationRole::Member);
    assert_eq!(world.asks(&mel, sandbox, ForMembers), Decision::Hidden);
    let rita = world.workspace_member(acme, "rita", WorkspaceRole::Reader);
    let by = Grant::Cascade(OrganizationRole::Member);
    assert_eq!(
        world.asks(&rita, sandbox, ForMembers),
        Decision::Allowed { by }
    );
    let ann = user("ann");
    let who = world
        .tenancy
        .who_can(&ann, sandbox, ForMembers, Paging::first(1));
    let who = tenancy::block_on(who).unwrap().items;
    assert_eq!(
        who.iter().map(|it| it.user).collect::<Vec<_>>(),
        [id(&rita)]
    );
}

#[test]
fn m4_a_role_of_its_own_that_was_taken_does_not_come_back_by_an_older_link() {
    let world = World::new();
    let acme = world.acme();
    let (role, bob, _) = tester(&world, acme);
    let ann = user("ann");
    let keeper = world.does(&ann, define(acme, "Keeper", RoleBase::Reader, Grants::NONE));
    world.does(&ann, acme.give(acme.workspace, &bob, WorkspaceRole::Reader));
    let other = world.does(&ann, invite(acme, "bob", keeper));
    world.does(&ann, give(acme, &bob, role));
    // Taken back to its base: what offers more than that is revoked.
    let revoked = world.does(&ann, acme.give(acme.workspace, &bob, WorkspaceRole::Reader));
    assert_eq!(revoked.invitations, [other.invitation]);
    // Raised to another base, nothing was taken.
    world.does(&ann, give(acme, &bob, role));
    let more = world.does(
        &ann,
        acme.invite_to(acme.workspace, "bob", WorkspaceRole::Admin),
    );
    let revoked = world.does(
        &ann,
        acme.give(acme.workspace, &bob, WorkspaceRole::Developer),
    );
    assert!(revoked.invitations.is_empty() && world.is_open(acme, &more));
    world.does(&bob, accept(&more));
    assert_eq!(
        world.workspace_role(acme, acme.workspace, &bob),
        Some(WorkspaceRole::Admin)
    );
}

#[test]
fn i7_accepting_takes_no_role_of_its_own_away() {
    let world = World::new();
    let acme = world.acme();
    let (role, bob, sandbox) = tester(&world, acme);
    let ann = user("ann");
    let keeper = world.does(&ann, define(acme, "Keeper", RoleBase::Reader, Grants::NONE));
    // I5: inviting to another role of the same base would give nothing, and nobody is sent a link for that.
    let nothing = world.refused(&ann, invite(acme, "bob", keeper));
    assert_eq!(nothing.code(), "already_has_role");
    // Sent before they gained the one that they hold: it is spent, and takes nothing.
    world.member(acme, "eve", OrganizationRole::Member);
    let sent = world.does(&ann, invite(acme, "eve", keeper));
    let eve = user("eve");
    let given = GiveWorkspaceRole {
        organization: acme.organization,
        workspace: acme.workspace,
        user: eve.user_id().unwrap(),
        role,
    };
    world.does(&ann, given);
    let accepted = world.does(&eve, accept(&sent));
    assert_eq!(accepted.own_role, None);
    assert!(world.may(&eve, sandbox, DomainAction::Configure));
    assert!(world.may(&bob, sandbox, DomainAction::Configure));
    // I5: inviting to the base, or to the role itself, offers nothing.
    let held = world.refused(
        &ann,
        acme.invite_to(acme.workspace, "bob", WorkspaceRole::Reader),
    );
    assert_eq!(held.code(), "already_has_role");
    let held = world.refused(&ann, invite(acme, "bob", role));
    let offered = InvitationOffer::Workspace {
        workspace: acme.workspace,
        role: Role::Own(role),
    };
    assert_eq!(held, Refusal::AlreadyHasRole { offered });
}

#[test]
fn r7_who_holds_a_role_is_listed_for_whoever_views_the_members() {
    let world = World::new();
    let acme = world.acme();
    let (role, bob, _) = tester(&world, acme);
    let ann = user("ann");
    let cy = world.member(acme, "cy", OrganizationRole::Member);
    let auditor = world.does(
        &ann,
        define(acme, "Auditor", RoleBase::Member, Grants::NONE),
    );
    let change = ChangeOrganizationRole {
        organization: acme.organization,
        user: cy.user_id().unwrap(),
        role: auditor,
    };
    world.does(&ann, change);
    let there = |role| {
        let page = Paging::first(10);
        let page = block_on(world.tenancy.holders(&ann, acme.organization, role, page));
        let users = page.unwrap().items.into_iter().map(|member| member.user);
        users.collect::<Vec<_>>()
    };
    let within = |who: &Actor, role| {
        let page = Paging::first(10);
        let page = block_on(
            world
                .tenancy
                .workspace_holders(who, acme.there(), role, page),
        )?;
        let users = page.items.into_iter().map(|member| member.user);
        Ok::<_, Error<BrokenContract>>(users.collect::<Vec<_>>())
    };
    assert_eq!(there(auditor), [cy.user_id().unwrap()]);
    assert_eq!(within(&ann, role).unwrap(), [bob.user_id().unwrap()]);
    // Of the other layer nobody is.
    assert!(there(role).is_empty() && within(&ann, auditor).unwrap().is_empty());
    let hidden = within(&cy, role).unwrap_err();
    assert_eq!(hidden.refusal(), Some(&not_found(acme.there())));
    // Who has been given another one holds it no more, and it can be deleted.
    world.does(&ann, acme.give(acme.workspace, &bob, WorkspaceRole::Reader));
    assert!(within(&ann, role).unwrap().is_empty());
    let organization = acme.organization;
    world.does(&ann, DeleteRole { organization, role });
}

/// Two roles of each base, and with them all that may be held in the organization, and in a workspace.
fn all_roles(world: &World, acme: Acme) -> (Vec<Role<OrganizationRole>>, Vec<Role<WorkspaceRole>>) {
    let mut there = OrganizationRole::ALL.map(Role::BuiltIn).to_vec();
    let mut within = WorkspaceRole::ALL.map(Role::BuiltIn).to_vec();
    for base in RoleBase::ALL {
        for which in ["One", "Another"] {
            let define = define(acme, &format!("{which} {base}"), base, Grants::NONE);
            let role = world.does(&user("ann"), define);
            if base.layer() == Layer::Organization {
                there.push(role.into());
            } else {
                within.push(role.into());
            }
        }
    }
    (there, within)
}

/// Follows the link at once, if there is one: it must give something.
fn gains(
    world: &World,
    person: &Actor,
    invited: Result<Done<Invited>, Error<BrokenContract>>,
) -> bool {
    match invited {
        Ok(sent) => {
            let accepted = world.did(person, accept(&sent.output));
            assert!(accepted.events.len() > 1, "nothing but the acceptance");
            true
        }
        Err(error) => {
            assert_eq!(error.refusal().unwrap().code(), "already_has_role");
            false
        }
    }
}

/// Whatever somebody holds and is offered.
#[test]
fn i5_i7_nobody_is_sent_a_link_that_gives_nothing() {
    let ann = user("ann");
    let mut sent = [0, 0];
    for held in 0..7 {
        let world = World::new();
        let acme = world.acme();
        let (organization, workspace) = (acme.organization, acme.workspace);
        let (there, within) = all_roles(&world, acme);
        for offered in 0..7 {
            let person = world.member(acme, &format!("p{offered}"), OrganizationRole::Member);
            let user = person.user_id().unwrap();
            let email = person.verified_email().unwrap().address().clone();
            let role = within[held];
            world.does(
                &ann,
                GiveWorkspaceRole {
                    organization,
                    workspace,
                    user,
                    role,
                },
            );
            let role = within[offered];
            let invite = InviteToWorkspace {
                organization,
                workspace,
                email,
                role,
            };
            let invited = block_on(world.tenancy.execute(&ann, invite));
            sent[0] += u32::from(gains(&world, &person, invited));
        }
        for offered in 0..7 {
            let person = world.member(acme, &format!("q{offered}"), OrganizationRole::Member);
            let (user, role) = (person.user_id().unwrap(), there[held]);
            world.does(
                &ann,
                ChangeOrganizationRole {
                    organization,
                    user,
                    role,
                },
            );
            let email = person.verified_email().unwrap().address().clone();
            let role = there[offered];
            let invite = InviteToOrganization {
                organization,
                email,
                role,
            };
            let invited = block_on(world.tenancy.execute(&ann, invite));
            sent[1] += u32::from(gains(&world, &person, invited));
        }
    }
    // At each layer a higher base is offered in 15 of 49 pairs, and more on the same base in 4.
    assert_eq!(sent, [15 + 4, 15 + 4]);
}

#[test]
fn i5_inviting_again_offers_the_other_role() {
    let world = World::new();
    let acme = world.acme();
    let (role, _, _) = tester(&world, acme);
    let ann = user("ann");
    let offered = || world.row(acme).roles[0].offered;
    world.does(&ann, invite(acme, "fay", role));
    assert_eq!(offered(), 1);
    world.passes(chrono::TimeDelta::minutes(2));
    let again = world.does(
        &ann,
        acme.invite_to(acme.workspace, "fay", WorkspaceRole::Developer),
    );
    assert!(again.renewed);
    assert_eq!(offered(), 0);
    world.passes(chrono::TimeDelta::minutes(2));
    let again = world.does(&ann, invite(acme, "fay", role));
    assert_eq!(offered(), 1);
    world.passes(chrono::TimeDelta::minutes(2));
    let resent = world.does(&ann, acme.resend(again.invitation));
    let accepted = world.does(&user("fay"), accept(&resent));
    assert_eq!((accepted.own_role, offered()), (Some(role), 0));
}

#[test]
fn a6_a_role_asked_for_by_either_type_is_the_same_request() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let commit = tenancy::CommitId::new();
    let plain = acme.give(acme.workspace, &bob, WorkspaceRole::Reader);
    world.did_as(commit, &ann, plain.clone());
    let wrapped = GiveWorkspaceRole {
        organization: plain.organization,
        workspace: plain.workspace,
        user: plain.user,
        role: Role::from(plain.role),
    };
    world.did_as(commit, &ann, wrapped);
}

/// A host's type may write itself as it likes, or not at all: the request is of the role that it stands for.
#[test]
fn a6_a_role_of_a_hosts_own_type_is_the_role_that_it_stands_for() {
    #[derive(Clone, Copy, Debug)]
    struct Position(i32);

    impl From<Position> for Role<OrganizationRole> {
        fn from(position: Position) -> Self {
            match position {
                Position(0) => OrganizationRole::Member.into(),
                Position(1) => OrganizationRole::Accounting.into(),
                Position(_) => OrganizationRole::Admin.into(),
            }
        }
    }

    impl From<Position> for InvitationOffer {
        fn from(position: Position) -> Self {
            let role = position.into();
            Self::Organization { role }
        }
    }

    let world = World::new();
    let acme = world.acme();
    let (ann, bob) = (
        user("ann"),
        world.member(acme, "bob", OrganizationRole::Member),
    );
    let to = |role| ChangeOrganizationRole {
        organization: acme.organization,
        user: id(&bob),
        role,
    };
    let invite = |target| InviteMany {
        organization: acme.organization,
        target,
        emails: vec!["cy@acme.example".to_owned()],
    };
    let (change, many) = (tenancy::CommitId::new(), tenancy::CommitId::new());
    for _ in 0..2 {
        world.did_as(change, &ann, to(Position(1)));
        world.did_as(many, &ann, invite(Position(1)));
    }
    world.did_as(
        change,
        &ann,
        acme.change_role(&bob, OrganizationRole::Accounting),
    );
    let reused = Some(&Refusal::CommitIdReused);
    let refused = block_on(world.tenancy.execute_as(change, &ann, to(Position(2))));
    assert_eq!(refused.unwrap_err().refusal(), reused);
    let refused = block_on(world.tenancy.execute_as(many, &ann, invite(Position(2))));
    assert_eq!(refused.unwrap_err().refusal(), reused);
}

#[test]
fn r7_what_is_held_offered_and_added_is_verified() {
    let world = World::new();
    let acme = world.acme();
    let (role, bob, _) = tester(&world, acme);
    world.does(&user("ann"), invite(acme, "fay", role));
    let state = world.state(acme);
    state.validate().unwrap();
    let broken = |edit: &dyn Fn(&mut Organization)| {
        let mut row = state.organization().unwrap().clone();
        edit(&mut row);
        let mut state = state.clone();
        state.set_organization(row);
        state.validate().unwrap_err()
    };
    let held = RecordId::WorkspaceMember(acme.workspace, id(&bob));
    let counts = Violation::RoleCounts(role);
    assert_eq!(broken(&|row| row.roles[0].holders = 7), counts);
    assert_eq!(broken(&|row| row.roles[0].offered = 0), counts);
    assert_eq!(
        broken(&|row| row.roles.clear()),
        Violation::NoSuchRole(held.clone())
    );
    let other_base = broken(&|row| row.roles[0].base = RoleBase::Developer);
    assert_eq!(other_base, Violation::NoSuchRole(held));
    let too_much =
        broken(&|row| row.roles[0].adds |= Grants::of(WorkspaceAction::EditInvoicing).unwrap());
    assert_eq!(too_much, Violation::BeyondItsLayer(role));
    let twice = broken(&|row| {
        let again = row.roles[0].clone();
        row.roles.push(again);
    });
    assert_eq!(twice, Violation::RoleTwice(role));
}
