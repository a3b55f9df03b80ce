// An address that was typed is not one that was verified.
use tenancy::VerifiedEmail;

fn main() {
    let _: VerifiedEmail = "ann@acme.example".parse().unwrap();
}
