//! The language model over a real decoder: requests in, parts of a batch that fit into memory, answers out.

use super::{
    Answers, Batch, LanguageModel, Limits, LoadError, ModelConfig, ModelError, TextRequest, TokenId, TokenScore,
    Tokens, WeightSource,
    asked::{AskedToken, after, asked},
    decoder::Decoder,
    design::RopeClass,
    engine_settings::{EngineInfo, EngineSettings, in_one_memory, placement},
    flow::flow,
    forest::{Forest, Path, sorted},
    kept::{Kept, KeptPrompt},
    kernels::{Kernels, KvLayer, Linear, PAGE},
    memory::{self, BatchNeeds, MemoryNeeds},
    pass::Pass,
    walk::{Stores, walk},
};
use candle_core::{DType, Device, Tensor};
use std::{sync::Arc, time::Instant};

/// Memory for everything but the weights where nobody can tell what is available.
const UNKNOWN_MEMORY: u64 = 4 << 30;

/// Computation that should be at stake in one batch: what is lost where a run is killed, at most.
const BATCH_SECONDS: f64 = 20.;
/// Tokens of a batch before it is known how fast the model is.
const FIRST_BATCH: usize = 2048;

/// A decoder at work: the real [`LanguageModel`].
#[derive(Debug)]
pub struct Engine {
    pub(super) decoder: Decoder,
    memory: u64,
    needs: BatchNeeds,
    pub(super) rows: usize,
    /// Keys and values of the layers at work, from one batch to the next; none where they were spoilt.
    work: Vec<KvLayer>,
    /// Tokens computed, and seconds that it took beside waiting for weights.
    spent: (u64, f64),
}

/// Requests of a batch that are computed together: numbers of scores and of texts.
#[derive(Debug, Default, Clone)]
struct Part {
    scores: Vec<usize>,
    texts: Vec<usize>,
    class: RopeClass,
}

/// What came out of a pass.
struct PassStates {
    /// Numbers of the tokens that were wanted, ascending.
    tokens: Vec<usize>,
    /// Their normed hidden states, `(wanted, hidden)`; nothing where none was wanted.
    hidden: Option<Tensor>,
}

impl Engine {
    /// Puts weights in place, or sees to it that they are read when they are needed. Numbers are held in `dtype` (f32, bf16
    /// or f16) on `device`.
    ///
    /// # Errors
    /// See [`Kernels::new`] and [`Decoder::load`]; and less memory than even one layer needs.
    pub fn load(
        config: &ModelConfig,
        source: &Arc<dyn WeightSource>,
        device: &Device,
        dtype: DType,
        settings: &EngineSettings,
    ) -> Result<Self, LoadError> {
        Self::load_over(config, source, (device, &[]), dtype, settings)
    }

    /// The same with the layers spread over several devices of one kind, a first one and others: passes flow from one to
    /// the next. On CPUs results are the same bits; it is how layers over GPUs are tested.
    ///
    /// # Errors
    /// As [`load`](Self::load); more devices than layers.
    pub fn load_over(
        config: &ModelConfig,
        source: &Arc<dyn WeightSource>,
        (device, others): (&Device, &[Device]),
        dtype: DType,
        settings: &EngineSettings,
    ) -> Result<Self, LoadError> {
        let kernels = Kernels::new(device, dtype)?;
        let others = others.iter().map(|device| Kernels::new(device, dtype));
        let others = others.collect::<Result<Vec<_>, _>>()?;
        let placement = placement(config, source, &kernels, settings, 1 + others.len())?;
        let decoder = Decoder::load_over(config, source, (&kernels, &others), placement)?;
        Ok(Self::new(decoder, settings))
    }

    /// A decoder put to work.
    pub fn new(decoder: Decoder, settings: &EngineSettings) -> Self {
        let stages = decoder.stages().iter();
        let available = stages
            .map(|stage| memory::available(stage.kernels.device()))
            .min()
            .flatten();
        let device = decoder.kernels().device();
        let weights = in_one_memory(decoder.size().bytes, device, decoder.stages().len());
        let rows = settings.rows_on(device);
        let needs = batch_needs(&decoder, rows);
        let memory = match settings.memory {
            Some(all) => all.saturating_sub(needs.at_work + weights),
            None => available.map_or(UNKNOWN_MEMORY, |bytes| bytes.saturating_sub(needs.at_work) / 2),
        };
        Self {
            memory,
            needs,
            decoder,
            rows,
            work: Vec::new(),
            spent: (0, 0.),
        }
    }

    /// The same with passes of another size.
    pub fn with_rows(self, rows: usize) -> Self {
        Self {
            rows: rows.max(1),
            ..self
        }
    }

