//! The mails that commits ask for.

use super::Tenancy;
use super::views::{InvitationPreview, InvitationView};
use crate::error::Error;
use crate::event::Event;
use crate::id::{CommitId, OrganizationId};
use crate::invitation::InvitationStatus;
use crate::log::LogEntry;
use crate::refusal::Refusal;
use crate::store::Repository;
use crate::text::Name;
use crate::token::InvitationToken;

/// An invitation's link, to be mailed to whom it is for: what [`Tenancy::mails`] answers.
///
/// It has no `Serialize`: the [token](Self::token) goes into the mail and nowhere else.
#[derive(Clone, Debug)]
pub struct Mail {
    /// The commit that made the link. With the invitation's id it names this mail: hand both to a mail service that takes
    /// an idempotency key, so that an entry that is handed out twice is mailed once.
    pub commit: CommitId,
    /// The organization that invites.
    pub organization: OrganizationId,
    /// Its name.
    pub organization_name: Name,
    /// The workspace's name, if the invitation is to one.
    pub workspace_name: Option<Name>,
    /// The invitation: the address to mail to, what accepting gives, who invites, and until when.
    pub invitation: InvitationView,
    /// The link's token: [`InvitationToken::expose`] is the text that the link carries.
    pub token: InvitationToken,
}

impl<R: Repository> Tenancy<R> {
    /// The mails that a commit asks for, of an entry that an outbox handed out: a link for each invitation that it sent or
    /// renewed and that still waits for its answer. Links are made with the key that made them
    /// ([`with_link_keys`](Self::with_link_keys)); nothing of a link is stored.
    ///
    /// An invitation that was answered, revoked or sent again since, or that expired, needs no mail and isn't among them.
    /// Nor is a link that none of the keys makes: it was random, and handed out once, in the command's answer.
    ///
    /// One round trip for each invitation of the entry, and none for an entry of anything else.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, token::LinkKey, *};
    /// # let (key, ann) = (LinkKey::new([7; 32]), "ann@acme.example".parse::<EmailAddress>()?);
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest(ann));
    /// let tenancy = Tenancy::new(MemoryRepository::new()).with_link_keys([key]);
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// let (email, role) = ("bob@acme.example".parse()?, OrganizationRole::Member);
    /// # let invite = InviteToOrganization { organization: acme.organization, email, role };
    /// # let made = tenancy.prepare(&ann, invite.clone()).await?.commit.expect("it changes something");
    /// # let entry = &made.entry;
    /// # tenancy.repository().commit(&made).await?;
    /// # /*
    /// tenancy.execute(&ann, InviteToOrganization { organization, email, role }).await?;
    /// # */
    ///
    /// // In a worker, for each entry that the store's outbox hands out:
    /// for mail in tenancy.mails(entry).await? {
    ///     let link = format!("https://app.example/invitation#{}", *mail.token.expose()); // or `Console::invitation`
    ///     let (to, from) = (&mail.invitation.email, &mail.organization_name);
    ///     println!("to {to}: {from} invites you: {link}");
    /// }
    /// # assert_eq!(tenancy.mails(entry).await?.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed. Nothing is lost: leave the entry in the outbox.
    pub async fn mails(&self, entry: &LogEntry) -> Result<Vec<Mail>, Error<R::Error>> {
        let made_by = (entry.organization, entry.id);
        let mut mails = Vec::new();
        for event in &entry.events {
            let (Event::InvitationSent {
                invitation,
                token_hash: Some(hash),
                ..
            }
            | Event::InvitationRenewed {
                invitation,
                token_hash: Some(hash),
                ..
            }) = event
            else {
                continue;
            };
            let mut keys = self.link_keys.iter();
            let Some(token) = keys.find_map(|key| key.token(made_by, *invitation, *hash)) else {
                continue;
            };
            match self.preview(&token).await {
                Ok(InvitationPreview::Open {
                    organization,
                    organization_name,
                    workspace_name,
                    invitation,
                }) if invitation.status == InvitationStatus::Pending => mails.push(Mail {
                    commit: entry.id,
                    organization,
                    organization_name,
                    workspace_name,
                    invitation,
                    token,
                }),
                // Another link replaced it since, and another entry asks for that one's mail.
                Ok(_) | Err(Error::Refused(Refusal::InvitationNotFound)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(mails)
    }
}
