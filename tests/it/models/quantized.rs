//! Weights that quantisers packed into safetensors, against the quantisers' own code.

use std::path::PathBuf;

use candle_core::{DType, Device, Tensor};
use indieval::model::checkpoint::for_each_tensor;
use indieval::model::decoder::{Decoder, Placement};
use indieval::model::kernels::Kernels;
use indieval::model::{Engine, EngineSettings, LoadError, open_weights};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{copy_of, golden, numbers};

/// Every folder of tests/golden/quantized that a family here has; scripts/make_quantized_goldens.py says who packed it.
fn folders() -> Vec<PathBuf> {
    let all = std::fs::read_dir(golden("quantized"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> = all.filter(|path| !path.ends_with("mxfp4")).collect();
    all.sort();
    assert_eq!(all.len(), 16);
    all
}

fn sha256(numbers: &[f32]) -> String {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_packed_weight_is_unpacked_to_the_bit_on_every_way() {
    for folder in folders() {
        let (config, source) = open_weights(&folder).unwrap_or_else(|error| panic!("{error}"));
        let expected = std::fs::read(folder.join("expected.json")).unwrap();
        let expected: serde_json::Map<String, Value> = serde_json::from_slice(&expected).unwrap();
        let mut seen = 0;
        for_each_tensor(&config, |name, shape| {
            let Some(hash) = expected.get(name) else { return };
            let at = || format!("{}: {name}", folder.display());
            let whole = numbers(&source.get_plain(name, shape, DType::F32).unwrap());
            assert_eq!(sha256(&whole), hash.as_str().unwrap(), "{}", at());
            let mut piece_by_piece = Vec::new();
            let mut each = |_: usize, rows: &Tensor| {
                piece_by_piece.extend(numbers(rows));
                Ok(())
            };
            source
                .each_rows(name, (shape[0], shape[1]), 0..shape[0], DType::F32, &mut each)
                .unwrap();
            assert!(piece_by_piece == whole, "{}", at());
            let ids = [3, 0, 17];
            let some = numbers(&source.rows(name, shape, &ids, DType::F32).unwrap());
            let chosen = ids.iter().flat_map(|&id| &whole[id as usize * shape[1]..][..shape[1]]);
            assert!(some.iter().eq(chosen), "{}", at());
            seen += 1;
        });
        assert_eq!(seen, expected.len(), "{}", folder.display());
    }
}

#[test]
fn packed_weights_that_are_kept_so_change_no_bit_and_take_less_memory() {
    for folder in folders() {
        let (config, source) = open_weights(&folder).unwrap();
        let kernels = Kernels::new(&Device::Cpu, DType::F32).unwrap();
        let of = |placement| {
            let decoder = Decoder::load(&config, &source, &kernels, placement).unwrap();
            let mut engine = Engine::new(decoder, &EngineSettings::default());
            (
                numbers(&engine.logits(&[1, 5, 9, 30]).unwrap()),
                engine.info().size.bytes,
            )
        };
        let (resident, kept) = (of(Placement::Resident), of(Placement::Blocks));
        assert!(resident.0 == kept.0, "{}", folder.display());
        assert!(
            2 * kept.1 < resident.1,
            "{}: {} {}",
            folder.display(),
            kept.1,
            resident.1
        );
    }
}

/// A golden folder whose settings were changed.
fn refused(name: &str, change: impl Fn(&mut Value)) -> LoadError {
    let folder = copy_of(&format!("quantized/{name}"));
    let path = folder.path().join("config.json");
    let mut config: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut config["quantization_config"]);
    std::fs::write(&path, config.to_string()).unwrap();
    open_weights(folder.path())
        .err()
        .unwrap_or_else(|| panic!("{name} was accepted"))
}

#[test]
fn what_does_not_fit_its_settings_or_is_not_read_is_named() {
    let error = refused("gptq4-order", |settings| settings["group_size"] = Value::from(16));
    assert!(
        error
            .to_string()
            .contains("q_proj.scales`, which is [2, 64], expected [4, 64]"),
        "{error}"
    );
    let error = refused("awq", |settings| settings["version"] = Value::from("gemv"));
    assert!(error.to_string().contains("`gemv`"), "{error}");
    let error = refused("nf4-nested", |settings| settings["quant_method"] = Value::from("aqlm"));
    assert!(
        error.to_string().contains("`aqlm`") && error.to_string().contains("GGUF"),
        "{error}"
    );
    // Without settings the tensors are what they are.
    let error = refused("fp8-block", |settings| *settings = Value::Null);
    assert!(error.to_string().contains("F8_E4M3, which cannot be read"), "{error}");
}
