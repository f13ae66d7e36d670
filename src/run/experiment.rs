//! A run's inputs in one piece: what everything that a run computes, records and checks is derived from.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{Context, FORMAT, FitSpec, Header, People, Plan, Prompts, RunError, Spec, Unit, run_id};
use crate::metrics::BaselineRow;
use crate::model::{DeviceChoice, OpenModel};
use crate::probe::{Case, DemonstrationRule, Draw};
use crate::scoring::baseline::{Crowd, Target};
use crate::scoring::{Ask, Condition, Control, Fit, Settings};
use crate::survey::Form;

/// Numbers of similar others that reports show. The command `baseline` shows all from 1 to 35.
pub const NEIGHBOURS: [usize; 5] = [1, 5, 10, 20, 35];

/// What is asked of whom, in which words.
///
/// [`evaluate`](super::evaluate) computes it with a model; everything here is known before that.
#[derive(Debug)]
pub struct Experiment {
    /// What determines the result; `auto` replaced by what was opened.
    pub spec: Spec,
    /// Everyone in the survey file, and who of them is evaluated.
    pub people: People,
    /// What is asked, in order.
    pub plan: Plan,
    /// The words it is asked in.
    pub prompts: Prompts,
}

impl Experiment {
    /// The experiment of a spec: reads the survey file it names, plans, and puts the prompts into the frame of the
    /// model.
    ///
    /// # Errors
    /// A survey file, sample, catalogue or prompt that cannot be read or used; a grid without a value; nobody to
    /// evaluate.
    pub fn read(spec: Spec, opened: &OpenModel) -> Result<Self, RunError> {
        let people = People::read(&spec)?;
        let plan = Plan::new(&spec, &people)?;
        Self::new(spec, people, plan, opened)
    }

    /// As [`read`](Self::read), with people and plan at hand.
    ///
    /// # Errors
    /// A prompt or the model's chat template that cannot be used.
    pub fn new(mut spec: Spec, people: People, plan: Plan, opened: &OpenModel) -> Result<Self, RunError> {
        let prompts = Prompts::new(&spec, &opened.tokenizer, opened.chat_template.as_deref())?;
        spec.model.device = DeviceChoice::Only(opened.identity.device);
        spec.model.dtype = opened.identity.dtype.into();
        Ok(Self {
            spec,
            people,
            plan,
            prompts,
        })
    }

    /// What the run is, by name and hash, with this model.
    ///
    /// # Errors
    /// [`RunError::Encode`] where the spec cannot be written.
    pub fn header(&self, opened: &OpenModel, tree_tokens: usize) -> Result<Header, RunError> {
        let mut hashes = self.people.hashes();
        hashes.extend(self.prompts.hashes(&self.spec.grid.methods));
        hashes.extend(opened.hashes.clone());
        Ok(Header {
            format: FORMAT,
            run: run_id(&self.spec, &opened.identity, &hashes)?,
            synthetic: self.people.synthetic(),
            respondents: self.people.chosen.len(),
            outcomes: self.plan.outcomes,
            tree_tokens,
            model: opened.identity.clone(),
            hashes,
            spec: self.spec.clone(),
        })
    }

    /// What one condition shows of the person of a unit; `donor` is whose demonstrations are shown, as a position among
    /// everyone.
    pub fn case(&self, unit: &Unit, condition: usize, donor: usize) -> Case {
        let people = &self.people;
        let condition = &self.plan.conditions[condition];
        let rule = self.rule(condition);
        let person = people.everyone.respondent(unit.person);
        let sentences = match condition.demographics {
            true => people.demographics.sentences(&person.demographics),
            false => Vec::new(),
        };
        let case = Case::new(
            &people.catalogue,
            &person,
            unit.split,
            sentences.into_iter().map(str::to_owned).collect(),
            &rule,
            condition.demonstrations,
        );
        match condition.control {
            Control::Own | Control::None => case,
            Control::Random | Control::SameCountry => {
                case.shown_by(&people.catalogue, &people.everyone.respondent(donor), &rule)
            }
        }
    }

    /// How the demonstrations of a condition are drawn.
    fn rule(&self, condition: &Condition) -> DemonstrationRule {
        let categories = &self.people.catalogue.categories;
        let category = condition.category.as_ref();
        DemonstrationRule {
            seed: self.spec.demonstrations.seed,
            form: condition.form,
            draw: match self.spec.demonstrations.independent {
                true => Draw::Independent,
                false => Draw::Nested,
            },
            category: category.and_then(|name| categories.iter().position(|known| known == name)),
        }
    }

    /// The cases of a unit, one a condition, in the order of its conditions.
    pub fn cases(&self, unit: &Unit) -> Vec<Case> {
        unit.conditions
            .iter()
            .map(|&(condition, donor)| self.case(unit, condition, donor))
            .collect()
    }

    /// What is asked in a unit, one ask a condition, in the order of its conditions.
    pub fn asks<'a>(&'a self, unit: &Unit, cases: &'a [Case]) -> Vec<Ask<'a>> {
        let prompts = &self.prompts;
        unit.conditions
            .iter()
            .zip(cases)
            .map(|(&(condition, _), case)| {
                let condition = &self.plan.conditions[condition];
                Ask {
                    condition,
                    case,
                    prompt: prompts.of(condition.method),
                    frame: prompts.frame(condition.method),
                }
            })
            .collect()
    }

    /// How answers are scored.
    pub fn settings(&self) -> Settings {
        let scoring = &self.spec.scoring;
        Settings {
            unconditional: scoring.unconditional,
            orders: scoring.orders,
            constrained: scoring.constrained,
            temperature: scoring.temperature,
            top_p: scoring.top_p,
            retries: scoring.retries,
            retry_temperature: scoring.retry_temperature,
            seed: scoring.seed,
            paper_tokens: scoring.paper_tokens,
            fit: match scoring.fit {
                FitSpec::Refuse => Fit::Refuse,
                FitSpec::DropDemonstrations => Fit::DropDemonstrations,
            },
            ..Settings::default()
        }
    }

    /// What majority and resemblance say of every probe of the plan, learnt from everyone else in the survey file.
    pub fn baselines(&self) -> Vec<BaselineRow> {
        let everyone = &self.people.everyone;
        let questions = &self.people.catalogue.questions;
        let groups = (0..everyone.len()).map(|at| everyone.groups(at, Form::Polar));
        let crowd = Crowd::new(&self.people.catalogue, groups);
        let most = NEIGHBOURS.into_iter().max().unwrap_or(0);
        let of_person = |&person: &usize| {
            let target = Target {
                groups: everyone.groups(person, Form::Polar),
                own: Some(person),
            };
            let predictions = crowd.predict(&target, &self.plan.splits, most);
            predictions.into_iter().map(move |prediction| BaselineRow {
                respondent: everyone.id(person).to_owned(),
                split: prediction.split.number(),
                question: questions[prediction.question].id,
                majority: prediction.majority,
                resemblance: NEIGHBOURS
                    .into_iter()
                    .filter_map(|k| Some((k, prediction.resemblance.get(k - 1).copied().flatten()?)))
                    .collect::<BTreeMap<_, _>>(),
            })
        };
        self.people.chosen.par_iter().flat_map_iter(of_person).collect()
    }

    /// What metrics and reports need to know of people and questions, baselines among it.
    pub fn context(&self) -> Context {
        self.people
            .context(&self.spec.respondents.survey, &self.plan.splits, self.baselines())
    }
}
