//! Every read, against the model's answer on its whole state.

mod across;
mod limits;

use std::collections::BTreeMap;

use tenancy::store::InvitationState;
use tenancy::{
    Action, Decision, DomainAction, DomainId, Grant, InvitationStatus, MembershipStatus,
    OrganizationAction, OrganizationId, Page, Paging, RoleSet, UserId, WorkspaceAction,
    WorkspaceId,
};

use crate::bytes::{USERS, address, user};
use crate::driver::{Driver, actor};
use tenancy_tests::matrix::Asked;
use tenancy_tests::model::{self, Answer, Listed, On, Who};

/// A host's own actions (A4), one a layer.
#[derive(Clone, Copy, Debug)]
struct OnOrganization;
#[derive(Clone, Copy, Debug)]
struct OnWorkspace;
#[derive(Clone, Copy, Debug)]
struct OnDomain;

macro_rules! host_action {
    ($name:ident, $on:ty, $roles:expr, $row:literal, $view:literal, $viewing:expr) => {
        impl Action for $name {
            type On = $on;
            fn allowed(&self) -> RoleSet {
                $roles
            }
            fn phrase(&self) -> &'static str {
                "do something of the host's"
            }
        }
        impl Listed for $name {
            fn ticks(&self) -> &'static str {
                $row
            }
            fn viewing() -> Asked {
                $viewing
            }
            fn view() -> &'static str {
                $view
            }
        }
    };
}

host_action!(
    OnOrganization,
    OrganizationId,
    RoleSet::MEMBER,
    "M",
    "A C M op",
    Asked::OnOrganization(OrganizationAction::View)
);
host_action!(
    OnWorkspace,
    (OrganizationId, WorkspaceId),
    RoleSet::ACCOUNTING | RoleSet::DEVELOPER,
    "C wD",
    "A C wA wD wR op",
    Asked::OnWorkspace(WorkspaceAction::View)
);
host_action!(
    OnDomain,
    (OrganizationId, DomainId),
    RoleSet::MEMBER | RoleSet::WORKSPACE_ADMIN,
    "M wA",
    "A wA wD wR op",
    Asked::OnDomain(DomainAction::View)
);

fn letters(set: RoleSet) -> String {
    let letters = RoleSet::LETTERS
        .iter()
        .filter(|(_, role)| set.contains(*role));
    letters
        .map(|(letter, _)| *letter)
        .collect::<Vec<_>>()
        .join(" ")
}

fn agrees(decision: Decision, answer: &Answer) -> bool {
    match (decision, answer) {
        (Decision::Allowed { .. }, Answer::Allowed)
        | (Decision::Hidden, Answer::Hidden)
        | (Decision::Deleted, Answer::Deleted)
        | (Decision::Suspended, Answer::Suspended) => true,
        (Decision::Forbidden { needs, .. }, Answer::Forbidden(row)) => letters(needs) == *row,
        _ => false,
    }
}

/// All pages of a list, two items a page.
fn walk<T, K: Clone>(mut page: impl FnMut(Paging<K>) -> Page<T, K>) -> Vec<T> {
    let mut paging = Paging::first(2);
    let mut all = vec![];
    loop {
        let Page {
            items,
            next,
            unreadable,
        } = page(paging.clone());
        assert!(unreadable.is_empty());
        assert!(items.len() <= 2, "a page is not longer than asked for");
        all.extend(items);
        match next {
            Some(next) => paging = paging.after(next),
            None => return all,
        }
    }
}

fn everybody() -> Vec<Who> {
    let mut everybody = vec![
        Who::Operator,
        Who::User(UserId::from_external("nobody"), None),
        // M6: an identity that is missing is nobody's, whatever it shows.
        Who::User(UserId::from_external(""), Some(address(0))),
    ];
    for index in 0..5 {
        everybody.push(Who::User(user(index), Some(address(index))));
    }
    everybody
}

fn codes<T, E: std::fmt::Debug>(result: Result<T, tenancy::Error<E>>) -> Result<T, &'static str> {
    result.map_err(|error| {
        error
            .refusal()
            .unwrap_or_else(|| panic!("{error:?}"))
            .code()
    })
}

fn no(answer: &Answer) -> Option<&'static str> {
    match answer {
        Answer::Allowed => None,
        Answer::Forbidden(_) => Some("forbidden"),
        Answer::Hidden => Some("not_found"),
        Answer::Deleted => Some("organization_deleted"),
        Answer::Suspended => Some("organization_suspended"),
    }
}

