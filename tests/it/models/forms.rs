//! Folders and files that hold a model in another form say which one, and how to convert it.

use indieval::model::{Checkpoint, LoadError};

use super::copy_of;

/// A golden folder without some files and with some empty ones.
fn refused(without: &[&str], with: &[&str]) -> LoadError {
    let folder = copy_of("llama3-tied-f32");
    for name in without {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    for name in with {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let refused = Checkpoint::open(folder.path()).err();
    refused.unwrap_or_else(|| panic!("{with:?} was accepted"))
}

#[test]
fn a_form_that_is_not_read_is_named_with_the_command_that_converts_it() {
    let weights = "model.safetensors";
    for (without, with, said, command) in [
        (
            &[weights][..],
            &["pytorch_model.bin"][..],
            "pytorch_model.bin only",
            "AutoModelForCausalLM as M",
        ),
        (
            &[weights],
            &["pytorch_model.bin.index.json"],
            "pytorch_model.bin.index.json only",
            ".save_pretrained(",
        ),
        (
            &[weights],
            &["consolidated.safetensors", "params.json"],
            "Mistral's own format (consolidated.safetensors)",
            "--mistral-format",
        ),
        (
            &[weights],
            &["consolidated.00.pth"],
            "its makers' own format",
            "convert_hf_to_gguf.py",
        ),
        (
            &[],
            &["adapter_config.json"],
            "holds a LoRA adapter (adapter_config.json)",
            "--adapter",
        ),
    ] {
        let error = refused(without, with);
        assert!(matches!(error, LoadError::Foreign { .. }), "{with:?}: {error}");
        assert!(error.to_string().contains(said), "{with:?}: {error}");
        assert!(error.hint().unwrap().contains(command), "{with:?}: {:?}", error.hint());
    }
}

#[test]
fn an_adapter_on_its_own_is_one_fault_and_not_a_list_of_what_a_checkpoint_would_have() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["adapter_config.json", "adapter_model.safetensors", "tokenizer.json"] {
        std::fs::write(folder.path().join(name), "{}").unwrap();
    }
    let error = Checkpoint::open(folder.path()).err().unwrap();
    assert!(matches!(error, LoadError::Foreign { .. }), "{error}");
}

#[test]
fn another_form_beside_the_one_that_is_read_does_no_harm() {
    let folder = copy_of("llama3-tied-f32");
    for name in [
        "pytorch_model.bin",
        "consolidated.safetensors",
        "tekken.json",
        "vocab.json",
        "merges.txt",
    ] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    Checkpoint::open(folder.path()).unwrap_or_else(|error| panic!("{error}"));
}
