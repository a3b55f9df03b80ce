//! The five statements that make roles of an organization's own provable without trying all 2^128 of them.
//!
//! A decision on an action reads the letters, the bit of the action, and the bits of *view* of what it is on. So:
//! (1) no other bit changes a decision; (2) then every setting of those bits, with every combination of letters, is all
//! there is, and an oracle that knows R1–R8 only says the same; (3) what some role of a layer may add, that layer's
//! Admin may, and what is reserved has no code; (4) a bit more never takes anything away; (5) retired is the base.
//! None is sampled.

use std::convert::Infallible;

use tenancy::policy::ActionRow;
use tenancy::store::{
    Commit, Facts, Held, Key, OrganizationState, OrganizationStatus, Outcome, Repository,
    RolesInForce,
};
use tenancy::{
    Action, Actor, Added, Code, Decision, DomainId, DomainKind, Grant, Grants, Layer,
    OrganizationId, OrganizationRole, Resource, RoleBase, RoleNumber, RoleSet, Standing, Tenancy,
    UserId, Version, WorkspaceId, WorkspaceRole, block_on,
};
use tenancy_tests::matrix::{Asked, ticked, view};
use tenancy_tests::model::roles::{all_actions, within};

/// A host's actions on domains: one that a workspace role may add, one that only an organization role may, and one whose
/// row has roles that don't see domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hosts {
    Deploy,
    Approve,
    Account,
}

impl Hosts {
    const ALL: [Self; 3] = [Self::Deploy, Self::Approve, Self::Account];

    const fn row(self) -> ActionRow {
        match self {
            Self::Deploy => ActionRow::new("deploy", RoleSet::WORKSPACE_ADMIN).with_code(64),
            Self::Approve => ActionRow::new("approve", RoleSet::ORGANIZATION_ADMIN).with_code(100),
            Self::Account => {
                let roles = RoleSet::ORGANIZATION_ADMIN.union(RoleSet::ACCOUNTING);
                ActionRow::new("account", roles.union(RoleSet::MEMBER)).with_code(125)
            }
        }
    }
}

impl Action for Hosts {
    type On = (OrganizationId, DomainId);

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

/// What is asked here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Ours(Asked),
    Hosts(Hosts),
}

impl Question {
    fn all() -> Vec<Self> {
        let hosts = Hosts::ALL.into_iter().map(Self::Hosts);
        all_actions().map(Self::Ours).chain(hosts).collect()
    }

    fn layer(self) -> Layer {
        match self {
            Self::Ours(Asked::OnOrganization(_)) => Layer::Organization,
            Self::Ours(Asked::OnWorkspace(_)) => Layer::Workspace,
            Self::Ours(Asked::OnDomain(_)) | Self::Hosts(_) => Layer::Domain,
        }
    }

    fn decide(self, standing: &Standing) -> Decision {
        match self {
            Self::Ours(Asked::OnOrganization(action)) => standing.decide(action),
            Self::Ours(Asked::OnWorkspace(action)) => standing.decide(action),
            Self::Ours(Asked::OnDomain(action)) => standing.decide(action),
            Self::Hosts(action) => standing.decide(action),
        }
    }

    /// The letters of its row, as the rulebook or the host has it.
    fn row(self) -> &'static str {
        match self {
            Self::Ours(asked) => ticked(asked),
            Self::Hosts(Hosts::Deploy) => "wA",
            Self::Hosts(Hosts::Approve) => "A",
            Self::Hosts(Hosts::Account) => "A C M",
        }
    }

    /// R3, by the same words.
    fn may_be_added(self, of: Layer) -> bool {
        match self {
            Self::Ours(asked) => within(of, asked),
            Self::Hosts(_) => {
                let row: Vec<_> = self.row().split(' ').collect();
                row.contains(&"wA") || of == Layer::Organization && row.contains(&"A")
            }
        }
    }

    /// Its number, as the table has it.
    fn code(self, kind: DomainKind) -> Option<u8> {
        let (code, on_domains) = match self {
            Self::Ours(Asked::OnOrganization(action)) => (action.code(), false),
            Self::Ours(Asked::OnWorkspace(action)) => (action.code(), false),
            Self::Ours(Asked::OnDomain(action)) => (action.code(), true),
            Self::Hosts(action) => (action.code(), true),
        };
        let code = code?.number();
        Some(code + u8::from(on_domains && kind == DomainKind::Production))
    }
}

