//! How much memory there is, and how much a model needs.

use candle_core::{DType, Device};

use super::{
    ModelConfig,
    checkpoint::for_each_tensor,
    kernels::{AT_ONCE, PAGE, release_freed},
};

/// What a model needs, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryNeeds {
    /// All weights, in place.
    pub weights: u64,
    /// The largest layer.
    layer: u64,
    /// The head.
    head: u64,
    /// Some rows of a weight as they were read, on their way into place.
    on_its_way: u64,
    /// A text's next token: its logits, twice.
    pub logits: u64,
    /// A token that is scored: its hidden state, and its keys and values of one layer.
    pub scored_token: u64,
    /// A token that texts are generated after, or one of theirs: its keys and values of all layers.
    pub generated_token: u64,
}

/// Bytes of a number on its way into place: as it was read, as f32, and as it is held.
const ON_ITS_WAY: u64 = 4 + 4 + 4;

impl MemoryNeeds {
    /// Of a model that is computed in `dtype`.
    pub fn of(config: &ModelConfig, dtype: DType) -> Self {
        let number = dtype.size_in_bytes() as u64;
        let mut layers = vec![0; config.layers];
        let (mut weights, mut matrix) = (0, 0);
        for_each_tensor(config, |name, shape| {
            let numbers: u64 = shape.iter().map(|&side| side as u64).product();
            // Vectors are in f32, and so are norms of heads, which are several vectors.
            let is_wide = shape.len() == 1 || name.ends_with("norm.weight");
            let bytes = numbers * if is_wide { 4 } else { number };
            weights += bytes;
            matrix = numbers.max(matrix);
            let of = name.strip_prefix("model.layers.").and_then(|rest| rest.split_once('.'));
            if let Some(layer) = of.and_then(|(layer, _)| layers.get_mut(layer.parse::<usize>().ok()?)) {
                *layer += bytes;
            }
        });
        let largest: u64 = layers.into_iter().max().unwrap_or(0);
        let head = (config.vocabulary * config.hidden) as u64 * number;
        let on_its_way = ON_ITS_WAY * matrix.min(AT_ONCE as u64);
        let keys_and_values = 2 * (config.kv_heads * config.head_dim) as u64 * number;
        Self {
            weights,
            layer: largest,
            head,
            on_its_way,
            logits: 2 * 4 * config.vocabulary as u64,
            scored_token: token_bytes(config, DType::F32) as u64 + 2 * keys_and_values,
            generated_token: keys_and_values * config.layers as u64,
        }
    }

    /// Weights at work where they are read or unpacked layer by layer, beside a pass that takes `pass`: a layer at work, one on its
    /// way, and some of that one's rows as they were read; or the head.
    pub fn layer_by_layer(&self, pass: u64) -> u64 {
        (2 * self.layer + pass).max(self.head) + self.on_its_way
    }

    /// The same while texts are generated, of which every step needs the head: it is kept, beside one layer after the other.
    pub fn layer_by_layer_generating(&self, pass: u64) -> u64 {
        let step = self.layer + self.head + self.on_its_way;
        step.max(self.layer_by_layer(pass))
    }

    /// [`layer_by_layer`](Self::layer_by_layer) and [`layer_by_layer_generating`](Self::layer_by_layer_generating) on `device`. On a GPU
    /// the room of a pass is there with the head too, whose logits are made in it.
    pub fn at_work(&self, device: &Device, pass: u64) -> [u64; 2] {
        match device.is_cpu() {
            true => [self.layer_by_layer(pass), self.layer_by_layer_generating(pass)],
            false => [self.layer_by_layer(0) + pass, self.layer_by_layer_generating(0) + pass],
        }
    }

    /// Logits of the next tokens of as many texts as go on at a time, at most.
    pub fn next_tokens(&self) -> u64 {
        LOGIT_ROWS as u64 * self.logits
    }
}

