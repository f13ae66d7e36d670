//! `quantization_config`: who quantised a checkpoint, and how.

use serde_json::{Map, Value};

/// What is read of a quantiser's settings. The shapes of the tensors say the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Scheme {
    /// FP8 as transformers' `fp8` has it, with one scale a block of so many rows and columns where it says so.
    Fp8 { block: Option<(usize, usize)> },
    /// FP8 with a scale a row.
    FbgemmFp8,
    /// compressed-tensors: integers and FP8, with one scale a block where it says so.
    CompressedTensors { block: Option<(usize, usize)> },
    /// GPTQ; `zero_offset` is what has to be added to stored zero points.
    Gptq {
        bits: usize,
        group: Option<usize>,
        zero_offset: i32,
    },
    /// AWQ in the layout `gemm`.
    Awq,
    /// bitsandbytes NF4 and FP4.
    Bitsandbytes,
    /// MXFP4, as gpt-oss has its experts.
    Mxfp4,
}

/// What helps where a quantiser is not known.
const REMEDY: &str = "use float safetensors or a GGUF file";

impl Scheme {
    /// What config.json's `quantization_config` says; `None` where it has none.
    ///
    /// # Errors
    /// What is not supported, for the key of that name.
    pub(in super::super) fn of(root: &Map<String, Value>) -> Result<Option<Self>, (&'static str, String)> {
        // MLX's own key.
        if root.get("quantization").is_some_and(|value| !value.is_null()) {
            let what = format!("asks for weights that MLX quantised, which are not read; {REMEDY}");
            return Err(("quantization", what));
        }
        let key = "quantization_config";
        match root.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(settings)) => Self::read(settings).map(Some).map_err(|what| (key, what)),
            Some(other) => Err((key, format!("is {other}, expected an object"))),
        }
    }

    fn read(settings: &Map<String, Value>) -> Result<Self, String> {
        let settings = QuantSettings(settings);
        let method = settings.text("quant_method").unwrap_or("an unnamed method");
        match method {
            "fp8" => Ok(Self::Fp8 {
                block: settings.block("weight_block_size")?,
            }),
            "fbgemm_fp8" => Ok(Self::FbgemmFp8),
            "compressed-tensors" => settings.compressed_tensors(),
            "gptq" => settings.gptq(settings.text("checkpoint_format").unwrap_or("gptq")),
            "awq" => settings.awq(settings.text("version").or(settings.text("format")).unwrap_or("gemm")),
            "auto-round" | "intel/auto-round" => {
                match settings.text("packing_format").unwrap_or("auto_round:auto_gptq") {
                    "auto_round:auto_gptq" => settings.gptq("gptq"),
                    "auto_round:auto_awq" => settings.awq("gemm"),
                    other => Err(format!(
                        "says that auto-round packed as `{other}`, which is not read; {REMEDY}"
                    )),
                }
            }
            "bitsandbytes" if settings.is_true("load_in_8bit") => Err(format!(
                "asks for LLM.int8 of bitsandbytes, which keeps columns of outliers apart as it computes; {REMEDY}"
            )),
            "bitsandbytes" => Ok(Self::Bitsandbytes),
            "mxfp4" => Ok(Self::Mxfp4),
            other => Err(format!(
                "asks for weights that `{other}` quantised, which are not read; {REMEDY}"
            )),
        }
    }
}

struct QuantSettings<'a>(&'a Map<String, Value>);

