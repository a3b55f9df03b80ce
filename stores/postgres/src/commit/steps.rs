//! A commit in steps, for engines that refuse one statement which writes several tables, or a table twice:
//! `CockroachDB` does. On PostgreSQL the one statement is better: a third of the round trips with the
//! organization's row locked, and no transaction that could stay open.

use tenancy::store::Commit;

use super::{
    CREATED, QUEUED, RELEASED, Shape, Turn, advance, claimed, create, deleted, logged, put,
};
use crate::statements::{Parameter, Statement, Texts, bigint, json};

/// A commit in steps, to be sent in one transaction.
///
/// 1. [`turn`](Self::turn). No row: roll back, it is a [`Conflict`](tenancy::store::Outcome::Conflict).
/// 2. [`rest`](Self::rest), in order.
/// 3. `COMMIT`: it is [`Committed`](tenancy::store::Outcome::Committed).
///
/// An error of the server's, at whichever step and at the `COMMIT` too, is for [`refused`](super::refused);
/// roll back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Steps {
    /// The compare-and-set of the organization: one row, or none if it isn't at the expected version.
    pub turn: Statement,
    /// What goes, if anything does, and what comes, with the log entry and its place in the outbox. One row each.
    pub rest: Vec<Statement>,
}

static TURNS: Texts<Turn> = Texts::new();
static GOING: Texts<Shape> = Texts::new();
static COMING: Texts<Shape> = Texts::new();

/// A commit in [`Steps`].
#[must_use]
pub fn commit_in_steps(commit: &Commit) -> Steps {
    let (shape, changes) = Shape::of(commit);
    let organization = Parameter::Uuid(Some(commit.organization().as_uuid()));
    let turn = Statement {
        text: TURNS.of(shape.turn, |which| turn(*which)),
        parameters: vec![
            organization.clone(),
            Parameter::Number(bigint(commit.expected)),
            Parameter::Code(commit.next.status.code().into()),
            Parameter::Text(json(&commit.next.summary())),
            Parameter::Text(json(&commit.next)),
            Parameter::Text(commit.next.name.key().as_str().to_owned()),
        ],
    };
    let mut rest = Vec::new();
    let changed = json(&changes);
    if shape.has_goers() {
        rest.push(Statement {
            text: GOING.of(shape.clone(), going),
            parameters: vec![organization.clone(), Parameter::Text(changed.clone())],
        });
    }
    let mut parameters = vec![
        organization,
        Parameter::Number(bigint(commit.next.version)),
        Parameter::Uuid(Some(commit.id().as_uuid())),
        Parameter::Text(json(&commit.entry)),
    ];
    if shape.writes_rows() {
        parameters.push(Parameter::Text(changed));
    }
    rest.push(Statement {
        text: COMING.of(shape, coming),
        parameters,
    });
    Steps { turn, rest }
}

/// All steps with all their parts: what a server must be able to prepare.
pub(crate) fn full_texts() -> [&'static str; 4] {
    let full = Shape::full();
    [
        TURNS.of(Turn::Create, |which| turn(*which)),
        TURNS.of(Turn::Advance, |which| turn(*which)),
        GOING.of(full.clone(), going),
        COMING.of(full, coming),
    ]
}

/// `$1` organization, `$2` expected version, `$3` status, `$4` summary, `$5` record, `$6` the key of its name.
fn turn(which: Turn) -> String {
    match which {
        Turn::Create => format!("{} WHERE $2::bigint = 0 {CREATED}", create("$6")),
        Turn::Advance | Turn::Both => format!("{} RETURNING o.id, o.version", advance("$6")),
    }
}

/// `$1` organization, `$2` changes.
fn going(shape: &Shape) -> String {
    let mut parts = vec![
        "c AS (SELECT $2::text::json AS c)".to_owned(),
        "cas AS (SELECT $1::uuid AS id)".to_owned(),
    ];
    if shape.releases {
        parts.push(RELEASED.to_owned());
    }
    parts.extend(shape.deletes.iter().map(|kind| deleted(*kind)));
    format!("WITH {}\nSELECT 1 AS done", parts.join(",\n"))
}

/// `$1` organization, `$2` its new version, `$3` the commit's id, `$4` its log entry, `$5` changes, if any are put.
fn coming(shape: &Shape) -> String {
    let mut parts = vec!["cas AS (SELECT $1::uuid AS id, $2::bigint AS version)".to_owned()];
    if shape.writes_rows() {
        parts.push("c AS (SELECT $5::text::json AS c)".to_owned());
    }
    let first = if shape.claims {
        // Before any row: a name that is taken is a claim that is taken, and not a row too many.
        parts.push(claimed("cas, c"));
        parts.push("held AS MATERIALIZED (SELECT count(*) AS rows FROM claimed)".to_owned());
        "cas, held, c"
    } else {
        "cas, c"
    };
    parts.extend(shape.puts.iter().map(|kind| put(*kind, first)));
    parts.extend([logged("$3", "$4"), QUEUED.to_owned()]);
    format!("WITH {}\nSELECT 1 AS done", parts.join(",\n"))
}
