//! Two commands in one request do what they do one after the other, and need to know no more than both say.

use std::cell::RefCell;
use std::collections::BTreeMap;

use tenancy::commands::{
    Circumstances, Command, Decided, Drawing, Fresh as _, Request, Together, Undecided, decide,
};
use tenancy::store::{Change, Commit, Facts, Key, OrganizationState};
use tenancy::{Actor, CommitId, Refusal, Settings};
use tenancy_tests::commands::{Ask, Kind};
use tenancy_tests::model::Who;
use tenancy_tests::with_command;

use crate::bytes::{Bytes, Step, address, user};
use crate::driver::{Driver, actor, settings};
use crate::properties::histories;

/// What a request came to: the state after it, and the commit; or which of its commands was refused, and why.
type Came<T> = Result<(OrganizationState, Option<Commit>, T), (usize, Refusal)>;

struct Trial<'a> {
    actor: &'a Actor,
    settings: &'a Settings,
    commit: CommitId,
    driver: &'a Driver,
}

impl Trial<'_> {
    fn decide<Q: Request>(
        &self,
        state: &OrganizationState,
        keys: &[Key],
        request: &Q,
        drawn: &Q::Drawn,
    ) -> Came<Q::Output> {
        let circumstances = Circumstances {
            actor: self.actor,
            commit: self.commit,
            now: self.driver.now(),
            settings: self.settings,
        };
        match decide(
            request,
            circumstances,
            drawn,
            Facts::select(state, [], keys),
        ) {
            Ok(Decided { output, commit, .. }) => {
                let mut after = state.clone();
                if let Some(commit) = &commit {
                    after.apply_entry(&commit.entry).expect("the log fits");
                    assert_eq!(written(state, commit), after, "tables and log agree");
                }
                Ok((after, commit, output))
            }
            Err(Undecided::Refused(refusal)) => Err((0, refusal)),
            Err(Undecided::RefusedAt { command, refusal }) => Err((command, refusal)),
            Err(Undecided::Inconsistent(inconsistency)) => panic!("{inconsistency}"),
        }
    }

    /// One after the other, and both together.
    fn agree<A: Command + Clone, B: Command + Clone>(&self, first: &A, second: &B) -> &'static str {
        let organization = first.organization(self.commit);
        let Some(state) = self.driver.tenancy.repository().state(organization) else {
            return "nowhere";
        };
        let from = Drawing {
            commit: self.commit,
            link_key: None,
        };
        let drawn = (A::Fresh::draw(from).unwrap(), B::Fresh::draw(from).unwrap());
        let keys = first.keys(self.actor);
        let mut both = keys.clone();
        both.extend(second.keys(self.actor));
        let request = (first.clone(), second.clone());
        let together = self.decide(&state, &both, &request, &drawn);

        let events = |commit: &Option<Commit>| {
            let commit = commit.iter();
            commit
                .flat_map(|commit| commit.entry.events.clone())
                .collect::<Vec<_>>()
        };
        let (mut between, one, _) = match self.decide(&state, &keys, first, &drawn.0) {
            Ok(came) => came,
            Err(refused) => {
                assert_eq!(together.map(drop), Err(refused), "the first is refused");
                return "first refused";
            }
        };
        // Together they make one version, of which the second's events tell.
        let mut row = between.organization().expect("it is there").clone();
        row.version = state.version();
        between.set_organization(row);
        let keys = second.keys(self.actor);
        match (self.decide(&between, &keys, second, &drawn.1), together) {
            (_, Err((1, Refusal::NotTogether { why }))) => {
                let told = [
                    Together::SentBefore,
                    Together::RolesDefined,
                    Together::NamePassedOn,
                ];
                assert!(told.contains(&why), "{why}");
                "not together"
            }
            (Err((_, refusal)), together) => {
                assert_eq!(
                    together.map(drop),
                    Err((1, refusal)),
                    "the second is refused"
                );
                "second refused"
            }
            (Ok((_, other, _)), Ok((_, commit, _))) => {
                let mut expected = events(&one);
                expected.extend(events(&other));
                assert_eq!(events(&commit), expected);
                if expected.is_empty() {
                    "nothing"
                } else {
                    "done"
                }
            }
            (Ok(_), Err(refused)) => panic!("one after the other it is done: {refused:?}"),
        }
    }
}

/// What a store makes of a commit.
fn written(before: &OrganizationState, commit: &Commit) -> OrganizationState {
    let mut after = before.clone();
    after.set_organization(commit.next.clone());
    for change in &commit.changes {
        match change {
            Change::Put(record) => after.put(record.clone()),
            Change::Delete(id) => drop(after.delete(id)),
            Change::Claim(_) | Change::Release(_) => {}
        }
    }
    after
}

/// How many pairs are tried after each step.
const TURNS: u8 = 42;

/// Another step, from the same bytes.
fn varied(step: Step, turn: u8) -> Step {
    let other = |byte: u8, by: u8| byte.wrapping_add(turn.wrapping_mul(by)).rotate_left(3);
    Step {
        kind: other(step.kind, 151),
        actor: other(step.actor, 59),
        at: other(step.at, 37),
        whom: other(step.whom, 101),
        what: other(step.what, 73),
        oddly: 1,
    }
}

/// First ones that change what others look at: any first with any second would be two thousand pairs to compile.
macro_rules! firsts {
    ($($first:ident)+) => {
        const FIRSTS: &[Kind] = &[$(Kind::$first),+];

        fn tried(trial: &Trial<'_>, first: &Ask, second: &Ask) -> &'static str {
            match first {
                $(Ask::$first(first) => {
                    with_command!(second, second => trial.agree(first, second))
                })+
                other => panic!("{other:?} is no first"),
            }
        }
    };
}

firsts! {
    ChangeOrganizationRole RemoveMember FollowEmailChange GiveWorkspaceRole TakeWorkspaceRole
    InviteToOrganization InviteToWorkspace AcceptReceivedInvitation RevokeInvitation
    MoveDomain DeleteDomain DeleteWorkspace DefineRole HandOver
}

#[test]
fn two_commands_together_do_what_they_do_one_after_the_other() {
    let settings = settings();
    let counts = RefCell::new(BTreeMap::new());
    histories(40, |steps| {
        let mut driver = Driver::new();
        for step in steps {
            driver.step(*step);
            for turn in 0..TURNS {
                let (first, second) = (varied(*step, 2 * turn), varied(*step, 2 * turn + 1));
                let kind = FIRSTS[usize::from(turn) % FIRSTS.len()];
                let first = kind.draw(&mut Bytes::of(&driver, first));
                let (who, second) = Bytes::of(&driver, second).decode();
                if first.about() != second.about() {
                    continue;
                }
                // Mostly Ann, who may do most of it; or nearly all would be refused.
                let who = match turn % 4 {
                    0 => who,
                    _ => Who::User(user(0), Some(address(0))),
                };
                let actor = actor(&who);
                let trial = Trial {
                    actor: &actor,
                    settings: &settings,
                    commit: CommitId::new(),
                    driver: &driver,
                };
                let came = tried(&trial, &first, &second);
                *counts.borrow_mut().entry(came).or_insert(0_u32) += 1;
            }
        }
    });
    // Each way to end was met: a trial of refusals alone would prove little.
    let counts = counts.into_inner();
    for came in [
        "done",
        "nothing",
        "first refused",
        "second refused",
        "not together",
    ] {
        let met = counts.get(came).copied().unwrap_or(0);
        assert!(met > 5, "{came}: {counts:?}");
    }
}
