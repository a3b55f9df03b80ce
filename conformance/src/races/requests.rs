//! The races of requests under one id: several attempts of one at once, two different ones, and an attempt that
//! breaks after another one was made.

use std::sync::{Mutex, OnceLock, PoisonError};

use tenancy::commands::{InviteToOrganization, Invited};
use tenancy::store::{Commit, Facts, Held, Key, Outcome, Repository};
use tenancy::{CommitId, Done, InvitationId, Refusal, Resource};

use super::{
    Actor, Arc, Directory, Error, Failure, OrganizationId, OrganizationRole, Scene, Stage, Tenancy,
    UserId, Wish, count, person, verified,
};

/// A handle on a store whose connection breaks at the first commit, after somebody else's was made.
struct Overtaken<R> {
    store: Arc<R>,
    other: Mutex<Option<Wish>>,
}

/// What it answers then: that it doesn't know.
#[derive(Debug)]
struct Broke;

impl core::fmt::Display for Broke {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("the connection broke, or the store under it")
    }
}

impl std::error::Error for Broke {}

impl<R: Repository> Repository for Overtaken<R> {
    type Error = Broke;

    async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, Broke> {
        self.store.load(id, keys).await.map_err(|_| Broke)
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Broke> {
        let other = self.other.lock();
        let other = other.unwrap_or_else(PoisonError::into_inner).take();
        match other {
            Some(other) => {
                drop(other.await);
                Err(Broke)
            }
            None => self.store.commit(commit).await.map_err(|_| Broke),
        }
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, Broke> {
        self.store.standing(user, on).await.map_err(|_| Broke)
    }
}

impl<R: Directory + 'static> Stage<'_, R> {
    /// One of them makes it and has the link; the others are told the same, without a link that was never written.
    pub(super) async fn a_request_is_made_again_and_again_at_once(&self) -> Result<Scene, Failure> {
        let (organization, _) = self.acme(&self.ann).await?;
        let invite = self.inviting(organization, "bob")?;
        let (id, sent) = (CommitId::try_new()?, Arc::default());
        let attempt = |turn| self.attempt(turn, id, invite.clone(), &sent);
        Ok(Scene {
            race: "one request is made under one id again and again at once",
            organizations: vec![organization],
            wishes: (0..4).map(attempt).collect(),
            winners: |won| count(won) == 1,
        })
    }

    /// An id stands for one request in the whole deployment: the other one is refused, in whichever organization.
    pub(super) async fn two_requests_want_one_id(&self) -> Result<Scene, Failure> {
        let (here, _) = self.acme(&self.ann).await?;
        let (there, _) = self.acme(&self.ann).await?;
        let id = CommitId::try_new()?;
        let mut wishes: Vec<Wish> = Vec::new();
        for (turn, organization) in [here, there, here, there].into_iter().enumerate() {
            let (shell, ann) = (Arc::clone(self.shell(turn)), self.ann.clone());
            let invite = self.inviting(organization, "bob")?;
            wishes.push(Box::pin(async move {
                match shell.execute_as(id, &ann, invite).await {
                    Ok(_) => Ok(true),
                    Err(Error::Refused(Refusal::CommitIdReused)) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            }));
        }
        Ok(Scene {
            race: "two requests want one id",
            organizations: vec![here, there],
            wishes,
            winners: |won| won == [true, false, true, false] || won == [false, true, false, true],
        })
    }

    /// A commit is made only if the entry that is found is the one that was sent. The same request's other attempt
    /// has the answer, and another request's is refused.
    pub(super) async fn an_attempt_breaks_after_another_was_made(&self) -> Result<Scene, Failure> {
        let (organization, _) = self.acme(&self.ann).await?;
        let mut wishes = Vec::new();
        for (turn, (first, second)) in [("bob", "bob"), ("cy", "dan")].into_iter().enumerate() {
            let (id, sent) = (CommitId::try_new()?, Arc::<OnceLock<_>>::default());
            let quicker = self.attempt(turn, id, self.inviting(organization, first)?, &sent);
            let overtaken = Tenancy::new(Overtaken {
                store: Arc::clone(self.shell(turn).repository()),
                other: Mutex::new(Some(quicker)),
            });
            let (ann, invite) = (self.ann.clone(), self.inviting(organization, second)?);
            let is_same = first == second;
            wishes.push(Box::pin(async move {
                match overtaken.execute_as(id, &ann, invite).await {
                    Ok(done) if is_same && sent.get().is_some() => {
                        Ok(!one_answer(&sent, &done)?) // the quicker one has the link
                    }
                    Err(Error::Refused(Refusal::CommitIdReused)) => {
                        Ok(!is_same && sent.get().is_some())
                    }
                    Ok(_) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            }) as Wish);
        }
        Ok(Scene {
            race: "an attempt breaks after another was made under its id",
            organizations: vec![organization],
            wishes,
            winners: |won| won == [true, true],
        })
    }

    fn inviting(
        &self,
        organization: OrganizationId,
        who: &str,
    ) -> Result<InviteToOrganization, Failure> {
        Ok(InviteToOrganization {
            organization,
            email: verified(&person(&self.tag, who)?)?.address().clone(),
            role: OrganizationRole::Member,
        })
    }

    /// Ann's request under that id: whether this attempt has the link. All must be told of one invitation.
    fn attempt(
        &self,
        turn: usize,
        id: CommitId,
        invite: InviteToOrganization,
        sent: &Arc<OnceLock<InvitationId>>,
    ) -> Wish {
        let shell = Arc::clone(self.shell(turn));
        let (ann, sent): (Actor, _) = (self.ann.clone(), Arc::clone(sent));
        Box::pin(async move {
            let done = shell.execute_as(id, &ann, invite).await?;
            one_answer(&sent, &done)
        })
    }
}

/// Whether an answer has the link; a failure if it is of another invitation than the answers before.
fn one_answer(sent: &OnceLock<InvitationId>, done: &Done<Invited>) -> Result<bool, Failure> {
    let invitation = done.output.invitation;
    if *sent.get_or_init(|| invitation) == invitation {
        return Ok(done.output.token.is_some());
    }
    Err(Failure::new(format!(
        "attempts under the id {} are told of different invitations",
        done.commit
    )))
}