/// What a batch takes beside weights that are held, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchNeeds {
    /// A pass; and where weights are read or unpacked layer by layer, those at work.
    pub at_work: u64,
    /// The same where texts are generated.
    pub at_work_generating: u64,
    /// A token beside its keys and values.
    pub token: u64,
    /// A page of keys and values, in as many layers as are held at once.
    pub page: u64,
    /// A page of keys and values that are kept in all layers.
    pub kept_page: u64,
    /// A text's next token: its logits, twice.
    pub logits: u64,
}

/// Texts whose logits are held at a time.
pub(super) const LOGIT_ROWS: usize = 64;

/// How large a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchSize {
    /// Tokens that are computed, without those of generated texts.
    pub tokens: u64,
    /// Pages that their keys and values lie in.
    pub pages: u64,
    /// Pages of texts that are generated and of what stands before them, at most.
    pub kept_pages: u64,
    /// Texts that are generated.
    pub texts: u64,
}

impl BatchNeeds {
    /// A token that is scored, its keys and values among it.
    pub fn scored_token(&self) -> u64 {
        self.token + self.page / PAGE as u64
    }

    /// What a batch of this size is computed with: a pass or logits, and weights that are read.
    pub fn work(&self, size: BatchSize) -> u64 {
        match size.texts {
            0 => self.at_work,
            texts => self.at_work_generating + self.next_tokens(texts),
        }
    }

    /// Its tokens, their keys and values, and what is kept, at most.
    pub fn tokens(&self, size: BatchSize) -> u64 {
        size.tokens * self.token + size.pages * self.page + size.kept_pages * self.kept_page
    }

    /// Logits of the next tokens of so many texts.
    pub fn next_tokens(&self, texts: u64) -> u64 {
        texts.min(LOGIT_ROWS as u64) * self.logits
    }
}

impl std::ops::AddAssign for BatchSize {
    fn add_assign(&mut self, other: Self) {
        self.tokens += other.tokens;
        self.pages += other.pages;
        self.kept_pages += other.kept_pages;
        self.texts += other.texts;
    }
}

/// What the program has for itself with the tokenizer of a vocabulary like this, about, where it is not there to be measured.
pub(crate) fn program_bytes(config: &ModelConfig) -> u64 {
    PROGRAM + OF_VOCABULARY * config.vocabulary as u64
}

/// The program without a model, and an entry of a tokenizer's vocabulary with its merge.
const PROGRAM: u64 = 2 << 20;
const OF_VOCABULARY: u64 = 400;

/// A token beside its keys and values: its hidden state in `activation` on its way in and out of a layer, angles, numbers.
pub(super) fn token_bytes(config: &ModelConfig, activation: DType) -> usize {
    config.hidden * activation.size_in_bytes() + tables(config) * 4 * config.head_dim + 64
}

/// Cosines and sines that a token is turned by: those of layers with and without a window, and those of queries where they
/// grow.
fn tables(config: &ModelConfig) -> usize {
    let any = |windowed| (0..config.layers).any(|layer| config.layer_kind(layer).windowed == windowed);
    let each = 1 + usize::from(config.design.scalars.query_growth.is_some_and(|growth| growth.turned));
    each * (usize::from(any(true)) + usize::from(any(false)))
}

/// Memory in bytes that this process may still take on `device`, where it can be told: what the system has to spare,
/// and what the process's control group (a container, a batch job) leaves.
pub(crate) fn available(device: &Device) -> Option<u64> {
    match device {
        Device::Cpu => {
            let read = |path: &str| std::fs::read_to_string(path).ok();
            let system = read("/proc/meminfo").and_then(|text| entry(&text, "MemAvailable:"));
            let group = read("/sys/fs/cgroup/memory.max").zip(read("/sys/fs/cgroup/memory.current"));
            let group = group.and_then(|(most, used)| {
                let (most, used): (u64, u64) = (most.trim().parse().ok()?, used.trim().parse().ok()?);
                Some(most.saturating_sub(used))
            });
            system.into_iter().chain(group).min()
        }
        #[cfg(feature = "cuda")]
        Device::Cuda(device) => {
            use candle_core::cuda_backend::cudarc::driver::result;
            device.cuda_stream().context().bind_to_thread().ok()?;
            result::mem_get_info().ok().map(|(free, _)| free as u64)
        }
        _ => None,
    }
}

