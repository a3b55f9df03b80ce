//! Commands: carried out, or decided on and handed to the host.

use core::future::Future;
use core::time::Duration;

use super::Tenancy;
use crate::actor::Actor;
use crate::command::Circumstances;
use crate::decide::{self, Decided, Questions, Request, answered, decide_on};
use crate::error::{Done, Error};
use crate::event::Event;
use crate::id::{CommitId, OrganizationId};
use crate::record::Claim;
use crate::refusal::Refusal;
use crate::store::{Commit, Facts, Key, Outcome, Repository};

impl<R: Repository> Tenancy<R> {
    /// Carries a command out, or several together, whole or not at all.
    ///
    /// If somebody else changes the organization meanwhile, it loads and decides again: at once the
    /// first time, then after a random pause of up to 50 ms where [`with_sleep`](Self::with_sleep) was
    /// called. If the returned future is dropped, the command is done or not done, never half; spawn it if
    /// you must know.
    ///
    /// # Errors
    ///
    /// - [`Error::Refused`], [`Error::RefusedAt`]: a rule says no. Each command's documentation lists its refusals.
    /// - [`Error::Contended`]: others were first in every attempt.
    /// - [`Error::Store`], [`Error::Unknown`]: the store failed; which says what is known of it.
    /// - [`Error::Inconsistent`]: something other than this library writes the store.
    /// - [`Error::Entropy`]: the operating system gave no randomness.
    pub async fn execute<Q: Request>(
        &self,
        actor: &Actor,
        request: Q,
    ) -> Result<Done<Q::Output>, Error<R::Error>> {
        self.execute_as(CommitId::try_new()?, actor, request).await
    }