impl Driver {
    fn decisions<A: Action + Listed + std::fmt::Debug>(
        &self,
        who: &Who,
        on: A::On,
        asked: On,
        actions: &[A],
    ) {
        let tenancy = &self.tenancy;
        let as_actor = actor(who);
        let many = actions.iter().map(|action| (on, *action));
        let many = tenancy::block_on(tenancy.check_many(&as_actor, many)).unwrap();
        for (action, decision) in actions.iter().zip(many) {
            let answer = self.model.may(who, asked, action);
            assert!(
                agrees(decision, &answer),
                "{who:?} {action:?} {asked:?}: {decision} / {answer:?}"
            );
            assert_eq!(
                tenancy::block_on(tenancy.check(&as_actor, on, *action)).unwrap(),
                decision
            );
            let permit = codes(tenancy::block_on(tenancy.require(&as_actor, on, *action)));
            assert_eq!(
                permit.as_ref().err().copied(),
                no(&answer),
                "{who:?} {action:?} {asked:?}"
            );
            if let (Ok(permit), Decision::Allowed { by }) = (permit, decision) {
                assert_eq!((permit.by(), permit.resource()), (by, on.into()));
                self.explained(who, asked, by);
            }
        }
        // An Admin of the organization acts as Admin of all of it.
    }

    /// A3: the named role is one that they hold.
    fn explained(&self, who: &Who, on: On, by: Grant) {
        let (On::Organization(id) | On::Workspace(id, _) | On::Domain(id, _)) = on;
        let it = &self.model.organizations[&id];
        let (who, by) = match (who, by) {
            (Who::Operator, Grant::Operator) => return,
            (Who::User(who, _), by) => (who, by),
            (Who::Operator, by) => panic!("an operator by {by}"),
        };
        let held = match by {
            Grant::Organization(role) | Grant::Cascade(role) => it.members[who].role == role,
            Grant::Workspace(role) => {
                let workspace = match on {
                    On::Workspace(_, workspace) => workspace,
                    On::Domain(_, domain) => it.domains[&domain].workspace,
                    On::Organization(_) => panic!("a workspace role on an organization"),
                };
                it.roles.get(&(workspace, *who)) == Some(&role)
            }
            Grant::Own { role, base } => {
                let held = it.members[who].own == Some(role)
                    || it
                        .own_there
                        .iter()
                        .any(|((_, holder), own)| holder == who && *own == role);
                held && it.own[&role].base == base
            }
            Grant::Operator => false,
        };
        assert!(held, "{who:?} {on:?} by {by}");
    }

    fn who_can<A: Action + Listed>(
        &self,
        who: &Who,
        on: A::On,
        asked: On,
        view: Answer,
        action: A,
    ) {
        let as_actor = actor(who);
        let (On::Organization(id) | On::Workspace(id, _) | On::Domain(id, _)) = asked;
        let members = self
            .model
            .may(who, On::Organization(id), &OrganizationAction::ViewMembers);
        let refused = no(&if view == Answer::Hidden {
            view
        } else {
            members
        });
        let first =
            tenancy::block_on(
                self.tenancy
                    .who_can(&as_actor, on, action, Paging::first(2)),
            );
        assert_eq!(codes(first).err(), refused, "{who:?} {asked:?}");
        if refused.is_some() {
            return;
        }
        let holders = walk(|paging| {
            tenancy::block_on(self.tenancy.who_can(&as_actor, on, action, paging)).unwrap()
        });
        let mut expected: Vec<_> = self.model.organizations[&id]
            .members
            .keys()
            .copied()
            .collect();
        expected.retain(|user| {
            self.model.may(&Who::User(*user, None), asked, &action) == Answer::Allowed
        });
        let found: Vec<_> = holders.iter().map(|holder| holder.user).collect();
        assert_eq!(found, expected, "{asked:?}");
        for holder in holders {
            let holds = tenancy::Actor::unverified(holder.user);
            let decision = tenancy::block_on(self.tenancy.check(&holds, on, action)).unwrap();
            assert_eq!(decision, Decision::Allowed { by: holder.by });
        }
    }