    /// What the model is and takes.
    pub fn info(&self) -> EngineInfo {
        EngineInfo {
            size: self.decoder.size(),
            dtype: self.decoder.kernels().dtype(),
            backend: self.decoder.kernels().backend(),
            needs: self.needs,
            memory: self.memory,
            rows: self.rows,
            resident: self.decoder.is_resident(),
        }
    }

    /// The numbers of the checkpoint.
    pub fn config(&self) -> &ModelConfig {
        self.decoder.config()
    }

    /// Logits after each of `tokens`, `(tokens, vocabulary)`, f32. Meant for looking closely: what only needs scores should
    /// ask for scores.
    ///
    /// # Errors
    /// As [`LanguageModel::answer`].
    pub fn logits(&mut self, tokens: &[TokenId]) -> Result<Tensor, ModelError> {
        let mut parts = Vec::new();
        let forest = Forest::new(&[Path(tokens, &[])]);
        let class = self.config().rope_class(tokens.len());
        self.decoder.kernels().begin();
        let hidden = self.compute((&forest, class), |_| true, &mut [], &[])?;
        let head = self.decoder.head()?;
        for hidden in hidden.into_iter().filter_map(|states| states.hidden) {
            parts.push(head.logits(&hidden)?);
        }
        Ok(Tensor::cat(&parts, 0)?)
    }

    /// Memory, at most, of `added` tokens more in the forest, the last ones of a path of `len`, and, in every layer, of
    /// `kept` more below texts.
    fn cost(&self, len: usize, added: usize, kept: Option<usize>) -> u64 {
        let pages = |tokens: usize| (tokens / PAGE + 2) as u64;
        let mask = self
            .decoder
            .kernels()
            .mask_bytes(&self.config().layer_sizes(), len, self.rows);
        let kept = kept.map_or(0, |kept| pages(kept) * self.needs.kept_page);
        added as u64 * (self.needs.token + mask) + pages(added) * self.needs.page + kept
    }

    /// How the length of a request bears on positions: of all that it feeds, and of a text all that it may become.
    fn class(&self, batch: &Batch<'_, '_>, request: usize) -> RopeClass {
        let tokens = match request.checked_sub(batch.scores.len()) {
            None => batch.scores[request].fed().len(),
            Some(text) => batch.texts[text].prompt().len() + self.max_tokens(&*batch.texts[text]),
        };
        self.config().rope_class(tokens)
    }

    /// The requests in parts that fit into memory: neighbours in the order of their tokens, so that they share what they can,
    /// those of one class after those of another.
    fn parts(&self, batch: &Batch<'_, '_>) -> Result<Vec<Part>, ModelError> {
        let paths = batch.paths();
        let mut parts = Vec::new();
        let mut part = Part::default();
        let (mut used, mut before, mut text_before) = (0, Path(&[], &[]), Path(&[], &[]));
        let memory = match batch.texts.is_empty() {
            true => self.memory,
            false => {
                let more = self.needs.at_work_generating - self.needs.at_work;
                let logits = self.needs.next_tokens(batch.texts.len() as u64);
                self.memory.saturating_sub(more + logits)
            }
        };
        let order = sorted(&paths).into_iter();
        let mut order: Vec<_> = order.map(|request| (self.class(batch, request), request)).collect();
        order.sort_by_key(|&(class, _)| class);
        for (class, request) in order {
            let path = paths[request];
            let text = request
                .checked_sub(batch.scores.len())
                .map(|text| (text, &batch.texts[text]));
            let cost = |before: Path<'_>, text_before: Path<'_>| {
                let kept = text.map(|(_, text)| path.len() - path.common(text_before) + self.max_tokens(&**text));
                self.cost(path.len(), path.len() - path.common(before), kept)
            };
            let none = Path(&[], &[]);
            let mut more = cost(before, text_before);
            if used > 0 && (used + more > memory || class != part.class) {
                parts.push(std::mem::take(&mut part));
                (used, text_before) = (0, none);
                more = cost(none, none);
            }
            part.class = class;
            if more > memory {
                return Err(ModelError::Memory {
                    request,
                    needed: more,
                    free: memory,
                });
            }
            used += more;
            before = path;
            match text {
                Some((text, _)) => {
                    part.texts.push(text);
                    text_before = path;
                }
                None => part.scores.push(request),
            }
        }
        parts.push(part);
        Ok(parts)
    }

    /// Tokens that a text may have: its limit, or what the context leaves.
    pub(super) fn max_tokens(&self, text: &dyn TextRequest) -> usize {
        text.max_tokens()
            .min(self.config().context.saturating_sub(text.prompt().len()))
    }

