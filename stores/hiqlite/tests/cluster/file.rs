//! From the embedded file to three machines: every row of a file of `tenancy-sqlite` is brought into a cluster, and the
//! service goes on there.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use tenancy::commands::{
    AcceptInvitation, CreateDomain, CreateOrganization, CreateWorkspace, DeleteDomain,
    InviteToWorkspace, RemoveMember,
};
use tenancy::store::{Claim, Directory, Item, List};
use tenancy::{
    Actor, DomainKind, DomainName, EmailAddress, Name, OrganizationId, Refusal, Settings, Tenancy,
    UserId, VerifiedEmail, WorkspaceRole,
};
use tenancy_hiqlite::Error;
use tenancy_sqlite::SqliteRepository;
use tenancy_sqlite::rusqlite::Connection;

use crate::nodes::{Nodes, RUNTIME};

fn actor(who: &str) -> Actor {
    let address = EmailAddress::new(&format!("{who}@acme.example")).unwrap();
    Actor::user(UserId::from_external(who), VerifiedEmail::attest(address))
}

/// Room for more than one workspace.
fn roomy() -> Settings {
    Settings {
        default_workspace_quota: NonZeroU32::new(10).unwrap(),
        ..Settings::default()
    }
}

/// Organizations that have something of everything that there is.
async fn found<R: Directory + 'static>(tenancy: &Tenancy<R>, called: &str) -> OrganizationId {
    let ann = actor("ann");
    let name = Name::new(called).unwrap();
    let made = tenancy.execute(&ann, CreateOrganization { name }).await;
    let made = made.unwrap().output;
    let (organization, workspace) = (made.organization, made.workspace);
    let domain = |name: &str| CreateDomain {
        organization,
        workspace,
        name: DomainName::new(&format!("{called}-{name}")).unwrap(),
        kind: DomainKind::Production,
    };
    tenancy.execute(&ann, domain("stays")).await.unwrap();
    let goes = tenancy.execute(&ann, domain("goes")).await.unwrap().output;
    let delete = DeleteDomain {
        organization,
        domain: goes,
    };
    tenancy.execute(&ann, delete).await.unwrap();
    let name = Name::new("Second").unwrap();
    let second = CreateWorkspace { organization, name };
    tenancy.execute(&ann, second).await.unwrap();
    for (who, joins) in [("bob", true), ("cy", false), ("dee", true)] {
        let invite = InviteToWorkspace {
            organization,
            workspace,
            email: EmailAddress::new(&format!("{who}@acme.example")).unwrap(),
            role: WorkspaceRole::Developer,
        };
        let invited = tenancy.execute(&ann, invite).await.unwrap().output;
        if joins {
            let token = invited.token.unwrap();
            tenancy
                .execute(&actor(who), AcceptInvitation { token })
                .await
                .unwrap();
        }
    }
    let user = UserId::from_external("bob");
    let remove = RemoveMember { organization, user };
    tenancy.execute(&ann, remove).await.unwrap();
    organization
}

/// Every row of the tables of `tenancy-sqlite`, by table.
fn rows(file: &Path) -> BTreeMap<String, Vec<String>> {
    let file = Connection::open(file).unwrap();
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name GLOB 'tenancy_*' \
        AND name NOT GLOB 'tenancy_raft*' AND name <> 'tenancy_migrations'";
    let mut tables = file.prepare(tables).unwrap();
    let tables = tables.query_map((), |row| row.get::<_, String>(0)).unwrap();
    let of_table = |table: String| {
        let mut all = file.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = all.column_count();
        let mut rows = all.query(()).unwrap();
        let mut found = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            let cells: Vec<_> = (0..columns)
                .map(|index| row.get_ref(index).unwrap())
                .collect();
            found.push(format!("{cells:?}"));
        }
        found.sort();
        (table, found)
    };
    tables.map(|table| of_table(table.unwrap())).collect()
}

/// Where a node keeps its copy.
pub(crate) fn copy(nodes: &Nodes, node: u64) -> PathBuf {
    let folder = nodes.folder.path().join(node.to_string());
    folder.join("state_machine/db/hiqlite.db")
}

#[test]
fn a_file_goes_on_as_a_cluster() {
    RUNTIME.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tenancy.db");
        let file = SqliteRepository::open(&path).unwrap();
        let file = Tenancy::new(file).with_settings(roomy());
        let [acme, globex] = [found(&file, "acme").await, found(&file, "globex").await];
        drop(file);
        let park = "INSERT INTO tenancy_outbox_parked SELECT organization_id, 1, 1, 'unreadable', 0 FROM tenancy_outbox";
        Connection::open(&path).unwrap().execute(park, ()).unwrap();
        let due = rows(&path);
        let nothing = due.iter().find(|(_, rows)| rows.is_empty());
        assert_eq!(nothing, None, "there is something of everything");

        let nodes = Nodes::start().await;
        let [_, follower, third] = nodes.leader_first().await;
        let count = follower.import(&path).await.unwrap();
        let rows_due: usize = due.values().map(Vec::len).sum();
        assert_eq!(count, u64::try_from(rows_due).unwrap());
        assert_eq!(follower.import(&path).await.unwrap(), count); // as after one that didn't end
        for store in &nodes.stores {
            for organization in [acme, globex] {
                store.verify(organization).await.unwrap(); // and the node has everything by then
            }
        }
        for node in 1..=3 {
            assert_eq!(rows(&copy(&nodes, node)), due, "node {node}");
        }

        // The service goes on: who was a member is, names are taken, and what is written is what the log says.
        let tenancy = Tenancy::new(third.clone()).with_settings(roomy());
        let taken = Claim::DomainName(DomainName::new("acme-stays").unwrap());
        assert_eq!(third.claimed_by(&taken).await.unwrap(), Some(acme));
        let initech = found(&tenancy, "initech").await;
        third.verify(initech).await.unwrap();
        let name = Name::new("Third").unwrap();
        let create = CreateWorkspace {
            organization: acme,
            name,
        };
        let refused = tenancy.execute(&actor("bob"), create.clone()).await;
        assert!(
            matches!(
                refused,
                Err(tenancy::Error::Refused(Refusal::NotFound { .. }))
            ),
            "{refused:?}"
        );
        tenancy.execute(&actor("ann"), create).await.unwrap();
        third.verify(acme).await.unwrap();
        let list = List::AllOrganizations { after: None };
        let all = third.list(&list, NonZeroU32::MAX).await.unwrap();
        assert!(all.iter().all(|item| matches!(item, Item::Organization(_))));
        assert_eq!(all.len(), 3);

        // Now it is another story than the file's, which would be mixed with it.
        let refused = third.import(&path).await;
        assert!(matches!(refused, Err(Error::NotEmpty(_))), "{refused:?}");
        let missing = third.import(folder.path().join("missing.db")).await;
        assert!(matches!(missing, Err(Error::Sqlite(_))), "{missing:?}");

        // And back: a copy of a node's copy is a file for one machine.
        let back = folder.path().join("back.db");
        let into = "VACUUM INTO ?1";
        let copy = Connection::open(copy(&nodes, 1)).unwrap();
        copy.execute(into, [back.to_str().unwrap()]).unwrap();
        let back = SqliteRepository::open(&back).unwrap();
        back.check_schema().await.unwrap();
        let tenancy = Tenancy::new(back.clone()).with_settings(roomy());
        let hooli = found(&tenancy, "hooli").await;
        for organization in [acme, globex, initech, hooli] {
            back.verify(organization).await.unwrap();
        }
    });
}
