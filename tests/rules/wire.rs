//! What reads and answers look like as JSON: printed into `docs/wire.md` from what a made-up deployment answers.
//!
//! `UPDATE_DOCS=1 cargo test -p tenancy-tests --test rules wire` rewrites it: its diff is what clients will meet.

use std::collections::BTreeMap;

use serde::Serialize;
use tenancy::commands::{AcceptReceivedInvitation, DefineRole, HandOver, RemoveMember};
use tenancy::{
    Actor, DomainAction, Grants, InvitationTarget, OrganizationAction, OrganizationRole, Paging,
    Role, RoleBase, WorkspaceRole, block_on,
};
use tenancy_tests::world::*;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/wire.md");

const FIRST: &str = "# What is read and answered, as JSON

Everything that [`Tenancy`] answers serializes with serde, in these shapes. `tests/rules/wire.rs` prints this page from what
the crate answers, so that it is true. Ids are UUIDs, times RFC 3339 in UTC with whole milliseconds; names and addresses are
text. What isn't set is `null`, or is left out where the type says so. A link's secret is in none of them.

What clients send are the commands' own fields, each a type that refuses what is no name, no address or no id while it
is read. Entries of the audit trail are on a page of their own, [docs/log.md].

[`Tenancy`]: https://docs.rs/tenancy/latest/tenancy/struct.Tenancy.html
[docs/log.md]: https://github.com/tenancy-rs/tenancy/blob/main/docs/log.md
";

/// The page, so far.
struct Wire {
    text: String,
    /// Ids are drawn anew in each run: printed is which one it is.
    ids: BTreeMap<String, usize>,
}

impl Wire {
    fn chapter(&mut self, title: &str) {
        self.text.extend(["\n## ", title, "\n"]);
    }

    fn shows(&mut self, what: &str, value: &impl Serialize) {
        let json = serde_json::to_string_pretty(value).unwrap();
        assert!(!json.contains("token"), "{json}");
        let json = self.with_few_ids(&json);
        self.text
            .extend(["\n", what, "\n\n```json\n", &json, "\n```\n"]);
    }

    fn with_few_ids(&mut self, json: &str) -> String {
        let is_id = |part: &str| part.len() == 36 && uuid::Uuid::try_parse(part).is_ok();
        let parts = json.split('"').map(|part| {
            if !is_id(part) {
                return part.to_owned();
            }
            let next = self.ids.len() + 1;
            let number = self.ids.entry(part.to_owned()).or_insert(next);
            format!("0198c5a4-0000-7000-8000-{number:012}")
        });
        parts.collect::<Vec<_>>().join("\"")
    }
}

