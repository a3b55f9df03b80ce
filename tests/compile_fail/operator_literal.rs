// An operator's powers can't be written down.
use tenancy::text::TextLine;
use tenancy::Operator;

fn main() {
    let label = TextLine::new("me").unwrap();
    let _ = Operator { label };
}
