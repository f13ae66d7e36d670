//! LoRA adapters as peft saves them: small matrices whose products are added to a base checkpoint's weights.

mod changes;
mod merge;
mod settings;
mod weights;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use self::changes::{Added, Change, Role, Unfit, in_base, role};
use self::settings::{AdapterSettings, is_called};
use super::identity::{self, FileIdentity};
use super::manifest::{EMBEDDING, HEAD, for_each_tensor};
use super::safetensors::SafetensorsWeights;
use crate::base::files::read_up_to;
use crate::base::shell::{python_text, word};
use crate::model::tokenizer::LARGEST_SETTINGS;
use crate::model::{LoadError, ModelConfig};

pub(crate) use settings::SETTINGS;
pub(crate) use weights::AdaptedWeights;

/// The file of an adapter's tensors.
pub(crate) const TENSORS: &str = "adapter_model.safetensors";
/// The same as a pickle, which is not read.
const PICKLE: &str = "adapter_model.bin";
/// Files by which an adapter's folder brings a tokenizer of its own.
const TEXT: [&str; 2] = ["tokenizer.json", "chat_template.jinja"];

/// An adapter whose settings and tensors were read, none of their values.
pub(crate) struct Adapter {
    folder: PathBuf,
    settings: AdapterSettings,
    tensors: SafetensorsWeights,
    /// What becomes of the base's tensors, by their canonical names.
    changes: BTreeMap<String, Change>,
}

impl Adapter {
    /// Reads the settings and the names of the tensors in a folder.
    ///
    /// # Errors
    /// Every reason why it cannot be merged, whatever the base.
    pub(crate) fn open(folder: &Path) -> Result<Self, LoadError> {
        let path = folder.join(SETTINGS);
        if !path.is_file() {
            let what = format!("has no {SETTINGS}: it is no folder of a LoRA adapter");
            return Err(LoadError::Absent {
                path: folder.to_owned(),
                what,
            });
        }
        let text = read_up_to(&path, LARGEST_SETTINGS).map_err(|source| LoadError::read(&path, source))?;
        let base = base_of(&text);
        let refuse = |problems| refused(folder, problems, &merged_elsewhere(folder));
        let settings = AdapterSettings::parse(&text).map_err(refuse)?;
        let tensors = folder.join(TENSORS);
        if !tensors.is_file() && folder.join(PICKLE).is_file() {
            return Err(pickled(folder, base.as_deref()));
        }
        let tensors = SafetensorsWeights::open_file(&tensors)?;
        let mut adapter = Self {
            folder: folder.to_owned(),
            settings,
            tensors,
            changes: BTreeMap::new(),
        };
        adapter.sort_tensors().map_err(refuse)?;
        Ok(adapter)
    }

    /// Finds out what each tensor is.
    fn sort_tensors(&mut self) -> Result<(), Vec<String>> {
        let mut problems = Unfit::default();
        let mut names: Vec<String> = self.tensors.names().map(str::to_owned).collect();
        names.sort_unstable();
        if names.is_empty() {
            return Err(vec![format!("{TENSORS} has no tensors")]);
        }
        for name in names {
            let (module, is_a, kind) = match role(&in_base(&name)) {
                Role::A(module, kind) => (module.to_owned(), true, kind),
                Role::B(module, kind) => (module.to_owned(), false, kind),
                Role::Whole(tensor) => {
                    let change = self.changes.entry(tensor).or_default();
                    if let Some(other) = change.replaced.replace(name.clone()) {
                        problems.add(format!("`{name}` and `{other}` stand for the same tensor"));
                    }
                    continue;
                }
            };
            let change = self.changes.entry(format!("{module}.weight")).or_default();
            let product = change.product.get_or_insert_with(|| Added {
                kind,
                ..Added::default()
            });
            let place = if is_a { &mut product.a } else { &mut product.b };
            if product.kind != kind || place.replace(name.clone()).is_some() {
                problems.add(format!("`{name}` is there in two ways"));
            }
        }
        problems.done()
    }

    /// Sees whether it fits a base of `config`, and finds each product's rank and scale. Of a base whose head is the
    /// embedding the head is one of its own afterwards where only one of the two is changed: so it was trained.
    ///
    /// # Errors
    /// Every tensor that has no place, or another shape than the base's.
    pub(crate) fn fit(&mut self, config: &mut ModelConfig) -> Result<(), LoadError> {
        let mut problems = Unfit::default();
        let mut shapes = HashMap::new();
        for_each_tensor(config, |name, shape| {
            shapes.insert(name.to_owned(), shape.to_vec());
        });
        shapes.insert(HEAD.to_owned(), vec![config.vocabulary, config.hidden]);
        let tensors = &self.tensors;
        for (name, change) in &mut self.changes {
            let Some(shape) = shapes.get(name) else {
                let of = change.names().next().unwrap_or(name);
                problems.add(format!("`{of}` is for `{name}`, which the base does not have"));
                continue;
            };
            if let Some(tensor) = &change.replaced {
                problems.compare(tensors, tensor, shape);
            }
            if let Some(product) = &mut change.product {
                product.fit((name, shape), (&self.settings, tensors), &mut problems);
            }
        }
        self.find_absent(&shapes, &mut problems);
        let (embedding, head) = (self.changes.contains_key(EMBEDDING), self.changes.contains_key(HEAD));
        if config.tied && (embedding || head) {
            if self.settings.ties_weights {
                problems.add("trained the embedding and the head as one (ensure_weight_tying)".to_owned());
            }
            config.tied = false;
        }
        let remedy = match &self.settings.base {
            Some(base) => format!("name the base that it was trained on, `{base}`, as the model"),
            None => "name the base that it was trained on as the model".to_owned(),
        };
        problems
            .done()
            .map_err(|problems| refused(&self.folder, problems, &remedy))
    }

