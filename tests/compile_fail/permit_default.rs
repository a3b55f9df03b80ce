// Nor conjured.
use tenancy::{DomainAction, Permit};

fn main() {
    let _: Permit<DomainAction> = Default::default();
}
