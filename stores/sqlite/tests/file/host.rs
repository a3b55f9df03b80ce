//! A host's own rows in the same transaction: both, or neither.
#![expect(
    clippy::unwrap_used,
    reason = "tests say what they expect by panicking"
)]

use crate::world::*;
use rusqlite::TransactionBehavior;
use tenancy::{commands::*, store::*, *};
use tenancy_sqlite::apply;

const INVOICES: &str = "CREATE TABLE IF NOT EXISTS invoices (organization BLOB NOT NULL, cents INTEGER NOT NULL CHECK (cents > 0))";

/// What a host does: the commit and an invoice, or neither.
fn with_invoice(place: &Disk, commit: &Commit, cents: i64) -> Result<Outcome, rusqlite::Error> {
    let mut host = place.stranger();
    host.execute_batch(INVOICES)?;
    let transaction = host.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcome = apply(&transaction, commit).unwrap();
    if outcome == Outcome::Committed {
        let organization = commit.organization().as_uuid().into_bytes();
        transaction.execute(
            "INSERT INTO invoices (organization, cents) VALUES (?1, ?2)",
            (organization, cents),
        )?;
        transaction.commit()?;
    }
    Ok(outcome)
}

fn invoices(place: &Disk) -> i64 {
    place
        .stranger()
        .query_row("SELECT count(*) FROM invoices", (), |row| row.get(0))
        .unwrap()
}

#[test]
fn both_are_written() {
    let place = Disk::new(quick());
    let store = place.open();
    let commit = creation("Acme");
    assert_eq!(
        with_invoice(&place, &commit, 4200).unwrap(),
        Outcome::Committed
    );
    assert_eq!(invoices(&place), 1);
    block_on(store.verify(commit.organization())).unwrap();
    let facts = block_on(store.load(commit.organization(), &[]))
        .unwrap()
        .unwrap();
    assert_eq!(facts.organization, commit.next);
}

#[test]
fn neither_is_written_when_the_hosts_row_is_refused() {
    let place = Disk::new(quick());
    let store = place.open();
    let commit = creation("Acme");
    with_invoice(&place, &commit, -1).unwrap_err();
    assert_eq!(invoices(&place), 0);
    assert_eq!(
        block_on(store.load(commit.organization(), &[])).unwrap(),
        None
    );
}

#[test]
fn neither_is_written_when_somebody_was_first() {
    let place = Disk::new(quick());
    let store = place.open();
    let commit = creation("Acme");
    assert_eq!(block_on(store.commit(&commit)).unwrap(), Outcome::Committed);
    let before = dump(&place);
    assert_eq!(
        with_invoice(&place, &commit, 4200).unwrap(),
        Outcome::Conflict
    );
    assert_eq!((invoices(&place), dump(&place)), (0, before));
}

/// Also a host that forgets to roll back has written nothing of a commit that is not made.
#[test]
fn a_refused_commit_leaves_the_transaction_clean() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let (one, two) = (acme(&tenancy), acme(&tenancy));
    domain(&tenancy, one, "acme-api");
    let create = CreateDomain {
        organization: two.organization,
        workspace: two.workspace,
        name: domain_name("acme-api"),
        kind: DomainKind::Sandbox,
    };
    let taken = block_on(tenancy.prepare(&actor("ann"), create))
        .unwrap()
        .commit
        .unwrap();
    let before = dump(&place);
    let mut host = place.stranger();
    let transaction = host
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .unwrap();
    assert!(matches!(
        apply(&transaction, &taken).unwrap(),
        Outcome::Taken(_)
    ));
    let mut late = creation("Late");
    late.expected = Version::new(1);
    late.next.version = Version::new(2);
    late.entry.version = Version::new(2);
    assert_eq!(apply(&transaction, &late).unwrap(), Outcome::Conflict);
    transaction.commit().unwrap();
    assert_eq!(dump(&place), before);
}

/// Conflict comes before Taken: what was decided on an old version says nothing about the claim.
#[test]
fn a_late_commit_with_a_taken_claim_is_a_conflict() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let (one, two) = (acme(&tenancy), acme(&tenancy));
    let create = |at: CreatedOrganization| CreateDomain {
        organization: at.organization,
        workspace: at.workspace,
        name: domain_name("acme-api"),
        kind: DomainKind::Sandbox,
    };
    let late = block_on(tenancy.prepare(&actor("ann"), create(two)))
        .unwrap()
        .commit
        .unwrap();
    block_on(tenancy.execute(&actor("ann"), create(one))).unwrap();
    domain(&tenancy, two, "other");
    assert_eq!(
        block_on(tenancy.repository().commit(&late)).unwrap(),
        Outcome::Conflict
    );
}

