//! A store of one's own, without SQL: the [contract](tenancy::store) on etcd.
//!
//! `cargo run -p tenancy-etcd-example` acts on it, on an etcd that it starts for itself; with a URL behind it, on that one.
//! `cargo test -p tenancy-etcd-example` holds it to the suite, and with `-- --ignored keys lists --skip cannot_be_read` to what
//! takes longest of it.
//!
//! # What of etcd keeps which promise
//!
//! | promise | by |
//! | --- | --- |
//! | 1. a commit is all or nothing | one transaction: *if* the key of the version has the expected value, *then* put and delete everything |
//! | 2. facts are never older than their version | one transaction that reads, or later reads at its revision: a snapshot; and linearizable, so what was acknowledged is seen |
//! | 3. a claim has one owner | *if* there is no key for the claim, in the commit's transaction |
//!
//! Where the *if* doesn't hold, the same transaction's *else* brings the version and the claims: `Conflict`, `Taken` and
//! `IdUsed` are told apart without another request.
//!
//! # What it isn't
//!
//! It is for reading, not for a service. A command loads its organization whole, and lists across organizations look
//! through all of them; there is no outbox. etcd itself is for small data: by default it takes 128 operations and 1.5 MiB
//! in a transaction, and 2 GiB in all. A commit is a key for each record that changes and four besides; a larger one is
//! refused with [`Error::TooLarge`], and nothing of it is written. `--max-txn-ops` and `--max-request-bytes` raise that.

mod gateway;
mod store;

pub use gateway::Error;
pub use store::EtcdRepository;
