//! What the server does with the statements when an organization grows ten-thousandfold: look-ups by index,
//! of as many pages as before, whether it plans for the parameters or once for all.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod databases;
mod support;

use databases::people::{
    acme, actor, email, join, name, new_domain, new_workspace, prepared, tenancy, user,
};
use databases::{Database, tested};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor as _, PgPool, Row as _};
use tenancy::commands::{CreatedOrganization, DeleteDomain, InviteToOrganization, RemoveMember};
use tenancy::store::{Commit, Key};
use tenancy::{DomainName, InvitationId, OrganizationRole, Resource, UserId, WorkspaceRole};
use tenancy_postgres::statements;

/// Twenty thousand organizations with a workspace and two of everything else: to the planner, that is what any
/// organization has.
const MANY_SMALL_ONES: &str = "
    INSERT INTO tenancy.organizations
        SELECT md5('o' || n)::uuid, 1, 1, 'o', NULL, NULL, NULL, 1, 1, 1, 1, 1, 1, now()
        FROM generate_series(1, 20000) n;
    INSERT INTO tenancy.members
        SELECT id, md5(id::text || n)::uuid, 3, 'x', id::text || n, now()
        FROM tenancy.organizations, generate_series(1, 2) n WHERE name = 'o';
    INSERT INTO tenancy.workspaces
        SELECT id, id, 'o', 'o', NULL, 0, 0, now() FROM tenancy.organizations WHERE name = 'o';
    INSERT INTO tenancy.workspace_members
        SELECT id, id, md5(id::text || n)::uuid, 1, now()
        FROM tenancy.organizations, generate_series(1, 2) n WHERE name = 'o';
    INSERT INTO tenancy.domains
        SELECT id, md5(id::text || n)::uuid, id, 'o' || n, 1, 1, now()
        FROM tenancy.organizations, generate_series(1, 2) n WHERE name = 'o';
    INSERT INTO tenancy.retired_domain_names
        SELECT id, 'o' || n, now() FROM tenancy.organizations, generate_series(1, 2) n WHERE name = 'o';
    INSERT INTO tenancy.invitations
        SELECT id, md5(id::text || n)::uuid, 'x', id::text || n, NULL, 1, id, '\\x00', now(), now(), n
        FROM tenancy.organizations, generate_series(1, 2) n WHERE name = 'o';
    INSERT INTO tenancy.commits
        SELECT id, n, md5(id::text || n)::uuid, now(), '{\"user\": \"m\"}', 'grow', '[]'
        FROM tenancy.organizations, generate_series(1, 2) n WHERE name = 'o'";

/// One organization with a hundred thousand members, as many of them in one workspace, two thousand more
/// workspaces, fifty thousand domains, a thousand open invitations among twenty thousand, a long log.
const GROWTH: &str = "
    INSERT INTO tenancy.members
        SELECT $1, md5('m' || n)::uuid, 1, 'm' || n || '@x.example', 'm' || n || '@x.example', now()
        FROM generate_series(1, 100000) n;
    INSERT INTO tenancy.workspaces
        SELECT $1, md5('w' || n)::uuid, 'W' || n, 'grown ' || n, NULL, 0, 0, now()
        FROM generate_series(1, 2000) n;
    INSERT INTO tenancy.workspace_members
        SELECT $1, $2, md5('m' || n)::uuid, 1, now() FROM generate_series(1, 100000) n;
    INSERT INTO tenancy.domains
        SELECT $1, md5('d' || n)::uuid, CASE WHEN n % 2 = 0 THEN $2 ELSE md5('w' || n % 2000)::uuid END,
               'd' || n, 1, 1, now()
        FROM generate_series(1, 50000) n;
    INSERT INTO tenancy.claims SELECT 1, 'd' || n, $1 FROM generate_series(1, 50000) n;
    INSERT INTO tenancy.invitations
        SELECT $1, md5('i' || n)::uuid, 'i' || n || '@x.example', 'i' || n || '@x.example', NULL, 1,
               md5('m' || n)::uuid, '\\x00', now(), now(), CASE WHEN n % 20 = 0 THEN 1 ELSE 2 END
        FROM generate_series(1, 20000) n;
    INSERT INTO tenancy.commits
        SELECT $1, n + 100, md5('c' || n)::uuid, now(), '{\"user\": \"m\"}', 'grow', '[]'
        FROM generate_series(1, 50000) n;
    INSERT INTO tenancy.outbox SELECT $1, n + 100 FROM generate_series(1, 50000) n;";