    fn reachable<W, D>(&self, who: &Who, id: OrganizationId, on_workspace: W, on_domain: D)
    where
        W: Action<On = (OrganizationId, WorkspaceId)> + Listed,
        D: Action<On = (OrganizationId, DomainId)> + Listed,
    {
        let as_actor = actor(who);
        let none = BTreeMap::new();
        let workspaces = self
            .model
            .organizations
            .get(&id)
            .map_or(&none, |it| &it.workspaces);
        let mut expected: Vec<_> = workspaces.keys().copied().collect();
        expected.retain(|w| {
            self.model.may(who, On::Workspace(id, *w), &on_workspace) == Answer::Allowed
        });
        let found = walk(|paging| {
            tenancy::block_on(self.tenancy.reachable_workspaces(
                &as_actor,
                id,
                on_workspace,
                paging,
            ))
            .unwrap()
        });
        let found: Vec<_> = found.iter().map(|workspace| workspace.id).collect();
        assert_eq!(found, expected, "{who:?}");

        let none = BTreeMap::new();
        let domains = self
            .model
            .organizations
            .get(&id)
            .map_or(&none, |it| &it.domains);
        let mut expected: Vec<_> = domains.iter().map(|(id, d)| (d.workspace, *id)).collect();
        expected.retain(|(_, d)| {
            self.model.may(who, On::Domain(id, *d), &on_domain) == Answer::Allowed
        });
        expected.sort_unstable();
        let found = walk(|paging| {
            tenancy::block_on(
                self.tenancy
                    .reachable_domains(&as_actor, id, on_domain, paging),
            )
            .unwrap()
        });
        let found: Vec<_> = found
            .iter()
            .map(|domain| (domain.workspace, domain.id))
            .collect();
        assert_eq!(found, expected, "{who:?}");
    }

    fn status(&self, invitation: &model::Invitation) -> InvitationStatus {
        match invitation.state {
            InvitationState::Open if self.now() < invitation.expires => InvitationStatus::Pending,
            InvitationState::Open => InvitationStatus::Expired,
            InvitationState::Accepted => InvitationStatus::Accepted,
            InvitationState::Declined => InvitationStatus::Declined,
            InvitationState::Revoked => InvitationStatus::Revoked,
        }
    }

    /// All reads, of everybody, of everything that is or was.
    pub fn reads_agree(&self) {
        let mut organizations = self.organizations.clone();
        organizations.push(OrganizationId::from_uuid(uuid::Uuid::nil()));
        for who in everybody() {
            for id in &organizations {
                self.of_organization(&who, *id);
                self.lists(&who, *id);
            }
            for on in &self.workspaces {
                self.of_workspace(&who, *on);
                // The same workspace, asked for through another organization (A5).
                for other in &organizations {
                    if *other != on.0 {
                        let view = [WorkspaceAction::View];
                        self.decisions(&who, (*other, on.1), On::Workspace(*other, on.1), &view);
                    }
                }
            }
            for on in &self.domains {
                let asked = On::Domain(on.0, on.1);
                self.decisions(&who, *on, asked, &tenancy::DomainAction::ALL);
                self.decisions(&who, *on, asked, &[OnDomain]);
                let view = self.model.may(&who, asked, &tenancy::DomainAction::View);
                let domain = codes(tenancy::block_on(self.tenancy.domain(&actor(&who), *on)));
                assert_eq!(domain.as_ref().err().copied(), no(&view));
                if let Ok(domain) = domain {
                    let expected = &self.model.organizations[&on.0].domains[&on.1];
                    assert_eq!(
                        (domain.name.as_str(), domain.kind),
                        (expected.name.as_str(), expected.kind)
                    );
                }
                for action in [
                    tenancy::DomainAction::ViewServerKeys,
                    tenancy::DomainAction::Configure,
                ] {
                    self.who_can(&who, *on, asked, view.clone(), action);
                }
                self.who_can(&who, *on, asked, view.clone(), OnDomain);
            }
            self.of_person(&who);
        }
        self.previews();
    }

