//! The key with which links can be made again.

use core::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::{InvitationSecret, InvitationToken, TokenHash, fill};
use crate::id::{CommitId, InvitationId, OrganizationId};
use crate::random::EntropyError;

/// Before everything else: what is made by a key for links is never what is made by it for something else.
const LABEL: &[u8] = b"tenancy link v1\0";

/// A key of the host's with which an invitation's link can be made again, by whoever has it, from what the log says.
///
/// Without one, a link's secret is random, and there is a single moment to mail it: when the command answers. With one
/// ([`Tenancy::with_link_keys`]), the secret is made from the key, the commit's id and the invitation's: nothing of it is
/// stored, not even sealed, and a worker that reads the outbox mails the links ([`Tenancy::mails`]), again after it was
/// killed. Whoever reads the database still can't accept an invitation; whoever has it *and* the key can accept those that
/// are open.
///
/// Keep it where the host keeps its other keys. To change it, put the new one first and keep the old one as long as
/// the outbox may hand out entries that were made under it; the links in mails that were sent stay good without it.
///
/// Its `Debug` is `LinkKey(..)`, there is no `Display` or `Serialize`, and it is wiped when it is dropped.
///
/// ```
/// use tenancy::token::LinkKey;
///
/// let key = LinkKey::new([7; 32]); // 32 random bytes, from the host's secrets
/// assert_eq!(format!("{key:?}"), "LinkKey(..)");
/// ```
///
/// [`Tenancy::with_link_keys`]: crate::Tenancy::with_link_keys
/// [`Tenancy::mails`]: crate::Tenancy::mails
#[derive(Clone)]
pub struct LinkKey(Zeroizing<[u8; 32]>);

impl LinkKey {
    /// The key of these 32 bytes, which must be random, and known to the host's own processes only.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A fresh one: for tests, and for a program that mails what it made itself. Links made under a key that is gone can't
    /// be made again, and those that were mailed stay good.
    ///
    /// # Errors
    ///
    /// [`EntropyError`]: the operating system gave no randomness.
    pub fn generate() -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        fill(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    /// What a commit's links are made of.
    pub(crate) fn secret(&self, commit: CommitId) -> InvitationSecret {
        InvitationSecret {
            bytes: keyed(&self.0, &[LABEL, commit.as_uuid().as_bytes()]),
            of_commit: true,
        }
    }

    /// The token of the link that a commit made, if it was made under this key.
    pub(crate) fn token(
        &self,
        (organization, commit): (OrganizationId, CommitId),
        invitation: InvitationId,
        hash: TokenHash,
    ) -> Option<InvitationToken> {
        let token = InvitationToken::new(organization, invitation, &self.secret(commit));
        hash.matches(&token).then_some(token)
    }
}

impl fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkKey(..)")
    }
}

impl InvitationSecret {
    /// What is in an invitation's link: one of a commit is made into one of the invitation, so that nobody who holds one
    /// link of a commit can make another.
    pub(super) fn of_invitation(
        &self,
        organization: OrganizationId,
        invitation: InvitationId,
    ) -> Zeroizing<[u8; 32]> {
        if !self.of_commit {
            return self.bytes.clone();
        }
        let (organization, invitation) = (organization.as_uuid(), invitation.as_uuid());
        keyed(
            &self.bytes,
            &[organization.as_bytes(), invitation.as_bytes()],
        )
    }
}

/// HMAC-SHA256 of parts, each of a fixed length.
fn keyed(key: &[u8; 32], parts: &[&[u8]]) -> Zeroizing<[u8; 32]> {
    // A key as long as SHA-256's blocks can't be of a wrong length: zeros behind it are what HMAC puts there itself.
    let mut block = Zeroizing::new([0; 64]);
    for (byte, part) in block.iter_mut().zip(key) {
        *byte = *part;
    }
    let block: &[u8; 64] = &block;
    let mut mac = Hmac::<Sha256>::new(block.into());
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn ids() -> (OrganizationId, CommitId, InvitationId) {
        (
            OrganizationId::from_uuid(Uuid::from_bytes([0x11; 16])),
            CommitId::from_uuid(Uuid::from_bytes([0x33; 16])),
            InvitationId::from_uuid(Uuid::from_bytes([0x22; 16])),
        )
    }

    fn token(key: u8, commit: u8, invitation: u8) -> InvitationToken {
        let (organization, ..) = ids();
        let commit = CommitId::from_uuid(Uuid::from_bytes([commit; 16]));
        let invitation = InvitationId::from_uuid(Uuid::from_bytes([invitation; 16]));
        let secret = LinkKey::new([key; 32]).secret(commit);
        InvitationToken::new(organization, invitation, &secret)
    }

    /// Computed with Python's `hmac`: whoever changes this can't make the links of earlier releases again.
    #[test]
    fn links_of_earlier_releases_are_made_again() {
        let expected = "tinv_ERERERERERERERERERERESIiIiIiIiIiIiIiIiIiIiKkx_WgBJ74vJbyQ1wj2sUT3O28UYpCnV8s01NOQ3DeGw";
        assert_eq!(token(7, 0x33, 0x22).expose().as_str(), expected);
    }

    #[test]
    fn another_key_commit_or_invitation_is_another_secret() {
        let secrets = [(7, 3, 2), (8, 3, 2), (7, 4, 2), (7, 3, 1)].map(|(key, commit, of)| {
            let exposed = token(key, commit, of).expose();
            exposed.as_bytes()[exposed.len() - 42..].to_vec()
        });
        for (place, secret) in secrets.iter().enumerate() {
            assert!(!secrets[..place].contains(secret));
        }
    }

    #[test]
    fn only_the_key_that_made_a_link_makes_it_again() {
        let (organization, commit, invitation) = ids();
        let hash = token(7, 0x33, 0x22).hash();
        let again =
            |key: u8| LinkKey::new([key; 32]).token((organization, commit), invitation, hash);
        assert!(again(7).is_some_and(|token| hash.matches(&token)));
        assert!(again(8).is_none());
    }

    #[test]
    fn keys_that_are_drawn_differ_and_print_nothing() {
        let (one, other) = (LinkKey::generate().unwrap(), LinkKey::generate().unwrap());
        assert_ne!(one.0, other.0);
        assert_eq!(format!("{one:?}{one:#?}"), "LinkKey(..)LinkKey(..)");
    }
}
