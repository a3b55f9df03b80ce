//! What roles of an organization's own may add: computed from the table, not written a second time (R3).

use super::{Action, DomainAction, On, OrganizationAction, WorkspaceAction};
use crate::domain::DomainKind;
use crate::grants::{Code, Grants};
use crate::id::{DomainId, OrganizationId};
use crate::refusal::Refusal;
use crate::resource::Layer;
use crate::role::RoleSet;

/// A row of the matrix as a constant, for a host's own actions that roles may add: from it a host answers
/// [`Action::allowed`], [`Action::phrase`] and [`Action::code`], and [`catalogue!`](crate::catalogue) checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActionRow {
    phrase: &'static str,
    allowed: RoleSet,
    code: Option<u8>,
}

/// A host's actions that roles of an organization's own may add. Made by [`catalogue!`](crate::catalogue), told to
/// [`Settings::catalogue`](crate::Settings::catalogue).
///
/// By default there are none: roles may add what is the crate's and not reserved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Catalogue(&'static [&'static [Offer]]);

/// An action as a [`Catalogue`] has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The layer of what it is asked of.
    pub layer: Layer,
    /// Its row.
    pub row: ActionRow,
}

impl ActionRow {
    /// A row that no role can add.
    #[must_use]
    pub const fn new(phrase: &'static str, allowed: RoleSet) -> Self {
        Self {
            phrase,
            allowed,
            code: None,
        }
    }

    /// The same row, with a host's code (64 to 127, as [`catalogue!`](crate::catalogue) checks): roles may add it.
    #[must_use]
    pub const fn with_code(self, number: u8) -> Self {
        Self {
            code: Some(number),
            ..self
        }
    }

    /// The action in a few words: what [`Action::phrase`] answers.
    #[must_use]
    pub const fn phrase(self) -> &'static str {
        self.phrase
    }

    /// The roles that may: what [`Action::allowed`] answers.
    #[must_use]
    pub const fn allowed(self) -> RoleSet {
        self.allowed
    }

    /// Its code: what [`Action::code`] answers. `None` without one, or with one that is none.
    #[must_use]
    pub const fn code(self) -> Option<Code> {
        match self.code {
            Some(number) => Code::new(number),
            None => None,
        }
    }
}

impl Offer {
    /// All bits that stand for it: on domains two (R4).
    const fn bits(self) -> Grants {
        match (self.row.code(), self.layer) {
            (None, _) => Grants::NONE,
            (Some(code), Layer::Organization | Layer::Workspace) => Grants::only(code),
            (Some(code), Layer::Domain) => Grants::only(code.on(DomainKind::Sandbox))
                .union(Grants::only(code.on(DomainKind::Production))),
        }
    }
}

/// Of a type of actions, its actions as offers.
#[doc(hidden)]
#[macro_export]
macro_rules! __offers {
    ($action:ty) => {{
        const OFFERS: [$crate::policy::Offer; <$action>::ALL.len()] = {
            let layer = <<$action as $crate::Action>::On as $crate::policy::On>::LAYER;
            let nothing = $crate::policy::ActionRow::new("", $crate::RoleSet::empty());
            let mut offers = [$crate::policy::Offer {
                layer,
                row: nothing,
            }; <$action>::ALL.len()];
            let mut empty: &mut [$crate::policy::Offer] = &mut offers;
            let mut actions: &[$action] = &<$action>::ALL;
            while let ([offer, others @ ..], [action, more @ ..]) = (empty, actions) {
                offer.row = (*action).row();
                empty = others;
                actions = more;
            }
            offers
        };
        &OFFERS
    }};
}