    fn of_organization(&self, who: &Who, id: OrganizationId) {
        let on = On::Organization(id);
        self.decisions(who, id, on, &OrganizationAction::ALL);
        self.decisions(who, id, on, &[OnOrganization]);
        for action in OrganizationAction::ALL {
            let view = self.model.may(who, on, &OrganizationAction::View);
            self.who_can(who, id, on, view, action);
        }
        let actor = actor(who);
        let tenancy = &self.tenancy;
        let view = no(&self.model.may(who, on, &OrganizationAction::View));
        let seen = codes(tenancy::block_on(tenancy.organization(&actor, id)));
        assert_eq!(seen.as_ref().err().copied(), view);
        let it = self.model.organizations.get(&id);
        if let (Ok(seen), Some(it)) = (seen, it) {
            let role = actor
                .user_id()
                .and_then(|user| it.members.get(&user))
                .map(|m| m.role);
            assert_eq!((seen.name.as_str(), seen.role), (it.name.as_str(), role));
            let active = actor.user_id().map(|_| MembershipStatus::Active);
            assert_eq!(seen.membership, active, "who sees it belongs, T1, T3");
            let why = seen.suspension.map(|line| line.as_str().to_owned());
            assert_eq!(why, it.suspended, "T4");
        }
        let invoicing = no(&self.model.may(who, on, &OrganizationAction::ViewInvoicing));
        let contract = no(&self.model.may(who, on, &OrganizationAction::ViewContract));
        let read = codes(tenancy::block_on(tenancy.company(&actor, id)));
        assert_eq!(
            read,
            invoicing.map_or_else(|| Ok(it.unwrap().company.clone()), Err)
        );
        let read = codes(tenancy::block_on(tenancy.invoicing(&actor, id)));
        assert_eq!(
            read,
            invoicing.map_or_else(|| Ok(it.unwrap().invoicing.clone()), Err)
        );
        let read = codes(tenancy::block_on(tenancy.contract(&actor, id)));
        let read = read.map(|line| line.map(|line| line.as_str().to_owned()));
        assert_eq!(
            read,
            contract.map_or_else(|| Ok(it.unwrap().contract.clone()), Err)
        );
        let read = codes(tenancy::block_on(tenancy.quota_usage(&actor, id)));
        let read = read.map(|usage| (usage.workspaces as usize, usage.quota));
        let usage = || it.map(|it| (it.workspaces.len(), it.quota)).unwrap();
        assert_eq!(read, contract.map_or_else(|| Ok(usage()), Err));
        self.usage(who, id, contract);
    }

    fn lists(&self, who: &Who, id: OrganizationId) {
        let on = On::Organization(id);
        let as_actor = actor(who);
        let tenancy = &self.tenancy;
        let it = self.model.organizations.get(&id);

        let refused = no(&self.model.may(who, on, &OrganizationAction::ViewMembers));
        let first = codes(tenancy::block_on(tenancy.members(
            &as_actor,
            id,
            Paging::default(),
        )));
        assert_eq!(first.err(), refused);
        if refused.is_none() {
            let all =
                walk(|paging| tenancy::block_on(tenancy.members(&as_actor, id, paging)).unwrap());
            let found: Vec<_> = all
                .iter()
                .map(|member| (member.user, member.role))
                .collect();
            let expected = it
                .unwrap()
                .members
                .iter()
                .map(|(user, member)| (*user, member.role));
            assert_eq!(found, expected.collect::<Vec<_>>());
        }

        let refused = no(&self
            .model
            .may(who, on, &OrganizationAction::ViewInvitations));
        let first = codes(tenancy::block_on(tenancy.invitations(
            &as_actor,
            id,
            Paging::default(),
        )));
        assert_eq!(first.err(), refused);
        if refused.is_none() {
            let all = walk(|paging| {
                tenancy::block_on(tenancy.invitations(&as_actor, id, paging)).unwrap()
            });
            let found: Vec<_> = all.iter().map(|i| (i.id, i.status)).collect();
            let expected = it.unwrap().open().map(|(id, i)| (*id, self.status(i)));
            assert_eq!(found, expected.collect::<Vec<_>>());
        }

        let refused = no(&self.model.may(who, on, &OrganizationAction::ViewAuditTrail));
        let first = codes(tenancy::block_on(tenancy.audit_trail(
            &as_actor,
            id,
            Paging::default(),
        )));
        assert_eq!(first.err(), refused);
        let page = Paging::default();
        let first = codes(tenancy::block_on(
            tenancy.kept_domain_names(&as_actor, id, page),
        ));
        assert_eq!(first.err(), refused);
        if refused.is_none() {
            let all =
                walk(|p| tenancy::block_on(tenancy.kept_domain_names(&as_actor, id, p)).unwrap());
            let found: Vec<_> = all.iter().map(|kept| kept.name.as_str()).collect();
            let expected = it.unwrap().retired.iter().map(String::as_str);
            assert_eq!(found, expected.collect::<Vec<_>>(), "D2");
        }

        let refused = no(&self.model.may(who, on, &OrganizationAction::View));
        let first = codes(tenancy::block_on(tenancy.workspaces(
            &as_actor,
            id,
            Paging::default(),
        )));
        assert_eq!(first.err(), refused);
        if refused.is_none() {
            let all = walk(|paging| {
                tenancy::block_on(tenancy.workspaces(&as_actor, id, paging)).unwrap()
            });
            let found: Vec<_> = all
                .iter()
                .map(|w| (w.id, w.name.as_str().to_owned()))
                .collect();
            let there = it.unwrap().workspaces.iter();
            let visible = there.filter(|(w, _)| {
                self.model
                    .may(who, On::Workspace(id, **w), &WorkspaceAction::View)
                    == Answer::Allowed
            });
            let expected = visible.map(|(id, w)| (*id, w.name.clone()));
            assert_eq!(found, expected.collect::<Vec<_>>());
        }

        for action in WorkspaceAction::ALL {
            self.reachable(who, id, action, tenancy::DomainAction::View);
        }
        for action in tenancy::DomainAction::ALL {
            self.reachable(who, id, OnWorkspace, action);
        }
        self.reachable(who, id, OnWorkspace, OnDomain);
    }