    /// Computes one part; the scores of its requests are put into `scores`. Returns what it took.
    fn part(
        &mut self,
        part: &Part,
        batch: &mut Batch<'_, '_>,
        scores: &mut [Vec<TokenScore>],
    ) -> Result<Tokens, ModelError> {
        let fed = part.scores.iter().map(|&request| batch.scores[request].fed());
        let prompts = part.texts.iter().map(|&text| Path(batch.texts[text].prompt(), &[]));
        let forest = Forest::new(&fed.chain(prompts).collect::<Vec<_>>());
        let asked = asked(&forest, &part.scores, batch);
        let ends: Vec<usize> = (part.scores.len()..part.scores.len() + part.texts.len())
            .filter_map(|path| forest.end(path))
            .collect();
        let (mut kept, prompts) = self.keep(&forest, &ends, part, batch)?;
        let mut wanted: Vec<usize> = asked
            .iter()
            .map(|asked| asked.after)
            .chain(ends.iter().copied())
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let wanted = |token: usize| wanted.binary_search(&token).is_ok();
        let hidden = self.compute((&forest, part.class), wanted, &mut kept.stores, &kept.pages)?;
        let head = self.decoder.head()?;
        let mut states: Vec<Option<Tensor>> = vec![None; ends.len()];
        for PassStates { tokens, hidden } in hidden {
            let Some(hidden) = hidden else { continue };
            score(&head, (&hidden, &tokens), &asked, batch, scores)?;
            for (end, state) in ends.iter().zip(&mut states) {
                if let Ok(row) = tokens.binary_search(end) {
                    *state = Some(hidden.narrow(0, row, 1)?.force_contiguous()?);
                }
            }
        }
        let mut tokens = Tokens {
            shared: forest.len() as u64,
            alone: part
                .scores
                .iter()
                .map(|&request| batch.scores[request].fed().len() as u64)
                .sum(),
        };
        if !ends.is_empty() {
            let prompts = prompts.into_iter().zip(states);
            let prompts = prompts.filter_map(|(prompt, state)| Some((prompt, state?)));
            tokens += self.generate(&head, prompts.collect(), &mut kept.stores, batch.texts)?;
        }
        Ok(tokens)
    }

    /// Takes a forest of texts of one class through the layers. Returns for each pass the numbers of the tokens that are `wanted` and their normed
    /// hidden states, `(wanted, hidden)`.
    fn compute(
        &mut self,
        (forest, class): (&Forest, RopeClass),
        wanted: impl Fn(usize) -> bool,
        kept: &mut [KvLayer],
        pages: &[(usize, usize)],
    ) -> Result<Vec<PassStates>, ModelError> {
        if forest.len() == 0 {
            return Ok(Vec::new());
        }
        let mut work = std::mem::take(&mut self.work);
        if work.first().is_none_or(|work| work.pages() < forest.pages()) {
            // First the old ones go, so that both are never there.
            work.clear();
            for layer in self.decoder.stores() {
                work.push(self.decoder.kv(layer, forest.pages())?);
            }
        }
        let size = self.pass_size(forest.len());
        let mut passes: Vec<Pass> = Vec::new();
        let mut tokens = Vec::new();
        for first in (0..forest.len()).step_by(size) {
            let range = first..forest.len().min(first + size);
            let here: Vec<usize> = range.clone().filter(|&token| wanted(token)).collect();
            let rows = here.iter().map(|token| token - first).collect();
            let fed = forest.tokens()[range.clone()].to_vec();
            passes.push(self.decoder.pass(fed, forest.segments(range), rows, class)?);
            tokens.push(here);
        }
        let hidden = if self.decoder.flows() {
            flow(&self.decoder, &passes, &mut work, (kept, pages))?
        } else {
            let work = &mut work;
            walk(&self.decoder, &passes, &mut Stores::OneByOne { work, kept, pages })?
        };
        // Numbers that overflowed would spoil them; then they are dropped.
        self.work = work;
        let states = |(tokens, hidden)| PassStates { tokens, hidden };
        Ok(tokens.into_iter().zip(hidden).map(states).collect())
    }

    /// Tokens of one pass where `n` are to be computed: passes of about the same size, none above the limit.
    pub(super) fn pass_size(&self, n: usize) -> usize {
        n.div_ceil(n.div_ceil(self.rows).max(1)).max(1)
    }

    /// Room, in every layer, for what texts are generated below and for the texts.
    fn keep(
        &self,
        forest: &Forest,
        ends: &[usize],
        part: &Part,
        batch: &Batch<'_, '_>,
    ) -> Result<(Kept, Vec<KeptPrompt>), ModelError> {
        let mut numbers: Vec<Option<usize>> = vec![None; forest.pages()];
        let mut pages = Vec::new();
        let mut prompts = Vec::with_capacity(ends.len());
        for (&end, &text) in ends.iter().zip(&part.texts) {
            let (path, tokens) = forest.path_pages(end);
            let kept = path.iter().map(|&page| {
                let number = numbers[page as usize].get_or_insert_with(|| {
                    pages.push((page as usize, pages.len()));
                    pages.len() - 1
                });
                *number as u32
            });
            prompts.push(KeptPrompt {
                text,
                pages: kept.collect(),
                tokens,
                max_tokens: self.max_tokens(&*batch.texts[text]),
                class: part.class,
                own: 0,
            });
        }
        let mut count = pages.len();
        for prompt in &mut prompts {
            prompt.own = count;
            count += prompt.own_pages();
        }
        let layers = if ends.is_empty() { 0 } else { self.decoder.layers() };
        let stores = (0..layers)
            .map(|layer| self.decoder.kv(layer, count))
            .collect::<Result<_, _>>()?;
        Ok((Kept { stores, pages }, prompts))
    }
}

