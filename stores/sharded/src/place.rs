//! Where an organization lives.

use std::collections::HashMap;

use tenancy::OrganizationId;
use uuid::Uuid;

use crate::registry::{Exception, Places};

/// A store, and the name that it goes by among the shards.
///
/// The name is for ever: where organizations live is computed from it. The addresses may change.
#[derive(Clone, Debug)]
pub struct Shard<S> {
    pub(crate) name: String,
    pub(crate) store: S,
    /// The name as a number; `None` of a guest.
    seed: Option<u64>,
}

/// The name space of shards' names, fixed for ever: changing it would look for every organization elsewhere.
const SHARDS: Uuid = Uuid::from_u128(0x5d0c_9b1e_27a4_4f63_8e15_c2f7_406b_d938);

impl<S> Shard<S> {
    /// A shard on which organizations live whose hash says so. Which shards these are is decided once for a deployment:
    /// with another list, organizations would be looked for elsewhere. Those that come later are [guests](Self::guest).
    #[must_use]
    pub fn new(name: impl Into<String>, store: S) -> Self {
        let name = name.into();
        let (seed, _) = Uuid::new_v5(&SHARDS, name.as_bytes()).as_u64_pair();
        Self {
            name,
            store,
            seed: Some(seed),
        }
    }

    /// A shard on which only those live that were [moved](crate::Sharded::move_to) there: one that was added later.
    #[must_use]
    pub fn guest(name: impl Into<String>, store: S) -> Self {
        Self {
            name: name.into(),
            store,
            seed: None,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &S {
        &self.store
    }

    /// How much it wants an organization. Who wants it most has it.
    fn wants(&self, organization: OrganizationId) -> Option<u64> {
        let (high, low) = organization.as_uuid().as_u64_pair();
        Some(mixed(mixed(self.seed? ^ high) ^ low))
    }
}

/// `SplitMix64`'s: each bit of the number changes half of the answer's.
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    number ^ (number >> 31)
}

/// The number of the shard on which an organization lives by its hash (rendezvous hashing).
pub(crate) fn hashed<S>(shards: &[Shard<S>], organization: OrganizationId) -> usize {
    let wants = shards.iter().map(|shard| shard.wants(organization));
    let most = wants.enumerate().max_by_key(|(_, wants)| *wants);
    most.map_or(0, |(number, _)| number)
}

/// The exceptions that a process knows of. It may lag behind the registry, which no answer shows: a shard that an
/// organization has left has none of it, and takes no commit on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    /// Of all that is known, at least.
    pub(crate) epoch: u64,
    exceptions: HashMap<OrganizationId, Lives>,
}

#[derive(Clone, Debug)]
struct Lives {
    generation: u64,
    /// The shard's number, or its name if this process doesn't know it.
    shard: Result<usize, Box<str>>,
}

impl Known {
    /// The number of the shard on which an organization lives that is an exception; the error is the name of a shard
    /// that this process doesn't know.
    pub(crate) fn exception(&self, organization: OrganizationId) -> Option<Result<usize, String>> {
        let lives = self.exceptions.get(&organization)?;
        Some(lives.shard.clone().map_err(String::from))
    }

    /// Learns of an exception, unless a later one is known.
    pub(crate) fn learn<S>(&mut self, shards: &[Shard<S>], exception: &Exception) {
        let lives = Lives {
            generation: exception.generation,
            shard: numbered(shards, &exception.shard)
                .ok_or_else(|| exception.shard.as_str().into()),
        };
        let known = self.exceptions.get(&exception.organization);
        if known.is_none_or(|known| known.generation < lives.generation) {
            self.exceptions.insert(exception.organization, lives);
        }
    }

    /// Learns all there is.
    pub(crate) fn learn_all<S>(&mut self, shards: &[Shard<S>], places: &Places) {
        for exception in &places.exceptions {
            self.learn(shards, exception);
        }
        self.epoch = self.epoch.max(places.epoch);
    }
}

/// The number of the shard of this name.
pub(crate) fn numbered<S>(shards: &[Shard<S>], name: &str) -> Option<usize> {
    shards.iter().position(|shard| shard.name == name)
}

/// Whether these can be the shards of a deployment.
pub(crate) fn are_shards<S>(shards: &[Shard<S>]) -> bool {
    let apart = |(number, shard): (usize, &Shard<S>)| numbered(shards, &shard.name) == Some(number);
    shards.iter().enumerate().all(apart) && shards.iter().any(|shard| shard.seed.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards(names: &[&str]) -> Vec<Shard<()>> {
        names.iter().map(|name| Shard::new(*name, ())).collect()
    }

    #[test]
    fn where_an_organization_lives_is_for_ever() {
        let shards = shards(&["eu-1", "eu-2", "us-1"]);
        let lives = |number| hashed(&shards, OrganizationId::from_uuid(Uuid::from_u128(number)));
        let first: Vec<_> = (0..16).map(lives).collect();
        assert_eq!(first, [1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 2, 2, 0, 1, 0, 2]);
    }

    #[test]
    fn each_has_its_share_and_another_shard_takes_only_its_own() {
        let (three, four) = (shards(&["a", "b", "c"]), shards(&["a", "b", "c", "d"]));
        let mut counts = [0_u32; 4];
        for _ in 0..40_000 {
            let organization = OrganizationId::new();
            let (before, after) = (hashed(&three, organization), hashed(&four, organization));
            assert!(after == before || after == 3);
            counts[after] += 1;
        }
        assert!(
            counts.iter().all(|count| (9_500..10_500).contains(count)),
            "{counts:?}"
        );
    }

    #[test]
    fn nobody_is_hashed_to_a_guest() {
        let mut all = shards(&["a", "b"]);
        all.insert(0, Shard::guest("late", ()));
        let founding = shards(&["a", "b"]);
        for _ in 0..1_000 {
            let organization = OrganizationId::new();
            assert_eq!(
                hashed(&all, organization),
                hashed(&founding, organization) + 1
            );
        }
    }

    #[test]
    fn names_are_different_and_one_is_no_guest() {
        assert!(are_shards(&shards(&["a", "b"])));
        assert!(!are_shards(&shards(&["a", "b", "a"])));
        assert!(!are_shards(&shards(&[])));
        assert!(!are_shards(&[Shard::guest("late", ())]));
    }

    #[test]
    fn what_is_known_is_never_replaced_by_something_older() {
        let shards = shards(&["a", "b"]);
        let organization = OrganizationId::new();
        let mut known = Known::default();
        assert_eq!(known.exception(organization), None);
        for (generation, shard, lives) in [(2, "b", 1), (1, "a", 1), (3, "a", 0)] {
            let exception = Exception {
                organization,
                shard: shard.to_owned(),
                generation,
                moving: None,
            };
            known.learn(&shards, &exception);
            assert_eq!(known.exception(organization), Some(Ok(lives)));
        }
    }
}