/// The [`Catalogue`](crate::policy::Catalogue) of a host's actions that roles of an organization's own may add (A4), of
/// one or several types. What is wrong with their codes doesn't compile: they are unique, 64 to 127, and each action
/// is one that an Admin of the organization may do.
///
/// Each type has a constant `ALL` of its actions, and a `const fn row` of each one's
/// [`ActionRow`](crate::policy::ActionRow).
///
/// ```
/// use tenancy::policy::{ActionRow, Catalogue};
/// use tenancy::{Action, Code, DomainId, OrganizationId, RoleSet, Settings, catalogue};
///
/// #[derive(Clone, Copy, Debug)]
/// enum Deployment {
///     Start,
///     RollBack,
/// }
///
/// impl Deployment {
///     const ALL: [Self; 2] = [Self::Start, Self::RollBack];
///
///     const fn row(self) -> ActionRow {
///         match self {
///             Self::Start => {
///                 ActionRow::new("start a deployment", RoleSet::WORKSPACE_ADMIN.union(RoleSet::DEVELOPER)).with_code(64)
///             }
///             Self::RollBack => ActionRow::new("roll a deployment back", RoleSet::WORKSPACE_ADMIN).with_code(66),
///         }
///     }
/// }
///
/// impl Action for Deployment {
///     type On = (OrganizationId, DomainId);
///
///     fn allowed(&self) -> RoleSet {
///         self.row().allowed()
///     }
///
///     fn phrase(&self) -> &'static str {
///         self.row().phrase()
///     }
///
///     fn code(&self) -> Option<Code> {
///         self.row().code()
///     }
/// }
///
/// const OURS: Catalogue = catalogue!(Deployment);
/// let settings = Settings { catalogue: OURS, ..Settings::default() };
/// ```
///
/// Codes are for ever: keep the number of an action that is gone, and give it to no other (R8).
///
/// ```compile_fail,E0080
/// # use tenancy::policy::{ActionRow, Catalogue};
/// # use tenancy::{Action, Code, DomainId, OrganizationId, RoleSet, catalogue};
/// #[derive(Clone, Copy)]
/// struct Deploy;
/// # impl Action for Deploy {
/// #     type On = (OrganizationId, DomainId);
/// #     fn allowed(&self) -> RoleSet { self.row().allowed() }
/// #     fn phrase(&self) -> &'static str { self.row().phrase() }
/// # }
/// impl Deploy {
///     const ALL: [Self; 1] = [Self];
///
///     const fn row(self) -> ActionRow {
///         ActionRow::new("deploy", RoleSet::WORKSPACE_ADMIN).with_code(3) // the crate's
///     }
/// }
///
/// const OURS: Catalogue = catalogue!(Deploy);
/// ```
#[macro_export]
macro_rules! catalogue {
    ($($action:ty),+ $(,)?) => {{
        const OFFERS: &[&[$crate::policy::Offer]] = &[$($crate::__offers!($action)),+];
        const _: () = {
            let wrong = $crate::policy::wrong_with(OFFERS);
            assert!(!wrong.range, "a code is not a host's: 64 to 127 are, and for an action on domains 64 to 126");
            assert!(!wrong.twice, "a code is given twice: an action on domains has two, its own and the next one");
            assert!(!wrong.beyond, "an action has a code, but an Admin may not do it: no role could add it");
        };
        $crate::policy::Catalogue::unchecked(OFFERS)
    }};
}

/// What is wrong with the codes of some offers.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong {
    pub range: bool,
    pub twice: bool,
    pub beyond: bool,
}

/// What is wrong with a host's offers.
#[doc(hidden)]
#[must_use]
pub const fn wrong_with(offers: &[&[Offer]]) -> Wrong {
    wrong(offers, Code::FIRST_OF_HOSTS, Code::LAST)
}

const fn wrong(offers: &[&[Offer]], first: u8, last: u8) -> Wrong {
    let mut wrong = Wrong {
        range: false,
        twice: false,
        beyond: false,
    };
    let mut given = Grants::NONE;
    let mut groups = offers;
    while let [group, other_groups @ ..] = groups {
        let mut offers = *group;
        while let [offer, others @ ..] = offers {
            if let Some(number) = offer.row.code {
                let is_last = matches!(offer.layer, Layer::Domain) && number >= last;
                wrong.range |= number < first || number > last || is_last;
                wrong.twice |= given.intersects(offer.bits());
                wrong.beyond |= !adds_by_right(Layer::Organization, offer.layer, offer.row.allowed);
                given = given.union(offer.bits());
            }
            offers = others;
        }
        groups = other_groups;
    }
    wrong
}

/// The crate's own, as offers.
const OURS: &[&[Offer]] = &[
    __offers!(OrganizationAction),
    __offers!(WorkspaceAction),
    __offers!(DomainAction),
];

const _: () = {
    let wrong = wrong(OURS, 0, Code::FIRST_OF_HOSTS.wrapping_sub(1));
    assert!(!wrong.range && !wrong.twice && !wrong.beyond);
};

impl Catalogue {
    /// No host's action.
    pub const NONE: Self = Self(&[]);

