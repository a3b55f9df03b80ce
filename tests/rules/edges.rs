//! The edges of the rules: what tenants may write, what a refusal tells, what the documentation promises.

use std::sync::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use tenancy::commands::EditInvoicing;
use tenancy::policy::Catalogue;
use tenancy::store::{
    Commit, Directory, Facts, Held, Item, Key, List, MemoryRepository, Outcome, Repository,
};
use tenancy::text::{PostalAddress, TooManyLines};
use tenancy::{
    Actor, CompanyInformation, Decision, DomainAction, Event, InvoicingInformation, Layer, Name,
    OrganizationAction, OrganizationId, OrganizationRole, Paging, Refusal, Resource, RoleBase,
    Tenancy, UserId, WorkspaceAction, WorkspaceId, WorkspaceRole, block_on,
};

use tenancy_tests::world::*;

use super::own_roles::define;

#[test]
fn a5_an_address_has_at_most_ten_lines_by_whatever_way_it_comes() {
    let lines = |count| vec![line("1 rue de la Paix"); count];
    assert!(PostalAddress::new(lines(10)).is_ok());
    assert_eq!(
        PostalAddress::new(lines(20_000)),
        Err(TooManyLines { lines: 20_000 })
    );
    let company = |count| {
        let json = serde_json::json!({"legal_name": "Acme", "address": lines(count)});
        serde_json::from_value::<CompanyInformation>(json)
    };
    assert!(company(10).is_ok());
    assert_eq!(
        company(11).unwrap_err().to_string(),
        "an address has at most 10 lines, this one has 11"
    );
    let invoicing = |count| {
        let json = serde_json::json!({
            "recipient": "Acme", "email": "a@acme.example", "address": lines(count),
        });
        serde_json::from_value::<InvoicingInformation>(json)
    };
    assert!(invoicing(10).is_ok() && invoicing(11).is_err());
}

#[test]
fn a5_the_largest_row_that_a_tenant_can_write_is_small() {
    let world = World::new();
    let acme = world.acme();
    let long = line(&"é".repeat(200));
    let address = PostalAddress::new(vec![long.clone(); 10]).unwrap();
    let company = CompanyInformation {
        legal_name: long.clone(),
        registration_number: Some(long.clone()),
        vat_number: Some(long.clone()),
        address: address.clone(),
    };
    let invoicing = InvoicingInformation {
        recipient: long.clone(),
        email: email("a@acme.example"),
        address,
        reference: Some(long),
    };
    world.does(&user("ann"), acme.edit_company(Some(company)));
    world.does(&user("ann"), acme.edit_invoicing(Some(invoicing)));
    let row = serde_json::to_string(&world.row(acme)).unwrap();
    assert!(row.len() < 12_000, "{} bytes", row.len());
    // What lists across organizations tell of it does not grow with it.
    let summary = serde_json::to_string(&world.row(acme).summary()).unwrap();
    assert!(summary.len() < 300, "{} bytes", summary.len());
    // With as many roles of its own as it may define, each of the longest name and adding all that there is.
    let all = Catalogue::NONE.ceiling(Layer::Organization);
    for number in 0..32 {
        let called = format!("{number:02}{}", "\u{1F469}".repeat(Name::MAX_LENGTH - 2));
        world.does(&user("ann"), define(acme, &called, RoleBase::Member, all));
    }
    let row = serde_json::to_string(&world.row(acme)).unwrap();
    assert!((40_000..45_000).contains(&row.len()), "{} bytes", row.len());
    let summary = serde_json::to_string(&world.row(acme).summary()).unwrap();
    assert!(
        (3_000..3_500).contains(&summary.len()),
        "{} bytes",
        summary.len()
    );
}

/// A store that counts what is asked of it.
struct Counting(MemoryRepository, Mutex<usize>);

impl Counting {
    fn note(&self) {
        *self.1.lock().unwrap() += 1;
    }
}

impl Repository for Counting {
    type Error = tenancy::store::BrokenContract;