    /// Carries a command out under an id of the host's, at most once: the same command of the same actor
    /// under the same id again answers what it answered before, and changes nothing. The same command with
    /// other fields is another request, and is refused. So is another command, a command on another organization, and
    /// the same of another actor; of operators, the label counts ([`Operator::attest`](crate::Operator::attest)).
    ///
    /// Derive the id from the request's idempotency key ([`CommitId::from_key`]), or from the event of another system
    /// ([`CommitId::from_event`]).
    ///
    /// What it answers a second time is the answer of the first time, events included, even if much has happened since:
    /// [`Done::changed`] says whether the commit changed something, not whether this call made it. What changed nothing
    /// is not remembered: if a repetition of it comes late, it is carried out.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let user = UserId::from_external("ann");
    /// # let ann = Actor::user(user, VerifiedEmail::attest("ann@acme.example".parse()?));
    /// let id = CommitId::from_key(user, "idempotency-key-of-the-request");
    /// let command = CreateOrganization { name: Name::new("Acme")? };
    /// let first = tenancy.execute_as(id, &ann, command.clone()).await?;
    /// let again = tenancy.execute_as(id, &ann, command).await?;
    /// assert_eq!(first.output, again.output); // one organization, not two
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute), and [`Refusal::CommitIdReused`] if the id stands for another
    /// request.
    pub async fn execute_as<Q: Request>(
        &self,
        commit: CommitId,
        actor: &Actor,
        request: Q,
    ) -> Result<Done<Q::Output>, Error<R::Error>> {
        decide::is_few(request.count())?;
        let drawn = request.draw(self.drawing(commit))?;
        let mut asked = request.asked(&drawn);
        let organization = decide::organization(&mut asked, commit)?;
        #[cfg(feature = "tracing")]
        let name = decide::name(&mut asked);
        let work = async {
            let _turn = match &self.queue {
                Some(queue) => Some(queue.turn(organization).await),
                None => None,
            };
            let decided = self.attempt_until_done(commit, actor, &mut asked).await?;
            let decided = answered::<Q>(asked, decided).map_err(Error::Inconsistent)?;
            Ok(Done::of(commit, organization, decided))
        };
        #[cfg(feature = "tracing")]
        return super::trace::command((name, Error::code), organization, commit, work).await;
        #[cfg(not(feature = "tracing"))]
        work.await
    }

    async fn attempt_until_done(
        &self,
        id: CommitId,
        actor: &Actor,
        questions: &mut dyn Questions,
    ) -> Result<Decided<()>, Error<R::Error>> {
        for attempt in 0..self.attempts.get() {
            if attempt > 0 {
                (self.sleep)(pause(attempt)).await;
            }
            let mut decided = self.decide_once(id, actor, questions).await?;
            let Some(commit) = decided.commit.take() else {
                return Ok(decided);
            };
            match self.repository.commit(&commit).await {
                Ok(Outcome::Committed) => return Ok(decided),
                Ok(Outcome::Conflict) => {}
                Ok(Outcome::Taken(claim)) => return Err(taken(&commit, claim)),
                Ok(Outcome::IdUsed) => return self.answer_of_before(id, actor, questions).await,
                Err(source) if self.repository.wrote_nothing(&source) => {
                    return Err(Error::Store(source));
                }
                Err(source) => match self.whether_made(&commit).await {
                    Made::Yes => return Ok(decided),
                    Made::Another => return self.answer_of_before(id, actor, questions).await,
                    Made::No => {}
                    Made::Unknown => return Err(Error::Unknown { commit: id, source }),
                },
            }
        }
        Err(Error::Contended {
            attempts: self.attempts.get(),
        })
    }

    /// The answer under an id that was used since the decision: that of another attempt of this request, or
    /// the refusal of another request.
    async fn answer_of_before(
        &self,
        id: CommitId,
        actor: &Actor,
        questions: &mut dyn Questions,
    ) -> Result<Decided<()>, Error<R::Error>> {
        let decided = self.decide_once(id, actor, questions).await?;
        match decided.commit {
            None => Ok(decided),
            Some(_) => Err(Refusal::CommitIdReused.into()),
        }
    }

    /// Decides on a command and writes nothing: for dry runs ("why is this button grey?"), and for hosts
    /// that write the commit together with rows of their own, in one transaction.
    ///
    /// The commit is good until the organization changes; then the store answers
    /// [`Outcome::Conflict`], and you prepare again.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute), but for [`Error::Contended`] and [`Error::Unknown`].
    pub async fn prepare<Q: Request>(
        &self,
        actor: &Actor,
        request: Q,
    ) -> Result<Decided<Q::Output>, Error<R::Error>> {
        self.prepare_as(CommitId::try_new()?, actor, request).await
    }

    /// As [`prepare`](Self::prepare), under an id of the host's. If that commit was made before,
    /// [`Decided::commit`] is `None`, and the output is what it was.
    ///
    /// # Errors
    ///
    /// As [`prepare`](Self::prepare), and [`Refusal::CommitIdReused`].
    pub async fn prepare_as<Q: Request>(
        &self,
        commit: CommitId,
        actor: &Actor,
        request: Q,
    ) -> Result<Decided<Q::Output>, Error<R::Error>> {
        decide::is_few(request.count())?;
        let drawn = request.draw(self.drawing(commit))?;
        let mut asked = request.asked(&drawn);
        let decided = self.decide_once(commit, actor, &mut asked).await?;
        answered::<Q>(asked, decided).map_err(Error::Inconsistent)
    }

    /// Carries a request out together with rows of the host's own, in one transaction of the host's: what
    /// [`execute`](Self::execute) is for a commit, this is for a commit and what belongs to it.
    ///
    /// `write` opens the transaction, writes its rows and the commit (`apply` of `tenancy-sqlite` and of
    /// `tenancy-postgres`), and answers what the store's `apply` answered. It is called again, with another commit, if
    /// somebody else was first; so let it roll back whatever isn't [`Outcome::Committed`]. If nothing changes, it isn't
    /// called.
    ///
    /// An error of `write` is returned, and nothing is tried again; unless the commit is in the log, and only the answer
    /// was lost: then it is done. If it may still be on its way, only the same request under the same id finds out
    /// ([`execute_with_as`](Self::execute_with_as)). With a [queue](Self::with_queue), the turn is held while `write` runs:
    /// don't execute anything on the same organization in it. Beside an index
    /// ([`WithIndex`](crate::store::WithIndex)), tell the index of a commit that was made ([`AccessIndex::apply`](crate::store::AccessIndex::apply)).
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let store = tenancy.repository();
    /// let create = CreateOrganization { name: Name::new("Acme")? };
    /// let done = tenancy
    ///     .execute_with(&ann, create, |commit, created| async move {
    ///         // Your transaction begins here, with your row about `created.organization` in it.
    /// #       let _ = created;
    ///         let outcome = store.commit(&commit).await?;
    ///         // It ends here: committed if the outcome is, rolled back if not.
    ///         Ok::<_, Box<dyn std::error::Error>>(outcome)
    ///     })
    ///     .await?;
    /// assert!(done.changed());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// - What `write` failed with.
    /// - As [`execute`](Self::execute), as the error of `write` that is made of it.
    pub async fn execute_with<Q, E, W>(
        &self,
        actor: &Actor,
        request: Q,
        write: impl FnMut(Commit, Q::Output) -> W,
    ) -> Result<Done<Q::Output>, E>
    where
        Q: Request<Output: Clone>,
        E: From<Error<R::Error>>,
        W: Future<Output = Result<Outcome, E>>,
    {
        let id = CommitId::try_new().map_err(Error::from)?;
        self.execute_with_as(id, actor, request, write).await
    }

    /// As [`execute_with`](Self::execute_with), under an id of the host's: the same request again answers what it
    /// answered before, and writes nothing, no rows of the host's either.
    ///
    /// # Errors
    ///
    /// As [`execute_with`](Self::execute_with), and [`Refusal::CommitIdReused`].
    pub async fn execute_with_as<Q, E, W>(
        &self,
        commit: CommitId,
        actor: &Actor,
        request: Q,
        mut write: impl FnMut(Commit, Q::Output) -> W,
    ) -> Result<Done<Q::Output>, E>
    where
        Q: Request<Output: Clone>,
        E: From<Error<R::Error>>,
        W: Future<Output = Result<Outcome, E>>,
    {
        let id = commit;
        decide::is_few(request.count()).map_err(Error::from)?;
        let drawn = request.draw(self.drawing(id)).map_err(Error::from)?;
        let organization = decide::organization(&mut request.asked(&drawn), id);
        let organization = organization.map_err(Error::from)?;
        #[cfg(feature = "tracing")]
        let name = decide::name(&mut request.asked(&drawn));
        let work = async {
            let _turn = match &self.queue {
                Some(queue) => Some(queue.turn(organization).await),
                None => None,
            };
            for attempt in 0..self.attempts.get() {
                if attempt > 0 {
                    (self.sleep)(pause(attempt)).await;
                }
                let mut asked = request.asked(&drawn);
                let decided = self.decide_once(id, actor, &mut asked).await?;
                let decided = answered::<Q>(asked, decided);
                let mut decided = decided.map_err(Error::Inconsistent)?;
                let Some(commit) = decided.commit.take() else {
                    return Ok(Done::of(id, organization, decided));
                };
                let made = match write(commit.clone(), decided.output.clone()).await {
                    Ok(Outcome::Committed) => Made::Yes,
                    Ok(Outcome::Conflict) => continue,
                    Ok(Outcome::IdUsed) => Made::Another,
                    Ok(Outcome::Taken(claim)) => return Err(taken(&commit, claim).into()),
                    Err(error) => match self.whether_made(&commit).await {
                        Made::No | Made::Unknown => return Err(error),
                        made => made,
                    },
                };
                if matches!(made, Made::Another) {
                    let mut asked = request.asked(&drawn);
                    let before = self.answer_of_before(id, actor, &mut asked).await?;
                    let before = answered::<Q>(asked, before);
                    decided = before.map_err(Error::Inconsistent)?;
                }
                return Ok(Done::of(id, organization, decided));
            }
            let attempts = self.attempts.get();
            Err(Error::Contended { attempts }.into())
        };
        #[cfg(feature = "tracing")]
        return super::trace::command((name, |_| "failed"), organization, id, work).await;
        #[cfg(not(feature = "tracing"))]
        work.await
    }

    /// What stands in the way of each of several commands, each by itself, in order; `None` where nothing does. For
    /// buttons that say why they are grey before somebody presses them: quotas, the last Admin and emptiness included,
    /// which no check knows. One round trip for all, and nothing is written.
    ///
    /// Whether a domain's name is taken by another organization shows only when a domain is created.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// let organization = acme.organization;
    /// let leave = LeaveOrganization { organization };
    /// let rename = RenameOrganization { organization, name: Name::new("Acme SAS")? };
    /// let create = CreateWorkspace { organization, name: Name::new("Second")? };
    /// let why = tenancy.why_not(&ann, (leave, rename, create)).await?;
    /// assert_eq!(why[0], Some(Refusal::LastAdmin));
    /// assert_eq!(why[1], None);
    /// assert!(matches!(why[2], Some(Refusal::QuotaReached { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotTogether`]: they are of several organizations, or more than 100, or none.
    /// - [`Error::Store`], [`Error::Inconsistent`], [`Error::Entropy`]: as [`execute`](Self::execute).
    pub async fn why_not<Q: Request>(
        &self,
        actor: &Actor,
        request: Q,
    ) -> Result<Vec<Option<Refusal>>, Error<R::Error>> {
        let commit = CommitId::try_new()?;
        decide::is_few(request.count())?;
        let drawn = request.draw(self.drawing(commit))?;
        let mut asked = request.asked(&drawn);
        let organization = decide::organization(&mut asked, commit)?;
        let keys = decide::keys(&mut asked, actor);
        let facts = self.load(organization, &keys).await?;
        Ok(decide::why_not(
            &mut asked,
            self.circumstances(actor, commit),
            facts,
        )?)
    }

    fn circumstances<'a>(&'a self, actor: &'a Actor, commit: CommitId) -> Circumstances<'a> {
        Circumstances {
            actor,
            commit,
            now: self.now(),
            settings: &self.settings,
        }
    }

    async fn decide_once(
        &self,
        commit: CommitId,
        actor: &Actor,
        questions: &mut dyn Questions,
    ) -> Result<Decided<()>, Error<R::Error>> {
        let organization = decide::organization(questions, commit)?;
        let mut keys = decide::keys(questions, actor);
        keys.push(Key::Commit(commit));
        let facts = self.load(organization, &keys).await?;
        Ok(decide_on(
            questions,
            self.circumstances(actor, commit),
            facts,
        )?)
    }

    pub(crate) async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Error<R::Error>> {
        self.repository
            .load(organization, keys)
            .await
            .map_err(Error::Store)
    }

    /// After a commit that failed without saying what became of it.
    async fn whether_made(&self, commit: &Commit) -> Made {
        let key = [Key::Commit(commit.id())];
        match self.repository.load(commit.organization(), &key).await {
            Ok(Some(Facts {
                committed: Some(entry),
                ..
            })) => {
                if entry == commit.entry {
                    Made::Yes
                } else {
                    Made::Another
                }
            }
            // The version has moved on without it, so it can't be made any more.
            Ok(Some(facts)) if facts.organization.version > commit.expected => Made::No,
            // It may still be on its way.
            Ok(_) | Err(_) => Made::Unknown,
        }
    }
}