    /// For [`catalogue!`](crate::catalogue), which checks them.
    #[doc(hidden)]
    #[must_use]
    pub const fn unchecked(offers: &'static [&'static [Offer]]) -> Self {
        Self(offers)
    }

    /// All that a role of that layer may add, the crate's and the host's: whatever has a code, is at that layer or
    /// below, and is something that the layer's Admin may do (R3).
    ///
    /// ```
    /// use tenancy::policy::Catalogue;
    /// use tenancy::{Grants, Layer, WorkspaceAction};
    ///
    /// let invoicing = Grants::of(WorkspaceAction::ViewInvoicing)?; // a workspace's Admin may not view it
    /// assert!(Catalogue::NONE.ceiling(Layer::Organization).contains(invoicing));
    /// assert!(!Catalogue::NONE.ceiling(Layer::Workspace).contains(invoicing));
    /// # Ok::<(), tenancy::Refusal>(())
    /// ```
    #[must_use]
    pub const fn ceiling(self, layer: Layer) -> Grants {
        ceiling(OURS, layer).union(ceiling(self.0, layer))
    }

    /// Each action that has a code, with its layer: the crate's, then the host's.
    pub fn offers(self) -> impl Iterator<Item = Offer> {
        let all = OURS.iter().chain(self.0).copied().flatten().copied();
        all.filter(|offer| offer.row.code().is_some())
    }

    /// The actions that these stand for, in a few words; a code that stands for none, as `code 99`.
    pub(crate) fn phrases(self, grants: Grants) -> Vec<String> {
        let mut unknown = grants;
        let mut phrases = Vec::new();
        for offer in self.offers() {
            if grants.intersects(offer.bits()) {
                phrases.push(offer.row.phrase.to_owned());
                unknown = unknown.without(offer.bits());
            }
        }
        phrases.extend(unknown.codes().map(|code| format!("code {code}")));
        phrases
    }

    /// The same with the views that they bring (R5): who may do something may see it, and what holds it.
    pub(crate) fn with_views(self, grants: Grants) -> Grants {
        let mut all = grants;
        for offer in self.offers() {
            let Some(code) = offer.row.code() else {
                continue;
            };
            match offer.layer {
                Layer::Domain => {
                    for kind in [DomainKind::Sandbox, DomainKind::Production] {
                        if grants.has(code.on(kind)) {
                            all |= views(Layer::Domain, &[kind]);
                        }
                    }
                }
                layer if grants.has(code) => all |= views(layer, &[]),
                Layer::Organization | Layer::Workspace => {}
            }
        }
        all
    }
}

const fn ceiling(offers: &[&[Offer]], layer: Layer) -> Grants {
    let mut all = Grants::NONE;
    let mut groups = offers;
    while let [group, other_groups @ ..] = groups {
        let mut offers = *group;
        while let [offer, others @ ..] = offers {
            if adds_by_right(layer, offer.layer, offer.row.allowed) {
                all = all.union(offer.bits());
            }
            offers = others;
        }
        groups = other_groups;
    }
    all
}

/// R3: whether a role of the layer `of` may add an action on the layer `on`, with this row: whether the Admin of
/// `of` may do it there.
pub(crate) const fn adds_by_right(of: Layer, on: Layer, allowed: RoleSet) -> bool {
    let admin = match (of, on) {
        (Layer::Organization, Layer::Organization) => RoleSet::ORGANIZATION_ADMIN,
        (Layer::Organization, Layer::Workspace | Layer::Domain) => {
            RoleSet::ORGANIZATION_ADMIN.union(RoleSet::WORKSPACE_ADMIN)
        }
        (Layer::Workspace, Layer::Workspace | Layer::Domain) => RoleSet::WORKSPACE_ADMIN,
        (Layer::Workspace, Layer::Organization) | (Layer::Domain, _) => RoleSet::empty(),
    };
    allowed.intersects(admin)
}

/// The code of *view* at a layer.
pub(crate) const fn view_of(layer: Layer) -> Option<Code> {
    match layer {
        Layer::Organization => OrganizationAction::View.code(),
        Layer::Workspace => WorkspaceAction::View.code(),
        Layer::Domain => DomainAction::View.code(),
    }
}

/// R5: the views that an action at that layer brings; on domains, of these kinds. The organization is viewed by
/// whoever belongs to it.
fn views(layer: Layer, kinds: &[DomainKind]) -> Grants {
    let only = |code: Option<Code>| code.map_or(Grants::NONE, Grants::only);
    let of_domains = kinds
        .iter()
        .map(|kind| only(DomainAction::View.code().map(|code| code.on(*kind))));
    match layer {
        Layer::Organization => only(OrganizationAction::View.code()),
        Layer::Workspace => only(WorkspaceAction::View.code()),
        Layer::Domain => of_domains.collect::<Grants>() | only(WorkspaceAction::View.code()),
    }
}

impl Grants {
    /// An action, and *view* of what it is on and of what holds that (R5). One on domains, on those of both kinds.
    ///
    /// # Errors
    ///
    /// [`Refusal::ActionReserved`]: no role can add it (R3, A4).
    pub fn of<A: Action>(action: A) -> Result<Self, Refusal> {
        let code = code(action)?;
        let layer = <A::On as On>::LAYER;
        Ok(match layer {
            Layer::Organization | Layer::Workspace => Self::only(code) | views(layer, &[]),
            Layer::Domain => on(code, DomainKind::Sandbox) | on(code, DomainKind::Production),
        })
    }

    /// An action on domains of one kind (R4), and *view* of them and of the workspaces that hold them (R5).
    ///
    /// # Errors
    ///
    /// [`Refusal::ActionReserved`]: no role can add it (R3, A4).
    pub fn on<A>(kind: DomainKind, action: A) -> Result<Self, Refusal>
    where
        A: Action<On = (OrganizationId, DomainId)>,
    {
        Ok(on(code(action)?, kind))
    }
}

fn on(code: Code, kind: DomainKind) -> Grants {
    Grants::only(code.on(kind)) | views(Layer::Domain, &[kind])
}

fn code<A: Action>(action: A) -> Result<Code, Refusal> {
    action.code().ok_or_else(|| Refusal::ActionReserved {
        action: action.phrase().to_owned(),
    })
}
