//! Randomness, from the operating system. It may fail, and nothing panics then.

/// The operating system gave no random numbers. Answer 503 and try again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random numbers")]
pub struct EntropyError(#[source] getrandom::Error);

/// Fills the bytes.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), EntropyError> {
    getrandom::fill(bytes).map_err(EntropyError)
}