    fn of_workspace(&self, who: &Who, on: (OrganizationId, WorkspaceId)) {
        let asked = On::Workspace(on.0, on.1);
        self.decisions(who, on, asked, &WorkspaceAction::ALL);
        self.decisions(who, on, asked, &[OnWorkspace]);
        let view = self.model.may(who, asked, &WorkspaceAction::View);
        for action in WorkspaceAction::ALL {
            self.who_can(who, on, asked, view.clone(), action);
        }
        self.who_can(who, on, asked, view.clone(), OnWorkspace);
        let as_actor = actor(who);
        let tenancy = &self.tenancy;
        let it = self.model.organizations.get(&on.0);
        let there = it.and_then(|it| it.workspaces.get(&on.1));

        let seen = codes(tenancy::block_on(tenancy.workspace(&as_actor, on)));
        let seen = seen.map(|workspace| workspace.name.as_str().to_owned());
        assert_eq!(
            seen,
            no(&view).map_or_else(|| Ok(there.unwrap().name.clone()), Err)
        );

        let refused = no(&self.model.may(who, asked, &WorkspaceAction::ViewInvoicing));
        let seen = codes(tenancy::block_on(
            tenancy.workspace_invoicing(&as_actor, on),
        ));
        assert_eq!(seen.as_ref().err().copied(), refused);
        if let Ok(seen) = seen {
            let expected = match &there.unwrap().invoicing {
                Some(own) => tenancy::views::WorkspaceInvoicing::Own(own.clone()),
                None => {
                    tenancy::views::WorkspaceInvoicing::Organization(it.unwrap().invoicing.clone())
                }
            };
            assert_eq!(seen, expected, "O5");
        }

        let refused = no(&self.model.may(who, asked, &WorkspaceAction::ViewMembers));
        let first = codes(tenancy::block_on(tenancy.workspace_members(
            &as_actor,
            on,
            Paging::default(),
        )));
        assert_eq!(first.err(), refused);
        if refused.is_none() {
            let all =
                walk(|p| tenancy::block_on(tenancy.workspace_members(&as_actor, on, p)).unwrap());
            let found: Vec<_> = all
                .iter()
                .map(|member| (member.user, member.role))
                .collect();
            let holders = it.unwrap().roles.iter().filter(|((w, _), _)| *w == on.1);
            let expected = holders.map(|((_, user), role)| (*user, *role));
            assert_eq!(found, expected.collect::<Vec<_>>());
        }

        let refused = no(&self.model.may(who, asked, &WorkspaceAction::ListDomains));
        let first = codes(tenancy::block_on(tenancy.domains(
            &as_actor,
            on,
            Paging::default(),
        )));
        assert_eq!(first.err(), refused);
        if refused.is_none() {
            let all = walk(|p| tenancy::block_on(tenancy.domains(&as_actor, on, p)).unwrap());
            let found: Vec<_> = all.iter().map(|domain| domain.id).collect();
            let inside = it
                .unwrap()
                .domains
                .iter()
                .filter(|(_, d)| d.workspace == on.1);
            assert_eq!(found, inside.map(|(id, _)| *id).collect::<Vec<_>>());
        }

        let refused = no(&self
            .model
            .may(who, asked, &WorkspaceAction::ViewInvitations));
        let first = codes(tenancy::block_on(tenancy.workspace_invitations(
            &as_actor,
            on,
            Paging::default(),
        )));
        assert_eq!(first.err(), refused);
        if refused.is_none() {
            let all = walk(|p| {
                tenancy::block_on(tenancy.workspace_invitations(&as_actor, on, p)).unwrap()
            });
            let found: Vec<_> = all.iter().map(|i| (i.id, i.status)).collect();
            let into = it
                .unwrap()
                .open()
                .filter(|(_, i)| i.target.workspace() == Some(on.1));
            let expected = into.map(|(id, i)| (*id, self.status(i)));
            assert_eq!(found, expected.collect::<Vec<_>>());
        }
    }
}

/// The driver's people are as many as their names.
const _: () = assert!(USERS.len() == 5);
