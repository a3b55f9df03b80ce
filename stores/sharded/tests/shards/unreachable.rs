//! A line is cut in the middle of a command, or what is called is away: what a command says became of it is so.

use tenancy::commands::{CreateDomain, RenameOrganization};
use tenancy::store::{Outcome, Repository};
use tenancy::{
    Actor, CommitId, DomainKind, Error, Name, Resource, Tenancy, UserId, WorkspaceAction, block_on,
};

use crate::faults::{Fault, Steps};
use crate::world::{World, domain_name};

/// The steps of opening: all exceptions are read.
const OPENING: usize = 2;

fn at_every_step(fault: Fault, id: impl Fn(&Actor) -> CommitId) -> (u32, u32) {
    let (mut nothing, mut unknown) = (0, 0);
    for step in 0.. {
        let world = World::new();
        let place = world.organization_on(0);
        let rival = world.organization_on(1);
        let id = id(world.ann());
        let command = CreateDomain {
            organization: place.organization,
            workspace: place.workspace,
            name: domain_name("wanted"),
            kind: DomainKind::Production,
        };
        let steps = Steps::at(step + OPENING, fault);
        let process = Tenancy::new(world.process(&steps));
        let said = block_on(process.execute_as(id, world.ann(), command.clone()));
        let sound = Tenancy::new(world.sound());
        match &said {
            Ok(_) => {}
            Err(Error::Store(_)) => {
                nothing += 1;
                // Nothing was written, and nothing is: the name is free for good.
                let theirs = world.claiming(rival, "wanted", CommitId::new());
                let outcome = block_on(sound.repository().commit(&theirs)).unwrap();
                assert_eq!(outcome, Outcome::Committed, "{step}: {said:?}");
                world.is_settled(&["wanted"], &[place.organization, rival.organization]);
                continue;
            }
            Err(Error::Unknown { .. }) => unknown += 1,
            Err(other) => panic!("{step}: {other:?}"),
        }
        // Under the same id it happens exactly once, whether it has or not.
        let again = block_on(sound.execute_as(id, world.ann(), command)).unwrap();
        if let Ok(said) = &said {
            assert_eq!(said.output, again.output);
        }
        assert_eq!(world.holders("wanted"), [place.organization]);
        world.is_settled(&["wanted"], &[place.organization]);
        if !steps.reached() {
            return (nothing, unknown);
        }
    }
    unreachable!()
}

#[test]
fn a_line_that_is_cut_anywhere_leaves_what_is_said_of_it() {
    let (nothing, unknown) = at_every_step(Fault::Cut, |_| CommitId::new());
    assert!(nothing > 0 && unknown > 0, "{nothing} {unknown}");
}

#[test]
fn a6_a_line_that_is_cut_anywhere_under_an_id_of_the_hosts() {
    let (nothing, unknown) = at_every_step(Fault::Cut, |ann| ann.commit_id("a key"));
    assert!(nothing > 0 && unknown > 0, "{nothing} {unknown}");
}

#[test]
fn everything_goes_away_at_any_step() {
    let (nothing, unknown) = at_every_step(Fault::Away, |_| CommitId::new());
    assert!(nothing > 0 && unknown > 0, "{nothing} {unknown}");
}

#[test]
fn without_the_registry_checks_and_commits_go_on_and_claims_are_known_not_to_be_written() {
    let world = World::new();
    let place = world.organization_on(0);
    let sound = world.sound();
    let away = Steps::at(OPENING, Fault::Away);
    let tenancy = Tenancy::new(world.without_registry(&away));
    let rename = RenameOrganization {
        organization: place.organization,
        name: Name::new("Acme SAS").unwrap(),
    };
    block_on(tenancy.execute(world.ann(), rename)).unwrap();
    let first = (place.organization, place.workspace);
    let may = block_on(tenancy.check(world.ann(), first, WorkspaceAction::Rename)).unwrap();
    assert!(may.is_allowed());
    let user = UserId::from_external("ann");
    let organization = Resource::Organization(place.organization);
    assert!(
        block_on(sound.standing(user, organization))
            .unwrap()
            .is_some()
    );
    let create = CreateDomain {
        organization: place.organization,
        workspace: place.workspace,
        name: domain_name("wanted"),
        kind: DomainKind::Production,
    };
    let said = block_on(tenancy.execute(world.ann(), create)).unwrap_err();
    assert!(matches!(said, Error::Store(_)), "{said:?}");
    assert!(said.is_retryable());
    world.is_settled(&["wanted"], &[place.organization]);
}

#[test]
fn a6_where_an_id_is_brought_to_one_organization_only_its_shard_keeps_it() {
    let world = World::new();
    let place = world.organization_on(0);
    let away = Steps::at(OPENING, Fault::Away);
    let rename = RenameOrganization {
        organization: place.organization,
        name: Name::new("Acme SAS").unwrap(),
    };
    let id = world.ann().commit_id("a key");
    let store = world.without_registry(&away);
    let said = block_on(Tenancy::new(&store).execute_as(id, world.ann(), rename.clone()));
    assert!(matches!(said, Err(Error::Store(_))), "{said:?}");
    let tenancy = Tenancy::new(store.with_ids_of_one_organization());
    let done = block_on(tenancy.execute_as(id, world.ann(), rename.clone())).unwrap();
    let again = block_on(tenancy.execute_as(id, world.ann(), rename)).unwrap();
    assert_eq!(done, again);
}
