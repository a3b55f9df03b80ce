// A domain's action can't be asked of a workspace.
use tenancy::{Actor, DomainAction, MemoryRepository, OrganizationId, Tenancy, WorkspaceId};

async fn ask(tenancy: &Tenancy<MemoryRepository>, actor: &Actor, o: OrganizationId, w: WorkspaceId) {
    let _ = tenancy.check(actor, (o, w), DomainAction::View).await;
}

fn main() {}
