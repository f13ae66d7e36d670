//! How clap reads methods.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::scoring::Method;

/// Reads the name of a method; `--help` lists them with what they do.
pub fn method() -> impl TypedValueParser<Value = Method> {
    let named = |method: &Method| PossibleValue::new(method.name()).help(method.definition().about());
    PossibleValuesParser::new(Method::ALL.iter().map(named)).try_map(|name| name.parse::<Method>())
}