    async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, Self::Error> {
        self.note();
        self.0.load(id, keys).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Self::Error> {
        self.note();
        self.0.commit(commit).await
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, Self::Error> {
        self.note();
        self.0.standing(user, on).await
    }
}

impl Directory for Counting {
    async fn list(
        &self,
        list: &List,
        limit: std::num::NonZeroU32,
    ) -> Result<Vec<Item>, Self::Error> {
        self.note();
        self.0.list(list, limit).await
    }

    async fn claimed_by(
        &self,
        claim: &tenancy::store::Claim,
    ) -> Result<Option<OrganizationId>, Self::Error> {
        self.note();
        self.0.claimed_by(claim).await
    }
}

/// The domains of a walk through all pages, and the most round trips that a page took.
fn walk(world: &World, acme: Acme, who: &Actor) -> (Vec<tenancy::DomainId>, usize) {
    let tenancy = Tenancy::new(Counting(world.store(), Mutex::default()));
    let (mut found, mut most) = (Vec::new(), 0);
    let mut paging = Paging::first(5);
    loop {
        *tenancy.repository().1.lock().unwrap() = 0;
        let page = tenancy.reachable_domains(who, acme.organization, DomainAction::View, paging);
        let page = block_on(page).unwrap();
        most = most.max(*tenancy.repository().1.lock().unwrap());
        found.extend(page.items.iter().map(|domain| domain.id));
        match page.next {
            Some(next) => paging = paging.after(next),
            None => return (found, most),
        }
    }
}

#[test]
fn a5_empty_workspaces_make_a_page_of_domains_short_and_not_slow() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    world.does(&operator(), acme.quota(200));
    let mut domains = vec![world.does(&ann, acme.sandbox("first"))];
    for number in 0..150 {
        let workspace = world.does(&ann, acme.create_workspace(&format!("W {number}")));
        if number == 149 {
            for name in ["a", "b", "c", "d", "e", "f", "g"] {
                domains.push(world.does(&ann, acme.sandbox_in(workspace, name)));
            }
        }
    }
    let (found, most) = walk(&world, acme, &ann);
    assert_eq!(found, domains, "each once, in order");
    assert!(most <= 12, "{most} round trips for one page");
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Reader);
    let (found, most) = walk(&world, acme, &bob);
    assert_eq!(found, domains[..1]);
    assert!(most <= 12, "{most} round trips for one page");
}

#[test]
fn a2_a_forged_cursor_into_a_hidden_workspace_shows_nothing_of_it() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let hidden = world.does(&ann, acme.create_workspace("Hidden"));
    let first = world.does(&ann, acme.sandbox_in(hidden, "one"));
    world.does(&ann, acme.sandbox_in(hidden, "two"));
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let before_all = tenancy::DomainId::from_uuid(uuid::Uuid::nil());
    for domain in [before_all, first] {
        let cursor = Paging::first(5).after((hidden, Some(domain)));
        let page =
            world
                .tenancy
                .reachable_domains(&dev, acme.organization, DomainAction::View, cursor);
        assert_eq!(block_on(page).unwrap().items, []);
    }
    let cursor = Paging::first(5).after((WorkspaceId::from_uuid(uuid::Uuid::nil()), None));
    let page = world
        .tenancy
        .reachable_domains(&dev, acme.organization, DomainAction::View, cursor);
    assert_eq!(block_on(page).unwrap().items, []);
}

#[test]
fn a2_a_taken_domain_name_takes_the_same_round_trips_wherever_it_is() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let beta = world.owned_by(&user("dora"), "Beta");
    world.does(&user("dora"), beta.sandbox("theirs"));
    let hidden = world.does(&ann, acme.create_workspace("Hidden"));
    world.does(&ann, acme.sandbox_in(hidden, "hidden"));
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let tenancy = Tenancy::new(Counting(world.store(), Mutex::default()));
    let trips = |name: &str| {
        *tenancy.repository().1.lock().unwrap() = 0;
        let error = block_on(tenancy.execute(&dev, acme.sandbox(name))).unwrap_err();
        let taken = Refusal::DomainNameTaken { name: label(name) };
        assert_eq!(error.refusal(), Some(&taken));
        *tenancy.repository().1.lock().unwrap()
    };
    assert_eq!(trips("hidden"), trips("theirs"));
}

#[test]
fn a2_a_workspace_admin_does_not_learn_of_roles_in_the_organization() {
    let world = World::new();
    let acme = world.acme();
    let admin = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    let invite = acme.invite_to(acme.workspace, "ann", WorkspaceRole::Reader);
    let refusal = world.refused(&admin, invite);
    let said = format!(
        "{refusal} {refusal:?} {}",
        serde_json::to_string(&refusal).unwrap()
    );
    assert_eq!(refusal.code(), "already_has_role");
    assert!(!said.contains("Admin") && !said.contains("admin"), "{said}");
}

#[test]
fn a2_the_audit_trail_withholds_the_hashes_of_links() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let sent = world.does(&ann, acme.invite("bob", OrganizationRole::Member));
    world.passes(TimeDelta::minutes(1));
    world.does(&ann, acme.resend(sent.invitation));
    let trail = world
        .tenancy
        .audit_trail(&ann, acme.organization, Paging::default());
    let trail = block_on(trail).unwrap().items;
    let json = serde_json::to_string(&trail).unwrap();
    assert!(json.contains("invitation_sent") && json.contains("invitation_renewed"));
    assert!(!json.contains("token_hash"), "{json}");
    // The store's own log has them, and rebuilds the organization by them.
    let log = serde_json::to_string(&world.log(acme)).unwrap();
    assert!(log.contains("token_hash"));
    let rebuilt = tenancy::store::OrganizationState::replay(acme.organization, &trail);
    assert_eq!(rebuilt, Err(tenancy::store::Inconsistency::Withheld));
}

