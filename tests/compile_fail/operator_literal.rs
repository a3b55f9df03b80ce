// An operator's powers can't be written down.
use tenancy::{Line, Operator};

fn main() {
    let label = Line::new("me").unwrap();
    let _ = Operator { label };
}
