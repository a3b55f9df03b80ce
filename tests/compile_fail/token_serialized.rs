// Nor stored.
use tenancy::InvitationToken;

fn main() {
    let token: InvitationToken = "".parse().unwrap();
    let _ = serde_json::to_string(&token);
}