#[test]
fn o5_an_address_that_is_typed_otherwise_is_a_change() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let with = |address: &str| EditInvoicing {
        organization: acme.organization,
        invoicing: Some(InvoicingInformation {
            email: email(address),
            ..invoicing("Acme SAS")
        }),
    };
    assert!(world.did(&ann, with("billing@acme.example")).changed());
    assert!(world.did(&ann, with("Billing@Acme.Example")).changed());
    let shown = world.row(acme).invoicing.unwrap().email;
    assert_eq!(shown.as_str(), "Billing@Acme.Example");
    assert!(!world.did(&ann, with("Billing@Acme.Example")).changed());
}

#[test]
fn o6_a_check_and_a_command_say_the_same_of_a_deleted_organization() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    world.does(&ann, acme.delete_workspace(acme.workspace));
    world.does(&ann, acme.delete());
    let operator = operator();
    for action in OrganizationAction::ALL {
        let decision = world.asks(&operator, acme.organization, action);
        let reads = matches!(
            action,
            OrganizationAction::View
                | OrganizationAction::ViewMembers
                | OrganizationAction::ViewInvitations
                | OrganizationAction::ViewInvoicing
                | OrganizationAction::ViewContract
                | OrganizationAction::ViewAuditTrail
                | OrganizationAction::ReleaseDomainName
        );
        match decision {
            Decision::Allowed { .. } => assert!(reads, "{action:?}"),
            Decision::Deleted => assert!(!reads, "{action:?}"),
            Decision::Forbidden { .. } => {
                let row = action.allowed();
                assert!(!row.contains(tenancy::RoleSet::OPERATOR), "{action:?}");
            }
            Decision::Hidden => panic!("{action:?} is hidden from an operator"),
            Decision::Suspended => panic!("{action:?}: it is deleted"),
        }
        let required = block_on(world.tenancy.require(&operator, acme.organization, action));
        let refused = required.err().and_then(|error| error.refusal().cloned());
        let is_deleted = decision == Decision::Deleted;
        assert_eq!(
            is_deleted,
            refused == Some(Refusal::OrganizationDeleted),
            "{action:?}"
        );
    }
    assert_eq!(
        world.refused(&operator, acme.quota(7)),
        Refusal::OrganizationDeleted
    );
}

#[test]
fn a3_a_permit_is_of_the_resource_of_its_actions_own_layer() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let domain = world.does(&ann, acme.sandbox("shop"));
    let on = (acme.organization, domain);
    let standing = block_on(world.tenancy.standing(&ann, on)).unwrap().unwrap();
    let (organization, workspace) = (acme.organization, acme.workspace);
    let permit = standing.require(OrganizationAction::Rename).unwrap();
    assert_eq!(permit.resource(), Resource::Organization(organization));
    let permit = standing.require(WorkspaceAction::Rename).unwrap();
    assert_eq!(
        permit.resource(),
        Resource::Workspace(organization, workspace)
    );
    let permit = standing.require(DomainAction::Delete).unwrap();
    assert_eq!(permit.resource(), Resource::Domain(organization, domain));
}

#[test]
fn a_leap_second_is_kept_as_every_store_keeps_it() {
    let world = World::new();
    let leap = "2016-12-31T23:59:60.5Z".parse::<DateTime<Utc>>().unwrap();
    assert_eq!(leap.timestamp_subsec_millis(), 1_500);
    let tenancy = Tenancy::new(world.store()).with_clock(move || leap);
    let create = tenancy::commands::CreateOrganization { name: name("Acme") };
    let acme = block_on(tenancy.execute(&user("ann"), create))
        .unwrap()
        .output;
    let log = List::Log {
        organization: acme.organization,
        after: tenancy::Version::ABSENT,
    };
    let log = block_on(world.store().list(&log, std::num::NonZeroU32::MIN)).unwrap();
    let [Item::LogEntry(entry)] = &log[..] else {
        panic!("one entry: {log:?}");
    };
    let millis = entry.at.timestamp_millis();
    assert_eq!(DateTime::from_timestamp_millis(millis), Some(entry.at));
    assert_eq!(
        entry.at,
        "2017-01-01T00:00:00.5Z".parse::<DateTime<Utc>>().unwrap()
    );
}

#[test]
fn one_invitation_is_read_by_who_may_list_it() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let sent = world.does(
        &ann,
        acme.invite_to(acme.workspace, "bob", WorkspaceRole::Reader),
    );
    let admin = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let read = |who: &Actor| {
        let invitation = sent.invitation;
        let read = world.tenancy.invitation(who, acme.organization, invitation);
        block_on(read).map_err(|error| error.refusal().map(Refusal::code))
    };
    for who in [&ann, &admin, &operator()] {
        assert_eq!(read(who).unwrap().email, email("bob@acme.example"));
    }
    assert_eq!(read(&dev), Err(Some("forbidden")));
    assert_eq!(read(&user("dora")), Err(Some("not_found")));
    assert_eq!(sent.email, email("bob@acme.example"));
    let last = world.log(acme).into_iter().flat_map(|entry| entry.events);
    assert!(last.into_iter().any(|event| matches!(
        event,
        Event::InvitationSent { invitation, .. } if invitation == sent.invitation
    )));
}
