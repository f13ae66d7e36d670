//! What an adapter's tensors are, by their names, and what they make of the base's.

use super::settings::AdapterSettings;
use crate::model::checkpoint::{nested, safetensors::SafetensorsWeights};
use crate::model::tensor_problem::LISTED;

/// What peft puts before the names of the base's modules.
const PREFIX: &str = "base_model.model.";

/// What becomes of one tensor of the base.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// The adapter's tensor that stands in its place.
    pub replaced: Option<String>,
    pub product: Option<Added>,
}

/// Two matrices whose product is added to a weight.
#[derive(Debug, Default)]
pub(super) struct Added {
    /// `(rank, inputs)`, by its name in the file.
    pub a: Option<String>,
    /// `(outputs, rank)`, by its name in the file.
    pub b: Option<String>,
    pub kind: AddedKind,
    pub rank: usize,
    pub scaling: f32,
}

/// Which way a product lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum AddedKind {
    /// `B · A` is the weight's change.
    #[default]
    Linear,
    /// `(B · A)` transposed is: peft keeps an embedding's matrices the other way around.
    Embedding,
}

/// What a tensor of an adapter is, by its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Role<'a> {
    A(&'a str, AddedKind),
    B(&'a str, AddedKind),
    /// In place of the base's own.
    Whole(String),
}

/// What a tensor's module is called in the base: without what peft puts before it, and, where the base also sees, as the part that
/// reads is called.
pub(super) fn in_base(name: &str) -> String {
    let name = name.strip_prefix(PREFIX).unwrap_or(name);
    nested::text_name(name).unwrap_or_else(|| name.to_owned())
}

/// Says it, of a name [`in_base`].
pub(super) fn role(name: &str) -> Role<'_> {
    for (ending, is_a, kind) in [
        (".lora_A.weight", true, AddedKind::Linear),
        (".lora_B.weight", false, AddedKind::Linear),
        (".lora_embedding_A", true, AddedKind::Embedding),
        (".lora_embedding_B", false, AddedKind::Embedding),
    ] {
        if let Some(module) = name.strip_suffix(ending) {
            return if is_a {
                Role::A(module, kind)
            } else {
                Role::B(module, kind)
            };
        }
    }
    // A layer that has matrices keeps its own weight and bias one step further down.
    Role::Whole(name.replace(".base_layer.", "."))
}

impl Change {
    /// Names in the file.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        let product = self
            .product
            .iter()
            .flat_map(|product| product.a.iter().chain(&product.b));
        self.replaced.iter().chain(product)
    }
}

impl Added {
    /// Compares both matrices with the weight that they change, and with the rank that the settings say.
    pub fn fit(
        &mut self,
        (name, shape): (&str, &[usize]),
        (settings, tensors): (&AdapterSettings, &SafetensorsWeights),
        problems: &mut Unfit,
    ) {
        let module = name.strip_suffix(".weight").unwrap_or(name);
        let (rank, scaling) = match settings.scaling(module) {
            Ok(found) => found,
            Err(what) => return problems.add(what),
        };
        let (Some(a), Some(b)) = (&self.a, &self.b) else {
            let (there, lacking) = if self.a.is_some() { ("A", "B") } else { ("B", "A") };
            return problems.add(format!("has a matrix {there} for `{module}`, and no {lacking}"));
        };
        let &[rows, columns] = shape else {
            return problems.add(format!("`{a}` is for `{name}`, which is no matrix"));
        };
        let (outputs, inputs) = match self.kind {
            AddedKind::Linear => (rows, columns),
            AddedKind::Embedding => (columns, rows),
        };
        let rank = usize::try_from(rank).unwrap_or(usize::MAX);
        problems.compare(tensors, a, &[rank, inputs]);
        problems.compare(tensors, b, &[outputs, rank]);
        (self.rank, self.scaling) = (rank, scaling as f32);
    }
}

/// The first few problems, and how many more there are.
#[derive(Default)]
pub(super) struct Unfit {
    listed: Vec<String>,
    more: usize,
}

impl Unfit {
    /// One more of them.
    pub fn add(&mut self, problem: String) {
        if self.listed.len() < LISTED {
            self.listed.push(problem);
        } else {
            self.more += 1;
        }
    }

    /// Adds what is wrong with the shape of a tensor.
    pub fn compare(&mut self, tensors: &SafetensorsWeights, name: &str, expected: &[usize]) {
        match tensors.shape(name) {
            Some(Ok(found)) if found == expected => {}
            Some(Ok(found)) => self.add(format!("`{name}` has the shape {found:?}, expected {expected:?}")),
            Some(Err(kind)) => self.add(format!("`{name}` is stored as {kind}, which cannot be read")),
            None => self.add(format!("`{name}` is missing")),
        }
    }

    /// All of them, if there are any.
    pub fn done(mut self) -> Result<(), Vec<String>> {
        if self.more > 0 {
            self.listed
                .push(format!("{} more of its tensors do not fit", self.more));
        }
        match self.listed.is_empty() {
            true => Ok(()),
            false => Err(self.listed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_peft_writes_them_say_what_a_tensor_is() {
        let module = "model.layers.0.self_attn.q_proj";
        let of = |name: &str| in_base(&format!("base_model.model.{name}"));
        assert_eq!(
            role(&of(&format!("{module}.lora_A.weight"))),
            Role::A(module, AddedKind::Linear)
        );
        assert_eq!(
            role(&of(&format!("{module}.lora_B.weight"))),
            Role::B(module, AddedKind::Linear)
        );
        for seeing in ["language_model.model.layers.0", "model.language_model.layers.0"] {
            let name = of(&format!("{seeing}.self_attn.q_proj.lora_A.weight"));
            assert_eq!(role(&name), Role::A(module, AddedKind::Linear), "{seeing}");
        }
        let embedding = "model.embed_tokens";
        assert_eq!(
            role(&of(&format!("{embedding}.lora_embedding_A"))),
            Role::A(embedding, AddedKind::Embedding)
        );
        let whole = |name: &str| Role::Whole(name.to_owned());
        assert_eq!(role(&of("lm_head.weight")), whole("lm_head.weight"));
        assert_eq!(
            role(&of("model.embed_tokens.base_layer.weight")),
            whole("model.embed_tokens.weight")
        );
        assert_eq!(
            role(&of(&format!("{module}.base_layer.bias"))),
            whole(&format!("{module}.bias"))
        );
    }
}
