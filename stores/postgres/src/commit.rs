//! A commit as one statement, made of the parts that it needs; or in steps.
//!
//! One statement is all or nothing without a transaction. `cas` compares and sets the version; everything that writes
//! joins it, and so writes nothing when it is empty. What is deleted goes first (`gone`), so that a name that one
//! record gives up another may take.
//!
//! The parts are made from [`Kind`]: its table, its key, its columns. A part that a commit doesn't need isn't in its
//! text, because an executor that is started for nothing costs as much as one that finds something.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::ser::{Serialize, SerializeMap as _, Serializer};
use tenancy::Version;
use tenancy::store::{
    Change, Claim, Column, ColumnType, Commit, Kind, Outcome, Record, RecordId, Value,
};

use crate::error::DecodeError;
use crate::statements::{Parameter, Statement, Texts, bigint, json, read};

mod steps;

pub(crate) use steps::full_texts as full_texts_of_steps;
pub use steps::{Steps, commit_in_steps};

/// The answer to a [`commit`], column by column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitAnswer {
    /// `committed bigint`: the new version, if it was applied.
    pub committed: Option<i64>,
    /// `seen bigint`: the version before.
    pub seen: Option<i64>,
    /// `taken text`: the claims that somebody holds.
    pub taken: Option<String>,
}

/// What a commit's text depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Shape {
    turn: Turn,
    puts: BTreeSet<Kind>,
    deletes: BTreeSet<Kind>,
    claims: bool,
    releases: bool,
}

/// How an organization's own row is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Turn {
    /// It must not exist yet.
    Create,
    /// It must be at the expected version.
    #[default]
    Advance,
    /// Either, by the expected version.
    Both,
}

/// What a commit changes, as JSON: lists of rows by table, and of claims.
#[derive(Default, serde::Serialize)]
struct Changes<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    put: BTreeMap<&'static str, Vec<Row<'a>>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    delete: BTreeMap<&'static str, Vec<Row<'a>>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    claim: Vec<Filed<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    release: Vec<Filed<'a>>,
}

/// A row of a kind's table: its key, and, to put it, the other columns and the record.
struct Row<'a> {
    key: (&'static [Column], Vec<Value>),
    rest: Option<(&'static [Column], Vec<Value>, &'a Record)>,
}

/// A claim as it is filed.
#[derive(PartialEq, Eq, serde::Serialize, serde::Deserialize)]
struct Filed<'a> {
    scope: u8,
    key: std::borrow::Cow<'a, str>,
}

static TEXTS: Texts<Shape> = Texts::new();

/// A commit: it is applied as a whole, or changes nothing. One row answers it (`committed`, `seen`, `taken`), for
/// [`outcome`].
///
/// It writes several tables in one statement. PostgreSQL and YugabyteDB take that; [`commit_in_steps`] is for those
/// who don't.
#[must_use]
pub fn commit(commit: &Commit) -> Statement {
    let (shape, changes) = Shape::of(commit);
    let mut parameters = vec![
        Parameter::Uuid(Some(commit.organization().as_uuid())),
        Parameter::Number(bigint(commit.expected)),
        Parameter::Code(commit.next.status.code().into()),
        Parameter::Text(json(&commit.next.summary())),
        Parameter::Text(json(&commit.next)),
        Parameter::Uuid(Some(commit.id().as_uuid())),
        Parameter::Text(json(&commit.entry)),
        Parameter::Text(commit.next.name.key().as_str().to_owned()),
    ];
    if shape.has_changes() {
        parameters.push(Parameter::Text(json(&changes)));
    }
    Statement {
        text: TEXTS.of(shape, Shape::text),
        parameters,
    }
}

/// The statement of all parts at once: what a server must be able to prepare.
pub(crate) fn full_text() -> &'static str {
    TEXTS.of(Shape::full(), Shape::text)
}

/// Reads the row that answers a [`commit`].
///
/// # Errors
///
/// - [`DecodeError`]: `taken` names no claim of this commit.
pub fn outcome(commit: &Commit, answer: &CommitAnswer) -> Result<Outcome, DecodeError> {
    if answer.committed.is_some() {
        return Ok(Outcome::Committed);
    }
    if answer.seen.unwrap_or(0) != bigint(commit.expected) {
        return Ok(Outcome::Conflict);
    }
    let Some(taken) = &answer.taken else {
        return Ok(Outcome::Conflict); // it changed while the statement waited for the row
    };
    let taken: Vec<Filed<'_>> = read("claims", "key", None, taken)?;
    let taken = claims(commit).find(|claim| taken.contains(&Filed::from(*claim)));
    taken
        .map(|claim| Outcome::Taken(claim.clone()))
        .ok_or(DecodeError::Answer {
            statement: "commit",
        })
}

