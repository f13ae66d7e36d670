//! What determines a run's result, as it is written in `experiments/*.toml` and, resolved, in `spec.toml` of a run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::RunError;
use crate::model::{DeviceChoice, DtypeChoice, QuantizedWeights};
use crate::probe::{Split, default_demonstrations};
use crate::prompt::ChatSpec;
use crate::scoring::{Condition, Control, Method, ScoringSpec};
use crate::survey::{Catalogue, Form, IncomeGrouping};

/// Everything that determines a run's result. A list in `[grid]` is one axis of a grid; all of its conditions share one
/// token tree per respondent and split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// What the experiment is, in a sentence; shown in the report.
    pub title: String,
    /// The model.
    pub model: ModelSpec,
    /// The people.
    pub respondents: RespondentSpec,
    /// What is asked of them.
    pub grid: Grid,
    /// How demonstrations are drawn.
    pub demonstrations: DemonstrationSpec,
    /// How answers are scored.
    pub scoring: ScoringSpec,
    /// Prompt templates of one's own, in place of the built-in ones.
    pub prompts: PromptSpec,
    /// What the model's chat template is told.
    #[serde(skip_serializing_if = "ChatSpec::is_default")]
    pub chat: ChatSpec,
}

/// The model and how its numbers are held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSpec {
    /// A name of `models/*.toml`, a folder, a `.gguf` file or a hub repository; empty until given by a flag.
    pub id: String,
    /// A LoRA adapter that is merged into its weights: a folder or a hub repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub adapter: Option<String>,
    /// Numbers to compute with.
    pub dtype: DtypeChoice,
    /// Where to compute.
    pub device: DeviceChoice,
    /// How quantised weights are held.
    pub weights: QuantizedWeights,
}

/// Which people are evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct RespondentSpec {
    /// The survey file; empty until given by a flag.
    pub survey: PathBuf,
    /// The authors' metadata files in place of the built-in catalogue.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub catalogue: Vec<PathBuf>,
    /// The definition of a survey of one's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition: Option<PathBuf>,
    /// A file of respondent ids (`indieval survey sample` writes one); absent: all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<PathBuf>,
    /// Only so many of them, drawn at random; whom a seed draws first it draws first of any number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draw: Option<usize>,
    /// Seed of that draw.
    pub seed: u64,
    /// Only the first so many of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<usize>,
    /// Keep the first of several rows with one interview number, as the paper's code did.
    pub paper_ids: bool,
    /// How incomes are grouped.
    pub income: IncomeGrouping,
}

/// The axes of the grid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grid {
    /// How predictions are made.
    pub methods: Vec<Method>,
    /// Which questions are held out.
    pub splits: Vec<Split>,
    /// Numbers of demonstrations; empty: 200, or as many as a smaller survey has to show.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "some_numbers")]
    pub demonstrations: Vec<usize>,
    /// Forms of demonstrations.
    pub forms: Vec<Form>,
    /// Without and with demographic statements.
    pub demographics: Vec<bool>,
    /// Demonstrations of one category only: category names or unmistakable parts of them, or `each`; empty: no such restriction.
    pub categories: Vec<String>,
    /// Whose demonstrations.
    pub controls: Vec<Control>,
}

impl Default for Grid {
    fn default() -> Self {
        Self {
            methods: vec![Method::default()],
            splits: Split::ALL.to_vec(),
            demonstrations: Vec::new(),
            forms: vec![Form::Polar],
            demographics: vec![false],
            categories: Vec::new(),
            controls: vec![Control::Own],
        }
    }
}

/// How demonstrations are drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct DemonstrationSpec {
    /// Seed of the draw.
    pub seed: u64,
    /// Draw anew for each number of demonstrations, as the paper did, in place of nested sets.
    pub independent: bool,
}

/// Prompt templates of one's own, by the method whose built-in template they take the place of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct PromptSpec(BTreeMap<Method, PathBuf>);

impl PromptSpec {
    /// The file with a method's template; absent where the built-in one is used.
    pub fn of(&self, method: Method) -> Option<&Path> {
        self.0.get(&method).map(PathBuf::as_path)
    }
}

