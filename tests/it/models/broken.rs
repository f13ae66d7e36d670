//! Broken and hostile files are refused with an error: no panic, no read outside the file.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use candle_core::DType;
use candle_core::quantized::GgmlDType;
use indieval::model::checkpoint::for_each_tensor;
use indieval::model::{Checkpoint, Inspection, LoadError, RopeScaling, open_weights};
use proptest::prelude::*;
use proptest::sample::Index;

use super::gguf_writer::converted;
use super::{copy_of, golden};

/// Quantised blocks in one file, merged experts in the other.
static GGUF: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
    [("llama3-tied-f32", GgmlDType::Q8_0), ("mixtral-f32", GgmlDType::F32)].map(|(name, kind)| {
        let (mut config, weights) = open_weights(&golden(name)).unwrap();
        config.rope_scaling = RopeScaling::Factors(vec![1.0; config.head_dim / 2]);
        converted(&config, weights.as_ref(), kind).bytes()
    })
});

/// One way to spoil a file.
#[derive(Debug, Clone)]
enum Damage {
    Cut(Index),
    Byte(Index, u8),
    /// A number anywhere in the header becomes another.
    Number(Index, u64),
    Zeros(Index, Index),
}

/// Numbers that overflow when added to or multiplied.
const NASTY: [u64; 8] = [
    0,
    1,
    u32::MAX as u64,
    1 << 32,
    i64::MAX as u64,
    1 << 63,
    u64::MAX - 31,
    u64::MAX,
];

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        any::<Index>().prop_map(Damage::Cut),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        (any::<Index>(), prop::sample::select(&NASTY[..])).prop_map(|(at, number)| Damage::Number(at, number)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Damage::Zeros(from, to)),
    ]
}

