//! The races that services lose, run in earnest.

use core::future::Future;
use core::num::NonZeroU32;
use core::pin::Pin;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::DateTime;
use tenancy::commands::{
    AcceptInvitation, AppointAdmin, ChangeOrganizationRole, Command, CreateDomain,
    CreateOrganization, CreateWorkspace, DefineRole, DeleteRole, DeleteWorkspace,
    GiveWorkspaceRole, HandOver, InviteToOrganization, InviteToWorkspace, LeaveOrganization,
    RevokeInvitation, SetMembershipEnd, SetWorkspaceQuota, SuspendMember, SuspendOrganization,
};
use tenancy::store::{Directory, OrganizationState};
use tenancy::text::TextLine;
use tenancy::{
    Actor, Author, DomainAction, DomainKind, DomainName, EmailAddress, Error, Event, Grants,
    InvitationToken, LogEntry, Name, Operator, OrganizationId, OrganizationRole, RoleBase, Tenancy,
    UserId, VerifiedEmail, WorkspaceId, WorkspaceRole,
};

use crate::any::{AnyHarness, AnyStore};
use crate::harness::Harness;
use crate::model::{Model, whole_log};
use crate::report::{Failure, Verdict};
use crate::tasks::{Meeting, all, pause, start};
use crate::world::World;

mod limits;
mod requests;

type Wish = Pin<Box<dyn Future<Output = Result<bool, Failure>> + Send>>;
type Shell<R> = Arc<Tenancy<Arc<R>>>;

/// Some writers who want what can't all be, and how many of them may get it.
struct Scene {
    race: &'static str,
    organizations: Vec<OrganizationId>,
    wishes: Vec<Wish>,
    winners: fn(&[bool]) -> bool,
}

/// How many races there are. A round runs each of them.
const SCENES: usize = 22;

/// Runs the known races, all at the same moment and over two handles, with at least as many writers as it is
/// told, again and again; then replays what was logged, holds each step to the rulebook's invariants, and
/// compares the store with what comes out.
///
/// The races: all Admins leave; they demote each other; they suspend each other; one is suspended and demotes the
/// other; the organization is handed over while the heir is bound to end; it is suspended while it changes; many
/// create at one free slot; the quota is lowered meanwhile; a link is accepted twice; it is accepted and revoked, or
/// its inviter is demoted or suspended, or its workspace is deleted; a workspace is deleted and gets a domain or a
/// member; a role of the organization's own is deleted, given and offered; a domain's name is wanted in several
/// organizations; the last seat is taken in every way that there is; the limit of seats is lowered while many come;
/// the last domain is created by many; a request is made under one id again and again, two want one id, and one breaks
/// after another attempt of it was made.
///
/// No check of the suite: how much of it is enough depends on the store. Give it a few rounds in every build,
/// and thousands before a release.
///
/// ```
/// # use tenancy::store::MemoryRepository;
/// # use tenancy_conformance::Harness;
/// # struct Memory;
/// # impl Harness for Memory {
/// #     type Repository = MemoryRepository;
/// #     async fn fresh(&self) -> MemoryRepository { MemoryRepository::new() }
/// #     async fn another(&self, same: &MemoryRepository) -> MemoryRepository { same.clone() }
/// # }
/// tenancy::block_on(tenancy_conformance::races(&Memory, 1, 64)).unwrap();
/// ```
///
/// # Errors
///
/// A race had the wrong winners, the log tells of a step that a rule forbids, or the store isn't what its log
/// says.
pub async fn races(harness: &impl Harness, rounds: u32, writers: usize) -> Verdict {
    races_of(AnyHarness::of(harness), rounds, writers).await
}

async fn races_of(harness: AnyHarness<'_>, rounds: u32, writers: usize) -> Verdict {
    for round in 0..rounds {
        let world = World::with_seed(&harness, u64::from(round)).await;
        let shells = [shell(&world.one), shell(&world.other)];
        let mut scenes = Vec::new();
        let mut wishes = 0_usize;
        while wishes < writers || scenes.len() < SCENES {
            let scene = scenes.len();
            let stage = Stage::new(&shells, format!("{round}-{scene}"))?;
            let scene = stage
                .set(scene)
                .await
                .map_err(|failure| failure.at("before the race"))?;
            wishes = wishes.saturating_add(scene.wishes.len());
            scenes.push(scene);
        }
        run(&harness, &world, scenes)
            .await
            .map_err(|failure| failure.at(format_args!("round {round}")))?;
    }
    Ok(())
}

