// A string is no hash: tokens are hashed by the token.
use tenancy::token::TokenHash;

fn main() {
    let _: TokenHash = "tinv_secret".parse().unwrap();
}
