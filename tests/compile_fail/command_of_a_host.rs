// A host can't add a command that breaks the invariants.
use tenancy::{commands::*, store::*, *};

struct MakeMeAdmin;

impl Command for MakeMeAdmin {
    type Output = ();
    type Fresh = ();
    const NAME: &'static str = "make_me_admin";

    fn organization(&self, _: CommitId) -> OrganizationId {
        OrganizationId::new()
    }

    fn keys(&self, _: &Actor) -> Vec<Key> {
        Vec::new()
    }

    fn decide(&self, _: &Scene<'_>, _: &()) -> Result<Vec<Event>, Refusal> {
        Ok(Vec::new())
    }

    fn output(&self, _: OrganizationId, _: &[Event], _: Option<&()>) -> Option<()> {
        Some(())
    }
}

fn main() {}
