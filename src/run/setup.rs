//! From a spec, people and an opened model to a header, and to what the baselines say of the same probes.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::{FORMAT, Header, People, Plan, Prompts, RunError, Spec, run_id};
use crate::metrics::BaselineRow;
use crate::model::ModelIdentity;
use crate::scoring::baseline::{Crowd, Target};
use crate::survey::Form;

/// Numbers of similar others that reports show. The command `baseline` shows all from 1 to 35.
pub const NEIGHBOURS: [usize; 5] = [1, 5, 10, 20, 35];

/// The header of a run: what it is, by name and hash.
pub fn header(
    spec: &Spec,
    people: &People,
    plan: &Plan,
    prompts: &Prompts,
    model: ModelIdentity,
    model_hashes: BTreeMap<String, String>,
    tree_tokens: usize,
) -> Result<Header, RunError> {
    let mut hashes = people.hashes();
    hashes.extend(prompts.hashes(&spec.grid.methods));
    hashes.extend(model_hashes);
    Ok(Header {
        format: FORMAT,
        run: run_id(spec, &model, &hashes)?,
        synthetic: people.synthetic(),
        respondents: people.chosen.len(),
        outcomes: plan.outcomes,
        tree_tokens,
        model,
        hashes,
        spec: spec.clone(),
    })
}

/// What majority and resemblance say of every probe of the plan, learnt from everyone else in the survey file.
pub fn baselines(people: &People, plan: &Plan) -> Vec<BaselineRow> {
    let everyone = &people.everyone;
    let crowd = Crowd::new(
        &people.catalogue,
        (0..everyone.len()).map(|at| everyone.groups(at, Form::Polar)),
    );
    let most = NEIGHBOURS.into_iter().max().unwrap_or(0);
    people
        .chosen
        .par_iter()
        .flat_map_iter(|&person| {
            let target = Target {
                groups: everyone.groups(person, Form::Polar),
                own: Some(person),
            };
            crowd
                .predict(&target, &plan.splits, most)
                .into_iter()
                .map(move |prediction| BaselineRow {
                    respondent: everyone.id(person).to_owned(),
                    split: prediction.split.number(),
                    question: people.catalogue.questions[prediction.question].id,
                    majority: prediction.majority,
                    resemblance: NEIGHBOURS
                        .into_iter()
                        .filter_map(|k| Some((k, prediction.resemblance.get(k - 1).copied().flatten()?)))
                        .collect(),
                })
        })
        .collect()
}
