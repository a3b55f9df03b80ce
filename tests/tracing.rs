//! The feature `tracing`: a span around each command and check, how it ended, and no secret.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::sync::{Arc, Mutex};

use tenancy::commands::{
    AcceptInvitation, CreateOrganization, CreateWorkspace, InviteToOrganization,
};
use tenancy::store::MemoryRepository;
use tenancy::{
    Actor, Name, OrganizationAction, OrganizationRole, Tenancy, UserId, VerifiedEmail, block_on,
};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Keeps the fields of every span, in the order in which spans began.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<Span>>>);

#[derive(Clone, Default)]
struct Span {
    name: &'static str,
    fields: BTreeMap<&'static str, String>,
}

impl Visit for Span {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

impl Subscriber for Kept {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut span = Span {
            name: attributes.metadata().name(),
            ..Span::default()
        };
        attributes.record(&mut span);
        let mut spans = self.0.lock().unwrap();
        spans.push(span);
        Id::from_u64(spans.len() as u64)
    }
    fn record(&self, id: &Id, values: &Record<'_>) {
        let number = usize::try_from(id.into_u64()).unwrap();
        let mut spans = self.0.lock().unwrap();
        values.record(spans.get_mut(number.saturating_sub(1)).unwrap());
    }
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn person(who: &str) -> Actor {
    let address = format!("{who}@acme.example").parse().unwrap();
    Actor::user(UserId::from_external(who), VerifiedEmail::attest(address))
}

#[test]
fn spans_say_what_was_done_and_how_it_ended_and_no_secret() {
    let kept = Kept::default();
    let tenancy = Tenancy::new(MemoryRepository::new());
    let (ann, bob) = (person("ann"), person("bob"));
    let name = |text| Name::new(text).unwrap();
    let (acme, token) = tracing::subscriber::with_default(kept.clone(), || {
        let create = CreateOrganization { name: name("Acme") };
        let acme = block_on(tenancy.execute(&ann, create)).unwrap().output;
        let organization = acme.organization;
        let second = CreateWorkspace {
            organization,
            name: name("Second"),
        };
        block_on(tenancy.execute(&ann, second)).unwrap_err();
        let invite = InviteToOrganization {
            organization,
            email: "bob@acme.example".parse().unwrap(),
            role: OrganizationRole::Member,
        };
        let invited = block_on(tenancy.execute(&ann, invite)).unwrap().output;
        let token = invited.token.unwrap();
        block_on(tenancy.check(&bob, organization, OrganizationAction::Rename)).unwrap();
        let accept = AcceptInvitation {
            token: token.clone(),
        };
        block_on(tenancy.execute(&bob, accept)).unwrap();
        block_on(tenancy.check(&bob, organization, OrganizationAction::Rename)).unwrap();
        block_on(tenancy.check(&ann, organization, OrganizationAction::Rename)).unwrap();
        (acme, token)
    });

    let spans = kept.0.lock().unwrap();
    let told: Vec<_> = spans
        .iter()
        .map(|span| {
            let field = |name| span.fields.get(name).map_or("", String::as_str);
            let what = format!("{}{}", field("command"), field("action"));
            (span.name, what, field("outcome"), field("version"))
        })
        .collect();
    let command =
        |what: &str, outcome, version| ("tenancy.command", what.to_owned(), outcome, version);
    let check = |outcome| {
        let what = OrganizationAction::Rename.phrase().to_owned();
        ("tenancy.check", what, outcome, "")
    };
    assert_eq!(
        told,
        [
            command("create_organization", "done", "1"),
            command("create_workspace", "quota_reached", ""),
            command("invite_to_organization", "done", "2"),
            check("hidden"),
            command("accept_invitation", "done", "3"),
            check("forbidden"),
            check("allowed as organization Admin"),
        ]
    );

    let mut everything = String::new();
    for span in spans.iter() {
        write!(everything, "{} {:?} ", span.name, span.fields).unwrap();
    }
    let organization = acme.organization.to_string();
    assert!(everything.contains(&organization), "{everything}");
    let text = token.expose();
    let secret = text.get(text.len().saturating_sub(42)..).unwrap();
    for unwanted in [secret, "Acme", "Second", "acme.example", "bob"] {
        assert!(
            !everything.contains(unwanted),
            "`{unwanted}` in {everything}"
        );
    }
}