fn shell<R: Directory>(store: &Arc<R>) -> Shell<R> {
    let attempts = NonZeroU32::new(10_000).unwrap_or(NonZeroU32::MIN);
    Arc::new(
        Tenancy::new(Arc::clone(store))
            .with_attempts(attempts)
            .with_sleep(pause),
    )
}

async fn run(harness: &AnyHarness<'_>, world: &World<AnyStore>, scenes: Vec<Scene>) -> Verdict {
    let count = scenes.iter().map(|scene| scene.wishes.len()).sum();
    let meeting = Meeting::of(count);
    let mut running = Vec::new();
    for Scene {
        race,
        organizations,
        wishes,
        winners,
    } in scenes
    {
        let started: Vec<_> = wishes
            .into_iter()
            .map(|wish| {
                let meeting = Arc::clone(&meeting);
                start(harness, async move {
                    meeting.everybody().await;
                    wish.await
                })
            })
            .collect();
        running.push((race, organizations, started, winners));
    }
    let mut logs = BTreeMap::new();
    for (race, organizations, started, winners) in running {
        let won: Result<Vec<bool>, Failure> = all(started).await?.into_iter().collect();
        let won = won.map_err(|failure| failure.at(race))?;
        if !winners(&won) {
            return Err(Failure::new(format!("{race}: who succeeded is {won:?}")));
        }
        for id in organizations {
            let entries = whole_log(&*world.one, id).await?;
            no_step_breaks_a_rule(id, &entries).map_err(|failure| failure.at(race))?;
            logs.insert(id, entries);
        }
    }
    let model = Model::replay(world.model.lag(), &logs)?;
    for id in model.organizations() {
        model.records_agree(&*world.other, id).await?;
    }
    Ok(())
}

/// Replays a log, and looks at each step.
fn no_step_breaks_a_rule(id: OrganizationId, log: &[LogEntry]) -> Verdict {
    let mut state = OrganizationState::absent(id);
    let mut closed = BTreeSet::new();
    for entry in log {
        let before = state.clone();
        state.apply_entry(entry)?;
        state.validate()?; // an Admin remains; counts are right; workspace members are members …
        limits::are_kept(&before, &state, entry)?;
        for event in &entry.events {
            let rule = match event {
                Event::WorkspaceCreated { .. } if before.version().get() > 0 => {
                    let organization = before.organization();
                    organization.is_some_and(|o| {
                        o.counts.workspaces < o.workspace_quota && !o.is_suspended() // T4
                    })
                }
                Event::InvitationAccepted { invitation, .. } => {
                    let inviter = before.invitation(*invitation).map(|sent| sent.inviter);
                    let inviter = inviter.and_then(|inviter| before.member(inviter));
                    inviter.is_some_and(|inviter| !inviter.suspended) // T1, I6
                        && closed.insert(*invitation)
                }
                Event::WorkspaceDeleted { workspace, .. } => {
                    // Who deletes it may be in it (W4).
                    let own = match &entry.author {
                        Author::User(user) => before.workspace_member(*workspace, *user),
                        _ => None,
                    };
                    let left = u32::from(own.is_some());
                    let workspace = before.workspace(*workspace);
                    workspace.is_some_and(|w| w.domains == 0 && w.members == left)
                }
                Event::InvitationRevoked { invitation, .. }
                | Event::InvitationDeclined { invitation, .. } => closed.insert(*invitation),
                _ => true,
            };
            if !rule {
                return Err(Failure::new(format!(
                    "version {} breaks a rule: {event:?}",
                    entry.version
                )));
            }
        }
    }
    Ok(())
}

/// An organization before a race.
struct Stage<'s, R> {
    shells: &'s [Shell<R>; 2],
    /// In every name, so that nothing is shared by accident.
    tag: String,
    ann: Actor,
    operator: Actor,
}