fn printed() -> String {
    let mut wire = Wire {
        text: FIRST.to_owned(),
        ids: BTreeMap::new(),
    };
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let on = acme.organization;
    let tenancy = &world.tenancy;
    world.does(&operator(), acme.quota(2));
    world.does(&operator(), acme.edit_contract(Some(line("C-2026-11"))));
    let domain = world.does(&ann, acme.sandbox("acme"));
    let role = DefineRole {
        organization: on,
        name: name("Auditor"),
        base: RoleBase::Member,
        adds: Grants::of(OrganizationAction::ViewAuditTrail).unwrap(),
    };
    let auditor = world.does(&ann, role);

    wire.chapter("What commands answer");
    let created = acme;
    wire.shows(
        "`CreateOrganization`: the organization, and its first workspace.",
        &tenancy::commands::CreatedOrganization {
            organization: created.organization,
            workspace: created.workspace,
        },
    );
    let invited = world.does(&ann, acme.invite("bob", OrganizationRole::Member));
    wire.shows(
        "`InviteToOrganization`, `InviteToWorkspace`, `ResendInvitation`. Its link goes by mail.",
        &invited,
    );
    let target = InvitationTarget::Workspace {
        workspace: acme.workspace,
        role: WorkspaceRole::Developer,
    };
    let many = acme.invite_many(target, &["cy@acme.example", "no address"]);
    wire.shows(
        "`InviteMany`: of each line, in order.",
        &world.does(&ann, many),
    );
    let accepted = world.does(&user("bob"), accept(&invited));
    wire.shows("`AcceptInvitation`, `AcceptReceivedInvitation`.", &accepted);
    let bob = user("bob");
    let give = acme.give(acme.workspace, &bob, WorkspaceRole::Reader);
    wire.shows(
        "Commands that may revoke invitations, such as `GiveWorkspaceRole`.",
        &world.does(&ann, give),
    );
    let quota = world.does(&operator(), acme.quota(3));
    wire.shows("`SetWorkspaceQuota`.", &quota);

    wire.chapter("An organization");
    let change = acme.change_role(&bob, OrganizationRole::Accounting);
    world.does(&ann, change);
    wire.shows(
        "`Tenancy::organization`: as a member sees it.",
        &block_on(tenancy.organization(&bob, on)).unwrap(),
    );
    wire.shows(
        "`Tenancy::overview`: all that its page shows.",
        &block_on(tenancy.overview(&ann, on)).unwrap(),
    );
    let limited = tenancy.workspace_usage(&ann, acme.there());
    wire.shows("`Tenancy::workspace_usage`.", &block_on(limited).unwrap());

    wire.chapter("People");
    let person = tenancy.person(&ann, on, bob.user_id().unwrap());
    wire.shows(
        "`Tenancy::person`: all that a page about one member shows.",
        &block_on(person).unwrap(),
    );
    let viewers = tenancy.who_can(&ann, (on, domain), DomainAction::View, Paging::first(1));
    wire.shows("`Tenancy::who_can`: a page of a list. `next` begins the next one; `Page::cursor` makes text of it.", &block_on(viewers).unwrap());

    wire.chapter("Workspaces and domains");
    wire.shows(
        "`Tenancy::workspace`.",
        &block_on(tenancy.workspace(&ann, acme.there())).unwrap(),
    );
    wire.shows(
        "`Tenancy::domain`.",
        &block_on(tenancy.domain(&ann, (on, domain))).unwrap(),
    );
    let gone = world.does(&ann, acme.sandbox("acme-old"));
    world.does(&ann, acme.delete_domain(gone));
    let kept = tenancy.kept_domain_names(&ann, on, Paging::default());
    wire.shows(
        "`Tenancy::kept_domain_names`: a page of the names of deleted domains.",
        &block_on(kept).unwrap(),
    );

    let (staff, beginning) = (operator(), name("ac"));
    let found = tenancy.organizations_named(&staff, &beginning, Paging::first(5));
    wire.shows(
        "`Tenancy::organizations_named`, `all_organizations`, `organizations_with_member`, `organization_with_domain`: for \
         operators.",
        &block_on(found).unwrap(),
    );

    wire.chapter("Invitations");
    let again = world.does(
        &ann,
        acme.invite_to(acme.workspace, "eve", WorkspaceRole::Reader),
    );
    wire.shows(
        "`Tenancy::invitation`: as lists show it.",
        &block_on(tenancy.invitation(&ann, on, again.invitation)).unwrap(),
    );
    let eve = user("eve");
    let received = tenancy.received_invitations(&eve, Paging::first(5));
    wire.shows(
        "`Tenancy::received_invitations`: a page of those to the actor's address.",
        &block_on(received).unwrap(),
    );
    let preview = tenancy.preview(again.token.as_ref().unwrap());
    wire.shows(
        "`Tenancy::preview`: what the holder of a link sees before they answer.",
        &block_on(preview).unwrap(),
    );
    let answer = AcceptReceivedInvitation {
        organization: on,
        invitation: again.invitation,
    };
    world.does(&eve, answer);

    wire.chapter("Decisions");
    let ask = |actor: &Actor| world.asks(actor, (on, domain), DomainAction::Configure);
    wire.shows("`Tenancy::check`: allowed, and by which role.", &ask(&ann));
    wire.shows(
        "Forbidden: what would be needed, and what they have.",
        &ask(&eve),
    );
    wire.shows(
        "Hidden: not theirs to see, or not there.",
        &ask(&user("nobody")),
    );

    wire.chapter("Errors");
    let leave = block_on(tenancy.execute(&ann, acme.leave())).unwrap_err();
    wire.shows(
        "`Error::problem`, as RFC 9457 shapes it: of a rule that says no.",
        &leave.problem(),
    );
    let both = (acme.rename("Acme SAS"), acme.create_workspace("Acme"));
    let second = block_on(tenancy.execute(&ann, both)).unwrap_err();
    wire.shows("Of a request of several commands.", &second.problem());

    wire.chapter("What goes with somebody");
    world.does(&ann, acme.change_role(&bob, OrganizationRole::Admin));
    let sent = world.does(&bob, acme.invite("dora", OrganizationRole::Member));
    assert!(!sent.renewed);
    let hand_over = HandOver {
        organization: on,
        to: eve.user_id().unwrap(),
        keep: Some(Role::Own(auditor)),
    };
    wire.shows("`HandOver`.", &world.does(&bob, hand_over));
    let remove = RemoveMember {
        organization: on,
        user: bob.user_id().unwrap(),
    };
    wire.shows("`RemoveMember`, `LeaveOrganization`: pairs of workspace and role, and the invitations that went.", &world.does(&ann, remove));
    world.does(&ann, acme.delete_domain(domain));
    world.does(&ann, acme.take(acme.workspace, &eve));
    wire.shows(
        "`DeleteWorkspace`.",
        &world.does(&ann, acme.delete_workspace(acme.workspace)),
    );
    wire.text
}

#[test]
fn the_documentation_shows_every_shape_as_it_is() {
    let printed = printed();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(DOCS, &printed).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(DOCS).unwrap_or_default(),
        printed,
        "run with UPDATE_DOCS=1"
    );
}