fn bits(codes: impl IntoIterator<Item = u8>) -> Grants {
    let codes: Vec<_> = codes.into_iter().collect();
    serde_json::from_value(serde_json::json!(codes)).unwrap()
}

/// A store that holds one standing.
struct Stands(Held);

impl Repository for Stands {
    type Error = Infallible;

    async fn load(&self, _: OrganizationId, _: &[Key]) -> Result<Option<Facts>, Infallible> {
        Ok(None)
    }

    async fn commit(&self, _: &Commit) -> Result<Outcome, Infallible> {
        Ok(Outcome::Conflict)
    }

    async fn standing(&self, _: UserId, _: Resource) -> Result<Option<Held>, Infallible> {
        Ok(Some(self.0))
    }
}

const ROLE_THERE: &str = "7";
const ROLE: &str = "9";

/// Everything that can be held on the way to a domain, but what roles add.
#[derive(Clone, Copy, Debug)]
struct Letters {
    organization: OrganizationRole,
    workspace: Option<WorkspaceRole>,
    kind: DomainKind,
}

impl Letters {
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        for organization in OrganizationRole::ALL {
            let roles = WorkspaceRole::ALL.into_iter().map(Some).chain([None]);
            for workspace in roles {
                for kind in DomainKind::ALL {
                    all.push(Self {
                        organization,
                        workspace,
                        kind,
                    });
                }
            }
        }
        all
    }

    /// With what roles of the organization's own add, held in the organization and in the workspace.
    fn standing(self, adds: Option<Grants>, adds_there: Option<Grants>) -> Standing {
        let organization = OrganizationId::from_uuid(uuid::Uuid::from_u128(1));
        let domain = DomainId::from_uuid(uuid::Uuid::from_u128(2));
        let added = |role: &str, adds: Option<Grants>| {
            let role = role.parse().unwrap();
            adds.map(|adds| Added { role, adds })
        };
        let held = Held {
            organization_role: Some(self.organization),
            organization_adds: added(ROLE, adds),
            workspace: Some(WorkspaceId::from_uuid(uuid::Uuid::from_u128(3))),
            workspace_role: self.workspace,
            workspace_adds: added(ROLE_THERE, adds_there),
            domain: Some(domain),
            kind: Some(self.kind),
            ..Held::nothing(Version::new(1), OrganizationStatus::Active)
        };
        let actor = Actor::unverified(UserId::from_uuid(uuid::Uuid::from_u128(4)));
        let tenancy = Tenancy::new(Stands(held));
        let standing = block_on(tenancy.standing(&actor, (organization, domain)));
        standing.unwrap().unwrap()
    }

    fn letters(self, layer: Layer) -> Vec<&'static str> {
        let mut letters = vec![letter(self.organization.into())];
        if layer != Layer::Organization {
            if self.organization == OrganizationRole::Admin {
                letters.push("wA");
            }
            letters.extend(self.workspace.map(|role| letter(role.into())));
        }
        letters
    }
}

fn letter(role: RoleSet) -> &'static str {
    let mut letters = RoleSet::LETTERS.into_iter();
    letters.find(|(_, one)| *one == role).unwrap().0
}

fn meets(letters: &[&str], row: &str) -> bool {
    row.split(' ').any(|letter| letters.contains(&letter))
}

fn bits_read(question: Question, kind: DomainKind) -> (Option<u8>, u8) {
    let view = Question::Ours(view(question.layer())).code(kind).unwrap();
    (question.code(kind), view)
}

/// The settings of the bits that are read: of the action, of view, of neither, of both.
fn settings(question: Question, kind: DomainKind) -> Vec<Option<Grants>> {
    let (its, view) = bits_read(question, kind);
    let its: Vec<u8> = its.into_iter().collect();
    vec![
        None,
        Some(Grants::NONE),
        Some(bits(its.clone())),
        Some(bits([view])),
        Some(bits(its.into_iter().chain([view]))),
    ]
}

