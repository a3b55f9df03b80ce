//! What is read of no organization in particular: one's own lists across all of them, and links.

use tenancy::store::InvitationState;
use tenancy::views::InvitationPreview;
use tenancy::{MembershipStatus, OrganizationAction};
use tenancy_tests::model::{self, Answer, On, Who};

use super::{codes, walk};
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
