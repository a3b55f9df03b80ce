//! A store and the model, command by command: same facts, same decisions, same outcomes.

use tenancy::commands::{Circumstances, Command, Drawing, Fresh, Undecided, decide};
use tenancy::store::{Key, Outcome, Repository};
use tenancy::{Actor, CommitId, Settings};

use crate::commands::Carrier;
use crate::model::same;
use crate::report::Failure;
use crate::world::World;

/// Decides on what the store knows and on what the model knows, and makes both commit.
pub(crate) struct LockStep<'w, R> {
    pub(crate) world: &'w mut World<R>,
    /// How many commands did something.
    pub(crate) commits: u32,
}

impl<R: Repository> LockStep<'_, R> {
    async fn step<C: Command>(
        &mut self,
        actor: &Actor,
        command: C,
    ) -> Result<Option<C::Output>, Failure> {
        let id = CommitId::from_uuid(self.world.random.uuid());
        let settings = Settings::default();
        let circumstances = Circumstances {
            actor,
            commit: id,
            now: self.world.tick(),
            settings: &settings,
        };
        let fresh = C::Fresh::draw(Drawing {
            commit: id,
            link_key: None,
        })?;
        let organization = command.organization(id);
        let mut keys = command.keys(actor);
        keys.push(Key::Commit(id));

        self.world
            .model
            .facts_agree(&*self.world.one, organization, &keys)
            .await?;
        let found = self.world.other.load(organization, &keys).await?;
        let expected = self.world.model.facts(organization, &keys);
        let found = decide(&command, circumstances, &fresh, found);
        let decided = decide(&command, circumstances, &fresh, expected);
        let what = format!("the decision on `{}`", C::NAME);
        let decided = match (found, decided) {
            (Ok(found), Ok(decided)) => {
                same(what, &found.commit, &decided.commit)?;
                decided
            }
            (Err(found), Err(decided)) => {
                same(what, &found, &decided)?;
                return match decided {
                    Undecided::Refused(_) | Undecided::RefusedAt { .. } => Ok(None),
                    Undecided::Inconsistent(inconsistency) => Err(inconsistency.into()),
                };
            }
            (found, decided) => {
                let (found, decided) = (found.err(), decided.err());
                return Err(Failure::new(format!(
                    "{what} is {found:?}, but should be {decided:?}"
                )));
            }
        };
        let Some(commit) = decided.commit else {
            return Ok(Some(decided.output));
        };
        let expected = self.world.model.apply(&commit);
        let store = if self.world.random.one_in(2) {
            &self.world.one
        } else {
            &self.world.other
        };
        same(
            format!("the outcome of `{}`", C::NAME),
            &store.commit(&commit).await?,
            &expected,
        )?;
        self.commits = self.commits.saturating_add(1);
        Ok((expected == Outcome::Committed).then_some(decided.output))
    }
}

impl<R: Repository> Carrier for LockStep<'_, R> {
    async fn carry<C: Command + Clone>(
        &mut self,
        actor: &Actor,
        command: C,
    ) -> Result<Option<C::Output>, Failure> {
        self.step(actor, command).await
    }
}