/// What an error of the server's on a [`commit`] says for certain; `None`: you don't know, so it stays an error.
///
/// | `SQLSTATE` | constraint | means |
/// | --- | --- | --- |
/// | 40001, 40P01 | | a lost race: [`Outcome::Conflict`] |
/// | 23505 | `claims_pkey` | somebody claimed it in this moment: [`Outcome::Taken`] |
/// | 23505 | `organizations_pkey` | somebody created it in this moment: [`Outcome::Conflict`] |
/// | 23505 | `commits_id` | a commit of this id was made before, or in this moment: [`Outcome::IdUsed`] |
///
/// Of what is an error still, [`wrote_nothing`] says whether anything can have been written.
///
/// The statement was undone in each of these cases. Inside a transaction of the host's, so is the
/// transaction: roll it back.
#[must_use]
pub fn refused(
    commit: &Commit,
    sqlstate: &str,
    constraint: Option<&str>,
    detail: Option<&str>,
) -> Option<Outcome> {
    // A shard's constraints carry its number after the name.
    let constraint = constraint.unwrap_or_default();
    match sqlstate {
        "40001" | "40P01" => Some(Outcome::Conflict),
        "23505" if constraint.starts_with("claims_pkey") => {
            // `Key (scope, key)=(1, acme) already exists.`, in whatever language.
            let named = |claim: &&Claim| {
                let end = format!(", {})", claim.filed().1);
                detail.is_some_and(|detail| detail.contains(&end))
            };
            let claim = claims(commit)
                .find(named)
                .or_else(|| claims(commit).next())?;
            Some(Outcome::Taken(claim.clone()))
        }
        "23505" if constraint.starts_with("organizations_pkey") => Some(Outcome::Conflict),
        // Its place in the log is taken, by who closed the organization to move it.
        "23505" if constraint.starts_with("commits_pkey") => Some(Outcome::Conflict),
        "23505" if constraint.starts_with("commits_id") => Some(Outcome::IdUsed),
        _ => None,
    }
}

/// Whether an error of the server's on a [`commit`], or on one of its [steps](commit_in_steps), says for certain that
/// nothing was written: 25006, the database only reads. It is a replica, or was demoted when another was promoted:
/// connect to the primary. For [`Repository::wrote_nothing`](tenancy::store::Repository::wrote_nothing).
#[must_use]
pub fn wrote_nothing(sqlstate: &str) -> bool {
    sqlstate == "25006"
}

/// The claims that a commit makes.
fn claims(commit: &Commit) -> impl Iterator<Item = &Claim> {
    commit.changes.iter().filter_map(|change| match change {
        Change::Claim(claim) => Some(claim),
        Change::Put(_) | Change::Delete(_) | Change::Release(_) => None,
    })
}

impl Shape {
    /// The shape of a commit, and its changes as they are sent.
    fn of(commit: &Commit) -> (Self, Changes<'_>) {
        let mut shape = Self::default();
        if commit.expected == Version::ABSENT {
            shape.turn = Turn::Create;
        }
        let mut changes = Changes::default();
        for change in &commit.changes {
            match change {
                Change::Put(record) => {
                    let id = record.id();
                    shape.puts.insert(id.kind());
                    let rows = changes.put.entry(id.kind().table()).or_default();
                    rows.push(Row::put(&id, record));
                }
                Change::Delete(id) => {
                    shape.deletes.insert(id.kind());
                    let rows = changes.delete.entry(id.kind().table()).or_default();
                    rows.push(Row::key(id));
                }
                Change::Claim(claim) => {
                    shape.claims = true;
                    changes.claim.push(Filed::from(claim));
                }
                Change::Release(claim) => {
                    shape.releases = true;
                    changes.release.push(Filed::from(claim));
                }
            }
        }
        (shape, changes)
    }

    /// All parts.
    fn full() -> Self {
        Self {
            turn: Turn::Both,
            puts: Kind::ALL.into(),
            deletes: Kind::ALL.into(),
            claims: true,
            releases: true,
        }
    }

    fn has_changes(&self) -> bool {
        self.writes_rows() || self.has_goers()
    }

    /// Whether there is anything beside the organization and its log to be written.
    fn writes_rows(&self) -> bool {
        self.claims || !self.puts.is_empty()
    }

    /// Whether there is anything to be deleted.
    fn has_goers(&self) -> bool {
        self.releases || !self.deletes.is_empty()
    }

