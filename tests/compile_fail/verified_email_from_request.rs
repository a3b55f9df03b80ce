// A request can't attest its own address.
use tenancy::VerifiedEmail;

fn main() {
    let _: VerifiedEmail = serde_json::from_str("\"ann@acme.example\"").unwrap();
}
