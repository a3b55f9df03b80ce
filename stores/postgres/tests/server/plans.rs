//! What the server does with the statements when an organization grows ten-thousandfold: look-ups by index,
//! of as many pages as before, whether it plans for the parameters or once for all.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::num::NonZeroU32;

use crate::databases::people::{
    acme, actor, email, join, name, new_domain, new_workspace, prepared, tenancy, user,
};
use crate::databases::{Database, tested};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor as _, PgPool, Row as _};
use tenancy::commands::{
    CreatedOrganization, DeleteDomain, InviteToOrganization, RemoveMember, RenameOrganization,
};
use tenancy::store::{Claim, Commit, Key, List, Place};
use tenancy::{
    CommitId, DomainId, DomainName, InvitationId, OrganizationId, OrganizationRole, Resource,
    UserId, WorkspaceRole,
};
use tenancy_conformance::every_list;
use tenancy_postgres::statements::{self, Parameter, Statement};

/// Twenty thousand organizations with a workspace and two of everything else: to the planner, that is what any
/// organization has.
const MANY_SMALL_ONES: &str = "
    CREATE TEMPORARY TABLE small AS SELECT md5('o' || n)::uuid AS id FROM generate_series(1, 20000) n;
    INSERT INTO tenancy.organizations
        SELECT id, 1, 1, '{\"admins\": 1}', jsonb_build_object('id', id, 'version', 1), 'acme ' || id FROM small;
    INSERT INTO tenancy.members
        SELECT id, md5(id::text || n)::uuid, 3, id::text || n, NULL, jsonb_build_object('member', n)
        FROM small, generate_series(1, 2) n;
    INSERT INTO tenancy.workspaces
        SELECT id, id, 'o', jsonb_build_object('workspace', id) FROM small;
    INSERT INTO tenancy.workspace_members
        SELECT id, id, md5(id::text || n)::uuid, 1, NULL, jsonb_build_object('workspace_member', id)
        FROM small, generate_series(1, 2) n;
    INSERT INTO tenancy.domains
        SELECT id, md5(id::text || n)::uuid, id, 'o' || n, 1, 1, jsonb_build_object('domain', id)
        FROM small, generate_series(1, 2) n;
    INSERT INTO tenancy.retired_domain_names
        SELECT id, 'o' || n, jsonb_build_object('retired_domain_name', id) FROM small, generate_series(1, 2) n;
    INSERT INTO tenancy.former_members
        SELECT id, md5(id::text || n)::uuid, id, jsonb_build_object('former_member', id)
        FROM small, generate_series(1, 2) n;
    INSERT INTO tenancy.invitations
        SELECT id, md5(id::text || n)::uuid, id::text || n, NULL, 1, id, n, jsonb_build_object('invitation', id)
        FROM small, generate_series(1, 2) n;
    INSERT INTO tenancy.commits
        SELECT id, n, md5(id::text || n)::uuid, jsonb_build_object('id', id) FROM small, generate_series(1, 2) n;
    INSERT INTO tenancy.outbox (organization_id, version, last) SELECT id, 1, 2 FROM small";

/// One organization with a hundred thousand members, as many of them in one workspace, as many who departed, two
/// thousand more workspaces, fifty thousand domains, a thousand open invitations among twenty thousand, a long log.
const GROWTH: &str = "
    INSERT INTO tenancy.members
        SELECT $1, md5('m' || n)::uuid, 1, 'm' || n || '@x.example', NULL, jsonb_build_object('member', n)
        FROM generate_series(1, 100000) n;
    INSERT INTO tenancy.workspaces
        SELECT $1, md5('w' || n)::uuid, 'grown ' || n, jsonb_build_object('workspace', n)
        FROM generate_series(1, 2000) n;
    INSERT INTO tenancy.workspace_members
        SELECT $1, $2, md5('m' || n)::uuid, 1, NULL, jsonb_build_object('workspace_member', n)
        FROM generate_series(1, 100000) n;
    INSERT INTO tenancy.domains
        SELECT $1, md5('d' || n)::uuid, CASE WHEN n % 2 = 0 THEN $2 ELSE md5('w' || n % 2000)::uuid END,
               'd' || n, 1, 1, jsonb_build_object('domain', n)
        FROM generate_series(1, 50000) n;
    INSERT INTO tenancy.claims SELECT 1, 'd' || n, $1 FROM generate_series(1, 50000) n;
    INSERT INTO tenancy.retired_domain_names
        SELECT $1, 'r' || n, jsonb_build_object('retired_domain_name', n) FROM generate_series(1, 50000) n;
    INSERT INTO tenancy.former_members
        SELECT $1, md5('f' || n)::uuid, $2, jsonb_build_object('former_member', n)
        FROM generate_series(1, 100000) n;
    INSERT INTO tenancy.invitations
        SELECT $1, md5('i' || n)::uuid, 'i' || n || '@x.example', NULL, 1, md5('m' || n)::uuid,
               CASE WHEN n % 20 = 0 THEN 1 ELSE 2 END, jsonb_build_object('invitation', n)
        FROM generate_series(1, 20000) n;
    INSERT INTO tenancy.commits
        SELECT $1, n + 100, md5('c' || n)::uuid, jsonb_build_object('id', n) FROM generate_series(1, 50000) n;";

