//! Runs of indieval 0.1, whose records were nested: a header line and one line an outcome, in one file. They are read
//! and never added to.

mod record;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use record::Record;

use super::audit::Problem;
use super::header::Header;
use super::line::ConditionEntry;
use crate::base::hex::sha256_hex;
use crate::model::{Backend, DeviceId, Dtype, ModelIdentity, QuantizedWeights, Speaker};
use crate::run::RunError;
use crate::run::names::RECORDS;
use crate::scoring::{Condition, Outcome};

/// Whether a file of records is of format 1: its first line is a header that says so.
pub(super) fn is_format1(records: &Path) -> bool {
    let first = File::open(records).and_then(|file| {
        let mut line = Vec::new();
        BufReader::new(file).read_until(b'\n', &mut line)?;
        Ok(line)
    });
    let header = first.ok().and_then(|line| serde_json::from_slice::<Value>(&line).ok());
    header.is_some_and(|header| header.get("format") == Some(&Value::from(1)))
}

/// The outcomes of a run of format 1, in order.
#[derive(Debug)]
pub(super) struct Outcomes {
    path: PathBuf,
    outcomes: std::vec::IntoIter<Outcome>,
    conditions: Vec<Condition>,
    /// Bytes of a torn last line.
    pub torn: usize,
}

impl Outcomes {
    /// The conditions in the order in which they first stand in the file.
    pub fn conditions(&self) -> Vec<Condition> {
        self.conditions.clone()
    }

    /// The next outcome.
    pub fn next(&mut self) -> Option<Outcome> {
        self.outcomes.next()
    }

    /// The file that they stand in.
    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// Where a problem stands: the header is line 1, and evidence stands in the record.
    pub fn place(&self, problem: &Problem) -> (PathBuf, usize) {
        (self.path.clone(), problem.record + 2)
    }
}

/// Reads a run of format 1.
///
/// # Errors
/// A file that cannot be read; a line that is no record; a header whose run id is not that of what it says.
pub(super) fn read(folder: &Path) -> Result<(Header, Outcomes), RunError> {
    let path = folder.join(RECORDS);
    let bytes = std::fs::read(&path).map_err(|source| RunError::Read {
        path: path.clone(),
        source,
    })?;
    let bad = |line: usize| {
        let path = path.clone();
        move |problem: String| RunError::Record { path, line, problem }
    };
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n').enumerate();
    let header = lines.next().map(|(_, line)| line).unwrap_or_default();
    let mut header = header_of(header).map_err(bad(1))?;
    let (mut outcomes, mut conditions, mut torn) = (Vec::new(), Vec::<Condition>::new(), 0);
    for (number, line) in lines {
        if line.last() != Some(&b'\n') {
            torn = line.len();
            break;
        }
        let record: Record = serde_json::from_slice(line).map_err(|error| bad(number + 1)(error.to_string()))?;
        let outcome = Outcome::from(record);
        if !conditions.contains(&outcome.condition) {
            conditions.push(outcome.condition.clone());
        }
        outcomes.push(outcome);
    }
    header.conditions = ConditionEntry::all(&conditions);
    let outcomes = Outcomes {
        path,
        outcomes: outcomes.into_iter(),
        conditions,
        torn,
    };
    Ok((header, outcomes))
}

/// The header in today's words.
fn header_of(line: &[u8]) -> Result<Header, String> {
    let mut value: Value = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let (said, follows) = (value.get("run").cloned().unwrap_or_default(), run_id(&value));
    if said != follows.as_str() {
        return Err(format!(
            "`run` is {said} where \"{follows}\" follows from the rest of the header"
        ));
    }
    if let Some(hashes) = value.get_mut("hashes").and_then(Value::as_object_mut) {
        let renamed = std::mem::take(hashes).into_iter();
        hashes.extend(renamed.map(|(name, hash)| (name.replace(' ', "_"), hash)));
    }
    if let Some(scoring) = value.pointer_mut("/spec/scoring").and_then(Value::as_object_mut)
        && let Some(orders) = scoring.shift_remove("permutations")
    {
        scoring.insert("orders".to_owned(), orders);
    }
    if let Some(model) = value.get_mut("model") {
        let said: Format1Model = serde_json::from_value(std::mem::take(model)).map_err(|error| error.to_string())?;
        *model = serde_json::to_value(ModelIdentity::try_from(said)?).map_err(|error| error.to_string())?;
    }
    if let Some(header) = value.as_object_mut() {
        for key in ["program", "fields", "people"] {
            header.insert(key.to_owned(), Value::from(""));
        }
        header.insert("conditions".to_owned(), Value::Array(Vec::new()));
    }
    serde_json::from_value(value).map_err(|error| error.to_string())
}

