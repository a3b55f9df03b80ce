//! What a host may choose.

use core::num::NonZeroUsize;
use core::time::Duration;

/// How a store is opened. The default suits most hosts.
///
/// ```
/// use tenancy_sqlite::{Calls, Options};
///
/// let options = Options { calls: Calls::OnThreads, ..Options::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What a commit survives: everything, by default.
    pub durability: Durability,
    /// Where the calls run: in place, by default.
    pub calls: Calls,
    /// How many connections read at once: 4 by default. Writing has one connection of its own, as SQLite
    /// has one writer.
    pub readers: NonZeroUsize,
    /// How long a call waits for another writer of the file, another process for instance: 5 seconds by
    /// default. A commit that waits longer is a conflict, which is tried again.
    pub busy_timeout: Duration,
}

/// What a commit that was acknowledged survives.
///
/// Nothing is ever half done, whichever is chosen: the file is whole after any crash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// A power cut and a crash of the operating system: each commit is on disk before it is acknowledged
    /// (`synchronous = FULL`). What the contract of [`Repository`](tenancy::store::Repository) asks for.
    #[default]
    PowerCut,
    /// The end of the process, kill -9 included, but not a power cut or a crash of the operating system:
    /// those undo the last acknowledged commits (`synchronous = NORMAL`). Somebody who was removed is a
    /// member again, and nobody is told. An order of magnitude faster; good for tests, and for files that
    /// can be made again.
    ProcessCrash,
}

/// Where the work of a call is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Calls {
    /// On the thread that calls. Every future is ready at its first poll, so that a synchronous host needs
    /// no runtime ([`tenancy::block_on`]), and a check costs microseconds.
    ///
    /// In an async host it blocks the runtime's thread meanwhile: microseconds for a check, one sync of
    /// the disk for a commit, and up to [`busy_timeout`](Options::busy_timeout) where another process
    /// writes the same file.
    #[default]
    InPlace,
    /// On threads of the store's own: one that writes, and one for each of
    /// [`readers`](Options::readers). Nothing blocks the caller, whatever its runtime; a hop to a thread
    /// and back costs tens of microseconds more.
    OnThreads,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            durability: Durability::default(),
            calls: Calls::default(),
            readers: NonZeroUsize::new(4).unwrap_or(NonZeroUsize::MIN),
            busy_timeout: Duration::from_secs(5),
        }
    }
}