/// A statement with its parameters, written as literals.
struct Case {
    what: &'static str,
    statement: &'static str,
    types: &'static str,
    values: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Plan {
    pages: u64,
    scans: Vec<String>,
    /// Rows that were read and thrown away.
    removed: u64,
    jit: bool,
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

fn load(what: &'static str, of: CreatedOrganization, keys: &[Key]) -> Case {
    Case {
        what,
        statement: statements::LOAD,
        types: "uuid, text",
        values: format!("'{}', '{}'", of.organization, statements::load(keys)),
    }
}

fn commit(what: &'static str, commit: &Commit) -> Case {
    let parameters = statements::commit(commit);
    Case {
        what,
        statement: statements::COMMIT,
        types: "uuid, bigint, text",
        values: format!(
            "'{}', {}, '{}'",
            parameters.organization, parameters.expected, parameters.commit
        ),
    }
}

fn standing(what: &'static str, user: UserId, resource: Resource) -> Case {
    let (workspace, domain) = statements::path(resource);
    let quoted = |id: Option<uuid::Uuid>| id.map_or("NULL".to_owned(), |id| format!("'{id}'"));
    Case {
        what,
        statement: statements::STANDING,
        types: "uuid, uuid, uuid, uuid",
        values: format!(
            "'{}', '{user}', {}, {}",
            resource.organization(),
            quoted(workspace),
            quoted(domain)
        ),
    }
}

fn page(what: &'static str, statement: &'static str, types: &'static str, values: String) -> Case {
    Case {
        what,
        statement,
        types,
        values,
    }
}

async fn cases(pool: &PgPool, of: CreatedOrganization, domain: tenancy::DomainId) -> Vec<Case> {
    let tenancy = tenancy(pool.clone());
    let (id, workspace) = (of.organization, of.workspace);
    let (ann, bob) = (user("ann"), user("bob"));
    let invitation = InvitationId::new();
    let invite = InviteToOrganization {
        organization: id,
        email: email("eve@elsewhere.example"),
        role: OrganizationRole::Member,
    };
    let admins = "{2,3}";
    let removal = RemoveMember {
        organization: id,
        user: user("member3"),
    };
    let deletion = DeleteDomain {
        organization: id,
        domain,
    };
    let middle = "80000000-0000-0000-0000-000000000000";
    let mut cases = vec![
        standing(
            "a check on the organization",
            bob,
            Resource::Organization(id),
        ),
        standing(
            "a check on a workspace",
            bob,
            Resource::Workspace(id, workspace),
        ),
        standing("a check on a domain", bob, Resource::Domain(id, domain)),
        load(
            "a path",
            of,
            &[Key::Path(bob, Resource::Domain(id, domain))],
        ),
        load("a person", of, &[Key::Person(bob)]),
        load("what somebody sent", of, &[Key::SentBy(ann)]),
        load(
            "an address",
            of,
            &[Key::Address(
                email("bob@acme.example").key().clone(),
                Some(workspace),
            )],
        ),
        load(
            "an invitation",
            of,
            &[Key::Invitation(invitation, Some(bob))],
        ),
        load(
            "invitations to a workspace",
            of,
            &[Key::OpenInvitations(Some(workspace))],
        ),
        load(
            "names",
            of,
            &[
                Key::WorkspaceNamed(name("Payments").key()),
                Key::DomainNamed(DomainName::new("nowhere").unwrap()),
                Key::Commit(tenancy::CommitId::new()),
            ],
        ),
        commit(
            "a workspace",
            &prepared(&tenancy, new_workspace(of, "Search")).await,
        ),
        commit(
            "a domain",
            &prepared(&tenancy, new_domain(of, "acme-search")).await,
        ),
        commit("a member's removal", &prepared(&tenancy, removal).await),
        commit("a domain's deletion", &prepared(&tenancy, deletion).await),
        commit(
            "an invitation, committed",
            &prepared(&tenancy, invite).await,
        ),
        page(
            "ten members",
            statements::MEMBERS,
            "uuid, smallint[], uuid, bigint",
            format!("'{id}', '{{1,2,3}}', '{middle}', 10"),
        ),
        page(
            "the Admins",
            statements::MEMBERS_WITH_ROLE,
            "uuid, smallint[], uuid, bigint",
            format!("'{id}', '{admins}', NULL, 10"),
        ),
        page(
            "ten workspaces",
            statements::WORKSPACES,
            "uuid, uuid, bigint",
            format!("'{id}', NULL, 10"),
        ),
        page(
            "ten of a workspace's",
            statements::WORKSPACE_MEMBERS,
            "uuid, uuid, smallint[], uuid, bigint",
            format!("'{id}', '{workspace}', '{{1,2,3}}', NULL, 10"),
        ),
        page(
            "ten workspaces of a user",
            statements::WORKSPACES_OF,
            "uuid, uuid, uuid, bigint",
            format!("'{id}', '{bob}', NULL, 10"),
        ),
        page(
            "ten domains",
            statements::DOMAINS,
            "uuid, uuid, uuid, bigint",
            format!("'{id}', '{workspace}', NULL, 10"),
        ),
        page(
            "ten invitations",
            statements::INVITATIONS,
            "uuid, uuid, bigint",
            format!("'{id}', NULL, 10"),
        ),
        page(
            "ten invitations to a workspace",
            statements::INVITATIONS_INTO,
            "uuid, uuid, uuid, bigint",
            format!("'{id}', '{workspace}', NULL, 10"),
        ),
        page(
            "a user's organizations",
            statements::ORGANIZATIONS_OF,
            "uuid, uuid, bigint",
            format!("'{bob}', NULL, 10"),
        ),
        page(
            "an address's invitations",
            statements::INVITATIONS_TO,
            "text, uuid, uuid, bigint",
            "'eve@elsewhere.example', NULL, NULL, 10".to_owned(),
        ),
        page(
            "a claim's holder",
            statements::HOLDER,
            "smallint, text",
            "1, 'acme-api'".to_owned(),
        ),
        page(
            "ten log entries",
            statements::LOG,
            "uuid, bigint, bigint",
            format!("'{id}', 0, 10"),
        ),
    ];
    cases.sort_by_key(|case| case.what);
    cases
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
        let mut wrong = Vec::new();
        for (statistics, knows) in [("VACUUM", "doesn't know yet"), ("VACUUM ANALYZE", "knows")] {
            pool.execute(statistics).await.unwrap();
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
