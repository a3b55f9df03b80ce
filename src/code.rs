//! Codes: the numbers by which stores keep roles, states and kinds in columns.

/// `codes!(Role { Member = 1, Admin = 2 })`: the two functions between a type and its codes. 0 stands for
/// nothing, so that a column that was never written reads as no role at all.
macro_rules! codes {
    ($type:ident { $($variant:ident = $code:literal),+ $(,)? }) => {
        impl $type {
            /// The number by which stores keep it in a column, the same for ever.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$variant => $code),+
                }
            }

            /// What that number stands for; `None` if it stands for nothing.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

pub(crate) use codes;
