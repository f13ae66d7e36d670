//! `<`, `<=`, `>` and `>=` as Python has them: what has no order is refused, where the engine sorts it by kind.

use std::cmp::Ordering;

use minijinja::value::{Rest, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};

use super::chat_json::{ValueSize, measured};

/// `left SIGN right SIGN right ...`: as in Python a chain is true where each pair is, and ends with the first that is not.
pub(super) fn compared(
    state: &State<'_, '_>,
    left: Value,
    chain: &Rest<Value>,
    most: ValueSize,
) -> Result<bool, Error> {
    let mut left = measured(state, left, most)?;
    for pair in chain.chunks_exact(2) {
        let sign = pair[0].as_str().unwrap_or_default();
        let right = measured(state, pair[1].clone(), most)?;
        let holds = match sign {
            "==" => left == right,
            "!=" => left != right,
            _ => {
                let order = order(&left, &right, sign)?;
                match sign {
                    "<" => order == Some(Ordering::Less),
                    "<=" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                    ">" => order == Some(Ordering::Greater),
                    _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
                }
            }
        };
        if !holds {
            return Ok(false);
        }
        left = right;
    }
    Ok(true)
}

/// Numbers (true is 1), texts by their characters, lists by the first items that differ. Absent where one is not a number.
fn order(left: &Value, right: &Value, sign: &str) -> Result<Option<Ordering>, Error> {
    let is_number = |value: &Value| matches!(value.kind(), ValueKind::Number | ValueKind::Bool);
    let is_nan = |value: &Value| {
        value.kind() == ValueKind::Number && !value.is_integer() && f64::try_from(value.clone()).is_ok_and(f64::is_nan)
    };
    match (left.kind(), right.kind()) {
        (ValueKind::String, ValueKind::String) => Ok(Some(left.as_str().cmp(&right.as_str()))),
        (ValueKind::Seq, ValueKind::Seq) if left.is_tuple() == right.is_tuple() => {
            let (mut ours, mut theirs) = (left.try_iter()?, right.try_iter()?);
            loop {
                return match (ours.next(), theirs.next()) {
                    (Some(a), Some(b)) if a == b => continue,
                    (Some(a), Some(b)) => order(&a, &b, sign),
                    (a, b) => Ok(Some(a.is_some().cmp(&b.is_some()))),
                };
            }
        }
        _ if is_number(left) && is_number(right) => {
            let known = !is_nan(left) && !is_nan(right);
            Ok(known.then(|| left.cmp(right)))
        }
        (left, right) => Err(Error::new(
            ErrorKind::InvalidOperation,
            format!("`{sign}` between {left} and {right}, which have no order"),
        )),
    }
}