    /// `$1` organization, `$2` expected version (0: must not exist), `$3` status, `$4` summary, `$5` record, `$6` the
    /// commit's id, `$7` its log entry, `$8` the key of the organization's name, `$9` the changes, if there are any.
    fn text(&self) -> String {
        let mut parts = Vec::new();
        if self.has_changes() {
            // `json`, not `jsonb`, which would reorder a record's fields and write its numbers anew.
            parts.push("c AS (SELECT $9::text::json AS c)".to_owned());
        }
        if self.claims {
            parts.push(CLASH.to_owned());
        }
        let unclaimed = if self.claims {
            " AND NOT EXISTS (SELECT FROM clash)"
        } else {
            ""
        };
        let created = format!("{} WHERE $2::bigint = 0{unclaimed} {CREATED}", create("$8"));
        let advanced = format!("{}{unclaimed} RETURNING o.id, o.version", advance("$8"));
        match self.turn {
            Turn::Create => parts.push(format!("cas AS (\n    {created}\n)")),
            Turn::Advance => parts.push(format!("cas AS (\n    {advanced}\n)")),
            Turn::Both => parts.extend([
                format!("created AS (\n    {created}\n)"),
                format!("advanced AS (\n    {advanced}\n)"),
                "cas AS (SELECT id, version FROM created UNION ALL SELECT id, version FROM advanced)"
                    .to_owned(),
            ]),
        }
        let mut gone = Vec::new();
        if self.releases {
            parts.push(RELEASED.to_owned());
            gone.push("released".to_owned());
        }
        for kind in &self.deletes {
            parts.push(deleted(*kind));
            gone.push(format!("{}_gone", kind.table()));
        }
        // Who joins it waits until all of them are done.
        let first = if gone.is_empty() || !self.writes_rows() {
            "cas, c"
        } else {
            let counts: Vec<_> = gone
                .iter()
                .map(|part| format!("(SELECT count(*) FROM {part})"))
                .collect();
            // MATERIALIZED: inlined, its value would be of no use to anybody, and never computed.
            let counts = counts.join(" + ");
            parts.push(format!("gone AS MATERIALIZED (SELECT {counts} AS rows)"));
            "cas, gone, c"
        };
        if self.claims {
            parts.push(claimed(first));
        }
        for kind in &self.puts {
            parts.push(put(*kind, first));
        }
        parts.push(logged("$6", "$7"));
        parts.push(QUEUED.to_owned());
        let taken = if self.claims {
            "(SELECT json_agg(clash)::text FROM clash)"
        } else {
            "NULL::text"
        };
        format!(
            "WITH {}\nSELECT (SELECT version FROM cas) AS committed,\n       \
             (SELECT version FROM tenancy.organizations WHERE id = $1) AS seen,\n       {taken} AS taken",
            parts.join(",\n")
        )
    }
}

const CLASH: &str = "clash AS (
    SELECT t.scope, t.key
    FROM c, json_to_recordset(c.c->'claim') AS r(scope smallint, key text),
    LATERAL (SELECT h.scope, h.key FROM tenancy.claims h WHERE h.scope = r.scope AND h.key = r.key LIMIT 1) t
)";

fn create(name: &str) -> String {
    format!(
        "INSERT INTO tenancy.organizations (id, version, status, summary, record, name_key)
    SELECT $1::uuid, $2::bigint + 1, $3::smallint, $4::text::json, $5::text::json, {name}::text"
    )
}

const CREATED: &str = "ON CONFLICT (id) DO NOTHING RETURNING id, version";

/// The row stays on its page: its name's key is written as it was, unless it is renamed.
fn advance(name: &str) -> String {
    format!(
        "UPDATE tenancy.organizations o
    SET version = $2::bigint + 1, status = $3::smallint, summary = $4::text::json, record = $5::text::json,
        name_key = {name}::text
    WHERE o.id = $1::uuid AND o.version = $2::bigint AND $2::bigint > 0"
    )
}

/// Who has something to deliver already is due when it was; who has delivered everything is due now.
const QUEUED: &str = "queued AS (
    INSERT INTO tenancy.outbox AS t (organization_id, version, last)
    SELECT cas.id, cas.version, cas.version FROM cas
    ON CONFLICT (organization_id, alone) DO UPDATE
    SET last = excluded.last, due_at = CASE t.due_at WHEN 'infinity' THEN excluded.due_at ELSE t.due_at END
)";

fn logged(id: &str, entry: &str) -> String {
    format!(
        "logged AS (
    INSERT INTO tenancy.commits (organization_id, version, id, entry)
    SELECT cas.id, cas.version, {id}::uuid, {entry}::text::json FROM cas
)"
    )
}

