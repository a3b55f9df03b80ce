//! What the server reads for a page of the index, and for what it is told, when one organization is large among twenty
//! thousand and somebody is in three hundred of them: no more than before.

use std::num::NonZeroU32;

use sqlx::{Executor as _, PgPool};
use tenancy::commands::CreateOrganization;
use tenancy::store::{Item, List, MemoryRepository, RecordId};
use tenancy::text::NameKey;
use tenancy::{EmailAddress, Name, OrganizationId, Tenancy, UserId, Version};
use tenancy_sharded::{Extent, Feed, Lists as _, PostgresLists};

use crate::databases::{Database, tested};
use crate::shards::ann;

const GROWTH: &str = "
    CREATE TEMPORARY TABLE small AS SELECT md5('o' || n)::uuid AS id, n FROM generate_series(1, 20000) n;
    INSERT INTO tenancy_lists.organizations SELECT id, 1, 'acme ' || n, '{}' FROM small;
    INSERT INTO tenancy_lists.members
        SELECT id, md5(id::text || m)::uuid, id::text || m, '{}' FROM small, generate_series(1, 2) m;
    INSERT INTO tenancy_lists.workspaces SELECT id, id, '{}' FROM small;
    INSERT INTO tenancy_lists.invitations
        SELECT id, md5(id::text || m)::uuid, id::text || m, id, 1, '{}' FROM small, generate_series(1, 2) m;
    INSERT INTO tenancy_lists.members
        SELECT id, '00000000-0000-0000-0000-00000000000a', 'bob@x.example', '{}' FROM small WHERE n <= 300;
    INSERT INTO tenancy_lists.invitations
        SELECT id, md5('i' || id::text)::uuid, 'bob@x.example', id, 1, '{}' FROM small WHERE n <= 300;
    INSERT INTO tenancy_lists.members
        SELECT md5('o1')::uuid, md5('m' || n)::uuid, 'm' || n, '{}' FROM generate_series(1, 50000) n;
    INSERT INTO tenancy_lists.workspaces
        SELECT md5('o1')::uuid, md5('w' || n)::uuid, '{}' FROM generate_series(1, 2000) n;
    INSERT INTO tenancy_lists.invitations
        SELECT md5('o1')::uuid, md5('j' || n)::uuid, 'j' || n, NULL, 1, '{}' FROM generate_series(1, 20000) n;
    ANALYZE";

/// How many entries of indexes and rows of tables were read so far, over the pool's one connection.
async fn read(pool: &PgPool) -> i64 {
    pool.execute("SELECT pg_stat_force_next_flush()")
        .await
        .unwrap();
    let text = "SELECT (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE schemaname = 'tenancy_lists')::bigint
        + (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE schemaname = 'tenancy_lists')::bigint";
    sqlx::query_scalar(text).fetch_one(pool).await.unwrap()
}

#[test]
fn a_page_and_a_change_cost_the_same_whatever_there_is() {
    tested(async {
        let database = Database::migrated().await;
        let lists = PostgresLists::new(database.pool(1).await);
        let pool = lists.pool();
        lists.migrate().await.unwrap();
        sqlx::raw_sql(GROWTH).execute(pool).await.unwrap();
        let uuid = |text: &str| {
            let text = text.to_owned();
            async move {
                let query = sqlx::query_scalar("SELECT md5($1)::uuid").bind(text);
                query.fetch_one(pool).await.unwrap()
            }
        };
        let bob = UserId::from_uuid("00000000-0000-0000-0000-00000000000a".parse().unwrap());
        let email: EmailAddress = "bob@x.example".parse().unwrap();
        let large = OrganizationId::from_uuid(uuid("o1").await);
        let all = [
            List::OrganizationsOf {
                user: bob,
                after: Some(OrganizationId::from_uuid(uuid("o2").await)),
            },
            List::OrganizationsWithMember {
                email: email.key().clone(),
                after: None,
            },
            List::InvitationsTo {
                email: email.key().clone(),
                after: None,
            },
            List::AllOrganizations { after: Some(large) },
            List::OrganizationsNamed {
                prefix: NameKey::from_column("acme 1"),
                after: None,
            },
        ];
        let ten = NonZeroU32::new(10).unwrap();
        // From its sixth time on, the server may plan a statement once for all.
        for list in &all {
            for time in 0..8 {
                let before = read(pool).await;
                let page = lists.list(list, ten).await.unwrap();
                assert_eq!(page.len(), 10, "{list:?}");
                assert!(matches!(page[0], Item::Unreadable(_)));
                let cost = read(pool).await - before;
                assert!(cost <= 60, "{list:?}, time {time}: {cost}");
            }
        }

        let store = MemoryRepository::new();
        let create = CreateOrganization {
            name: Name::new("Acme").unwrap(),
        };
        let created = Tenancy::new(store.clone()).execute(&ann(), create).await;
        let state = store.state(created.unwrap().output.organization).unwrap();
        let mut summary = state.organization().unwrap().summary();
        summary.id = large;
        for time in 1..=8 {
            summary.version = Version::new(time + 1);
            let member = UserId::from_uuid(uuid(&format!("m{time}")).await);
            let workspace = tenancy::WorkspaceId::from_uuid(uuid(&format!("w{time}")).await);
            let invitation = tenancy::InvitationId::from_uuid(uuid(&format!("j{time}")).await);
            let feed = Feed {
                from: Version::new(time),
                organization: summary.clone(),
                extent: Extent::Changes,
                put: state.records().collect(),
                gone: vec![
                    RecordId::Member(member),
                    RecordId::Workspace(workspace),
                    RecordId::Invitation(invitation),
                ],
                unreadable: Vec::new(),
            };
            let before = read(pool).await;
            assert!(lists.feed(&feed).await.unwrap());
            let cost = read(pool).await - before;
            assert!(cost <= 60, "time {time}: {cost}");
        }
        let gone =
            "SELECT (SELECT count(*) FROM tenancy_lists.members WHERE organization_id = $1) +
            (SELECT count(*) FROM tenancy_lists.workspaces WHERE organization_id = $1) +
            (SELECT count(*) FROM tenancy_lists.invitations WHERE organization_id = $1)";
        let left: i64 = sqlx::query_scalar(gone)
            .bind(large.as_uuid())
            .fetch_one(pool)
            .await
            .unwrap();
        // Of each eight have gone; and what was put came once.
        let there = 50_000 + 3 + 2_000 + 1 + 20_000 + 3;
        assert_eq!(left, there - 3 * 8 + 2); // a member and a workspace
    });
}