impl<'s, R: Directory + 'static> Stage<'s, R> {
    fn new(shells: &'s [Shell<R>; 2], tag: String) -> Result<Self, Failure> {
        Ok(Self {
            ann: person(&tag, "ann")?,
            operator: Actor::Operator(Operator::attest(TextLine::new("races")?)),
            shells,
            tag,
        })
    }

    async fn set(&self, turn: usize) -> Result<Scene, Failure> {
        match turn % SCENES {
            0 => self.all_admins_leave().await,
            1 => self.admins_demote_each_other().await,
            2 => self.many_create_at_one_free_slot().await,
            3 => self.the_quota_is_lowered_while_many_create().await,
            4 => self.a_link_is_accepted_again_and_again().await,
            5 => self.a_link_is_accepted_and_revoked().await,
            6 => self.a_link_is_accepted_and_its_inviter_demoted().await,
            7 => self.a_link_is_accepted_and_its_workspace_deleted().await,
            8 => self.a_workspace_is_deleted_and_used().await,
            9 => self.a_name_is_wanted_by_many().await,
            10 => self.the_last_seat_is_taken_in_every_way().await,
            11 => self.the_seats_are_lowered_while_many_come().await,
            12 => self.the_last_domain_is_created_by_many().await,
            13 => self.admins_suspend_each_other().await,
            14 => self.an_admin_is_suspended_and_demotes_the_other().await,
            15 => self.a_link_is_accepted_and_its_inviter_suspended().await,
            16 => self.the_heir_of_two_admins_who_go_is_bound_to_end().await,
            17 => self.a_role_is_deleted_and_given().await,
            18 => self.a_request_is_made_again_and_again_at_once().await,
            19 => self.two_requests_want_one_id().await,
            20 => self.an_attempt_breaks_after_another_was_made().await,
            _ => self.an_organization_is_suspended_while_it_changes().await,
        }
    }

    async fn all_admins_leave(&self) -> Result<Scene, Failure> {
        let (organization, _) = self.acme(&self.ann).await?;
        let mut wishes = vec![self.wish(0, &self.ann, LeaveOrganization { organization })];
        for admin in 1..4 {
            let admin_too = self.admin(organization, admin).await?;
            wishes.push(self.wish(admin, &admin_too, LeaveOrganization { organization }));
        }
        Ok(Scene {
            race: "all Admins leave",
            organizations: vec![organization],
            wishes,
            winners: |won| count(won) == won.len().saturating_sub(1),
        })
    }

    async fn admins_demote_each_other(&self) -> Result<Scene, Failure> {
        let (organization, _) = self.acme(&self.ann).await?;
        let mut admins = vec![self.ann.clone()];
        for admin in 1..4 {
            admins.push(self.admin(organization, admin).await?);
        }
        let victims = admins.iter().skip(1).chain(admins.first());
        let wishes = admins
            .iter()
            .zip(victims)
            .enumerate()
            .map(|(turn, (admin, victim))| {
                let demotion = ChangeOrganizationRole {
                    organization,
                    user: id_of(victim),
                    role: OrganizationRole::Member,
                };
                self.wish(turn, admin, demotion)
            });
        Ok(Scene {
            race: "Admins demote each other",
            organizations: vec![organization],
            wishes: wishes.collect(),
            winners: |won| (1..won.len()).contains(&count(won)),
        })
    }

    async fn admins_suspend_each_other(&self) -> Result<Scene, Failure> {
        let (organization, _) = self.acme(&self.ann).await?;
        let mut admins = vec![self.ann.clone()];
        for admin in 1..4 {
            admins.push(self.admin(organization, admin).await?);
        }
        let victims = admins.iter().skip(1).chain(admins.first());
        let wishes = admins
            .iter()
            .zip(victims)
            .enumerate()
            .map(|(turn, (admin, victim))| {
                let user = id_of(victim);
                self.wish(turn, admin, SuspendMember { organization, user })
            });
        Ok(Scene {
            race: "Admins suspend each other",
            organizations: vec![organization],
            wishes: wishes.collect(),
            winners: |won| (1..won.len()).contains(&count(won)),
        })
    }

    async fn an_admin_is_suspended_and_demotes_the_other(&self) -> Result<Scene, Failure> {
        let (organization, _) = self.acme(&self.ann).await?;
        let other = self.admin(organization, 1).await?;
        let suspend = SuspendMember {
            organization,
            user: id_of(&other),
        };
        let demote = ChangeOrganizationRole {
            organization,
            user: id_of(&self.ann),
            role: OrganizationRole::Member,
        };
        Ok(Scene {
            race: "an Admin is suspended and demotes the other",
            organizations: vec![organization],
            wishes: vec![
                self.wish(0, &self.ann, suspend),
                self.wish(1, &other, demote),
            ],
            winners: |won| count(won) == 1,
        })
    }

    async fn a_link_is_accepted_and_its_inviter_suspended(&self) -> Result<Scene, Failure> {
        let (organization, _) = self.acme(&self.ann).await?;
        let inviter = self.admin(organization, 1).await?;
        let bob = person(&self.tag, "bob")?;
        let token = self.invite(&inviter, organization, &bob).await?;
        let suspend = SuspendMember {
            organization,
            user: id_of(&inviter),
        };
        Ok(Scene {
            race: "a link is accepted and its inviter suspended",
            organizations: vec![organization],
            wishes: vec![
                self.wish(0, &bob, AcceptInvitation { token }),
                self.wish(1, &self.ann, suspend),
            ],
            winners: |won| won.get(1) == Some(&true), // that the other is in order, the log tells
        })
    }

    async fn the_heir_of_two_admins_who_go_is_bound_to_end(&self) -> Result<Scene, Failure> {
        let (organization, _) = self.acme(&self.ann).await?;
        let other = self.admin(organization, 1).await?;
        let heir = person(&self.tag, "bob")?;
        let token = self.invite(&self.ann, organization, &heir).await?;
        let accept = AcceptInvitation { token };
        self.shell(0).execute(&heir, accept).await?;
        let to = id_of(&heir);
        let hand_over = HandOver {
            organization,
            to,
            keep: None,
        };
        let end = SetMembershipEnd {
            organization,
            user: to,
            until: DateTime::from_timestamp(4_000_000_000, 0),
        };
        let leave = LeaveOrganization { organization };
        Ok(Scene {
            race: "the heir of two Admins who go is bound to end",
            organizations: vec![organization],
            wishes: vec![
                self.wish(0, &self.ann, hand_over),
                self.wish(1, &other, end),
                self.wish(0, &other, leave),
            ],
            winners: |won| (1..=2).contains(&count(won)),
        })
    }

    async fn an_organization_is_suspended_while_it_changes(&self) -> Result<Scene, Failure> {
        let (organization, _) = self.acme(&self.ann).await?;
        self.quota(organization, 4).await?;
        let suspend = SuspendOrganization {
            organization,
            reason: TextLine::new("races")?,
        };
        let mut wishes = vec![self.wish(0, &self.operator, suspend)];
        for turn in 1..4 {
            wishes.push(self.wish(turn, &self.ann, workspace(organization, turn)?));
        }
        Ok(Scene {
            race: "an organization is suspended while it changes",
            organizations: vec![organization],
            wishes,
            winners: |won| won.first() == Some(&true),
        })
    }

    async fn many_create_at_one_free_slot(&self) -> Result<Scene, Failure> {
        let (organization, _) = self.acme(&self.ann).await?;
        self.quota(organization, 2).await?;
        let wishes: Result<_, Failure> = (0..6)
            .map(|turn| Ok(self.wish(turn, &self.ann, workspace(organization, turn)?)))
            .collect();
        Ok(Scene {
            race: "many create at one free slot",
            organizations: vec![organization],
            wishes: wishes?,
            winners: |won| count(won) == 1,
        })
    }

    async fn the_quota_is_lowered_while_many_create(&self) -> Result<Scene, Failure> {
        let (organization, _) = self.acme(&self.ann).await?;
        self.quota(organization, 4).await?;
        let lower = SetWorkspaceQuota {
            organization,
            quota: 2,
        };
        let mut wishes = vec![self.wish(0, &self.operator, lower)];
        for turn in 1..5 {
            wishes.push(self.wish(turn, &self.ann, workspace(organization, turn)?));
        }
        Ok(Scene {
            race: "the quota is lowered while many create",
            organizations: vec![organization],
            wishes,
            winners: |won| won.first() == Some(&true) && (2..=4).contains(&count(won)),
        })
    }

    async fn a_link_is_accepted_again_and_again(&self) -> Result<Scene, Failure> {
        let (organization, _) = self.acme(&self.ann).await?;
        let bob = person(&self.tag, "bob")?;
        let token = self.invite(&self.ann, organization, &bob).await?;
        let accept = |turn| {
            let token = token.clone();
            self.wish(turn, &bob, AcceptInvitation { token })
        };
        Ok(Scene {
            race: "a link is accepted again and again",
            organizations: vec![organization],
            wishes: (0..4).map(accept).collect(),
            winners: |won| count(won) == 1,
        })
    }

    async fn a_link_is_accepted_and_revoked(&self) -> Result<Scene, Failure> {
        let (organization, _) = self.acme(&self.ann).await?;
        let bob = person(&self.tag, "bob")?;
        let token = self.invite(&self.ann, organization, &bob).await?;
        let revoke = RevokeInvitation {
            organization,
            invitation: token.invitation(),
        };
        Ok(Scene {
            race: "a link is accepted and revoked",
            organizations: vec![organization],
            wishes: vec![
                self.wish(0, &bob, AcceptInvitation { token }),
                self.wish(1, &self.ann, revoke),
            ],
            winners: |won| count(won) == 1,
        })
    }

    async fn a_link_is_accepted_and_its_inviter_demoted(&self) -> Result<Scene, Failure> {
        let (organization, _) = self.acme(&self.ann).await?;
        let inviter = self.admin(organization, 1).await?;
        let bob = person(&self.tag, "bob")?;
        let token = self.invite(&inviter, organization, &bob).await?;
        let demote = ChangeOrganizationRole {
            organization,
            user: id_of(&inviter),
            role: OrganizationRole::Member,
        };
        Ok(Scene {
            race: "a link is accepted and its inviter demoted",
            organizations: vec![organization],
            wishes: vec![
                self.wish(0, &bob, AcceptInvitation { token }),
                self.wish(1, &self.ann, demote),
            ],
            winners: |won| won.get(1) == Some(&true), // that the other is in order, the log tells
        })
    }

    async fn a_link_is_accepted_and_its_workspace_deleted(&self) -> Result<Scene, Failure> {
        let (organization, workspace) = self.acme(&self.ann).await?;
        let bob = person(&self.tag, "bob")?;
        let invite = InviteToWorkspace {
            organization,
            workspace,
            email: verified(&bob)?.address().clone(),
            role: WorkspaceRole::Developer,
        };
        let token = self.shell(0).execute(&self.ann, invite).await?.output.token;
        let token = token.ok_or_else(|| Failure::new("an invitation without its token"))?;
        let delete = DeleteWorkspace {
            organization,
            workspace,
        };
        Ok(Scene {
            race: "a link is accepted and its workspace deleted",
            organizations: vec![organization],
            wishes: vec![
                self.wish(0, &bob, AcceptInvitation { token }),
                self.wish(1, &self.ann, delete),
            ],
            winners: |won| count(won) == 1,
        })
    }

    async fn a_workspace_is_deleted_and_used(&self) -> Result<Scene, Failure> {
        let (organization, workspace) = self.acme(&self.ann).await?;
        let delete = DeleteWorkspace {
            organization,
            workspace,
        };
        let another = self.admin(organization, 1).await?;
        let give = GiveWorkspaceRole {
            organization,
            workspace,
            user: id_of(&another),
            role: WorkspaceRole::Reader,
        };
        let domain = domain(organization, workspace, &format!("used-{}", self.tag))?;
        Ok(Scene {
            race: "a workspace is deleted and used",
            organizations: vec![organization],
            wishes: vec![
                self.wish(0, &self.ann, delete),
                self.wish(1, &self.ann, give),
                self.wish(0, &self.ann, domain),
            ],
            winners: |won| won == [true, false, false] || won == [false, true, true],
        })
    }

    async fn a_role_is_deleted_and_given(&self) -> Result<Scene, Failure> {
        let (organization, workspace) = self.acme(&self.ann).await?;
        let define = DefineRole {
            organization,
            name: Name::new("Tester")?,
            base: RoleBase::Reader,
            adds: Grants::on(DomainKind::Sandbox, DomainAction::Configure)?,
        };
        let role = self.shell(0).execute(&self.ann, define).await?.output;
        let another = self.admin(organization, 1).await?;
        let give = |user| GiveWorkspaceRole {
            organization,
            workspace,
            user,
            role,
        };
        let invite = InviteToWorkspace {
            organization,
            workspace,
            email: verified(&person(&self.tag, "bob")?)?.address().clone(),
            role,
        };
        Ok(Scene {
            race: "a role of the organization's own is deleted, given and offered",
            organizations: vec![organization],
            wishes: vec![
                self.wish(0, &self.ann, DeleteRole { organization, role }),
                self.wish(1, &self.ann, give(id_of(&another))),
                self.wish(0, &another, give(id_of(&self.ann))),
                self.wish(1, &another, invite),
            ],
            winners: |won| won == [true, false, false, false] || won == [false, true, true, true],
        })
    }

    async fn a_name_is_wanted_by_many(&self) -> Result<Scene, Failure> {
        let mut scene = Scene {
            race: "a domain's name is wanted in many organizations",
            organizations: Vec::new(),
            wishes: Vec::new(),
            winners: |won| count(won) == 1,
        };
        for turn in 0..4 {
            let owner = person(&self.tag, &format!("owner{turn}"))?;
            let (organization, workspace) = self.acme(&owner).await?;
            let domain = domain(organization, workspace, &format!("wanted-{}", self.tag))?;
            scene.organizations.push(organization);
            scene.wishes.push(self.wish(turn, &owner, domain));
        }
        Ok(scene)
    }

    fn shell(&self, turn: usize) -> &Shell<R> {
        let [one, other] = self.shells;
        if turn % 2 == 0 { one } else { other }
    }

    /// A command, ready to be executed by one handle or the other; whether a rule let it.
    fn wish<C: Command + 'static>(&self, turn: usize, actor: &Actor, command: C) -> Wish {
        self.wish_for(turn, actor, command, |_| true)
    }

    /// The same of a command that is not refused as a whole: whether it did what was wished for.
    fn wish_for<C: Command + 'static>(
        &self,
        turn: usize,
        actor: &Actor,
        command: C,
        is_so: fn(&C::Output) -> bool,
    ) -> Wish {
        let (shell, actor) = (Arc::clone(self.shell(turn)), actor.clone());
        Box::pin(async move {
            match shell.execute(&actor, command).await {
                Ok(done) => Ok(is_so(&done.output)),
                Err(Error::Refused(_)) => Ok(false),
                Err(error) => Err(error.into()),
            }
        })
    }

    async fn acme(&self, founder: &Actor) -> Result<(OrganizationId, WorkspaceId), Failure> {
        let create = CreateOrganization {
            name: Name::new("Acme")?,
        };
        let made = self.shell(0).execute(founder, create).await?.output;
        Ok((made.organization, made.workspace))
    }

    async fn admin(&self, organization: OrganizationId, number: usize) -> Result<Actor, Failure> {
        let admin = person(&self.tag, &format!("admin{number}"))?;
        let appoint = AppointAdmin {
            organization,
            user: id_of(&admin),
            email: verified(&admin)?,
        };
        self.shell(0).execute(&self.operator, appoint).await?;
        Ok(admin)
    }

    async fn quota(&self, organization: OrganizationId, quota: u32) -> Verdict {
        let set = SetWorkspaceQuota {
            organization,
            quota,
        };
        self.shell(0).execute(&self.operator, set).await?;
        Ok(())
    }

    async fn invite(
        &self,
        inviter: &Actor,
        organization: OrganizationId,
        addressee: &Actor,
    ) -> Result<InvitationToken, Failure> {
        let role = OrganizationRole::Member;
        self.invited_by(inviter, organization, addressee, role)
            .await
    }

    async fn invite_as(
        &self,
        organization: OrganizationId,
        addressee: &Actor,
        role: OrganizationRole,
    ) -> Result<InvitationToken, Failure> {
        self.invited_by(&self.ann, organization, addressee, role)
            .await
    }

    async fn invited_by(
        &self,
        inviter: &Actor,
        organization: OrganizationId,
        addressee: &Actor,
        role: OrganizationRole,
    ) -> Result<InvitationToken, Failure> {
        let invite = InviteToOrganization {
            organization,
            email: verified(addressee)?.address().clone(),
            role,
        };
        let token = self.shell(0).execute(inviter, invite).await?.output.token;
        token.ok_or_else(|| Failure::new("an invitation without its token"))
    }
}

