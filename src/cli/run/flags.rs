//! Flags of `indieval run`, and how they change a spec: flags win over the file.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::cli::choice::choice;
use crate::model::{DeviceChoice, DtypeChoice, QuantizedWeights};
use crate::probe::Split;
use crate::prompt::TemplateVariables;
use crate::run::{RunError, Spec};
use crate::scoring::{ChatUse, Control, Fit, Method, Norm, Orders, Retries};
use crate::survey::{Form, IncomeGrouping};

/// What is evaluated. Everything here can stand in a spec file; a flag wins over the file.
#[derive(Debug, clap::Args)]
pub struct SpecFlags {
    /// Spec file, such as experiments/figure4.toml; without one, the flags alone say what is run
    pub spec: Option<PathBuf>,
    /// Survey file: the official WVS-7 CSV, the paper's label files, or synthetic respondents
    #[arg(long, value_name = "FILE")]
    survey: Option<PathBuf>,
    /// Model: a name of `indieval models list`, a folder, a .gguf file or a hub repository
    #[arg(long, short, value_name = "MODEL")]
    model: Option<String>,
    /// LoRA adapter, as peft saves it, that is merged into the weights: a folder or a hub repository
    #[arg(long, value_name = "ADAPTER")]
    adapter: Option<String>,
    /// Number format to compute in
    #[arg(long, value_name = "DTYPE", value_parser = choice::<DtypeChoice>())]
    dtype: Option<DtypeChoice>,
    /// Where to compute: auto, cpu, cuda, cuda:N, or several with commas, over which the layers are spread
    #[arg(long, value_name = "DEVICE")]
    device: Option<DeviceChoice>,
    /// How quantised weights are held
    #[arg(long, value_name = "HOW", value_parser = choice::<QuantizedWeights>())]
    weights: Option<QuantizedWeights>,
    /// How predictions are made
    #[arg(
        long = "methods",
        visible_alias = "method",
        value_delimiter = ',',
        value_name = "METHOD,...",
        value_parser = choice::<Method>()
    )]
    methods: Option<Vec<Method>>,
    /// Splits: some of 1,2,3
    #[arg(
        long = "splits",
        visible_alias = "split",
        value_delimiter = ',',
        value_name = "N,..."
    )]
    splits: Option<Vec<Split>>,
    /// Numbers of demonstrations [default: 200, or as many as a smaller survey has to show]
    #[arg(long, value_delimiter = ',', value_name = "N,...")]
    demonstrations: Option<Vec<usize>>,
    /// Show refined demonstrations (candidates stay polar); give forms as `--forms polar,refined` for both
    #[arg(long, conflicts_with = "forms")]
    refined: bool,
    /// Forms of the demonstrations
    #[arg(long, value_delimiter = ',', value_name = "FORM,...", value_parser = choice::<Form>())]
    forms: Option<Vec<Form>>,
    /// Show demographic statements first; `both` asks with and without
    #[arg(
        long,
        value_name = "WHETHER",
        num_args = 0..=1,
        default_missing_value = "yes",
        value_parser = choice::<Whether>()
    )]
    demographics: Option<Whether>,
    /// Demonstrations of one category only: its name or an unambiguous part of it, or `each`
    #[arg(long, value_name = "NAME")]
    category: Vec<String>,
    /// Whose demonstrations: the person's own, nobody's, a stranger's, or those of a stranger from the same country (in a
    /// survey of one's own: `person.group`)
    #[arg(long, value_delimiter = ',', value_name = "WHO,...", value_parser = choice::<Control>())]
    control: Option<Vec<Control>>,
    /// Draw demonstrations anew for each number, as the paper did
    #[arg(long)]
    independent: bool,
    /// Seed of demonstrations, controls and sampling
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// File of respondent ids (`indieval survey sample` writes one)
    #[arg(long, value_name = "FILE")]
    respondents: Option<PathBuf>,
    /// Use only N respondents, drawn at random
    #[arg(long, value_name = "N")]
    draw: Option<usize>,
    /// Use only the first N respondents
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// The authors' metadata file(s) in place of the built-in catalogue
    #[arg(long, value_name = "FILE")]
    catalogue: Vec<PathBuf>,
    /// Definition of a survey of one's own (`indieval survey define` writes a first one)
    #[arg(long, value_name = "FILE", conflicts_with = "catalogue")]
    definition: Option<PathBuf>,
    /// Keep the first of several rows with one D_INTERVIEW, as the paper's code did
    #[arg(long)]
    paper_ids: bool,
    /// How incomes are grouped in demographic statements
    #[arg(long, value_name = "HOW", value_parser = choice::<IncomeGrouping>())]
    income: Option<IncomeGrouping>,
    /// Norm of likelihoods behind the headline
    #[arg(long, value_name = "NORM", value_parser = choice::<Norm>())]
    norm: Option<Norm>,
    /// In how many orders label and generation list the options: all, or at most N
    #[arg(long, value_name = "N")]
    orders: Option<Orders>,
    /// Restrict generated answers to valid ones
    #[arg(long)]
    constrained: bool,
    /// Further tries after an answer that cannot be read, at most 100
    #[arg(long, value_name = "N")]
    retries: Option<Retries>,
    /// What to do with a context longer than the model's
    #[arg(long, value_name = "HOW", value_parser = choice::<Fit>())]
    fit: Option<Fit>,
    /// Which methods ask inside the model's chat template: all, answers (label and generation), none
    #[arg(long, value_name = "WHICH", value_parser = choice::<ChatUse>())]
    chat: Option<ChatUse>,
    /// A system message before the user's, in the model's chat template
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// Variables of the chat template, as a JSON object: '{"reasoning_effort": "low"}'
    #[arg(long, value_name = "JSON", value_parser = template_variables)]
    chat_kwargs: Option<TemplateVariables>,
    /// Let the model think for at most N tokens before it writes an answer [default: it answers at once]
    #[arg(long, value_name = "N")]
    thinking_tokens: Option<NonZeroUsize>,
}

