//! Questions: the commands of a request, of whatever types and in whatever shape, one after the other.

use super::{Request, sealed};
use crate::actor::Actor;
use crate::command::{Answer, Command, Drawing, Fresh, Scene};
use crate::event::Event;
use crate::id::{CommitId, OrganizationId};
use crate::random::EntropyError;
use crate::refusal::Refusal;
use crate::request::RequestDigest;
use crate::state::Inconsistency;
use crate::store::Key;

/// A command and what was drawn for it, of whatever type: what passes it on, and all of the decision that is no
/// command's own, is compiled once and not once a command.
pub trait Question: Send {
    fn name(&self) -> &'static str;
    fn organization(&self, commit: CommitId) -> OrganizationId;
    fn keys(&self, actor: &Actor) -> Vec<Key>;
    fn request(&self, commit: CommitId, actor: &Actor) -> Option<RequestDigest>;
    fn decide(&self, scene: &Scene<'_>) -> Result<Vec<Event>, Refusal>;
    /// Keeps the answer that can be read off what happens, or happened before.
    fn answer(
        &mut self,
        organization: OrganizationId,
        events: &[Event],
        when: Happens,
    ) -> Result<(), Inconsistency>;
}

/// The questions that a request asks, in order.
pub trait Questions: Send {
    /// How many.
    fn count(&self) -> usize;

    /// One of them.
    fn at(&mut self, number: usize) -> Option<&mut dyn Question>;
}

/// When what is read happens, or happened.
#[derive(Clone, Copy, Debug)]
pub enum Happens {
    Now,
    Before,
}

/// The [`Question`] that a command is.
#[derive(Debug)]
pub struct Asked<'a, C: Command> {
    command: &'a C,
    fresh: &'a C::Fresh,
    output: Option<C::Output>,
}

impl<C: Command> Question for Asked<'_, C> {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn organization(&self, commit: CommitId) -> OrganizationId {
        self.command.organization(commit)
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        self.command.keys(actor)
    }

    fn request(&self, commit: CommitId, actor: &Actor) -> Option<RequestDigest> {
        self.command.request(commit, actor)
    }

    fn decide(&self, scene: &Scene<'_>) -> Result<Vec<Event>, Refusal> {
        self.command.decide(scene, self.fresh)
    }

    fn answer(
        &mut self,
        organization: OrganizationId,
        events: &[Event],
        when: Happens,
    ) -> Result<(), Inconsistency> {
        let fresh = match when {
            Happens::Now => Some(self.fresh),
            Happens::Before => None,
        };
        let output = C::Output::read(organization, events, fresh);
        self.output = Some(output.ok_or(Inconsistency::UnknownEvent)?);
        Ok(())
    }
}

impl<C: Command> Questions for Asked<'_, C> {
    fn count(&self) -> usize {
        1
    }

    fn at(&mut self, number: usize) -> Option<&mut dyn Question> {
        (number == 0).then_some(self as &mut dyn Question)
    }
}

impl<C: Command> Request for C {
    type Output = C::Output;
    type Drawn = C::Fresh;
    type Asked<'a>
        = Asked<'a, C>
    where
        C: 'a;

    fn count(&self) -> usize {
        1
    }

    fn draw(&self, from: Drawing<'_>) -> Result<C::Fresh, EntropyError> {
        C::Fresh::draw(from)
    }

    fn asked<'a>(&'a self, drawn: &'a C::Fresh) -> Asked<'a, C> {
        Asked {
            command: self,
            fresh: drawn,
            output: None,
        }
    }

    fn output(asked: Asked<'_, C>) -> Option<C::Output> {
        asked.output
    }
}

impl<Q: Questions> Questions for Vec<Q> {
    fn count(&self) -> usize {
        self.iter().map(Q::count).fold(0, usize::saturating_add)
    }

    fn at(&mut self, number: usize) -> Option<&mut dyn Question> {
        let mut number = number;
        for questions in self {
            match number.checked_sub(questions.count()) {
                Some(left) => number = left,
                None => return questions.at(number),
            }
        }
        None
    }
}

impl<Q: Request> Request for Vec<Q> {
    type Output = Vec<Q::Output>;
    type Drawn = Vec<Q::Drawn>;
    type Asked<'a>
        = Vec<Q::Asked<'a>>
    where
        Q: 'a;

    fn count(&self) -> usize {
        self.iter().map(Q::count).fold(0, usize::saturating_add)
    }

    fn draw(&self, from: Drawing<'_>) -> Result<Self::Drawn, EntropyError> {
        self.iter().map(|request| request.draw(from)).collect()
    }

    fn asked<'a>(&'a self, drawn: &'a Self::Drawn) -> Self::Asked<'a> {
        let each = self.iter().zip(drawn);
        each.map(|(request, drawn)| request.asked(drawn)).collect()
    }

    fn output(asked: Self::Asked<'_>) -> Option<Self::Output> {
        asked.into_iter().map(Q::output).collect()
    }
}

macro_rules! tuples {
    ($(($($of:ident $at:tt),+))+) => {$(
        impl<$($of: Questions),+> Questions for ($($of,)+) {
            fn count(&self) -> usize {
                let counts = [$(self.$at.count()),+];
                counts.into_iter().fold(0, usize::saturating_add)
            }

            fn at(&mut self, number: usize) -> Option<&mut dyn Question> {
                let mut number = number;
                $(
                    match number.checked_sub(self.$at.count()) {
                        Some(left) => number = left,
                        None => return self.$at.at(number),
                    }
                )+
                let _ = number;
                None
            }
        }

        impl<$($of: Request),+> sealed::Sealed for ($($of,)+) {}

        impl<$($of: Request),+> Request for ($($of,)+) {
            type Output = ($($of::Output,)+);
            type Drawn = ($($of::Drawn,)+);
            type Asked<'a>
                = ($($of::Asked<'a>,)+)
            where
                $($of: 'a),+;

            fn count(&self) -> usize {
                let counts = [$(self.$at.count()),+];
                counts.into_iter().fold(0, usize::saturating_add)
            }

            fn draw(&self, from: Drawing<'_>) -> Result<Self::Drawn, EntropyError> {
                Ok(($(self.$at.draw(from)?,)+))
            }

            fn asked<'a>(&'a self, drawn: &'a Self::Drawn) -> Self::Asked<'a> {
                ($(self.$at.asked(&drawn.$at),)+)
            }

            fn output(asked: Self::Asked<'_>) -> Option<Self::Output> {
                Some(($($of::output(asked.$at)?,)+))
            }
        }
    )+};
}

tuples! {
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}