/// As [`available`], of the machine's own memory.
pub(crate) fn free() -> Option<u64> {
    available(&Device::Cpu)
}

/// Memory in bytes that this process has for itself now, without files that are mapped, where it can be told. What the allocator
/// keeps of freed memory does not count.
pub(crate) fn held() -> Option<u64> {
    release_freed();
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    entry(&text, "RssAnon:")
}

/// All memory in bytes that `device` has for this process, used or free, where it can be told.
pub(crate) fn total(device: &Device) -> Option<u64> {
    match device {
        Device::Cpu => {
            let read = |path: &str| std::fs::read_to_string(path).ok();
            let system = read("/proc/meminfo").and_then(|text| entry(&text, "MemTotal:"));
            let group = read("/sys/fs/cgroup/memory.max").and_then(|most| most.trim().parse().ok());
            system.into_iter().chain(group).min()
        }
        _ => None,
    }
}

/// A line of a file of /proc that has one for each name, in bytes.
fn entry(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Family, testing::config};

    #[test]
    fn needs_are_those_of_the_shape() {
        // Two layers of 9,280 numbers in six matrices and 64 in norms; a head of 64 rows of 32.
        let needs = MemoryNeeds::of(&config(Family::Llama), DType::BF16);
        let matrices = 32 * 32 + 2 * 16 * 32 + 32 * 32 + 3 * 48 * 32;
        let layer = 2 * matrices + 4 * 64;
        assert_eq!(needs.weights, 2 * layer + 2 * 64 * 32 + 4 * 32);
        let on_its_way = ON_ITS_WAY * 64 * 32;
        assert_eq!(
            (needs.layer_by_layer(0), needs.generated_token),
            (2 * layer + on_its_way, 2 * 2 * 16 * 2)
        );
        assert_eq!(needs.scored_token, 128 + 32 + 64 + 2 * 2 * 16 * 2);
        // Texts need the head beside a layer; it is less than a second one here.
        assert_eq!(needs.layer_by_layer_generating(0), needs.layer_by_layer(0));
        let wide = ModelConfig {
            vocabulary: 64_000,
            ..config(Family::Llama)
        };
        let (needs, head) = (MemoryNeeds::of(&wide, DType::BF16), 2 * 64_000 * 32);
        let on_its_way = needs.layer_by_layer(0) - head;
        assert_eq!(needs.layer_by_layer_generating(0), layer + head + on_its_way);
        // A pass is not there while the head is read; it counts once it is more than the head.
        assert_eq!(needs.layer_by_layer(5), head + on_its_way);
        assert_eq!(needs.layer_by_layer(head), 2 * layer + head + on_its_way);
    }

    #[test]
    fn a_batch_takes_its_tokens_and_pages_beside_what_is_at_work() {
        let needs = BatchNeeds {
            at_work: 1_000,
            at_work_generating: 5_000,
            token: 10,
            page: 200,
            kept_page: 700,
            logits: 3,
        };
        let mut size = BatchSize {
            tokens: 3,
            pages: 2,
            ..BatchSize::default()
        };
        assert_eq!((needs.work(size), needs.tokens(size)), (1_000, 30 + 400));
        size += BatchSize {
            kept_pages: 1,
            texts: 100,
            ..size
        };
        assert_eq!((needs.work(size), needs.tokens(size)), (5_000 + 64 * 3, 60 + 800 + 700));
        assert_eq!(needs.scored_token(), 10 + 200 / PAGE as u64);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_held_is_at_least_what_was_written() {
        const SIZE: usize = 64 << 20;
        let much = vec![1u8; SIZE];
        assert!(held().unwrap() >= much.len() as u64);
    }

    #[test]
    fn what_is_available_is_read_from_the_system() {
        let text = "MemTotal:       24576 kB\nMemAvailable:      2048 kB\nBuffers: 1 kB\n";
        let available = entry(text, "MemAvailable:");
        assert_eq!(available, Some(2048 * 1024));
        assert_eq!(entry("MemTotal: 5 kB\n", "MemAvailable:"), None);
    }
}