impl Spec {
    /// Reads a spec file. Unknown keys are errors that name the line.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let text = std::fs::read_to_string(path).map_err(|source| RunError::Read {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|source| match Self::renamed(&text) {
            Some((old, new)) => RunError::RenamedKey {
                path: path.to_owned(),
                old,
                new,
            },
            None => RunError::Spec {
                path: path.to_owned(),
                source: Box::new(source),
            },
        })
    }

    /// A key of version 0.1 that has another name now: both names.
    fn renamed(text: &str) -> Option<(&'static str, &'static str)> {
        let spec: toml::Table = toml::from_str(text).ok()?;
        let scoring = spec.get("scoring")?.as_table()?;
        scoring
            .contains_key("permutations")
            .then_some(("permutations", "orders"))
    }

    /// The spec as TOML, the form that `spec.toml` holds and that the run id covers.
    pub fn to_toml(&self) -> Result<String, RunError> {
        toml::to_string(self).map_err(|source| RunError::Encode(source.to_string()))
    }

    /// All conditions of the grid, in the order in which they are asked and recorded.
    ///
    /// Combinations that ask the same are merged: without demonstrations their form, category and owner mean nothing.
    pub fn conditions(&self, catalogue: &Catalogue) -> Result<Vec<Condition>, RunError> {
        let grid = &self.grid;
        for (axis, empty) in [
            ("methods", grid.methods.is_empty()),
            ("splits", grid.splits.is_empty()),
            ("forms", grid.forms.is_empty()),
            ("demographics", grid.demographics.is_empty()),
            ("controls", grid.controls.is_empty()),
        ] {
            if empty {
                return Err(RunError::EmptyAxis(axis));
            }
        }
        let categories = self.restrictions(catalogue)?;
        let numbers = self.numbers_of_demonstrations(catalogue);
        let mut conditions: Vec<Condition> = Vec::new();
        // Methods innermost: conditions that show the same of a person follow on one another and share one prefix.
        for &demographics in &grid.demographics {
            for category in &categories {
                for &form in &grid.forms {
                    for &control in &grid.controls {
                        for &demonstrations in &numbers {
                            for &method in &grid.methods {
                                let mut condition = Condition {
                                    method,
                                    demonstrations,
                                    form,
                                    demographics,
                                    category: category.clone(),
                                    control,
                                };
                                normalise(&mut condition);
                                if !conditions.contains(&condition) {
                                    conditions.push(condition);
                                }
                            }
                        }
                    }
                }
            }
        }
        Ok(conditions)
    }

    /// The numbers of demonstrations that are asked for, or what stands in their place.
    pub(crate) fn numbers_of_demonstrations(&self, catalogue: &Catalogue) -> Vec<usize> {
        match self.grid.demonstrations.as_slice() {
            [] => vec![default_demonstrations(catalogue)],
            given => given.to_vec(),
        }
    }

    /// The category restrictions asked for: `None` is no restriction.
    fn restrictions(&self, catalogue: &Catalogue) -> Result<Vec<Option<String>>, RunError> {
        if self.grid.categories.is_empty() {
            return Ok(vec![None]);
        }
        let mut restrictions = Vec::new();
        for name in &self.grid.categories {
            if name == "each" {
                restrictions.extend(catalogue.categories.iter().cloned().map(Some));
            } else {
                restrictions.push(Some(catalogue.categories[catalogue.category(name)?].clone()));
            }
        }
        Ok(restrictions)
    }
}

/// Brings conditions that ask the same to one form. A control swaps demonstrations only; demographics stay the person's own.
fn normalise(condition: &mut Condition) {
    if condition.control == Control::None {
        condition.demonstrations = 0;
    }
    if condition.demonstrations == 0 {
        condition.form = Form::Polar;
        condition.category = None;
        if condition.control != Control::None {
            condition.control = Control::Own;
        }
    }
}