#[test]
fn r2_no_bit_but_those_of_the_action_and_of_view_changes_a_decision() {
    let ones: Vec<Grants> = (0..=127).map(|bit| bits([bit])).collect();
    let mut tried = 0_u64;
    for letters in Letters::all() {
        for question in Question::all() {
            let (its, view) = bits_read(question, letters.kind);
            for read in settings(question, letters.kind).into_iter().flatten() {
                let before = question.decide(&letters.standing(Some(read), None));
                let before_there = question.decide(&letters.standing(None, Some(read)));
                for (bit, one) in (0_u8..).zip(&ones) {
                    if Some(bit) == its || bit == view {
                        continue;
                    }
                    let more = Some(read | *one);
                    let after = question.decide(&letters.standing(more, None));
                    let after_there = question.decide(&letters.standing(None, more));
                    assert_eq!(
                        (before, before_there),
                        (after, after_there),
                        "{question:?}, {letters:?}, {read:?}, and {bit}"
                    );
                    tried += 2;
                }
            }
        }
    }
    assert_eq!(tried, 1_068_096);
}

/// R1–R8, and nothing else.
fn oracle(
    question: Question,
    letters: Letters,
    adds: Option<Grants>,
    adds_there: Option<Grants>,
) -> Decision {
    let layer = question.layer();
    let has = letters.letters(layer);
    let bases = RoleBase::ALL.into_iter();
    let base = |role: RoleSet| bases.clone().find(|base| RoleSet::from(*base) == role);
    let base_there = letters.workspace.and_then(|role| base(role.into()));
    let base = base(letters.organization.into());
    // The role held nearest whose bit it is, and which may (R3). Admin is no base (R2).
    let added = |question: Question| {
        let code = question.code(letters.kind)?;
        let held = [
            (ROLE_THERE, Layer::Workspace, adds_there, base_there),
            (ROLE, Layer::Organization, adds, base),
        ];
        held.into_iter().find_map(|(role, of, adds, base)| {
            let has = adds?.codes().any(|one| one.number() == code);
            let role: RoleNumber = role.parse().unwrap();
            let by = Grant::Own { role, base: base? };
            (has && question.may_be_added(of)).then_some(by)
        })
    };
    let viewing = Question::Ours(view(layer));
    if !meets(&has, viewing.row()) && added(viewing).is_none() {
        return Decision::Hidden;
    }
    let direct = letters.workspace.filter(|role| {
        let letter = letter((*role).into());
        layer != Layer::Organization && meets(&[letter], question.row())
    });
    let by = if let Some(role) = direct {
        Some(Grant::Workspace(role))
    } else if meets(&has, question.row()) {
        Some(if layer == Layer::Organization {
            Grant::Organization(letters.organization)
        } else {
            Grant::Cascade(letters.organization)
        })
    } else {
        added(question)
    };
    let set = |letters: &[&str]| {
        let all = RoleSet::LETTERS.iter();
        let all = all.filter(|(letter, _)| letters.contains(letter));
        all.map(|(_, role)| *role).collect::<RoleSet>()
    };
    by.map_or_else(
        || Decision::Forbidden {
            needs: set(&question.row().split(' ').collect::<Vec<_>>()),
            has: set(&has),
        },
        |by| Decision::Allowed { by },
    )
}

#[test]
fn r3_every_setting_of_the_bits_that_are_read_is_what_the_rulebook_says() {
    let mut tried = 0;
    for question in Question::all() {
        for letters in Letters::all() {
            for adds in settings(question, letters.kind) {
                for adds_there in settings(question, letters.kind) {
                    let decision = question.decide(&letters.standing(adds, adds_there));
                    assert_eq!(
                        decision,
                        oracle(question, letters, adds, adds_there),
                        "{question:?}, {letters:?}, {adds:?}, {adds_there:?}"
                    );
                    tried += 1;
                }
            }
        }
    }
    assert_eq!(tried, 26_400);
}

#[test]
fn r3_what_a_role_of_a_layer_may_add_its_admin_may_and_the_rest_has_no_code() {
    let ours = tenancy::catalogue!(Hosts);
    for kind in DomainKind::ALL {
        for question in Question::all() {
            for of in [Layer::Organization, Layer::Workspace] {
                let code = question.code(kind);
                let addable = code.is_some_and(|code| ours.ceiling(of).contains(bits([code])));
                assert_eq!(
                    addable,
                    question.may_be_added(of),
                    "{question:?} by a role of the {of}"
                );
                let admin = Letters {
                    organization: if of == Layer::Organization {
                        OrganizationRole::Admin
                    } else {
                        OrganizationRole::Member
                    },
                    workspace: (of == Layer::Workspace).then_some(WorkspaceRole::Admin),
                    kind,
                };
                if addable {
                    let decision = question.decide(&admin.standing(None, None));
                    assert!(
                        decision.is_allowed(),
                        "{question:?} by an Admin of the {of}"
                    );
                }
            }
            if let Question::Ours(asked) = question {
                let by_anybody = within(Layer::Organization, asked);
                assert_eq!(question.code(kind).is_some(), by_anybody, "{question:?}");
            }
        }
    }
}