fn template_variables(text: &str) -> Result<TemplateVariables, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

crate::choices! {
    /// Whether people are asked about with something, without it, or both ways.
    enum Whether {
        /// With it.
        Yes = "yes",
        /// Without it.
        No = "no",
        /// Both ways, one after the other.
        Both = "both",
    }
}

impl Whether {
    /// The axis of the grid.
    fn axis(self) -> Vec<bool> {
        match self {
            Self::Yes => vec![true],
            Self::No => vec![false],
            Self::Both => vec![false, true],
        }
    }
}

impl SpecFlags {
    /// As [`resolve`](Self::resolve), of a run, which needs a model.
    pub fn resolve_with_model(self) -> anyhow::Result<Spec> {
        let spec = self.resolve()?;
        anyhow::ensure!(
            !spec.model.id.is_empty(),
            "no model is given; give --model (model.id in a spec)"
        );
        Ok(spec)
    }

    /// The spec file, if any, with the flags put over it.
    pub fn resolve(self) -> Result<Spec, RunError> {
        let mut spec = match &self.spec {
            Some(path) => Spec::read(path)?,
            None => Spec::default(),
        };
        set(&mut spec.respondents.survey, self.survey);
        set(&mut spec.model.id, self.model);
        spec.model.adapter = self.adapter.or(spec.model.adapter);
        set(&mut spec.model.dtype, self.dtype);
        set(&mut spec.model.device, self.device);
        set(&mut spec.model.weights, self.weights);
        set(&mut spec.grid.methods, self.methods);
        set(&mut spec.grid.splits, self.splits);
        set(&mut spec.grid.demonstrations, self.demonstrations);
        if self.refined {
            spec.grid.forms = vec![Form::Refined];
        }
        set(&mut spec.grid.forms, self.forms);
        set(&mut spec.grid.demographics, self.demographics.map(Whether::axis));
        if !self.category.is_empty() {
            spec.grid.categories = self.category;
        }
        // A control means something only beside the experiment itself.
        set(
            &mut spec.grid.controls,
            self.control.map(|list| {
                let mut controls = vec![Control::Own];
                controls.extend(list.into_iter().filter(|control| !control.is_own()));
                controls
            }),
        );
        spec.demonstrations.independent |= self.independent;
        if let Some(seed) = self.seed {
            spec.demonstrations.seed = seed;
            spec.scoring.seed = seed;
        }
        spec.respondents.sample = self.respondents.or(spec.respondents.sample);
        spec.respondents.draw = self.draw.or(spec.respondents.draw);
        spec.respondents.limit = self.limit.or(spec.respondents.limit);
        if !self.catalogue.is_empty() {
            spec.respondents.catalogue = self.catalogue;
        }
        spec.respondents.definition = self.definition.or(spec.respondents.definition);
        spec.respondents.paper_ids |= self.paper_ids;
        set(&mut spec.respondents.income, self.income);
        set(&mut spec.scoring.norm, self.norm);
        set(&mut spec.scoring.orders, self.orders);
        spec.scoring.constrained |= self.constrained;
        set(&mut spec.scoring.retries, self.retries);
        set(&mut spec.scoring.fit, self.fit);
        set(&mut spec.scoring.chat, self.chat);
        spec.scoring.thinking_tokens = self.thinking_tokens.or(spec.scoring.thinking_tokens);
        spec.chat.system = self.system.or(spec.chat.system);
        set(&mut spec.chat.kwargs, self.chat_kwargs);
        Ok(spec)
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}
