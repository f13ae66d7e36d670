//! A run's inputs in one piece: what everything that a run computes, records and checks is derived from.

use rayon::prelude::*;

use super::{Header, People, PeopleFile, Plan, Prompts, RunError, Spec, Unit};
use crate::metrics::{BaselineRow, BaselineTable};
use crate::model::{DeviceChoice, OpenModel};
use crate::probe::Case;
use crate::scoring::Ask;
use crate::scoring::baseline::{Prediction, ReferencePeople, Rule, Similarity, Target};
use crate::survey::Form;

/// Numbers of similar others that reports show. The command `baseline` shows all from 1 to 35.
pub(crate) const NEIGHBOURS: [usize; 5] = [1, 5, 10, 20, 35];

/// People who are compared with everyone together.
const TOGETHER: usize = 16;

/// What is asked of whom, in which words.
///
/// [`evaluate`](super::evaluate) computes it with a model; everything here is known before that.
#[derive(Debug)]
pub struct Experiment {
    /// What determines the result; `auto` replaced by what was opened, and what was not given by what is asked.
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
        let prompts = Prompts::new(
            &spec,
            people.catalogue.words.as_deref(),
            &opened.tokenizer,
            opened.chat_template.as_deref(),
        )?;
        spec.grid.demonstrations = spec.numbers_of_demonstrations(&people.catalogue);
        spec.model.device = DeviceChoice::Only(opened.identity.device.first_of_its_kind());
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
    pub fn header(&self, opened: &OpenModel) -> Result<Header, RunError> {
        let mut hashes = self.people.hashes();
        hashes.extend(self.prompts.hashes(&self.spec.grid.methods));
        hashes.extend(opened.hashes.clone());
        let counts = (self.plan.people.len(), self.plan.outcomes);
        let synthetic = self.people.synthetic();
        let header = Header::new(
            &self.spec,
            &opened.identity,
            hashes,
            &self.plan.conditions,
            counts,
            synthetic,
        )?;
        Ok(Header {
            shard: self.plan.shard,
            ..header
        })
    }

    /// What one condition shows of the person of a unit; `donor` is whose demonstrations are shown, as a position among
    /// everyone.
    pub fn case(&self, unit: &Unit, condition: usize, donor: usize) -> Case {
        self.plan
            .case(&self.spec.demonstrations, &self.people, unit, (condition, donor))
    }

    /// The cases of a unit, one a condition, in the order of its conditions.
    pub fn cases(&self, unit: &Unit) -> Vec<Case> {
        unit.conditions
            .iter()
            .map(|&(condition, donor)| self.case(unit, condition, donor))
            .collect()
    }

    /// What is asked in a unit, one ask a condition, in the order of its conditions.
    pub(crate) fn asks<'a>(&'a self, unit: &Unit, cases: &'a [Case]) -> Vec<Ask<'a>> {
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

    /// What metrics and reports need to know of people and questions, baselines among it.
    pub(crate) fn people_file(&self) -> PeopleFile {
        self.people.described(&self.spec, &self.plan)
    }
}

impl People {
    /// What majority, resemblance and naive Bayes say of every probe of the plan, learnt from everyone else in the survey file.
    pub fn baselines(&self, plan: &Plan) -> BaselineTable {
        let everyone = &self.everyone;
        let groups = (0..everyone.len()).map(|at| everyone.groups(at, Form::Polar));
        let reference = ReferencePeople::new(&self.catalogue, groups);
        let rule = Rule {
            splits: &plan.splits,
            neighbours: NEIGHBOURS.into_iter().max().unwrap_or(0),
            similarity: Similarity::Share,
            naive_bayes: true,
        };
        let together = |chosen: &[usize]| {
            let target = |&person: &usize| Target {
                groups: everyone.groups(person, Form::Polar),
                own: Some(person),
            };
            let targets: Vec<Target<'_>> = chosen.iter().map(target).collect();
            let said = chosen.iter().zip(reference.predict(&targets, &rule));
            let rows = said.flat_map(|(&person, said)| {
                let row = move |prediction: Prediction| self.baseline_row(person, &prediction);
                said.into_iter().map(row)
            });
            rows.collect::<BaselineTable>()
        };
        let parts: Vec<BaselineTable> = plan.people.par_chunks(TOGETHER).map(together).collect();
        parts.iter().flat_map(BaselineTable::rows).collect()
    }

    fn baseline_row(&self, person: usize, prediction: &Prediction) -> BaselineRow {
        let voted = |k: usize| prediction.resemblance.get(k - 1).copied().flatten();
        BaselineRow {
            respondent: self.everyone.id(person).to_owned(),
            split: prediction.split.number(),
            question: self.catalogue.questions[prediction.question].id,
            majority: prediction.majority,
            near_tie: prediction.near_tie,
            resemblance: NEIGHBOURS.into_iter().filter_map(|k| Some((k, voted(k)?))).collect(),
            naive_bayes: prediction.naive_bayes,
        }
    }

    /// What metrics and reports need to know of people and questions, baselines among it.
    pub(crate) fn described(&self, spec: &Spec, plan: &Plan) -> PeopleFile {
        let about = (plan.splits.as_slice(), plan.people.as_slice());
        self.file(&spec.respondents.survey, about, self.baselines(plan))
    }
}
