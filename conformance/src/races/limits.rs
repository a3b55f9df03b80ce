//! The races for what a limit leaves: seats and domains.

use tenancy::commands::{
    AcceptInvitation, AppointAdmin, ChangeOrganizationRole, DeleteDomain, InviteMany,
    InviteToOrganization, InviteToWorkspace, SetLimits,
};
use tenancy::store::{Directory, OrganizationState};
use tenancy::{
    EmailAddress, InvitationTarget, Limits, LogEntry, OrganizationId, OrganizationRole, Settings,
    WorkspaceRole,
};

use super::{Actor, Scene, Stage, count, domain, id_of, person, verified};
use crate::report::{Failure, Verdict};

/// "Used and reserved seats and domains never pass a limit by a creation."
pub(super) fn are_kept(
    before: &OrganizationState,
    after: &OrganizationState,
    entry: &LogEntry,
) -> Verdict {
    let (Some(before), Some(after)) = (before.organization(), after.organization()) else {
        return Ok(()); // an organization is born with its founder
    };
    let usage = |row: &tenancy::store::Organization| row.usage(Settings::default().seat_roles);
    let (before, after) = (usage(before), usage(after));
    let seats = (before.seats, after.seats);
    for (before, after) in [seats, (before.domains, after.domains)] {
        if after.taken() > before.taken() && after.over_by() > 0 {
            return Err(Failure::new(format!(
                "version {} passes a limit: {after:?} after {before:?}",
                entry.version
            )));
        }
    }
    Ok(())
}

impl<R: Directory + 'static> Stage<'_, R> {
    /// Two seats are left, and one of them is Bob's, who is invited.
    pub(super) async fn the_last_seat_is_taken_in_every_way(&self) -> Result<Scene, Failure> {
        let (organization, workspace) = self.acme(&self.ann).await?;
        let bob = person(&self.tag, "bob")?;
        let token = self.invite(&self.ann, organization, &bob).await?;
        let cy = self.bookkeeper(organization, "cy").await?;
        let dan = self.bookkeeper(organization, "dan").await?;
        let rises = self.invite_as(organization, &dan, OrganizationRole::Admin);
        let rises = rises.await?;
        self.seats(organization, 3).await?;

        let address = |who: &str| verified(&person(&self.tag, who)?);
        let to_organization = |who| {
            Ok::<_, Failure>(InviteToOrganization {
                organization,
                email: address(who)?.address().clone(),
                role: OrganizationRole::Member,
            })
        };
        let to_workspace = InviteToWorkspace {
            organization,
            workspace,
            email: address("fay")?.address().clone(),
            role: WorkspaceRole::Developer,
        };
        let many = |one: &str, other: &str| {
            let emails = [address(one)?, address(other)?];
            Ok::<_, Failure>(InviteMany {
                organization,
                target: InvitationTarget::Organization {
                    role: OrganizationRole::Admin,
                },
                emails: emails.map(|email| email.address().to_string()).to_vec(),
            })
        };
        let appoint = |who| {
            Ok::<_, Failure>(AppointAdmin {
                organization,
                user: id_of(&person(&self.tag, who)?),
                email: address(who)?,
            })
        };
        let promote = ChangeOrganizationRole {
            organization,
            user: id_of(&cy),
            role: OrganizationRole::Admin,
        };
        let one_came = |many: &tenancy::commands::InvitedMany| many.lines.iter().any(Result::is_ok);
        Ok(Scene {
            race: "the last seat is taken in every way",
            organizations: vec![organization],
            wishes: vec![
                self.wish(0, &bob, AcceptInvitation { token }),
                self.wish(1, &self.ann, to_organization("eve")?),
                self.wish(0, &self.ann, to_workspace),
                self.wish_for(1, &self.ann, many("gil", "hal")?, one_came),
                self.wish_for(0, &self.ann, many("ian", "jo")?, one_came),
                self.wish(1, &self.operator, appoint("kim")?),
                self.wish(0, &self.operator, appoint("lee")?),
                self.wish(1, &self.ann, promote),
                self.wish(0, &dan, AcceptInvitation { token: rises }),
                self.wish(1, &self.ann, to_organization("max")?),
            ],
            // Bob, whose seat is reserved, and one of the others.
            winners: |won| won.first() == Some(&true) && count(won) == 2,
        })
    }

    pub(super) async fn the_seats_are_lowered_while_many_come(&self) -> Result<Scene, Failure> {
        let (organization, _) = self.acme(&self.ann).await?;
        self.seats(organization, 4).await?;
        let lower = SetLimits {
            organization,
            limits: seats(2),
            workspace_quota: None,
        };
        let mut wishes = vec![self.wish(0, &self.operator, lower)];
        for turn in 1..6 {
            let email = EmailAddress::new(&format!("guest{turn}@race{}.example", self.tag))?;
            let invite = InviteToOrganization {
                organization,
                email,
                role: OrganizationRole::Member,
            };
            wishes.push(self.wish(turn, &self.ann, invite));
        }
        Ok(Scene {
            race: "the seats are lowered while many come",
            organizations: vec![organization],
            wishes,
            // One had a seat in any case, three at the most.
            winners: |won| won.first() == Some(&true) && (2..=4).contains(&count(won)),
        })
    }

    /// One is left besides a kept name, which may be used again.
    pub(super) async fn the_last_domain_is_created_by_many(&self) -> Result<Scene, Failure> {
        let (organization, workspace) = self.acme(&self.ann).await?;
        let called = |what: &str| {
            let name = format!("{what}-{}", self.tag);
            domain(organization, workspace, &name)
        };
        let old = self.shell(0).execute(&self.ann, called("old")?).await?;
        let delete = DeleteDomain {
            organization,
            domain: old.output,
        };
        self.shell(0).execute(&self.ann, delete).await?;
        let limits = Limits {
            domains: Some(2),
            ..Limits::UNLIMITED
        };
        self.limits(organization, limits).await?;
        Ok(Scene {
            race: "the last domain is created by many",
            organizations: vec![organization],
            wishes: vec![
                self.wish(0, &self.ann, called("old")?),
                self.wish(1, &self.ann, called("new")?),
                self.wish(0, &self.ann, called("newer")?),
                self.wish(1, &self.ann, called("newest")?),
            ],
            winners: |won| won.first() == Some(&true) && count(won) == 2,
        })
    }

    /// Somebody who needs no seat.
    async fn bookkeeper(&self, organization: OrganizationId, who: &str) -> Result<Actor, Failure> {
        let who = person(&self.tag, who)?;
        let role = OrganizationRole::Accounting;
        let token = self.invite_as(organization, &who, role).await?;
        let accept = AcceptInvitation { token };
        self.shell(0).execute(&who, accept).await?;
        Ok(who)
    }

    async fn seats(&self, organization: OrganizationId, to: u32) -> Verdict {
        self.limits(organization, seats(to)).await
    }

    async fn limits(&self, organization: OrganizationId, limits: Limits) -> Verdict {
        let set = SetLimits {
            organization,
            limits,
            workspace_quota: None,
        };
        self.shell(0).execute(&self.operator, set).await?;
        Ok(())
    }
}

fn seats(seats: u32) -> Limits {
    Limits {
        seats: Some(seats),
        ..Limits::UNLIMITED
    }
}
