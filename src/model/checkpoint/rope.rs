//! Rotary positions as `config.json` asks for them.
//!
//! A setting that is not understood changes every number that a model gives, so each key is either read or refused.

use serde_json::{Map, Value};

use super::config::Keys;
use crate::model::RopeScaling;

/// Base and scaling.
#[derive(Debug, PartialEq)]
pub(super) struct RopeSettings {
    pub(super) theta: f64,
    pub(super) scaling: RopeScaling,
}

/// What one of the two objects says.
#[derive(Debug)]
struct Said {
    theta: Option<f64>,
    scaling: RopeScaling,
}

/// Keys of an object that are read, whatever its type.
const COMMON: [&str; 4] = ["rope_type", "type", "rope_theta", "partial_rotary_factor"];
/// Further keys of each type that is supported.
const TYPES: [(&str, &[&str]); 3] = [
    ("default", &[]),
    ("linear", &["factor"]),
    (
        "llama3",
        &[
            "factor",
            "low_freq_factor",
            "high_freq_factor",
            "original_max_position_embeddings",
        ],
    ),
];

impl Keys<'_> {
    /// `rope_parameters` of newer files, `rope_scaling` of older ones, `rope_theta` beside or inside either.
    pub(super) fn rope(&mut self, default_theta: f64) -> RopeSettings {
        let newer = self.said("rope_parameters");
        let older = self.said("rope_scaling");
        let own = self
            .value("rope_theta")
            .map(|_| self.number("rope_theta", default_theta));
        if let (Some(newer), Some(older)) = (&newer, &older)
            && newer.scaling != older.scaling
        {
            let what = format!(
                "asks for the scaling `{}` and `rope_parameters` for `{}`: only one can be meant",
                older.scaling.name(),
                newer.scaling.name()
            );
            self.refuse("rope_scaling", what);
        }
        let inner = [&newer, &older].map(|said| said.as_ref().and_then(|said| said.theta));
        let mut thetas = inner.into_iter().chain([own]).flatten();
        let theta = thetas.next();
        if let (Some(theta), Some(other)) = (theta, thetas.find(|other| Some(*other) != theta)) {
            self.refuse("rope_theta", format!("is given as {theta} and as {other}"));
        }
        RopeSettings {
            theta: theta.unwrap_or(default_theta),
            scaling: newer.or(older).map_or(RopeScaling::None, |said| said.scaling),
        }
    }

    /// What the object `key` says; `None` where there is none, or where it is refused.
    fn said(&mut self, key: &str) -> Option<Said> {
        let value = self.value(key)?;
        let Some(object) = value.as_object() else {
            self.refuse(key, format!("is {value}, expected an object"));
            return None;
        };
        let theta = self.inner_number(key, object, "rope_theta");
        let partial = self.inner_number(key, object, "partial_rotary_factor");
        if let Some(partial) = partial.filter(|partial| *partial != 1.0) {
            let field = format!("{key}.partial_rotary_factor");
            self.refuse(&field, format!("is {partial}; only 1 is supported"));
        }
        let kind = self.kind(key, object)?;
        let Some((_, own)) = TYPES.iter().find(|(name, _)| *name == kind) else {
            let what = format!("has the type `{kind}`; supported are default, linear and llama3");
            self.refuse(key, what);
            return None;
        };
        for (name, value) in object {
            if !value.is_null() && !COMMON.contains(&name.as_str()) && !own.contains(&name.as_str()) {
                let what = if value.is_object() {
                    "has settings of its own: rotary positions that differ between layers are not supported".to_owned()
                } else {
                    format!("is {value}, which has no meaning for the type `{kind}`")
                };
                self.refuse(&format!("{key}.{name}"), what);
            }
        }
        let scaling = match kind {
            "linear" => self.inner_number(key, object, "factor").map(RopeScaling::Linear),
            "llama3" => self.llama3(key, object),
            _ => Some(RopeScaling::None),
        };
        if scaling.is_none() {
            self.refuse(key, "lacks numbers that its type needs");
        }
        Some(Said {
            theta,
            scaling: scaling.unwrap_or(RopeScaling::None),
        })
    }

    /// The type's name, which older files give as `type`, and some as both.
    fn kind<'v>(&mut self, key: &str, object: &'v Map<String, Value>) -> Option<&'v str> {
        let mut named = ["rope_type", "type"].into_iter().filter_map(|name| {
            let value = object.get(name).filter(|value| !value.is_null())?;
            Some((name, value))
        });
        let Some((name, value)) = named.next() else {
            // Newer files need not name the type where the base is all they give.
            if key == "rope_parameters" && object.keys().all(|name| COMMON.contains(&name.as_str())) {
                return Some("default");
            }
            let inner = object.iter().find(|(_, value)| value.is_object());
            match inner {
                Some((inner, _)) => self.refuse(
                    &format!("{key}.{inner}"),
                    "has settings of its own: rotary positions that differ between layers are not supported",
                ),
                None => self.refuse(key, "does not name its type (`rope_type`)"),
            }
            return None;
        };
        if let Some((_, other)) = named.next().filter(|(_, other)| *other != value) {
            let what = format!("is {other}, and `{name}` is {value}");
            self.refuse(&format!("{key}.type"), what);
            return None;
        }
        if value.as_str().is_none() {
            let what = format!("is {value}, expected a type's name");
            self.refuse(&format!("{key}.{name}"), what);
        }
        value.as_str()
    }

    fn llama3(&mut self, key: &str, object: &Map<String, Value>) -> Option<RopeScaling> {
        let [factor, low, high] =
            ["factor", "low_freq_factor", "high_freq_factor"].map(|name| self.inner_number(key, object, name));
        let original = object.get("original_max_position_embeddings")?.as_u64()?;
        Some(RopeScaling::Llama3 {
            factor: factor?,
            low_freq_factor: low?,
            high_freq_factor: high?,
            original_context: usize::try_from(original).ok()?,
        })
    }

    /// A number of the object `key`; one of another type is refused.
    fn inner_number(&mut self, key: &str, object: &Map<String, Value>, name: &str) -> Option<f64> {
        let value = object.get(name).filter(|value| !value.is_null())?;
        if value.as_f64().is_none() {
            self.refuse(&format!("{key}.{name}"), format!("is {value}, expected a number"));
        }
        value.as_f64()
    }
}