/// D2: another organization has the name. Of several commands, the one that asked for it is named.
fn taken<E>(commit: &Commit, claim: Claim) -> Error<E> {
    let Claim::DomainName(name) = claim;
    let parts = commit.entry.events_by_part();
    let asks = |events: &&[Event]| {
        let mut events = events.iter();
        events.any(|event| matches!(event, Event::DomainCreated { name: its, .. } if *its == name))
    };
    let command = parts.iter().position(asks).filter(|_| parts.len() > 1);
    let refusal = Refusal::DomainNameTaken { name };
    match command {
        Some(command) => Error::RefusedAt { command, refusal },
        None => Error::Refused(refusal),
    }
}

enum Made {
    /// It is in the log, to the letter.
    Yes,
    /// The log has something else under its id.
    Another,
    /// It isn't, and can't be any more.
    No,
    Unknown,
}

/// How long to wait before an attempt: not at all before the second, then a random time, so that those
/// who lost together don't meet again.
fn pause(attempt: u32) -> Duration {
    let ceiling = match attempt {
        0 | 1 => 0,
        _ => 50_000_u32.min(1_000_u32.checked_shl(attempt).unwrap_or(u32::MAX)),
    };
    let draw = getrandom::u32().unwrap_or(u32::MAX);
    let micros = (u64::from(draw).saturating_mul(u64::from(ceiling))) >> 32;
    Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_none_at_first_and_never_over_fifty_milliseconds() {
        assert_eq!(pause(1), Duration::ZERO);
        for attempt in 0..100 {
            assert!(pause(attempt) < Duration::from_millis(50));
        }
    }
}