fn claimed(from: &str) -> String {
    format!(
        "claimed AS (
    INSERT INTO tenancy.claims (scope, key, organization_id)
    SELECT r.scope, r.key, cas.id
    FROM {from}, json_to_recordset(c.c->'claim') AS r(scope smallint, key text) RETURNING 1
)"
    )
}

// What is to be deleted is looked up by its whole key, whatever the statistics say: the lists stand in CTEs of their
// own (`.._out`), so that the planner can't join the organization first and read all its rows, and `left(.., 0) = ''`,
// which always holds, tells it that there are few, where it takes JSON for a hundred.

const RELEASED: &str = "released_out AS MATERIALIZED (
    SELECT cas.id AS organization_id, r.scope, r.key
    FROM cas, c, json_to_recordset(c.c->'release') AS r(scope smallint, key text) WHERE left(r.key, 0) = ''
),
released AS (
    DELETE FROM tenancy.claims t USING released_out o
    WHERE t.scope = o.scope AND t.key = o.key AND t.organization_id = o.organization_id RETURNING 1
)";

fn deleted(kind: Kind) -> String {
    let table = kind.table();
    let (mut columns, mut wanted, mut equal) = (String::new(), String::new(), String::new());
    let mut first = "''";
    for (number, column) in kind.key().iter().enumerate() {
        let name = column.name;
        if number == 0 {
            first = name;
        } else {
            columns.push_str(", ");
        }
        // Writing to a `String` can't fail.
        let _ = write!(columns, "{name} {}", type_of(*column));
        let _ = write!(wanted, ", r.{name}");
        let _ = write!(equal, " AND t.{name} = o.{name}");
    }
    format!(
        "{table}_out AS MATERIALIZED (
    SELECT cas.id AS organization_id{wanted}
    FROM cas, c, json_to_recordset(c.c->'delete'->'{table}') AS r({columns}) WHERE left(r.{first}::text, 0) = ''
),
{table}_gone AS (
    DELETE FROM tenancy.{table} t USING {table}_out o
    WHERE t.organization_id = o.organization_id{equal} RETURNING 1
)"
    )
}

fn put(kind: Kind, from: &str) -> String {
    let table = kind.table();
    let (mut names, mut wanted, mut columns) = (String::new(), String::new(), String::new());
    let (mut key, mut set) = (String::new(), String::new());
    for column in kind.key() {
        let _ = write!(key, ", {}", column.name);
    }
    for column in kind.columns() {
        let _ = write!(set, "{0} = excluded.{0}, ", column.name);
    }
    for column in kind.key().iter().chain(kind.columns()) {
        let name = column.name;
        let _ = write!(names, "{name}, ");
        let _ = write!(wanted, "r.{name}, ");
        let _ = write!(columns, "{name} {}, ", type_of(*column));
    }
    format!(
        "{table}_put AS (
    INSERT INTO tenancy.{table} (organization_id, {names}record)
    SELECT cas.id, {wanted}r.record
    FROM {from}, json_to_recordset(c.c->'put'->'{table}') AS r({columns}record json)
    ON CONFLICT (organization_id{key}) DO UPDATE SET {set}record = excluded.record
)"
    )
}

const fn type_of(column: Column) -> &'static str {
    match column.holds {
        ColumnType::Id => "uuid",
        ColumnType::Text => "text",
        ColumnType::Code => "smallint",
        ColumnType::Number => "bigint",
    }
}

impl<'a> Row<'a> {
    fn key(id: &RecordId) -> Self {
        Self {
            key: (id.kind().key(), id.key()),
            rest: None,
        }
    }

    fn put(id: &RecordId, record: &'a Record) -> Self {
        Self {
            rest: Some((id.kind().columns(), record.columns(), record)),
            ..Self::key(id)
        }
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let (columns, values) = &self.key;
        for (column, value) in columns.iter().zip(values) {
            map.serialize_entry(column.name, &Cell(value))?;
        }
        if let Some((columns, values, record)) = &self.rest {
            for (column, value) in columns.iter().zip(values) {
                map.serialize_entry(column.name, &Cell(value))?;
            }
            map.serialize_entry("record", record)?;
        }
        map.end()
    }
}

/// A column's value as JSON.
pub(crate) struct Cell<'a>(pub(crate) &'a Value);

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Id(id) => id.serialize(serializer),
            Value::Text(text) => text.serialize(serializer),
            Value::Code(code) => code.serialize(serializer),
            Value::Number(number) => number.serialize(serializer),
        }
    }
}

impl<'a> From<&'a Claim> for Filed<'a> {
    fn from(claim: &'a Claim) -> Self {
        let (scope, key) = claim.filed();
        Self {
            scope,
            key: key.into(),
        }
    }
}