/// A list that is left out is not the same as one without a number.
fn some_numbers<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<usize>, D::Error> {
    let numbers = Vec::deserialize(from)?;
    match numbers.is_empty() {
        true => Err(serde::de::Error::custom(
            "give at least one number, or leave the key out",
        )),
        false => Ok(numbers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::ProbeRule;

    fn catalogue() -> Catalogue {
        Catalogue {
            categories: vec!["One".into(), "Two".into()],
            questions: Vec::new(),
            hash: String::new(),
            rules: ProbeRule::default(),
            words: None,
        }
    }

    fn spec(text: &str) -> Spec {
        toml::from_str(text).expect("a valid spec")
    }

    #[test]
    fn a_grid_merges_conditions_that_ask_the_same() {
        let spec = spec(
            "[grid]\ndemonstrations = [0, 50]\nforms = ['polar', 'refined']\ncontrols = ['own', 'none', 'random']",
        );
        let conditions = spec.conditions(&catalogue()).expect("conditions");
        let found: Vec<_> = conditions
            .iter()
            .map(|condition| (condition.form, condition.demonstrations, condition.control))
            .collect();
        assert_eq!(
            found,
            [
                (Form::Polar, 0, Control::Own),
                (Form::Polar, 50, Control::Own),
                (Form::Polar, 0, Control::None),
                (Form::Polar, 50, Control::Random),
                (Form::Refined, 50, Control::Own),
                (Form::Refined, 50, Control::Random),
            ]
        );
    }

    #[test]
    fn each_category_is_a_condition_and_an_unknown_one_is_refused() {
        let each = spec("[grid]\ndemonstrations = [50]\ncategories = ['each']")
            .conditions(&catalogue())
            .expect("conditions");
        assert_eq!(
            each.iter()
                .map(|condition| condition.category.as_deref())
                .collect::<Vec<_>>(),
            [Some("One"), Some("Two")]
        );
        let unknown = spec("[grid]\ncategories = ['Three']").conditions(&catalogue());
        assert!(matches!(unknown, Err(RunError::UnknownCategory(error)) if error.asked == "Three"));
    }

    #[test]
    fn no_number_of_demonstrations_is_no_default() {
        let error = toml::from_str::<Spec>("[grid]\ndemonstrations = []")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("line 2") && error.contains("leave the key out"),
            "{error}"
        );
    }

    #[test]
    fn an_empty_axis_is_named() {
        assert!(matches!(
            spec("[grid]\nmethods = []").conditions(&catalogue()),
            Err(RunError::EmptyAxis("methods"))
        ));
    }

    #[test]
    fn a_value_that_no_run_can_have_is_named_with_its_line() {
        for (text, said) in [
            (
                "[grid]\nsplits = [4]",
                "there is no split `4`: the splits are 1, 2 and 3",
            ),
            ("[grid]\nforms = ['polr']", "unknown variant `polr`"),
            ("[scoring]\nnorm = 'nope'", "unknown variant `nope`"),
            (
                "[scoring]\nretry_temperature = -3.0",
                "-3 is not a finite number of at least 0",
            ),
            (
                "[scoring]\ntemperature = nan",
                "NaN is not a finite number of at least 0",
            ),
            ("[scoring]\ntop_p = 0.0", "0 is not a number above 0 and at most 1"),
            ("[scoring]\npaper_tokens = 0", "expected a nonzero usize"),
            (
                "[scoring]\nretries = 4294967295",
                "4294967295 is not a whole number from 0 to 100",
            ),
            ("[scoring]\norders = 0", "give `all`, or a number from 1"),
            ("[scoring]\nthinking_tokens = 0", "expected a nonzero usize"),
            ("[chat]\ndate = 2026-01-01", "invalid type"),
        ] {
            let error = toml::from_str::<Spec>(text).expect_err(text).to_string();
            assert!(error.contains(said) && error.contains("line 2"), "{error}");
        }
    }

    #[test]
    fn unknown_keys_are_errors_and_a_resolved_spec_reads_back() {
        assert!(toml::from_str::<Spec>("[grid]\nmethod = ['likelihood']").is_err());
        let full = spec("title = 't'\n[respondents]\nlimit = 3\n[grid]\nsplits = [2]");
        assert_eq!(spec(&full.to_toml().expect("TOML")), full);
    }

    #[test]
    fn the_old_name_of_orders_is_answered_with_the_new_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("spec.toml");
        std::fs::write(&path, "[scoring]\npermutations = 2\n").expect("a file");
        let error = Spec::read(&path).expect_err("an old key");
        assert!(
            error
                .to_string()
                .contains("`permutations` of [scoring] is called `orders` now"),
            "{error}"
        );
        assert!(error.hint().is_some_and(|hint| hint.contains("orders = \"all\"")));
        assert_eq!(spec("[scoring]\norders = 3").scoring.orders.to_string(), "3");
        assert_eq!(spec("").scoring.orders.to_string(), "all");
    }

    #[test]
    fn every_experiment_is_a_valid_spec() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).expect("experiments/") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let spec = Spec::read(&path).unwrap_or_else(|error| panic!("{error}"));
                assert!(!spec.title.is_empty(), "{} has no title", path.display());
                assert!(!spec.conditions(&catalogue()).expect("conditions").is_empty());
                seen += 1;
            }
        }
        assert!(seen >= 9, "experiments are missing: {seen} found");
    }
}
