// A domain's action can't be asked of a workspace.
use tenancy::{Actor, DomainAction, OrganizationId, Tenancy, WorkspaceId};
use tenancy::store::MemoryRepository;

async fn ask(tenancy: &Tenancy<MemoryRepository>, actor: &Actor, o: OrganizationId, w: WorkspaceId) {
    let _ = tenancy.check(actor, (o, w), DomainAction::View).await;
}

fn main() {}
