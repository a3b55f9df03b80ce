//! What operators look for: organizations, by what a customer tells them.

use super::Tenancy;
use super::lists::Answer;
use super::page::{Page, Paging};
use super::views::FoundOrganization;
use crate::actor::Actor;
use crate::error::Error;
use crate::id::OrganizationId;
use crate::list::{Item, List};
use crate::organization::OrganizationSummary;
use crate::record::Claim;
use crate::store::Directory;
use crate::text::{DomainName, EmailAddress, Name, NameKey};

impl<R: Directory> Tenancy<R> {
    /// Every organization, deleted ones too, in the order in which they were created: for exports, and for pages of the
    /// vendor's. For an operator; for anybody else there are none (A2).
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// let staff = Actor::Operator(Operator::attest("support: Jo".parse()?));
    /// let all = tenancy.all_organizations(&staff, Paging::first(100)).await?;
    /// assert_eq!(all.items[0].id, acme.organization);
    /// assert!(tenancy.all_organizations(&ann, Paging::first(100)).await?.items.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn all_organizations(
        &self,
        actor: &Actor,
        paging: Paging<OrganizationId>,
    ) -> Answer<FoundOrganization, OrganizationId, R::Error> {
        let after = paging.after;
        let list = List::AllOrganizations { after };
        self.found(actor, list, paging).await
    }

    /// The organizations whose name begins so, deleted ones too, by name: however its letters are written, and whatever
    /// white space stands between words ([`Name::key`]). For an operator; for anybody else there are none (A2).
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// let create = CreateOrganization { name: Name::new("Straßenbau Süd")? };
    /// let acme = tenancy.execute(&ann, create).await?.output;
    ///
    /// let staff = Actor::Operator(Operator::attest("support: Jo".parse()?));
    /// let beginning = Name::new("STRASS")?;
    /// let found = tenancy.organizations_named(&staff, &beginning, Paging::first(20)).await?;
    /// assert_eq!(found.items[0].id, acme.organization);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn organizations_named(
        &self,
        actor: &Actor,
        beginning: &Name,
        paging: Paging<(NameKey, OrganizationId)>,
    ) -> Answer<FoundOrganization, (NameKey, OrganizationId), R::Error> {
        if !matches!(actor, Actor::Operator(_)) {
            return Ok(Page::empty());
        }
        let limit = paging.limit();
        let list = List::OrganizationsNamed {
            prefix: beginning.key(),
            after: paging.after,
        };
        let key =
            |(name, organization): &(NameKey, OrganizationSummary)| (name.clone(), organization.id);
        let page = self.list(list, limit, named, key).await?;
        Ok(page.map(|(_, organization)| FoundOrganization::of(organization)))
    }

    /// The organizations in which a member has this address, suspended and ended memberships included. For an operator;
    /// for anybody else there are none (A2).
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// let staff = Actor::Operator(Operator::attest("support: Jo".parse()?));
    /// let address = "Ann@ACME.example".parse()?;
    /// let found = tenancy.organizations_with_member(&staff, &address, Paging::first(20)).await?;
    /// assert_eq!(found.items[0].id, acme.organization);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn organizations_with_member(
        &self,
        actor: &Actor,
        email: &EmailAddress,
        paging: Paging<OrganizationId>,
    ) -> Answer<FoundOrganization, OrganizationId, R::Error> {
        let list = List::OrganizationsWithMember {
            email: email.key().clone(),
            after: paging.after,
        };
        self.found(actor, list, paging).await
    }

    /// The organization that has a domain of this name, or keeps the name of one that was deleted (D2), deleted itself or
    /// not. For an operator; for anybody else there is none (A2).
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// # let (organization, workspace) = (acme.organization, acme.workspace);
    /// # let name = DomainName::new("acme-sandbox")?;
    /// # let create = CreateDomain { organization, workspace, name: name.clone(), kind: DomainKind::Sandbox };
    /// # tenancy.execute(&ann, create).await?;
    /// let staff = Actor::Operator(Operator::attest("support: Jo".parse()?));
    /// let found = tenancy.organization_with_domain(&staff, &name).await?;
    /// assert_eq!(found.map(|found| found.id), Some(organization));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn organization_with_domain(
        &self,
        actor: &Actor,
        name: &DomainName,
    ) -> Result<Option<FoundOrganization>, Error<R::Error>> {
        if !matches!(actor, Actor::Operator(_)) {
            return Ok(None);
        }
        let claim = Claim::DomainName(name.clone());
        let holder = self.repository().claimed_by(&claim).await;
        let Some(holder) = holder.map_err(Error::Store)? else {
            return Ok(None);
        };
        let facts = self.load(holder, &[]).await?;
        Ok(facts.map(|facts| FoundOrganization::of(facts.organization.summary())))
    }

    async fn found(
        &self,
        actor: &Actor,
        list: List,
        paging: Paging<OrganizationId>,
    ) -> Answer<FoundOrganization, OrganizationId, R::Error> {
        if !matches!(actor, Actor::Operator(_)) {
            return Ok(Page::empty());
        }
        let key = |organization: &OrganizationSummary| organization.id;
        let page = self.list(list, paging.limit(), organization, key).await?;
        Ok(page.map(FoundOrganization::of))
    }
}

fn organization(item: Item) -> Option<OrganizationSummary> {
    match item {
        Item::Organization(organization) => Some(organization),
        _ => None,
    }
}

fn named(item: Item) -> Option<(NameKey, OrganizationSummary)> {
    match item {
        Item::Named(name, organization) => Some((name, organization)),
        _ => None,
    }
}