/// A statement with its parameters, written as literals.
struct Case {
    what: String,
    /// A page of a list: it comes in its index's order.
    is_list: bool,
    statement: &'static str,
    types: String,
    values: String,
}

impl Case {
    fn new(what: impl Into<String>, statement: &Statement) -> Self {
        let parameters = statement.parameters.iter();
        let (types, values): (Vec<_>, Vec<_>) = parameters.map(written).unzip();
        Self {
            what: what.into(),
            is_list: false,
            statement: statement.text,
            types: types.join(", "),
            values: values.join(", "),
        }
    }
}

/// A parameter's type, and its value as a literal.
fn written(parameter: &Parameter) -> (&'static str, String) {
    match parameter {
        Parameter::Uuid(None) => ("uuid", "NULL".to_owned()),
        Parameter::Uuid(Some(id)) => ("uuid", format!("'{id}'")),
        Parameter::Text(text) => ("text", format!("'{text}'")),
        Parameter::Number(number) => ("bigint", number.to_string()),
        Parameter::Code(code) => ("smallint", code.to_string()),
        Parameter::Numbers(numbers) => ("bigint[]", format!("ARRAY{numbers:?}::bigint[]")),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Plan {
    pages: u64,
    scans: Vec<String>,
    /// Rows that were read and thrown away.
    removed: u64,
    jit: bool,
}

/// Makes the planner believe that every organization holds `$1` rows of each table.
const BELIEVE: &str = "
    UPDATE pg_statistic SET stadistinct = -1.0 / $1
    WHERE staattnum = 1 AND starelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'tenancy'::regnamespace)";

/// Lists that the planner would read whole and sort, to answer with the first few items. How long it takes a list
/// for is luck (when the statistics were gathered, of which rows), so it is told: shorter than a page, about as long,
/// longer; with single pages that cost as on a solid-state disk, and as by default.
async fn sorted(pool: &PgPool, lists: &[&Case]) -> Vec<String> {
    let mut sorted = Vec::new();
    for held in ["2.0", "8.0", "30.0", "1000.0"] {
        let mut transaction = pool.begin().await.unwrap();
        let believe = AssertSqlSafe(BELIEVE.replace("$1", held));
        transaction.execute(believe).await.unwrap();
        for random_page_cost in ["1.1", "4"] {
            for list in lists {
                let texts = [
                    format!("SET LOCAL random_page_cost = {random_page_cost}"),
                    "SET LOCAL plan_cache_mode = 'force_custom_plan'".to_owned(),
                    format!("PREPARE s ({}) AS {}", list.types, list.statement),
                ];
                for text in texts {
                    transaction.execute(AssertSqlSafe(text)).await.unwrap();
                }
                let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE s ({})", list.values));
                let lines = sqlx::raw_sql(explain).fetch_all(&mut *transaction).await;
                let lines = lines.unwrap();
                let lines = lines
                    .iter()
                    .map(|line| line.try_get_unchecked::<String, _>(0).unwrap());
                let lines: Vec<_> = lines.collect();
                if sorts_a_list(&lines) {
                    sorted.push(format!(
                        "{} (of {held}, at {random_page_cost}) is sorted:\n{}",
                        list.what,
                        lines.join("\n")
                    ));
                }
                transaction.execute("DEALLOCATE s").await.unwrap();
            }
        }
        transaction.rollback().await.unwrap();
    }
    sorted
}

/// Whether a plan sorts more than pages that are cut already: nothing below the sort has a limit.
fn sorts_a_list(plan: &[String]) -> bool {
    let depth = |line: &str| line.len() - line.trim_start().len();
    (0..).zip(plan).any(|(at, line)| {
        let of_it = plan[at + 1..]
            .iter()
            .take_while(|below| depth(below) > depth(line));
        let cut = of_it.into_iter().any(|below| below.contains("->  Limit"));
        line.trim_start()
            .trim_start_matches("->")
            .trim_start()
            .starts_with("Sort  (")
            && !cut
            || line.contains("Incremental Sort")
    })
}

async fn plan(pool: &PgPool, case: &Case, mode: &str) -> Plan {
    let mut transaction = pool.begin().await.unwrap();
    let prepare = format!("PREPARE s ({}) AS {}", case.types, case.statement);
    let run = format!("EXECUTE s ({})", case.values);
    let texts = [
        format!("SET LOCAL plan_cache_mode = '{mode}'"),
        prepare,
        // Once before: catalogues and hint bits are not the statement's.
        format!("SAVEPOINT before; {run}; ROLLBACK TO before"),
    ];
    for text in texts {
        sqlx::raw_sql(AssertSqlSafe(text))
            .execute(&mut *transaction)
            .await
            .unwrap();
    }
    let explain = format!("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {run}");
    let rows = sqlx::raw_sql(AssertSqlSafe(explain));
    let rows = rows.fetch_all(&mut *transaction).await.unwrap();
    let text: String = rows[0].try_get_unchecked(0).unwrap();
    sqlx::raw_sql("DEALLOCATE s")
        .execute(&mut *transaction)
        .await
        .unwrap();
    transaction.rollback().await.unwrap();
    let explained: Value = serde_json::from_str(&text).unwrap();
    let root = &explained[0]["Plan"];
    let mut plan = Plan {
        pages: pages(root),
        scans: Vec::new(),
        removed: 0,
        jit: explained[0]["JIT"].is_object(),
    };
    walk(root, &mut plan);
    plan
}

fn pages(node: &Value) -> u64 {
    node["Shared Hit Blocks"].as_u64().unwrap() + node["Shared Read Blocks"].as_u64().unwrap()
}

fn walk(node: &Value, plan: &mut Plan) {
    if node["Node Type"] == "ModifyTable" {
        // What the main query doesn't read runs after it, and isn't counted with it.
        plan.pages += pages(node);
    }
    if node["Node Type"] == "Seq Scan" && node["Actual Loops"] != 0 {
        plan.scans.push(
            node["Relation Name"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
        );
    }
    for kind in ["Rows Removed by Filter", "Rows Removed by Join Filter"] {
        plan.removed +=
            node[kind].as_u64().unwrap_or(0) * node["Actual Loops"].as_u64().unwrap_or(1);
    }
    for child in node["Plans"].as_array().into_iter().flatten() {
        walk(child, plan);
    }
}

async fn cases(pool: &PgPool, of: CreatedOrganization, domain: DomainId) -> Vec<Case> {
    let tenancy = tenancy(pool.clone());
    let (organization, workspace) = (of.organization, of.workspace);
    let (ann, bob) = (user("ann"), user("bob"));
    let on_domain = Resource::Domain(organization, domain);
    let on_workspace = Resource::Workspace(organization, workspace);
    let on_organization = Resource::Organization(organization);
    let standing = |what: &str, on| Case::new(what, &statements::standing(bob, on));
    let load = |what: &str, keys: &[Key]| Case::new(what, &statements::load(organization, keys));
    let bobs = email("bob@acme.example").key().clone();
    let nowhere = DomainName::new("nowhere").unwrap();
    let mut cases = vec![
        standing("a check on the organization", on_organization),
        standing("a check on a workspace", on_workspace),
        standing("a check on a domain", on_domain),
        load("the organization alone", &[]),
        load(
            "a path to the organization",
            &[Key::Path(bob, on_organization)],
        ),
        load("a path to a workspace", &[Key::Path(bob, on_workspace)]),
        load("a path to a domain", &[Key::Path(bob, on_domain)]),
        load("a person", &[Key::Person(bob)]),
        load("what somebody sent", &[Key::SentBy(ann)]),
        load("an address", &[Key::Address(bobs.clone(), Some(workspace))]),
        load(
            "a hundred addresses",
            &vec![Key::Address(bobs, Some(workspace)); 100],
        ),
        load(
            "an invitation",
            &[Key::Invitation(
                invitation_of_bob(pool, of).await,
                Some(bob),
            )],
        ),
        load(
            "invitations to a workspace",
            &[Key::OpenInvitations(Some(workspace))],
        ),
        load(
            "names",
            &[
                Key::WorkspaceNamed(name("Payments").key()),
                Key::DomainNamed(nowhere),
                Key::Commit(CommitId::new()),
            ],
        ),
        Case::new(
            "a claim's holder",
            &statements::claimed_by(&Claim::DomainName(DomainName::new("acme-api").unwrap())),
        ),
    ];
    let mut commit = |what, commit: &Commit| {
        cases.push(Case::new(what, &statements::commit(commit)));
        let steps = statements::commit_in_steps(commit);
        let rest = steps.rest.iter().map(|step| Case::new(what, step));
        cases.extend(rest.chain([Case::new(what, &steps.turn)]));
    };
    let invite = InviteToOrganization {
        organization,
        email: email("eve@elsewhere.example"),
        role: OrganizationRole::Member,
    };
    let removal = RemoveMember {
        organization,
        user: user("member3"),
    };
    let deletion = DeleteDomain {
        organization,
        domain,
    };
    let rename = RenameOrganization {
        organization,
        name: name("Acme & Co"),
    };
    commit("a rename", &prepared(&tenancy, rename).await);
    let search = new_workspace(of, "Search");
    commit("a workspace", &prepared(&tenancy, search).await);
    let search = new_domain(of, "acme-search");
    commit("a domain", &prepared(&tenancy, search).await);
    commit("a member's removal", &prepared(&tenancy, removal).await);
    commit("a domain's deletion", &prepared(&tenancy, deletion).await);
    commit(
        "an invitation, committed",
        &prepared(&tenancy, invite).await,
    );
    cases.extend(lists(of, bob));
    cases
}

async fn invitation_of_bob(pool: &PgPool, of: CreatedOrganization) -> InvitationId {
    let id = sqlx::query(
        "SELECT id FROM tenancy.invitations WHERE organization_id = $1 AND email_key = 'bob@acme.example'",
    );
    let row = id.bind(of.organization.as_uuid()).fetch_one(pool).await;
    InvitationId::from_uuid(row.unwrap().get(0))
}

/// Ten of each list; of those by user and by organization, also from behind the middle.
fn lists(of: CreatedOrganization, bob: UserId) -> Vec<Case> {
    let middle: UserId = "80000000-0000-0000-0000-000000000000".parse().unwrap();
    let (eve, bobs) = (email("eve@elsewhere.example"), email("bob@acme.example"));
    let mut begun = every_list(
        of.organization,
        of.workspace,
        bob,
        eve.key(),
        "7".parse().unwrap(),
        &name("Acme").key(),
    );
    begun.push(List::OrganizationsWithMember {
        email: bobs.key().clone(),
        after: None,
    });
    let somewhere = OrganizationId::from_uuid(middle.as_uuid());
    let places = [
        Place::User(middle),
        Place::Organization(somewhere),
        Place::Named(name("Acme 8").key(), somewhere),
    ];
    let continued = places.iter().flat_map(|place| {
        let behind = begun.iter().map(|list| list.behind(Some(place.clone())));
        behind.filter(|list| list.after().as_ref() == Some(place))
    });
    let ten = NonZeroU32::new(10).unwrap();
    let cases = begun.iter().cloned().chain(continued).enumerate();
    cases
        .map(|(number, list)| {
            let written = format!("{list:?}");
            let (kind, _) = written.split_once(' ').unwrap();
            Case {
                is_list: true,
                ..Case::new(
                    format!("list {number}: {kind}"),
                    &statements::list(&list, ten),
                )
            }
        })
        .collect()
}

#[test]
fn an_organization_that_grows_costs_the_same() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        let tenancy = tenancy(pool.clone());
        let (small, big) = (acme(&tenancy).await, acme(&tenancy).await);
        let mut domains = Vec::new();
        for (of, called) in [(small, "acme-api"), (big, "acme-www")] {
            join(&tenancy, of, "bob", WorkspaceRole::Developer).await;
            for number in 0..10 {
                let who = format!("member{number}");
                join(&tenancy, of, &who, WorkspaceRole::Reader).await;
            }
            let done = tenancy.execute(&actor("ann"), new_domain(of, called)).await;
            domains.push(done.unwrap().output);
        }
        pool.execute(MANY_SMALL_ONES).await.unwrap();
        pool.execute("VACUUM ANALYZE").await.unwrap();
        let growth = GROWTH
            .replace("$1", &format!("'{}'::uuid", big.organization))
            .replace("$2", &format!("'{}'::uuid", big.workspace));
        pool.execute(AssertSqlSafe(growth)).await.unwrap();
        let (little, much) = (
            cases(&pool, small, domains[0]).await,
            cases(&pool, big, domains[1]).await,
        );
        println!(
            "| statement | 12 members | 100,012 | and the planner |\n| --- | ---: | ---: | --- |"
        );
        let lists = little.iter().chain(&much).filter(|case| case.is_list);
        let lists: Vec<_> = lists.collect();
        let mut wrong = Vec::new();
        for (statistics, knows) in [("VACUUM", "doesn't know yet"), ("VACUUM ANALYZE", "knows")] {
            pool.execute(statistics).await.unwrap();
            wrong.extend(sorted(&pool, &lists).await);
            for mode in ["force_custom_plan", "force_generic_plan"] {
                for (little, much) in little.iter().zip(&much) {
                    let before = plan(&pool, little, mode).await;
                    let after = plan(&pool, much, mode).await;
                    println!(
                        "| {} | {} | {} | {knows}, {mode} |",
                        little.what, before.pages, after.pages
                    );
                    let flat = after.pages <= before.pages + before.pages / 2 + 15;
                    if !flat || !after.scans.is_empty() || after.removed > 50 || after.jit {
                        wrong.push(format!(
                            "{} ({knows}, {mode}): {before:?}, then {after:?}",
                            little.what
                        ));
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}
