//! What a user does in each of their organizations at once.

use super::Tenancy;
use super::page::Paging;
use crate::actor::Actor;
use crate::command::Command;
use crate::error::Error;
use crate::id::OrganizationId;
use crate::refusal::Refusal;
use crate::store::Directory;

/// What came of a command in each organization.
type Each<T> = Vec<(OrganizationId, Result<T, Refusal>)>;

impl<R: Directory> Tenancy<R> {
    /// Carries a command out in each organization that the actor is a member of, one after the other, each whole or not at
    /// all: [`LeaveOrganization`] before an account is closed, [`FollowEmailChange`] once another address is verified. A
    /// refusal is the answer of its organization, and stands in the way of no other.
    ///
    /// [`only_admin_of`](Self::only_admin_of) tells beforehand which organizations they can't leave yet. If it fails midway,
    /// call it again: what was done is refused then, or changes nothing.
    ///
    /// Which organizations those are is a list across organizations, which may lag where the store answers it from a replica
    /// or an index. Before an account is closed for good, ask the primary.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// let left = tenancy
    ///     .execute_in_each(&ann, |organization| LeaveOrganization { organization })
    ///     .await?;
    /// assert_eq!(left.len(), 1);
    /// assert_eq!(left[0].0, acme.organization);
    /// assert!(matches!(left[0].1, Err(Refusal::LastAdmin)));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// Whatever [`execute`](Self::execute) fails with, but for refusals. What came before it is done.
    ///
    /// [`FollowEmailChange`]: crate::commands::FollowEmailChange
    /// [`LeaveOrganization`]: crate::commands::LeaveOrganization
    pub async fn execute_in_each<C: Command>(
        &self,
        actor: &Actor,
        command: impl Fn(OrganizationId) -> C,
    ) -> Result<Each<<C as Command>::Output>, Error<R::Error>> {
        let mut each = Vec::new();
        let mut paging = Paging::first(Paging::<OrganizationId>::MAX_LIMIT);
        loop {
            let page = self.organizations(actor, paging).await?;
            for organization in page.items {
                let done = match self.execute(actor, command(organization.id)).await {
                    Ok(done) => Ok(done.output),
                    Err(Error::Refused(refusal)) => Err(refusal),
                    Err(error) => return Err(error),
                };
                each.push((organization.id, done));
            }
            match page.next {
                Some(next) => paging = paging.after(next),
                None => return Ok(each),
            }
        }
    }
}
