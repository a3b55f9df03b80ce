// Nor come out of a request's body.
use tenancy::Operator;

fn main() {
    let _: Operator = serde_json::from_str("{}").unwrap();
}
