// A permit is proof of a check: it can't be written down.
use tenancy::{DomainAction, Permit};

fn main() {
    let _ = Permit { action: DomainAction::Delete };
}