#[test]
fn r2_a_bit_more_never_takes_anything_away() {
    let is_more = |decision: Decision| match decision {
        Decision::Hidden | Decision::Deleted | Decision::Suspended => 0,
        Decision::Forbidden { .. } => 1,
        Decision::Allowed { .. } => 2,
    };
    for question in Question::all() {
        for letters in Letters::all() {
            let settings = settings(question, letters.kind);
            let contains = |one: Option<Grants>, other: Option<Grants>| {
                one.unwrap_or_default().contains(other.unwrap_or_default())
            };
            for (fewer, more) in settings
                .iter()
                .flat_map(|one| settings.iter().map(move |other| (*one, *other)))
            {
                if !contains(more, fewer) {
                    continue;
                }
                for beside in &settings {
                    let in_organization = |adds| question.decide(&letters.standing(adds, *beside));
                    let there = |adds| question.decide(&letters.standing(*beside, adds));
                    assert!(is_more(in_organization(fewer)) <= is_more(in_organization(more)));
                    assert!(is_more(there(fewer)) <= is_more(there(more)));
                }
            }
        }
    }
}

#[test]
fn r7_a_retired_role_is_its_base() {
    // What a check reads of an organization's roles is what is in force: whatever a retired one adds isn't there.
    for base in RoleBase::ALL {
        for bit in 0..=127_u8 {
            let role = |state: &str| {
                serde_json::json!({
                    "number": 7, "name": "Tester", "name_key": "tester", "base": base, "adds": [bit], "state": state,
                    "holders": 1, "offered": 0, "created_at": "2026-11-23T12:00:00Z",
                })
            };
            let of = |state| -> (Option<Added>, RolesInForce) {
                let row = serde_json::json!({
                    "id": OrganizationId::new(), "version": 8, "status": "active", "name": "Acme",
                    "workspace_quota": 1, "created_at": "2026-11-23T12:00:00Z", "roles": [role(state)],
                    "counts": {"workspaces": 0, "domains": 0, "members": 1, "admins": 1, "invitations": 0},
                });
                let row: tenancy::store::Organization = serde_json::from_value(row).unwrap();
                let state = OrganizationState::of(row.clone(), []);
                let number: RoleNumber = "7".parse().unwrap();
                (
                    state.organization().unwrap().added_by(number),
                    row.summary().roles,
                )
            };
            let (added, summary) = of("in_force");
            assert_eq!(added.map(|added| added.adds), Some(bits([bit])));
            assert_eq!(summary.added_by("7".parse().unwrap()), added);
            let (added, summary) = of("retired");
            assert_eq!((added, summary.is_empty()), (None, true));
        }
    }
    // And nothing added is the base.
    for question in Question::all() {
        for letters in Letters::all() {
            let base = question.decide(&letters.standing(None, None));
            let nothing = Some(Grants::NONE);
            assert_eq!(question.decide(&letters.standing(nothing, nothing)), base);
        }
    }
}

#[test]
fn m1_whoever_is_no_member_holds_nothing_whatever_a_role_adds() {
    let all = bits(0..=127);
    for question in Question::all() {
        let letters = Letters {
            organization: OrganizationRole::Member,
            workspace: Some(WorkspaceRole::Reader),
            kind: DomainKind::Sandbox,
        };
        let held = letters.standing(Some(all), Some(all)).held();
        let actor = Actor::unverified(UserId::from_external("bob"));
        let tenancy = Tenancy::new(Stands(Held {
            organization_role: None,
            ..held
        }));
        let on = (OrganizationId::new(), held.domain.unwrap());
        let standing = block_on(tenancy.standing(&actor, on)).unwrap();
        assert!(standing.is_none_or(|standing| !question.decide(&standing).is_allowed()));
    }
}
