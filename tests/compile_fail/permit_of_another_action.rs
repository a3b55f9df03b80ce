// A permit to view is no permit to delete.
use tenancy::{Permit, OrganizationAction, WorkspaceAction};

fn delete(_: &Permit<OrganizationAction>) {}

fn main() {
    let permit: Permit<WorkspaceAction> = todo!();
    delete(&permit);
}
