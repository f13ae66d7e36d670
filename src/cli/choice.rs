//! How clap reads the library's choices.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::base::Choice;

/// Reads a choice of the library; `--help` lists its values and what they mean, and a slip gets a suggestion.
pub fn choice<T: Choice>() -> impl TypedValueParser<Value = T> {
    let values = T::ALL.iter().map(|value| {
        let meaning = value.meaning();
        // clap's own lists have no full stops.
        PossibleValue::new(value.name()).help(meaning.trim_end_matches('.').to_owned())
    });
    PossibleValuesParser::new(values).try_map(|name| T::named(&name))
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};

    use super::choice;
    use crate::model::DtypeChoice;

    #[test]
    fn help_lists_the_values_and_a_slip_is_told_the_nearest() {
        let command = || Command::new("x").arg(Arg::new("dtype").long("dtype").value_parser(choice::<DtypeChoice>()));
        let given = |value: &str| command().try_get_matches_from(["x", "--dtype", value]);
        let bf16 = given("bf16").unwrap();
        assert_eq!(bf16.get_one("dtype"), Some(&DtypeChoice::Bf16));
        let slip = given("bf61").unwrap_err().to_string();
        assert!(slip.contains("[possible values: auto, f32, bf16, f16]"), "{slip}");
        assert!(slip.contains("'bf16'"), "{slip}");
        let help = command().render_long_help().to_string();
        assert!(help.contains("f32 on the CPU, bf16 on a GPU"), "{help}");
    }
}
