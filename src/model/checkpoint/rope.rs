//! Rotary positions as `config.json` asks for them.
//!
//! A setting that is not understood changes every number that a model gives, so each key is either read or refused.

use serde_json::{Map, Value};

use super::config::Keys;
use super::rope_types::{COMMON, RopeUse, TYPES};
use crate::model::RopeScaling;
use crate::model::design::QueryGrowth;
use crate::model::family::Family;

/// Base, scaling and what goes with them.
#[derive(Debug, PartialEq)]
pub(super) struct RopeSettings {
    pub(super) theta: f64,
    pub(super) scaling: RopeScaling,
    /// Elements of a head that are turned.
    pub(super) width: Option<usize>,
    /// Base and scaling of layers with the window, where they have their own.
    pub(super) window: Option<(f64, RopeScaling)>,
    /// How queries grow with their positions.
    pub(super) growth: Option<QueryGrowth>,
}

/// What one of the two objects says.
#[derive(Debug, Default)]
struct Said {
    theta: Option<f64>,
    scaling: Option<RopeScaling>,
    partial: Option<f64>,
    growth: Option<QueryGrowth>,
}

/// What kinds of layers are called where each has settings of its own.
const FULL: &str = "full_attention";
const WINDOWED: &str = "sliding_attention";

impl Keys<'_> {
    /// `rope_parameters` of newer files, `rope_scaling` of older ones, `rope_theta` beside or inside either.
    pub(super) fn rope(&mut self, family: Family, head_dim: usize, context: usize) -> RopeSettings {
        let used = RopeUse { family, context };
        let default_theta = family.defaults().rope_theta;
        let (newer, windowed) = match self.by_layer(used) {
            Some((full, windowed)) => (Some(full), Some(windowed)),
            None => (self.said("rope_parameters", used), None),
        };
        let older = self.said("rope_scaling", used);
        let own = self
            .value("rope_theta")
            .map(|_| self.number("rope_theta", default_theta));
        if let (Some(newer), Some(older)) = (&newer, &older)
            && newer.scaling != older.scaling
        {
            let name = |said: &Said| {
                said.scaling
                    .as_ref()
                    .map_or_else(|| "none".to_owned(), RopeScaling::name)
            };
            let what = format!(
                "asks for the scaling `{}` and `rope_parameters` for `{}`: only one can be meant",
                name(older),
                name(newer)
            );
            self.refuse("rope_scaling", what);
        }
        let inner = [&newer, &older].map(|said| said.as_ref().and_then(|said| said.theta));
        let mut thetas = inner.into_iter().chain([own]).flatten();
        let theta = thetas.next();
        if let (Some(theta), Some(other)) = (theta, thetas.find(|other| Some(*other) != theta)) {
            self.refuse("rope_theta", format!("is given as {theta} and as {other}"));
        }
        if family == Family::Ministral3 && newer.is_none() && older.is_none() {
            self.refuse("rope_parameters", "is missing, expected YaRN's numbers");
        }
        let window = family.has_window_rope().then(|| self.window_rope(family, windowed));
        let said = newer.or(older).unwrap_or_default();
        RopeSettings {
            theta: theta.unwrap_or(default_theta),
            scaling: said.scaling.unwrap_or(RopeScaling::None),
            width: self.rotary_width(said.partial, family.defaults().rotary, head_dim),
            window,
            growth: said.growth,
        }
    }

    /// What newer files say of layers without and with a window, where each kind has its settings.
    fn by_layer(&mut self, used: RopeUse) -> Option<(Said, Said)> {
        let object = self.value("rope_parameters")?.as_object()?;
        if !used.family.has_window_rope() {
            return None;
        }
        let mut of = |kind: &str| {
            let settings = object.get(kind).and_then(Value::as_object)?;
            self.said_in(&format!("rope_parameters.{kind}"), settings, used)
        };
        let both = (of(FULL), of(WINDOWED));
        if let (Some(full), Some(windowed)) = both
            && object.len() == 2
        {
            return Some((full, windowed));
        }
        let what = format!("expected settings for `{FULL}` and for `{WINDOWED}`, and nothing else");
        self.refuse("rope_parameters", what);
        Some((Said::default(), Said::default()))
    }

    /// Base and scaling of layers with the window, as `said` of them or as transformers takes them.
    fn window_rope(&mut self, family: Family, said: Option<Said>) -> (f64, RopeScaling) {
        let plain = match family {
            Family::Gemma3 => self.number("rope_local_base_freq", 1e4),
            _ => family.defaults().rope_theta,
        };
        let said = said.unwrap_or_default();
        (said.theta.unwrap_or(plain), said.scaling.unwrap_or(RopeScaling::None))
    }

    /// Elements of a head that are turned: a part of them, where a family knows such a part.
    fn rotary_width(&mut self, inner: Option<f64>, default: f64, head_dim: usize) -> Option<usize> {
        let outer = self.value("partial_rotary_factor");
        let outer = outer.map(|_| self.number("partial_rotary_factor", default));
        let part = inner.or(outer).unwrap_or(default);
        if let (Some(inner), Some(outer)) = (inner, outer)
            && inner != outer
        {
            self.refuse("partial_rotary_factor", format!("is given as {inner} and as {outer}"));
        }
        if !(part > 0.0 && part <= 1.0) {
            self.refuse("partial_rotary_factor", format!("is {part}, expected a part of 1"));
            return None;
        }
        Some((head_dim as f64 * part) as usize)
    }

    /// What the object `key` says; `None` where there is none, or where it is refused.
    fn said(&mut self, key: &str, used: RopeUse) -> Option<Said> {
        let value = self.value(key)?;
        let Some(object) = value.as_object() else {
            self.refuse(key, format!("is {value}, expected an object"));
            return None;
        };
        self.said_in(key, object, used)
    }

    /// What an object says that is found at `key`.
    fn said_in(&mut self, key: &str, object: &Map<String, Value>, used: RopeUse) -> Option<Said> {
        let theta = self.inner_number(key, object, "rope_theta");
        let partial = self.inner_number(key, object, "partial_rotary_factor");
        let reads_part = used.family.own_keys().contains(&"partial_rotary_factor");
        if let Some(partial) = partial.filter(|partial| *partial != 1.0 && !reads_part) {
            let field = format!("{key}.partial_rotary_factor");
            self.refuse(&field, format!("is {partial}; only 1 is supported"));
        }
        let kind = match self.kind(key, object)? {
            // Names that transformers still understands in Phi-3's files.
            "su" | "yarn" if used.family == Family::Phi3 => "longrope",
            kind => kind,
        };
        let Some((_, own)) = TYPES.iter().find(|(name, _)| *name == kind) else {
            let known: Vec<&str> = TYPES.iter().map(|(name, _)| *name).collect();
            let what = format!("has the type `{kind}`; supported are {}", known.join(", "));
            self.refuse(key, what);
            return None;
        };
        let grows = used.family == Family::Ministral3;
        for (name, value) in object {
            let is_known = COMMON.contains(&name.as_str())
                || own.contains(&name.as_str())
                || (grows && ["llama_4_scaling_beta", "max_position_embeddings"].contains(&name.as_str()));
            if !value.is_null() && !is_known {
                let what = if value.is_object() {
                    "has settings of its own: rotary positions that differ between layers are not supported".to_owned()
                } else {
                    format!("is {value}, which has no meaning for the type `{kind}`")
                };
                self.refuse(&format!("{key}.{name}"), what);
            }
        }
        let scaled = self.scaled(key, kind, object, used);
        if scaled.is_none() {
            self.refuse(key, "lacks numbers that its type needs");
        }
        let growth = if grows {
            self.growth(key, object, used.context)
        } else {
            None
        };
        Some(Said {
            theta,
            scaling: Some(scaled.unwrap_or(RopeScaling::None)),
            partial: partial.filter(|_| reads_part),
            growth,
        })
    }

    /// How queries grow with their positions.
    fn growth(&mut self, key: &str, object: &Map<String, Value>, context: usize) -> Option<QueryGrowth> {
        let beta = self.inner_number(key, object, "llama_4_scaling_beta")?;
        let original = object.get("original_max_position_embeddings").and_then(Value::as_u64);
        Some(QueryGrowth {
            beta,
            context: original.map_or(context, |original| original as usize),
            ahead: 0,
            turned: true,
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

    /// A number of the object `key`; one of another type is refused.
    pub(super) fn inner_number(&mut self, key: &str, object: &Map<String, Value>, name: &str) -> Option<f64> {
        let value = object.get(name).filter(|value| !value.is_null())?;
        if value.as_f64().is_none() {
            self.refuse(&format!("{key}.{name}"), format!("is {value}, expected a number"));
        }
        value.as_f64()
    }
}