    /// Modules that should have matrices and have none: a file cut short, or one of a smaller base.
    fn find_absent(&self, shapes: &HashMap<String, Vec<usize>>, problems: &mut Unfit) {
        let mut modules: Vec<&str> = shapes
            .iter()
            .filter(|(name, shape)| shape.len() == 2 && *name != HEAD)
            .filter_map(|(name, _)| name.strip_suffix(".weight"))
            .collect();
        modules.sort_unstable();
        for module in modules {
            let change = self.changes.get(&format!("{module}.weight"));
            if self.settings.wants(module) && change.is_none_or(|change| change.product.is_none()) {
                problems.add(format!("has no matrices for `{module}`, which target_modules names"));
            }
        }
    }

    /// What a user should know: `base` is what the base was named as, `folder` where it lies.
    pub(crate) fn notes(&self, folder: &Path) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(trained) = &self.settings.base
            && let Some(here) = folder.file_name().map(|name| name.to_string_lossy().into_owned())
            && !is_snapshot(folder)
            && !last_step(trained).eq_ignore_ascii_case(&here)
        {
            notes.push(format!(
                "the adapter was trained on `{trained}`, and is merged into `{here}`"
            ));
        }
        let unused: Vec<&str> = self
            .settings
            .targets()
            .iter()
            .map(String::as_str)
            .filter(|target| !self.changes.keys().any(|name| has_target(name, target)))
            .collect();
        if !unused.is_empty() {
            notes.push(format!(
                "target_modules of the adapter matches nothing for: {}",
                unused.join(", ")
            ));
        }
        let differs = |name: &&&str| {
            let own = std::fs::read(self.folder.join(name)).ok();
            own.is_some() && own != std::fs::read(folder.join(name)).ok()
        };
        if let Some(name) = TEXT.iter().find(differs) {
            notes.push(format!(
                "the adapter's folder has another {name} than the base; the base's is used"
            ));
        }
        notes
    }

    /// Size and hash of its files.
    pub(crate) fn identify(&self) -> Result<Vec<FileIdentity>, LoadError> {
        let mut files = vec![identity::of_file(&self.folder.join(SETTINGS))?];
        files.extend(identity::of_maps(self.tensors.files()));
        Ok(files)
    }

    /// Numbers in its tensors.
    pub(crate) fn numbers(&self) -> u64 {
        self.tensors.inventory().values()
    }

    /// Every tensor with a NaN or an infinity.
    pub(crate) fn check_all_values(&self) -> Vec<LoadError> {
        self.tensors.check_all_values()
    }
}

/// The base that the settings name, where they can be read.
pub(super) fn base_of(settings: &[u8]) -> Option<String> {
    let root: serde_json::Value = serde_json::from_slice(settings).ok()?;
    root.get("base_model_name_or_path")?.as_str().map(str::to_owned)
}

fn refused(folder: &Path, problems: Vec<String>, remedy: &str) -> LoadError {
    LoadError::Adapter {
        path: folder.to_owned(),
        problems,
        remedy: remedy.to_owned(),
    }
}

/// How peft merges what cannot be merged here.
fn merged_elsewhere(folder: &Path) -> String {
    let text = folder.display().to_string();
    let here = python_text(text.trim_end_matches('/'));
    let merged = python_text(&format!("{}-merged", text.trim_end_matches('/')));
    format!(
        "merge it into its base with peft and name the merged folder as the model: python -c \"from peft import \
         AutoPeftModelForCausalLM as M; from transformers import AutoTokenizer as T; \
         m = M.from_pretrained({here}, dtype='auto'); b = m.peft_config['default'].base_model_name_or_path; \
         m.merge_and_unload().save_pretrained({merged}); T.from_pretrained(b).save_pretrained({merged})\" \
         (needs transformers and peft)"
    )
}

fn pickled(folder: &Path, base: Option<&str>) -> LoadError {
    let path = folder.display().to_string();
    let file = python_text(&format!("{}/{PICKLE}", path.trim_end_matches('/')));
    let to = python_text(&format!("{}/{TENSORS}", path.trim_end_matches('/')));
    let model = base.map_or_else(|| "BASE".to_owned(), word);
    LoadError::Foreign {
        path: folder.to_owned(),
        what: format!("holds its tensors as {PICKLE} only, a format that can run code as it is read"),
        remedy: format!(
            "write {TENSORS} beside it: python -c \"import torch; from safetensors.torch import save_file; \
             save_file({{k: v.contiguous() for k, v in torch.load({file}, weights_only=True).items()}}, {to})\" \
             (needs torch), then --model {model} --adapter {}",
            word(&path)
        ),
    }
}

/// Whether a tensor of the base is of a module that a target names; of experts and other parents too.
fn has_target(tensor: &str, target: &str) -> bool {
    tensor
        .strip_suffix(".weight")
        .is_some_and(|module| is_called(module, target))
}

/// The last step of a path or a repository's name.
fn last_step(name: &str) -> &str {
    name.trim_end_matches('/').rsplit('/').next().unwrap_or(name)
}

/// Whether a folder is one of the hub's cache, whose name is a commit.
fn is_snapshot(folder: &Path) -> bool {
    folder
        .parent()
        .and_then(Path::file_name)
        .is_some_and(|name| name == "snapshots")
}
