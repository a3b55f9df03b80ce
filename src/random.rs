//! Randomness, from the operating system. It may fail, and nothing panics then.

/// The operating system gave no random numbers. Answer 503 and try again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random numbers")]
pub struct EntropyError(#[source] getrandom::Error);

/// Fills the bytes.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), EntropyError> {
    getrandom::fill(bytes).map_err(EntropyError)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn missing_entropy_keeps_its_source() {
        let error = EntropyError(getrandom::Error::UNSUPPORTED);
        assert_eq!(
            error.to_string(),
            "the operating system gave no random numbers"
        );
        assert!(error.source().is_some());
    }
}