impl<'a> QuantSettings<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        self.0.get(key).and_then(Value::as_str)
    }

    fn is_true(&self, key: &str) -> bool {
        self.0.get(key) == Some(&Value::Bool(true))
    }

    fn block(&self, key: &str) -> Result<Option<(usize, usize)>, String> {
        self.0
            .get(key)
            .filter(|value| !value.is_null())
            .map(|value| block(key, value))
            .transpose()
    }

    fn gptq(&self, form: &str) -> Result<Scheme, String> {
        let zero_offset = match form {
            "gptq" => 1,
            "gptq_v2" => 0,
            other => {
                return Err(format!(
                    "says that GPTQ's weights are laid out as `{other}`, which is not read; {REMEDY}"
                ));
            }
        };
        let bits = self.0.get("bits").and_then(Value::as_u64).unwrap_or(4) as usize;
        if ![2, 4, 8].contains(&bits) {
            return Err(format!("asks for GPTQ of {bits} bits; 2, 4 and 8 are read; {REMEDY}"));
        }
        // -1 is one group of all inputs.
        let group = self
            .0
            .get("group_size")
            .and_then(Value::as_u64)
            .map(|group| group as usize);
        Ok(Scheme::Gptq {
            bits,
            group: group.filter(|&group| group > 0),
            zero_offset,
        })
    }

    fn awq(&self, form: &str) -> Result<Scheme, String> {
        let bits = self
            .0
            .get("bits")
            .or(self.0.get("w_bit"))
            .and_then(Value::as_u64)
            .unwrap_or(4);
        match (form.to_ascii_lowercase().as_str(), bits) {
            ("gemm", 4) => Ok(Scheme::Awq),
            ("gemm", bits) => Err(format!("asks for AWQ of {bits} bits; 4 are read; {REMEDY}")),
            (form, _) => Err(format!(
                "says that AWQ's weights are laid out for `{form}`; `gemm` is read; {REMEDY}"
            )),
        }
    }

    fn compressed_tensors(&self) -> Result<Scheme, String> {
        let groups = self.0.get("config_groups").and_then(Value::as_object);
        let groups = || groups.iter().flat_map(|groups| groups.values());
        let own = self.text("format");
        for form in own
            .into_iter()
            .chain(groups().filter_map(|group| group.get("format")?.as_str()))
        {
            match form {
                "dense" | "float-quantized" | "naive-quantized" | "int-quantized" | "pack-quantized"
                | "mixed-precision" => {}
                other => {
                    return Err(format!(
                        "says that compressed-tensors packed as `{other}`, which is not read; {REMEDY}"
                    ));
                }
            }
        }
        let sparse = self
            .0
            .get("sparsity_config")
            .and_then(|sparsity| sparsity.get("format")?.as_str());
        if let Some(form) = sparse.filter(|form| *form != "dense") {
            return Err(format!(
                "says that compressed-tensors left zeros out as `{form}`, which is not read; {REMEDY}"
            ));
        }
        if let Some(transform) = self.0.get("transform_config").filter(|value| !value.is_null())
            && transform.as_object().is_none_or(|transform| !transform.is_empty())
        {
            return Err(format!(
                "asks for rotations of activations (transform_config), which are not computed; {REMEDY}"
            ));
        }
        let structure = groups().find_map(|group| {
            group
                .get("weights")?
                .get("block_structure")
                .filter(|value| !value.is_null())
        });
        Ok(Scheme::CompressedTensors {
            block: structure.map(|value| block("block_structure", value)).transpose()?,
        })
    }
}

fn block(key: &str, value: &Value) -> Result<(usize, usize), String> {
    let sides: Option<Vec<usize>> = value.as_array().and_then(|sides| {
        let side = |side: &Value| side.as_u64().filter(|&side| side > 0).map(|side| side as usize);
        sides.iter().map(side).collect()
    });
    match sides.as_deref() {
        Some(&[rows, columns]) => Ok((rows, columns)),
        _ => Err(format!("has {value} as {key}, expected two positive whole numbers")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(settings: Value) -> Result<Option<Scheme>, String> {
        let root = json!({ "quantization_config": settings });
        Scheme::of(root.as_object().unwrap()).map_err(|(_, what)| what)
    }

    #[test]
    fn quantisers_are_known_by_their_settings() {
        let gptq = |group, zero_offset| Scheme::Gptq {
            bits: 4,
            group,
            zero_offset,
        };
        for (settings, scheme) in [
            (
                json!({"quant_method": "fp8", "weight_block_size": [128, 128]}),
                Scheme::Fp8 {
                    block: Some((128, 128)),
                },
            ),
            (
                json!({"quant_method": "fp8", "weight_block_size": null}),
                Scheme::Fp8 { block: None },
            ),
            (
                json!({"quant_method": "gptq", "bits": 4, "group_size": 128}),
                gptq(Some(128), 1),
            ),
            (
                json!({"quant_method": "gptq", "bits": 4, "group_size": -1, "checkpoint_format": "gptq_v2"}),
                gptq(None, 0),
            ),
            (
                json!({"quant_method": "auto-round", "bits": 4, "group_size": 64}),
                gptq(Some(64), 1),
            ),
            (
                json!({"quant_method": "awq", "bits": 4, "version": "GEMM"}),
                Scheme::Awq,
            ),
            (
                json!({"quant_method": "bitsandbytes", "load_in_4bit": true}),
                Scheme::Bitsandbytes,
            ),
        ] {
            assert_eq!(of(settings.clone()), Ok(Some(scheme)), "{settings}");
        }
        assert_eq!(of(Value::Null), Ok(None));
    }

    #[test]
    fn what_is_not_read_is_named_with_a_remedy() {
        for (settings, said) in [
            (json!({"quant_method": "aqlm"}), "`aqlm`"),
            (json!({"quant_method": "gptq", "bits": 3}), "3 bits"),
            (
                json!({"quant_method": "gptq", "checkpoint_format": "marlin"}),
                "`marlin`",
            ),
            (json!({"quant_method": "awq", "version": "gemv"}), "`gemv`"),
            (
                json!({"quant_method": "bitsandbytes", "load_in_8bit": true}),
                "LLM.int8",
            ),
            (
                json!({"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"}),
                "`nvfp4-pack-quantized`",
            ),
            (
                json!({"quant_method": "compressed-tensors", "sparsity_config": {"format": "sparse-24-bitmask"}}),
                "sparse-24",
            ),
        ] {
            let what = of(settings.clone()).unwrap_err();
            assert!(what.contains(said) && what.contains("GGUF"), "{what}");
        }
    }
}
