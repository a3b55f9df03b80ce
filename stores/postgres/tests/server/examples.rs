//! The examples run to their end. Each ends with an error if a decision, a count or a list is not what its
//! story says.

#![expect(
    clippy::duplicate_mod,
    reason = "each example brings its copy of what it shares with the tests"
)]

#[path = "../../examples/diesel.rs"]
#[expect(dead_code, reason = "`main` is for whoever runs the example")]
mod on_diesel;
#[path = "../../examples/tokio_postgres.rs"]
#[expect(dead_code, reason = "`main` is for whoever runs the example")]
pub(crate) mod on_tokio_postgres;

#[path = "../../examples/host_transaction.rs"]
#[expect(dead_code, reason = "`main` is for whoever runs the example")]
mod host_transaction;
#[path = "../../examples/postgres_mails.rs"]
#[expect(dead_code, reason = "`main` is for whoever runs the example")]
mod postgres_mails;

use tenancy_clusters::Cluster;

/// A server for each: `DATABASE_URL`, which the examples look at, may name a database that somebody needs.
fn server() -> Option<Cluster> {
    Cluster::start(&["fsync = off"])
}

#[tokio::test]
async fn the_statements_run_on_tokio_postgres() {
    let Some(server) = server() else { return };
    let told = on_tokio_postgres::run(&server.url("postgres")).await;
    told.unwrap();
}

#[test]
fn the_statements_run_on_diesel() {
    let Some(server) = server() else { return };
    on_diesel::run(&server.url("postgres")).unwrap();
}

#[tokio::test]
async fn a_billing_row_and_a_workspace_are_both_written_or_neither() {
    let Some(server) = server() else { return };
    let told = host_transaction::run(&server.url("postgres")).await;
    told.unwrap();
}

#[tokio::test]
async fn invitation_mails_go_out_and_leave_no_token() {
    let Some(server) = server() else { return };
    let told = postgres_mails::run(&server.url("postgres")).await;
    told.unwrap();
}
