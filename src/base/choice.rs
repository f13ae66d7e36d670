//! Choices: enums of a few named values, spelled the same in specs, on the command line, in records and on screen.

use std::fmt;

/// An enum of a few named values; [`choices!`](crate::choices) makes one.
pub trait Choice: Copy + Eq + Send + Sync + 'static {
    /// All values, in the order in which people are shown them.
    const ALL: &'static [Self];

    /// How the value is spelled.
    fn name(self) -> &'static str;

    /// What it means, in a line.
    fn meaning(self) -> String;

    /// The value of that name.
    ///
    /// # Errors
    /// [`UnknownChoice`], which lists the names there are.
    fn named(name: &str) -> Result<Self, UnknownChoice> {
        let found = Self::ALL.iter().copied().find(|value| value.name() == name);
        found.ok_or_else(|| UnknownChoice {
            given: name.to_owned(),
            known: Self::ALL.iter().map(|value| value.name()).collect(),
        })
    }
}

/// A name that is none of a choice's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownChoice {
    /// As given.
    pub given: String,
    /// The names there are.
    pub known: Vec<&'static str>,
}

impl fmt::Display for UnknownChoice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` is not one of {}", self.given, self.known.join(", "))
    }
}

impl std::error::Error for UnknownChoice {}

/// Declares enums whose values have names: `ALL`, `name()`, `Display`, `FromStr` and serde come with them, and
/// `Choice`, by which the command line reads and lists them.
///
/// ```text
/// choices! {
///     /// What to drink.
///     pub enum Drink {
///         /// From leaves.
///         Tea = "tea",
///         /// From beans, without milk.
///         BlackCoffee = "black-coffee",
///     }
/// }
/// ```
///
/// `pub enum Drink: Tea { ... }` makes `Tea` the default.
macro_rules! choices {
    ($(
        $(#[$about:meta])*
        $visibility:vis enum $choice:ident $(: $default:ident)? {
            $($(#[doc = $meaning:literal])+ $value:ident = $name:literal),+ $(,)?
        }
    )+) => {$(
        $(#[$about])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
        )]
        $visibility enum $choice {
            $($(#[doc = $meaning])+ #[serde(rename = $name)] $value),+
        }

        impl $choice {
            /// All values, in the order in which people are shown them.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$value),+];

            /// How the value is spelled.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name),+
                }
            }
        }

        impl $crate::base::Choice for $choice {
            const ALL: &'static [Self] = &Self::ALL;

            fn name(self) -> &'static str {
                self.name()
            }

            fn meaning(self) -> String {
                match self {
                    $(Self::$value => concat!($($meaning),+)),+
                }
                .trim()
                .to_owned()
            }
        }

        impl std::fmt::Display for $choice {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.pad(self.name())
            }
        }

        impl std::str::FromStr for $choice {
            type Err = $crate::base::UnknownChoice;

            fn from_str(name: &str) -> std::result::Result<Self, Self::Err> {
                $crate::base::Choice::named(name)
            }
        }

        $(impl Default for $choice {
            fn default() -> Self {
                Self::$default
            }
        })?
    )+};
}

pub(crate) use choices;

#[cfg(test)]
mod tests {
    use super::Choice;

    choices! {
        /// A colour.
        enum Colour: DarkBlue {
            /// Of the sky,
            /// at noon.
            Blue = "blue",
            /// Of the sky at night.
            DarkBlue = "dark-blue",
        }
    }

    #[test]
    fn a_choice_is_spelled_the_same_everywhere() {
        assert_eq!(Colour::default(), Colour::DarkBlue);
        for (colour, name) in [(Colour::Blue, "blue"), (Colour::DarkBlue, "dark-blue")] {
            assert_eq!(colour.to_string(), name);
            assert_eq!(name.parse(), Ok(colour));
            assert_eq!(serde_json::to_value(colour).unwrap(), name);
            assert_eq!(serde_json::from_value::<Colour>(name.into()).unwrap(), colour);
        }
        assert_eq!(Colour::Blue.meaning(), "Of the sky, at noon.");
        assert_eq!(<Colour as Choice>::ALL, Colour::ALL);
    }

    #[test]
    fn an_unknown_name_is_told_the_names_there_are() {
        let error = "blu".parse::<Colour>().unwrap_err();
        assert_eq!(error.to_string(), "`blu` is not one of blue, dark-blue");
        let error = serde_json::from_str::<Colour>("\"blu\"").unwrap_err().to_string();
        assert!(error.contains("`blue` or `dark-blue`"), "{error}");
    }
}