/// The run id as 0.1 made it: a hash of spec, model and hashes, each key in the order of the file, without names, paths
/// and titles, and with single-precision numbers widened.
fn run_id(header: &Value) -> String {
    let part = |name: &str| header.get(name).cloned().unwrap_or_default();
    let mut spec = part("spec");
    for (place, empty) in [
        ("/title", ""),
        ("/model/id", ""),
        ("/model/device", ""),
        ("/respondents/survey", ""),
    ] {
        if let Some(value) = spec.pointer_mut(place) {
            *value = Value::from(empty);
        }
    }
    if let Some(respondents) = spec.pointer_mut("/respondents").and_then(Value::as_object_mut) {
        respondents.retain(|key, _| !["sample", "catalogue"].contains(&key.as_str()));
    }
    if let Some(prompts) = spec.get_mut("prompts") {
        *prompts = serde_json::json!({});
    }
    widen(&mut spec);
    let whole = serde_json::json!({ "spec": spec, "model": part("model"), "hashes": part("hashes") });
    let mut id = sha256_hex(whole.to_string().as_bytes());
    id.truncate(16);
    id
}

/// 0.6 in single precision is 0.6000000238418579 in double precision.
fn widen(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(widen),
        Value::Array(items) => items.iter_mut().for_each(widen),
        Value::Number(number) if number.is_f64() => {
            let single = number.as_f64().unwrap_or_default() as f32;
            *value = Value::from(f64::from(single));
        }
        _ => {}
    }
}

/// The model: `dtype` also says whether quantised weights were kept, `kernels` is the backend with the dtype.
#[derive(Deserialize)]
struct Format1Model {
    name: String,
    family: String,
    parameters: u64,
    dtype: String,
    device: DeviceId,
    kernels: String,
    context: usize,
}

impl TryFrom<Format1Model> for ModelIdentity {
    type Error = String;

    fn try_from(said: Format1Model) -> Result<Self, String> {
        let (dtype, weights) = match said.dtype.strip_suffix(", quantised weights") {
            Some(dtype) => (dtype, QuantizedWeights::Keep),
            None => (said.dtype.as_str(), QuantizedWeights::Dequantize),
        };
        let dtype: Dtype = dtype.parse().map_err(|error| format!("dtype: {error}"))?;
        let family = match said.family.as_str() {
            "fake" => Speaker::StandIn,
            name => Speaker::Decoder(name.parse().map_err(|error| format!("family: {error}"))?),
        };
        let backend = match said.kernels.strip_suffix(&format!(" {dtype}")) {
            // What that version called so were candle's operations.
            Some("portable") => Some(Backend::Candle),
            Some("AVX-512") => Some(Backend::Avx512),
            _ if said.kernels == "none" => None,
            _ => return Err(format!("kernels: `{}` are not known", said.kernels)),
        };
        Ok(Self {
            name: said.name,
            family,
            parameters: said.parameters,
            dtype,
            weights,
            device: said.device,
            backend,
            context: said.context,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;

    fn model(dtype: &str, kernels: &str) -> Result<ModelIdentity, String> {
        let said = serde_json::json!({
            "name": "SmolLM2-135M-Instruct", "family": "llama", "parameters": 134_515_008_u64, "dtype": dtype,
            "device": "cuda:1", "kernels": kernels, "context": 8192,
        });
        let said: Format1Model = serde_json::from_value(said).unwrap();
        said.try_into()
    }

    #[test]
    fn what_two_texts_said_of_a_model_is_three_fields() {
        let kept = model("bf16, quantised weights", "AVX-512 bf16").unwrap();
        assert_eq!(
            (kept.family, kept.dtype, kept.weights, kept.backend),
            (
                Speaker::Decoder(Family::Llama),
                Dtype::Bf16,
                QuantizedWeights::Keep,
                Some(Backend::Avx512)
            )
        );
        let plain = model("f32", "portable f32").unwrap();
        assert_eq!(
            (plain.dtype, plain.weights, plain.backend),
            (Dtype::F32, QuantizedWeights::Dequantize, Some(Backend::Candle))
        );
        assert_eq!(
            model("bf16", "AVX-512 f32").unwrap_err(),
            "kernels: `AVX-512 f32` are not known"
        );
        assert!(model("f8", "none").unwrap_err().starts_with("dtype: `f8`"));
    }
}
