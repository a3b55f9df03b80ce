//! What happened in an organization, newest first, in words.

use std::collections::HashSet;

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use tenancy::{Author, DomainId, Event, InvitationId, LogEntry, OrganizationId, Paging};
use tenancy_axum::Rejection;

use crate::form::Back;
use crate::frame::Frame;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{At, Inside, Visit, paging};
use crate::words::{Part, Sentence, Vocabulary, sentence};

const HERE: &str = "/activity";
const MANY: u32 = 25;

#[derive(Template)]
#[template(path = "activity.html")]
pub(crate) struct Activity {
    frame: Frame,
    entries: Vec<Entry>,
    older: Option<String>,
    newest: Option<String>,
}

struct Entry {
    who: String,
    at: String,
    machine_at: String,
    happened: Vec<Sentence>,
}

#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    after: Option<String>,
}

pub(crate) async fn show<H: ConsoleHost>(
    visit: Visit<H>,
    At(id): At<OrganizationId>,
    Query(asked): Query<Asked>,
) -> Response {
    visit.page(page(&visit, id, &asked).await).await
}

async fn page<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    asked: &Asked,
) -> Result<(StatusCode, Activity), Rejection> {
    let inside = visit.inside(organization).await?;
    let paging = paging(MANY, asked.after.as_deref());
    let is_first = paging.after.is_none();
    let page = visit
        .tenancy()
        .activity(&visit.actor, organization, paging)
        .await?;
    let vocabulary = vocabulary(visit, &inside, &page.items).await?;
    let entries = page.items.iter().map(|entry| Entry {
        who: match &entry.author {
            Author::User(user) => vocabulary.person(*user),
            Author::Operator(label) => format!("{label} (the vendor's staff)"),
            _ => "Somebody".to_owned(),
        },
        at: say::moment(entry.at),
        machine_at: entry.at.to_rfc3339(),
        happened: entry
            .events
            .iter()
            .map(|event| sentence(event, &vocabulary))
            .collect(),
    });
    let path = |end: &str| visit.path(organization, &format!("{HERE}{end}"));
    let activity = Activity {
        entries: entries.collect(),
        older: page
            .cursor()
            .map(|cursor| path(&format!("?after={cursor}"))),
        newest: (!is_first).then(|| path("")),
        frame: visit
            .frame_in(&inside, "Activity", HERE, &Back::nothing())
            .await,
    };
    Ok((StatusCode::OK, activity))
}

/// What the ids of these entries stand for: people, workspaces, domains, invitations, roles.
async fn vocabulary<H: ConsoleHost>(
    visit: &Visit<H>,
    inside: &Inside,
    entries: &[LogEntry],
) -> Result<Vocabulary, Rejection> {
    let mut vocabulary = Vocabulary::default();
    let organization = inside.id();
    for role in inside.roles() {
        vocabulary.roles.insert(role.number, role.name.to_string());
    }
    let paging = Paging::first(Paging::<()>::MAX_LIMIT);
    let workspaces = visit
        .tenancy()
        .workspaces(&visit.actor, organization, paging)
        .await?;
    for workspace in workspaces.items {
        vocabulary
            .workspaces
            .insert(workspace.id, workspace.name.to_string());
    }
    let events = || entries.iter().flat_map(|entry| &entry.events);
    let mut users: HashSet<_> = events().flat_map(Event::users).collect();
    users.extend(entries.iter().filter_map(|entry| match &entry.author {
        Author::User(user) => Some(*user),
        _ => None,
    }));
    // What is gone is named by what happened to it, if that is on this page.
    for event in events() {
        vocabulary.learn(event);
    }
    let (domains, invitations) = unknown(events(), &vocabulary);
    for domain in domains {
        let found = visit
            .tenancy()
            .domain(&visit.actor, (organization, domain))
            .await;
        let name = found.map_or_else(|_| "a domain".to_owned(), |domain| domain.name.to_string());
        vocabulary.domains.insert(domain, name);
    }
    for invitation in invitations {
        let found = visit
            .tenancy()
            .invitation(&visit.actor, organization, invitation)
            .await;
        if let Ok(found) = found {
            vocabulary
                .invitations
                .insert(invitation, found.email.to_string());
        }
    }
    let names = visit.names(users.iter().copied()).await;
    for user in users {
        if let Some(name) = names.get(user) {
            vocabulary.people.insert(user, name.to_owned());
        }
    }
    Ok(vocabulary)
}

/// The domains and invitations that are named by their ids only.
fn unknown<'a>(
    events: impl Iterator<Item = &'a Event>,
    vocabulary: &Vocabulary,
) -> (HashSet<DomainId>, HashSet<InvitationId>) {
    let (mut domains, mut invitations) = (HashSet::new(), HashSet::new());
    for event in events {
        match event {
            Event::DomainDeactivated { domain }
            | Event::DomainReactivated { domain }
            | Event::DomainMoved { domain, .. } => {
                domains.insert(*domain);
            }
            Event::InvitationRevoked { invitation, .. }
            | Event::InvitationAccepted { invitation, .. }
            | Event::InvitationDeclined { invitation, .. }
            | Event::OwnRoleOffered { invitation, .. } => {
                invitations.insert(*invitation);
            }
            _ => {}
        }
    }
    domains.retain(|domain| !vocabulary.domains.contains_key(domain));
    invitations.retain(|invitation| !vocabulary.invitations.contains_key(invitation));
    (domains, invitations)
}