/// What batches of a decoder take beside its weights, in passes of `rows` tokens.
fn batch_needs(decoder: &Decoder, rows: usize) -> BatchNeeds {
    let (config, kernels) = (decoder.config(), decoder.kernels());
    let pass = kernels.scratch_bytes(&config.layer_sizes(), rows);
    let needs = MemoryNeeds::of(config, kernels.dtype());
    let [at_work, at_work_generating] = match decoder.is_resident() {
        true => [pass; 2],
        false => needs.at_work(kernels.device(), pass),
    };
    let page = decoder.page_bytes();
    let flows = decoder.flows();
    // Layers whose keys and values one memory holds at once, and all of its layers.
    let at_once = decoder.in_one_memory(|stage| if flows { stage.layers.len() } else { 1 });
    let layers = decoder.in_one_memory(|stage| stage.layers.len());
    BatchNeeds {
        at_work,
        at_work_generating,
        token: memory::token_bytes(config, kernels.activation_dtype()) as u64,
        page: (page * at_once) as u64,
        kept_page: (page * layers) as u64,
        logits: needs.logits,
    }
}

/// Scores what is asked after some tokens, whose normed hidden states are the rows of a tensor, `(tokens, hidden)`.
fn score(
    head: &Linear,
    (hidden, tokens): (&Tensor, &[usize]),
    asked: &[AskedToken],
    batch: &Batch<'_, '_>,
    scores: &mut [Vec<TokenScore>],
) -> Result<(), ModelError> {
    let mut questions = Vec::new();
    let mut targets: Vec<(usize, TokenId)> = Vec::new();
    for (row, &token) in tokens.iter().enumerate() {
        for asked in after(asked, token) {
            targets.push((row, batch.scores[asked.request].continuation[asked.place]));
            questions.push(asked);
        }
    }
    if targets.is_empty() {
        return Ok(());
    }
    for (asked, score) in questions.into_iter().zip(head.token_scores(hidden, &targets)?) {
        finite(score.logprob)?;
        scores[asked.request][asked.place] = score;
    }
    Ok(())
}

impl LanguageModel for Engine {
    fn answer(&mut self, mut batch: Batch<'_, '_>) -> Result<Answers, ModelError> {
        batch.check(self.config().context, self.config().vocabulary)?;
        self.decoder.kernels().begin();
        let parts = self.parts(&batch)?;
        let none = TokenScore {
            logprob: 0.,
            greedy: false,
        };
        let mut scores: Vec<Vec<TokenScore>> = batch
            .scores
            .iter()
            .map(|request| vec![none; request.continuation.len()])
            .collect();
        let (begun, waited) = (Instant::now(), self.decoder.waited_seconds());
        let mut tokens = Tokens::default();
        for part in &parts {
            tokens += self.part(part, &mut batch, &mut scores)?;
        }
        self.spent.0 += tokens.shared;
        // Not what it waited for weights: more tokens share each reading in a larger batch.
        let waited = self.decoder.waited_seconds() - waited;
        self.spent.1 += (begun.elapsed().as_secs_f64() - waited).max(0.);
        Ok(Answers { scores, tokens })
    }

    fn limits(&self) -> Limits {
        let speed = match self.spent {
            (0, _) => FIRST_BATCH as f64 / BATCH_SECONDS,
            (tokens, seconds) => tokens as f64 / seconds.max(1e-3),
        };
        let fits = self.memory / self.needs.scored_token().max(1);
        // Reading weights should take a twentieth of the time at most.
        let seconds = BATCH_SECONDS.max(20. * self.decoder.read_seconds());
        Limits {
            context: self.config().context,
            batch: ((speed * seconds) as u64).min(fits).max(1) as usize,
        }
    }
}

/// Refuses a result that is not a number: weights or activations that overflowed.
pub(super) fn finite(logprob: f32) -> Result<(), ModelError> {
    if !logprob.is_finite() {
        let what = "a log-probability is not a finite number: the weights or their activations overflow in this dtype";
        return Err(ModelError::Compute(candle_core::Error::Msg(what.to_owned())));
    }
    Ok(())
}
