//! Many writers in one organization, of a store a millisecond away: with a queue in the façade, and without.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use tenancy::commands::{CreateOrganization, RenameOrganization};
use tenancy::store::{Commit, Facts, Held, Key, MemoryRepository, Outcome, Repository};
use tenancy::{
    Actor, Error, Name, OrganizationId, Resource, Tenancy, UserId, VerifiedEmail, block_on,
};
use tenancy_sqlite::SqliteRepository;

use crate::report::{grouped, table};

const FOR: Duration = Duration::from_millis(1_500);

/// A store to which each way takes a millisecond, as one in another house of the same town does.
struct Far<R>(R);

fn away() {
    thread::sleep(Duration::from_millis(1));
}

impl<R: Repository> Repository for Far<R> {
    type Error = R::Error;

    async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, R::Error> {
        away();
        self.0.load(id, keys).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, R::Error> {
        away();
        self.0.commit(commit).await
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, R::Error> {
        away();
        self.0.standing(user, on).await
    }
}

/// What a number of writers came to.
struct Came {
    a_second: f64,
    gave_up: u32,
    least: u32,
    most: u32,
}

fn write<R: Repository, G>(
    tenancy: &Tenancy<R>,
    on: (&Actor, OrganizationId),
    writers: usize,
    enter: &(impl Fn() -> G + Sync),
) -> Came {
    let (ends, begin) = (AtomicBool::new(false), Barrier::new(writers + 1));
    let one = |writer: usize| {
        let _entered = enter();
        let (mut made, mut gave_up) = (0_u32, 0_u32);
        begin.wait();
        while !ends.load(Relaxed) {
            let rename = RenameOrganization {
                organization: on.1,
                name: Name::new(&format!("Acme {writer} {made}")).expect("a name"),
            };
            match block_on(tenancy.execute(on.0, rename)) {
                Ok(_) => made += 1,
                Err(Error::Contended { .. }) => gave_up += 1,
                Err(error) => panic!("{error}"),
            }
        }
        (made, gave_up)
    };
    let one = &one;
    let (each, seconds) = thread::scope(|threads| {
        let writers: Vec<_> = (0..writers)
            .map(|writer| threads.spawn(move || one(writer)))
            .collect();
        begin.wait();
        let began = Instant::now();
        thread::sleep(FOR);
        ends.store(true, Relaxed);
        let each = writers.into_iter();
        let each: Vec<_> = each
            .map(|writer| writer.join().expect("a writer"))
            .collect();
        (each, began.elapsed().as_secs_f64())
    });
    let made = each.iter().map(|(made, _)| *made);
    Came {
        a_second: f64::from(made.clone().sum::<u32>()) / seconds,
        gave_up: each.iter().map(|(_, gave_up)| gave_up).sum(),
        least: made.clone().min().unwrap_or(0),
        most: made.max().unwrap_or(0),
    }
}

/// A row without a queue, and one with. Each thread enters what its driver needs.
pub(crate) fn of_store<R: Repository, G>(
    name: &str,
    make: impl Fn() -> R,
    enter: impl Fn() -> G + Sync,
) -> [Vec<String>; 2] {
    let _entered = enter();
    let email = "ann@acme.example".parse().expect("an address");
    let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest(email));
    [false, true].map(|queued| {
        let tenancy = Tenancy::new(Far(make()));
        let tenancy = if queued {
            tenancy.with_queue()
        } else {
            tenancy
        };
        let create = CreateOrganization {
            name: Name::new("Acme").expect("a name"),
        };
        let created = block_on(tenancy.execute(&ann, create)).expect("it is created");
        let on = (&ann, created.output.organization);
        let (one, many) = (
            write(&tenancy, on, 1, &enter),
            write(&tenancy, on, 64, &enter),
        );
        let how = if queued {
            "with a queue"
        } else {
            "without a queue"
        };
        vec![
            format!("{name}, {how}"),
            format!("{:.0}", one.a_second),
            format!("{:.0}", many.a_second),
            format!("{:.2} ×", many.a_second / one.a_second),
            grouped(many.gave_up as usize),
            format!("{} – {}", many.least, many.most),
        ]
    })
}

/// The table.
pub(crate) fn measure() -> String {
    let head = [
        "",
        "one writer, commits a second",
        "64",
        "of one",
        "gave up",
        "commits of a writer",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(of_store("memory", MemoryRepository::new, || ()));
    let directory = tempfile::tempdir().expect("a directory");
    let made = std::cell::Cell::new(0_u32);
    let open = || {
        made.set(made.get() + 1);
        let path = directory.path().join(format!("{}.db", made.get()));
        SqliteRepository::open(path).expect("a store")
    };
    rows.extend(of_store("SQLite", open, || ()));
    #[cfg(feature = "engines")]
    rows.extend(crate::engines::postgres::writers());
    table(rows)
}
