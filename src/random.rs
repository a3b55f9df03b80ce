//! Randomness, from the operating system. It may fail, and nothing panics then.

/// The operating system gave no random numbers. Answer 503 and try again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random numbers")]
pub struct EntropyError(#[source] getrandom::Error);

/// Fills the bytes.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), EntropyError> {
    #[cfg(test)]
    if tests::IS_OUT.get() {
        return Err(EntropyError(getrandom::Error::UNSUPPORTED));
    }
    getrandom::fill(bytes).map_err(EntropyError)
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;
    use std::error::Error as _;

    use super::*;
    use crate::commands::{CreateOrganization, InviteToOrganization, RenameOrganization};
    use crate::id::{CommitId, UserId, WorkspaceId};
    use crate::store::MemoryRepository;
    use crate::text::{EmailAddress, Name, VerifiedEmail};
    use crate::token::InvitationSecret;
    use crate::{Actor, Error, OrganizationRole, Tenancy, block_on};

    thread_local! {
        /// Whether there is no randomness on this thread.
        pub(super) static IS_OUT: Cell<bool> = const { Cell::new(false) };
    }

    fn without_any<T>(work: impl FnOnce() -> T) -> T {
        IS_OUT.set(true);
        let done = work();
        IS_OUT.set(false);
        done
    }

    #[test]
    fn where_there_is_none_whatever_draws_says_so_and_nothing_happens() {
        let tenancy = Tenancy::new(MemoryRepository::new());
        let email: EmailAddress = "ann@acme.example".parse().unwrap();
        let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest(email));
        let name = |text| Name::new(text).unwrap();
        let found = CreateOrganization { name: name("Acme") };
        let acme = block_on(tenancy.execute(&ann, found.clone()))
            .unwrap()
            .output;
        let organization = acme.organization;
        let log = |tenancy: &Tenancy<MemoryRepository>| {
            let trail = tenancy.audit_trail(&ann, organization, crate::Paging::first(9));
            block_on(trail).unwrap().items.len()
        };
        let invite = InviteToOrganization {
            organization,
            email: "bob@acme.example".parse().unwrap(),
            role: OrganizationRole::Member,
        };
        let rename = RenameOrganization {
            organization,
            name: name("Acme SAS"),
        };
        without_any(|| {
            let refused = block_on(tenancy.execute(&ann, found)).unwrap_err();
            assert!(matches!(refused, Error::Entropy(_)), "{refused}");
            // With an id of its own, a command that draws nothing else needs none.
            let id = CommitId::from_key(UserId::from_external("ann"), "1");
            let refused = block_on(tenancy.execute_as(id, &ann, invite)).unwrap_err();
            assert!(matches!(refused, Error::Entropy(_)), "{refused}");
            let refused = block_on(tenancy.execute(&ann, rename.clone())).unwrap_err();
            assert!(matches!(refused, Error::Entropy(_)), "{refused}");
            assert_eq!(log(&tenancy), 1);
            block_on(tenancy.execute_as(id, &ann, rename)).unwrap();
            assert!(InvitationSecret::generate().is_err() && WorkspaceId::try_new().is_err());
            assert_ne!(WorkspaceId::new(), WorkspaceId::new());
        });
        assert_eq!(log(&tenancy), 2);
    }

    #[test]
    fn missing_entropy_keeps_its_source() {
        let error = EntropyError(getrandom::Error::UNSUPPORTED);
        assert_eq!(
            error.to_string(),
            "the operating system gave no random numbers"
        );
        assert!(error.source().is_some());
    }
}
