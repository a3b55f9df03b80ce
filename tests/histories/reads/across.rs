//! What is read of no organization in particular: one's own lists across all of them, and links.

use std::collections::BTreeSet;

use tenancy::store::{InvitationState, OrganizationStatus};
use tenancy::views::{FoundOrganization, InvitationPreview};
use tenancy::{Actor, DomainName, EmailAddress, MembershipStatus, Name, OrganizationAction};
use tenancy_tests::model::{self, Answer, On, Who};

use super::{codes, walk};
use crate::bytes::{USERS, address};
use crate::driver::{Driver, actor};

impl Driver {
    /// O3, O4: across organizations.
    pub(super) fn of_person(&self, who: &Who) {
        let as_actor = actor(who);
        let tenancy = &self.tenancy;
        let of = |so: &dyn Fn(&model::Organization, &model::Member) -> bool| -> Vec<_> {
            let Who::User(user, _) = who else {
                return vec![];
            };
            let all = self.model.organizations.iter();
            all.filter(|(_, it)| it.members.get(user).is_some_and(|m| so(it, m)))
                .map(|(id, _)| *id)
                .collect()
        };
        let mine = walk(|p| tenancy::block_on(tenancy.organizations(&as_actor, p)).unwrap());
        for view in &mine {
            let it = &self.model.organizations[&view.id];
            let Who::User(user, _) = who else {
                panic!("an operator belongs to none")
            };
            // T1, T3: "the record stays", and is shown as what it is.
            let member = &it.members[user];
            let status = match member.until {
                _ if member.suspended => MembershipStatus::Suspended,
                Some(until) if until <= self.now() => MembershipStatus::Ended,
                _ => MembershipStatus::Active,
            };
            assert_eq!(
                (view.role, view.membership),
                (Some(member.role), Some(status))
            );
            let why = view
                .suspension
                .as_ref()
                .map(|line| line.as_str().to_owned());
            let shown = status == MembershipStatus::Active;
            assert_eq!(why, it.suspended.clone().filter(|_| shown), "T4");
        }
        let mine: Vec<_> = mine.iter().map(|view| view.id).collect();
        assert_eq!(mine, of(&|_, _| true));
        for action in OrganizationAction::ALL {
            let reached = walk(|p| {
                tenancy::block_on(tenancy.reachable_organizations(&as_actor, action, p)).unwrap()
            });
            let reached: Vec<_> = reached.iter().map(|view| view.id).collect();
            let mut expected = of(&|_, _| true);
            expected.retain(|id| {
                self.model.may(who, On::Organization(*id), &action) == Answer::Allowed
            });
            assert_eq!(reached, expected);
        }
        if let Who::User(user, _) = who {
            let alone = walk(|p| tenancy::block_on(tenancy.only_admin_of(*user, p)).unwrap());
            let alone: Vec<_> = alone.iter().map(|view| view.id).collect();
            let expected = of(&|it, member| member.is_lasting_admin() && it.admins() == 1);
            assert_eq!(alone, expected, "O4, T2");
        }
        let received =
            walk(|p| tenancy::block_on(tenancy.received_invitations(&as_actor, p)).unwrap());
        let received: Vec<_> = received
            .iter()
            .map(|r| {
                let to = r.workspace_name.as_ref();
                let to = to.map(|name| name.as_str().to_owned());
                (r.organization, r.invitation.id, to)
            })
            .collect();
        let email = match who {
            Who::User(_, Some(email)) => Some(model::normal(email)),
            _ => None,
        };
        let mut expected = vec![];
        for (id, it) in &self.model.organizations {
            let to_me = it
                .open()
                .filter(|(_, i)| Some(model::normal(&i.email)) == email);
            expected.extend(to_me.map(|(invitation, i)| {
                let to = i.target.workspace();
                (
                    *id,
                    *invitation,
                    to.map(|to| it.workspaces[&to].name.clone()),
                )
            }));
        }
        assert_eq!(received, expected, "O3, I11");
        self.finds(&as_actor, *who == Who::Operator);
    }

