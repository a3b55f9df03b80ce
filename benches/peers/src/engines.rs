//! Other engines and databases, each asked as its users would ask it.
//!
//! What can be made ready is: policies are parsed and validated, all entities are in memory with their ancestors, programs
//! are compiled, statements prepared, and each question's ids are there in the engine's own type. Within the measured
//! time a request is put together, and decided. Policies say what the three questions need, and no more than that.

pub(crate) mod casbin;
pub(crate) mod cedar;
pub(crate) mod gatehouse;
pub(crate) mod postgres;
pub(crate) mod regorus;
pub(crate) mod sqlite;

use tenancy::Resource;

use crate::peer::growth;
use crate::population::Ids;

/// By how much this process grows for what the engine of that name holds.
pub(crate) fn bytes(name: &str, all: &[Ids]) -> usize {
    match name {
        cedar::NAME => growth(|| cedar::load(all)),
        casbin::NAME => growth(|| casbin::load(all)),
        _ => growth(|| regorus::load(all)),
    }
}

/// What each question is about, by the words that policies use.
pub(crate) const fn action(resource: &Resource) -> &'static str {
    match resource {
        Resource::Organization(_) => "view_organization",
        Resource::Workspace(..) => "manage_roles",
        Resource::Domain(..) => "configure",
    }
}
