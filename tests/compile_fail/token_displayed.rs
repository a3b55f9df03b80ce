// A token is not printed by accident.
use tenancy::InvitationToken;

fn main() {
    let token: InvitationToken = "".parse().unwrap();
    println!("{token}");
}