    /// A2: what operators find, and nobody else.
    fn finds(&self, actor: &Actor, operator: bool) {
        let tenancy = &self.tenancy;
        let of = |so: &dyn Fn(&model::Organization) -> bool| -> Vec<_> {
            let all = self.model.organizations.iter().filter(|_| operator);
            all.filter(|(_, it)| so(it)).map(|(id, _)| *id).collect()
        };
        let ids = |found: Vec<FoundOrganization>| -> Vec<_> {
            for found in &found {
                let it = &self.model.organizations[&found.id];
                let status = match (it.deleted, &it.suspended) {
                    (true, _) => OrganizationStatus::Deleted,
                    (false, Some(_)) => OrganizationStatus::Suspended,
                    (false, None) => OrganizationStatus::Active,
                };
                assert_eq!(
                    (found.name.as_str(), found.status),
                    (it.name.as_str(), status)
                );
            }
            found.iter().map(|found| found.id).collect()
        };
        let all = walk(|p| tenancy::block_on(tenancy.all_organizations(actor, p)).unwrap());
        assert_eq!(ids(all), of(&|_| true));
        let names = self.model.organizations.values().map(|it| &it.name);
        let beginnings: BTreeSet<_> = names
            .flat_map(|name| [name.clone(), name.chars().take(1).collect()])
            .chain(["nobody".to_owned()])
            .collect();
        for beginning in beginnings {
            let beginning = Name::new(&beginning).unwrap();
            let found = walk(|p| {
                tenancy::block_on(tenancy.organizations_named(actor, &beginning, p)).unwrap()
            });
            assert!(found.is_sorted_by_key(|found| (found.name.key(), found.id)));
            let mut found = ids(found);
            found.sort_unstable();
            let begins = |it: &model::Organization| {
                let name = Name::new(&it.name).unwrap().key();
                name.as_str().starts_with(beginning.key().as_str())
            };
            assert_eq!(found, of(&begins), "{beginning}");
        }
        for (_, number) in USERS.iter().zip(0..) {
            let typed = address(number);
            let email = EmailAddress::new(&typed).unwrap();
            let found = walk(|p| {
                tenancy::block_on(tenancy.organizations_with_member(actor, &email, p)).unwrap()
            });
            let normal = model::normal(&typed);
            let has = |it: &model::Organization| {
                it.members
                    .values()
                    .any(|member| model::normal(&member.email) == normal)
            };
            assert_eq!(ids(found), of(&has), "{email}");
        }
        for (id, it) in &self.model.organizations {
            let names = it
                .domains
                .values()
                .map(|domain| &domain.name)
                .chain(&it.retired);
            for name in names {
                let name = DomainName::new(name).unwrap();
                let found = tenancy.organization_with_domain(actor, &name);
                let found = tenancy::block_on(found).unwrap().map(|found| found.id);
                assert_eq!(found, operator.then_some(*id), "D2");
            }
        }
    }

    /// I3: opening a link only previews it; I10: what it shows.
    pub(super) fn previews(&self) {
        let before = self.states();
        for token in &self.tokens {
            let it = self.model.organizations.get(&token.organization());
            let invitation = it.and_then(|it| it.invitations.get(&token.invitation()));
            let invitation = invitation.filter(|i| i.link == *token.hash().as_bytes());
            let preview = codes(tenancy::block_on(self.tenancy.preview(token)));
            let expected = invitation.ok_or("invitation_not_found").map(|i| {
                let it = it.expect("it has the invitation");
                // I10: of a closed one, only how.
                if i.state != InvitationState::Open {
                    return Err(i.state);
                }
                let workspace = i.target.workspace().map(|w| it.workspaces[&w].name.clone());
                Ok((it.name.clone(), workspace, self.status(i)))
            });
            let found = preview.map(|preview| match preview {
                InvitationPreview::Open {
                    organization,
                    organization_name,
                    workspace_name,
                    invitation,
                } => {
                    assert_eq!(organization, token.organization());
                    assert_eq!(invitation.id, token.invitation());
                    let workspace = workspace_name.map(|name| name.as_str().to_owned());
                    let organization = organization_name.as_str().to_owned();
                    Ok((organization, workspace, invitation.status))
                }
                InvitationPreview::Closed { state } => Err(state),
            });
            assert_eq!(found, expected);
        }
        assert_eq!(self.states(), before);
    }
}