fn domain(
    organization: OrganizationId,
    workspace: WorkspaceId,
    called: &str,
) -> Result<CreateDomain, Failure> {
    Ok(CreateDomain {
        organization,
        workspace,
        name: DomainName::new(called)?,
        kind: DomainKind::Sandbox,
    })
}

fn workspace(organization: OrganizationId, number: usize) -> Result<CreateWorkspace, Failure> {
    Ok(CreateWorkspace {
        organization,
        name: Name::new(&format!("Workspace {number}"))?,
    })
}

pub(crate) fn person(tag: &str, who: &str) -> Result<Actor, Failure> {
    let address = EmailAddress::new(&format!("{who}@race{tag}.example"))?;
    let id = UserId::from_external(&format!("{who} {tag}"));
    Ok(Actor::user(id, VerifiedEmail::attest(address)))
}

fn id_of(actor: &Actor) -> UserId {
    actor
        .user_id()
        .unwrap_or_else(|| UserId::from_external("an operator"))
}

fn verified(actor: &Actor) -> Result<VerifiedEmail, Failure> {
    let email = actor.verified_email().cloned();
    email.ok_or_else(|| Failure::new("an actor without an address"))
}

fn count(won: &[bool]) -> usize {
    won.iter().filter(|won| **won).count()
}