/// A row of the host's that refers to one of ours: what would leave it behind fails, and is known to have changed nothing.
#[test]
fn a_hosts_foreign_key_is_a_failure_that_changed_nothing() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    let domain = domain(&tenancy, acme, "acme-api");
    let host = place.stranger();
    host.execute_batch(
        "CREATE TABLE keys (organization BLOB, domain BLOB, \
         FOREIGN KEY (organization, domain) REFERENCES tenancy_domains (organization_id, id))",
    )
    .unwrap();
    let ids = (
        acme.organization.as_uuid().into_bytes(),
        domain.as_uuid().into_bytes(),
    );
    host.execute("INSERT INTO keys VALUES (?1, ?2)", ids)
        .unwrap();
    let delete = || DeleteDomain {
        organization: acme.organization,
        domain,
    };
    let refused = block_on(tenancy.execute(&actor("ann"), delete()));
    assert!(matches!(refused, Err(Error::Store(_))), "{refused:?}");
    block_on(tenancy.repository().verify(acme.organization)).unwrap();
    host.execute("DELETE FROM keys", ()).unwrap();
    block_on(tenancy.execute(&actor("ann"), delete())).unwrap();
}

/// Organizations are brought in by the thousand: each a commit, many in one transaction.
#[test]
fn many_commits_share_a_transaction() {
    let place = Disk::new(quick());
    let store = place.open();
    let commits = ["Acme", "Globex", "Initech"].map(creation);
    let mut host = place.stranger();
    let all = vec![Outcome::Committed; 3];
    assert_eq!(load(&mut host, &commits), Ok(all));
    for commit in &commits {
        block_on(store.verify(commit.organization())).unwrap();
    }
    // Each has its entry in the outbox, as by a commit of its own.
    assert_eq!(block_on(store.outbox().depth()).unwrap().organizations, 3);
}

#[test]
fn nothing_of_a_transaction_is_kept_that_fails_halfway_and_repeating_is_safe() {
    let place = Disk::new(quick());
    let store = place.open();
    let mut commits = ["Acme", "Globex", "Initech"].map(creation);
    let mut host = place.stranger();
    let before = dump(&place);
    let right = commits[2].clone();
    commits[2].entry.version = Version::new(7);
    load(&mut host, &commits).unwrap_err();
    assert_eq!(dump(&place), before);

    commits[2] = right;
    load(&mut host, &commits[..2]).unwrap();
    let [acme, globex] = [Outcome::Conflict, Outcome::Conflict];
    let again = load(&mut host, &commits);
    assert_eq!(again, Ok(vec![acme, globex, Outcome::Committed]));
    for commit in &commits {
        block_on(store.verify(commit.organization())).unwrap();
    }
}

/// All of them in one transaction, each with its outcome.
fn load(host: &mut rusqlite::Connection, commits: &[Commit]) -> Result<Vec<Outcome>, String> {
    let transaction = host
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .unwrap();
    let outcomes = commits.iter().map(|commit| apply(&transaction, commit));
    let outcomes: Vec<_> = outcomes
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    transaction.commit().unwrap();
    Ok(outcomes)
}

/// With every commit, whoever makes it; and an error of the host's undoes the commit and says for certain that nothing was
/// written.
#[test]
fn rows_with_every_commit_are_written_with_it_or_neither_is() {
    for options in [quick(), threaded()] {
        let place = Disk::new(options);
        place.stranger().execute_batch(INVOICES).unwrap();
        let store = place.open().with_rows(|connection, commit| {
            let cents = if commit.next.name.as_str() == "Free" {
                0_i64
            } else {
                4200
            };
            let organization = commit.organization().as_uuid().into_bytes();
            let text = "INSERT INTO invoices (organization, cents) VALUES (?1, ?2)";
            connection.execute(text, (organization, cents))?;
            Ok(())
        });
        let tenancy = Tenancy::new(store);
        let acme = acme(&tenancy);
        assert_eq!(invoices(&place), 1);
        let before = dump(&place);
        let free = RenameOrganization {
            organization: acme.organization,
            name: name("Free"),
        };
        let refused = block_on(tenancy.execute(&actor("ann"), free)).unwrap_err();
        assert!(
            matches!(&refused, Error::Store(tenancy_sqlite::Error::Rows(source)) if source.to_string().contains("CHECK")),
            "{refused}"
        );
        assert_eq!((invoices(&place), dump(&place)), (1, before));
    }
}