/// Spoils the first `header` bytes of a file, where nearly all that can go wrong is.
fn spoil(file: &[u8], header: usize, damage: &Damage) -> Vec<u8> {
    let mut bytes = file.to_vec();
    match damage {
        Damage::Cut(at) => bytes.truncate(at.index(file.len())),
        Damage::Byte(at, byte) => bytes[at.index(header)] = *byte,
        Damage::Number(at, number) => {
            let at = at.index(header - 8);
            bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        Damage::Zeros(from, to) => {
            let (from, to) = (from.index(header), to.index(header));
            bytes[from.min(to)..from.max(to)].fill(0);
        }
    }
    bytes
}

/// Opens the checkpoint and reads all of it; whatever comes of it, it is a result.
fn read_everything(path: &Path) {
    let mut inspection = Inspection::of(path);
    inspection.check_values();
    for fault in &inspection.faults {
        assert!(!fault.to_string().is_empty() && !fault.reasons().is_empty());
    }
    if let Ok(checkpoint) = inspection.into_checkpoint() {
        for_each_tensor(&checkpoint.config, |name, shape| {
            checkpoint.weights.get_plain(name, shape, DType::F32).unwrap();
        });
        checkpoint.tokenizer.encode("some text 123").ok();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_spoilt_gguf_file_is_no_panic(which in 0..2usize, damages in prop::collection::vec(damage(), 1..3)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.gguf");
        let mut bytes = GGUF[which].clone();
        for damage in &damages {
            // Metadata and tensor descriptions of this file end before 16 kB.
            let header = bytes.len().min(16_000);
            if header > 16 {
                bytes = spoil(&bytes, header, damage);
            }
        }
        std::fs::write(&path, &bytes).unwrap();
        read_everything(&path);
    }

    #[test]
    fn a_spoilt_safetensors_file_is_no_panic(damage in damage()) {
        let folder = copy_of("qwen2-tied-bf16");
        let path = folder.path().join("model.safetensors");
        let file = std::fs::read(&path).unwrap();
        let header = 8 + usize::try_from(u64::from_le_bytes(file[..8].try_into().unwrap())).unwrap();
        std::fs::write(&path, spoil(&file, header, &damage)).unwrap();
        read_everything(folder.path());
    }

    #[test]
    fn a_spoilt_config_is_no_panic(damage in damage()) {
        let folder = copy_of("mixtral-f32");
        let path = folder.path().join("config.json");
        let file = std::fs::read(&path).unwrap();
        std::fs::write(&path, spoil(&file, file.len(), &damage)).unwrap();
        read_everything(folder.path());
    }
}

fn refused(path: &Path) -> String {
    match Checkpoint::open(path) {
        Ok(_) => panic!("{} was taken", path.display()),
        Err(error) => error.to_string(),
    }
}

fn written(name: &str, bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[test]
fn gguf_files_that_are_none_or_cut_short_say_so() {
    for (bytes, said) in [
        (b"".as_slice(), "ends at byte 0 within the magic: cut short"),
        (b"PK\x03\x04 and so on", "does not begin with `GGUF`"),
        (b"GGUF\x01\0\0\0", "has GGUF version 1; 2 and 3 can be read"),
        (b"GGUF\x00\0\0\x03", "big-endian files cannot"),
        (
            b"GGUF\x03\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0",
            "is 18446744073709551615, and the file has room for 0 at most",
        ),
        (&GGUF[0][..GGUF[0].len() / 2], "lie outside the file: cut short?"),
    ] {
        let (_folder, path) = written("model.gguf", bytes);
        let error = refused(&path);
        assert!(error.contains(said), "{said} is not in: {error}");
        assert!(error.contains("model.gguf"), "{error}");
    }
}

#[test]
fn safetensors_that_overlap_or_leave_the_file_name_the_tensor() {
    let folder = copy_of("llama3-tied-f32");
    let path = folder.path().join("model.safetensors");
    for (header, said) in [
        (
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#,
            "tensor `b`: starts at 4, expected 8",
        ),
        (
            r#"{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#,
            "tensor `a`: lies at 0..16 of 12 bytes: outside the file",
        ),
        (
            r#"{"a":{"dtype":"F32","shape":[9],"data_offsets":[0,12]}}"#,
            "tensor `a`: has 12 bytes, not what [9] of F32 takes",
        ),
        (
            r#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,12]}}"#,
            "tensor `a`: has 12 bytes, not what",
        ),
        (
            r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            "4 bytes after the last tensor belong to none",
        ),
        (
            r#"{"a":{"dtype":"F31","shape":[3],"data_offsets":[0,12]}}"#,
            "tensor `a`: its entry in the header",
        ),
        ("[]", "its header is not a JSON object"),
    ] {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend([0; 12]);
        std::fs::write(&path, bytes).unwrap();
        let error = refused(folder.path());
        assert!(error.contains(said), "{said} is not in: {error}");
    }
    std::fs::write(&path, u64::MAX.to_le_bytes()).unwrap();
    assert!(refused(folder.path()).contains("its header claims 18446744073709551615 bytes and the file has 8"));
}

#[test]
fn shards_outside_the_folder_are_not_opened() {
    for shard in ["../model.safetensors", "/etc/passwd", "..", "a/../../b", "a\\b", ""] {
        let folder = copy_of("llama-sharded-bf16");
        let index = format!(
            r#"{{"weight_map": {{"model.norm.weight": {}}}}}"#,
            serde_json::to_string(shard).unwrap()
        );
        std::fs::write(folder.path().join("model.safetensors.index.json"), index).unwrap();
        let error = refused(folder.path());
        assert!(
            error.contains("tensor `model.norm.weight` is said to be in"),
            "{shard}: {error}"
        );
    }
}

#[test]
fn a_value_that_is_no_number_is_found_when_read() {
    let folder = copy_of("llama3-tied-f32");
    let path = folder.path().join("model.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    let mut inspection = Inspection::of(folder.path());
    assert!(inspection.faults.is_empty(), "names and shapes are right");
    inspection.check_values();
    let fault = inspection.faults.first().unwrap().to_string();
    assert!(
        fault.contains("is not a finite number") && fault.contains("model.safetensors: tensor `"),
        "{fault}"
    );

    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let mut refused = 0;
    for_each_tensor(&checkpoint.config, |name, shape| {
        if let Err(LoadError::Weight { what, .. }) = checkpoint.weights.get_plain(name, shape, DType::BF16) {
            assert!(what.contains("not a finite number"), "{what}");
            refused += 1;
        }
    });
    assert_eq!(refused, 1);
}

/// A file of that many bytes of which only `start` is written; the rest is a hole.
fn with_a_hole(start: &[u8], size: u64) -> (tempfile::TempDir, PathBuf) {
    let (folder, path) = written("model.gguf", start);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_len(size).unwrap();
    (folder, path)
}

#[test]
fn nothing_is_allocated_for_what_a_file_of_holes_claims() {
    const SIZE: u64 = 1 << 40;
    let start = |tensors: u64, pairs: u64| {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(tensors.to_le_bytes());
        bytes.extend(pairs.to_le_bytes());
        bytes
    };
    // One entry, `k`, whose value is a list.
    let list = |kind: u32, length: u64| {
        let mut bytes = start(0, 1);
        bytes.extend(1u64.to_le_bytes());
        bytes.push(b'k');
        bytes.extend(9u32.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes
    };
    let most = SIZE / 32;
    let mut cases = vec![
        (start(0, 5_000_000), "has the metadata key `` twice"),
        (start(0, most), "its header goes on after 100000000 bytes"),
        (start(200_000, 0), "tensor ``: is described twice"),
        (start(4_000_000, 0), "claims 4000000 tensors, at most 262144 are read"),
        (start(most, 0), "its header goes on after 100000000 bytes"),
    ];
    for kind in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] {
        cases.push((list(kind, most), "its header goes on after 100000000 bytes"));
    }
    for (start, said) in cases {
        let (_folder, path) = with_a_hole(&start, SIZE);
        let began = std::time::Instant::now();
        // Without hashing the file, which would read all of its zeros.
        let error = Inspection::of(&path).faults[0].to_string();
        assert!(error.contains(said), "{said} is not in: {error}");
        assert!(began.elapsed().as_secs() < 10, "{said}: {:?}", began.elapsed());
    }
}
