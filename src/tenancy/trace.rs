//! Spans for the `tracing` feature. Ids and codes only: no names, addresses or secrets.

use core::fmt::Display;
use core::future::Future;

use tracing::field::{Empty, display};
use tracing::{Instrument, Span, debug_span};

use crate::error::{Done, Error};
use crate::id::{CommitId, OrganizationId};
use crate::resource::Resource;
use crate::standing::Decision;

/// A span around a command: its name, organization, commit, and how it ended.
pub(crate) async fn command<T, E>(
    (name, code): (&'static str, impl FnOnce(&E) -> &'static str),
    organization: OrganizationId,
    commit: CommitId,
    work: impl Future<Output = Result<Done<T>, E>>,
) -> Result<Done<T>, E> {
    let span = debug_span!(
        "tenancy.command",
        command = name,
        %organization,
        %commit,
        outcome = Empty,
        version = Empty
    );
    let result = work.instrument(span.clone()).await;
    match &result {
        Ok(done) => {
            let outcome = if done.changed() { "done" } else { "unchanged" };
            record(&span, "outcome", outcome);
            record(&span, "version", done.token.version);
        }
        Err(error) => record(&span, "outcome", code(error)),
    }
    result
}

/// A span around a check: what was asked of what, and the answer.
pub(crate) async fn check<E>(
    action: &'static str,
    resource: Resource,
    work: impl Future<Output = Result<Decision, Error<E>>>,
) -> Result<Decision, Error<E>> {
    let span = debug_span!("tenancy.check", action, %resource, outcome = Empty);
    let result = work.instrument(span.clone()).await;
    match &result {
        Ok(Decision::Allowed { by }) => record(&span, "outcome", format_args!("allowed as {by}")),
        Ok(Decision::Forbidden { .. }) => record(&span, "outcome", "forbidden"),
        Ok(Decision::Hidden) => record(&span, "outcome", "hidden"),
        Ok(Decision::Deleted) => record(&span, "outcome", "deleted"),
        Ok(Decision::Suspended) => record(&span, "outcome", "suspended"),
        Err(error) => record(&span, "outcome", error.code()),
    }
    result
}

fn record(span: &Span, field: &'static str, value: impl Display) {
    span.record(field, display(value));
}
