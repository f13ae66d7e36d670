//! The texts that a run asks, one a request, with ids by which answers find back.

use crate::prompt::{Frame, Prompt};
use crate::run::records::record_id;
use crate::run::{People, Plan, RunError, Spec, Unit};
use crate::scoring::methods::Definition;
use crate::scoring::{Ask, Asked, Evidence, EvidenceKind, Method, Outcome, Reading};

/// What is asked of everybody, without a model.
pub(super) struct Questions<'a> {
    pub(super) spec: &'a Spec,
    pub(super) people: &'a People,
    pub(super) plan: &'a Plan,
    prompts: Vec<(Method, Prompt)>,
}

/// One request.
pub(super) struct AskedText {
    /// The id of its record, and of several orders which: at most 64 letters, digits, hyphens.
    pub(super) id: String,
    /// Position of the probe in its unit; the first where all are asked at once.
    pub(super) probe: usize,
    /// `order[i]` is the candidate shown as option i; empty where all probes are asked at once.
    pub(super) order: Vec<usize>,
    /// The prompt.
    pub(super) text: String,
    /// The options of each probe that is answered, in the order shown.
    pub(super) options: Vec<Vec<String>>,
    /// The seed that the spec has for it.
    pub(super) seed: u64,
}

impl<'a> Questions<'a> {
    /// Reads the templates of the methods of a spec; refused where a method needs probabilities.
    pub(super) fn new(spec: &'a Spec, people: &'a People, plan: &'a Plan) -> Result<Self, RunError> {
        written_only(spec)?;
        let mut prompts = Vec::new();
        for &method in &spec.grid.methods {
            let words = people.catalogue.words.as_deref();
            prompts.push((method, method.prompt(spec.prompts.of(method), words)?));
        }
        Ok(Self {
            spec,
            people,
            plan,
            prompts,
        })
    }

    /// SHA-256 by name of the templates.
    pub(super) fn hashes(&self) -> impl Iterator<Item = (String, String)> + '_ {
        let hash = |(method, prompt): &(Method, Prompt)| (format!("prompt_{method}"), prompt.hash().to_owned());
        self.prompts.iter().map(hash)
    }

    /// The requests of one condition of a unit, in order; an outcome without an answer for each probe as well.
    pub(super) fn of(
        &self,
        unit: &Unit,
        (condition, donor): (usize, usize),
    ) -> Result<(Vec<Outcome>, Vec<AskedText>), RunError> {
        let asked_condition = &self.plan.conditions[condition];
        let case = self
            .plan
            .case(&self.spec.demonstrations, self.people, unit, (condition, donor));
        let method = asked_condition.method;
        let Some((_, prompt)) = self.prompts.iter().find(|(known, _)| *known == method) else {
            return Err(RunError::NotWritten(method.name()));
        };
        let ask = Ask {
            condition: asked_condition,
            case: &case,
            prompt,
            frame: &Frame::Plain,
        };
        let words = ask.condition_text();
        let asked = Asked {
            catalogue: &self.people.catalogue,
            case: &case,
            prompt,
            frame: &Frame::Plain,
            spec: &self.spec.scoring,
            condition: &words,
        };
        let outcomes: Vec<Outcome> = unit
            .probes
            .iter()
            .enumerate()
            .map(|(at, &(question, label))| Outcome {
                respondent: case.respondent.clone(),
                split: unit.split.number(),
                question: self.people.catalogue.questions[question].id,
                condition: asked_condition.clone(),
                candidates: asked.size(at),
                label,
                prediction: None,
                context_tokens: 0,
                shown: case.demonstrations.len(),
                evidence: Evidence::Generation {
                    reading: Reading::Failed,
                    tries: Vec::new(),
                },
            })
            .collect();
        let texts = texts(method.definition(), &asked, &outcomes)?;
        Ok((outcomes, texts))
    }
}

/// Refuses methods that need probabilities.
pub(super) fn written_only(spec: &Spec) -> Result<(), RunError> {
    let generated = |method: &&Method| method.definition().evidence() == EvidenceKind::Generation;
    match spec.grid.methods.iter().find(|method| !generated(method)) {
        Some(method) => Err(RunError::NotWritten(method.name())),
        None => Ok(()),
    }
}

fn texts(method: &dyn Definition, asked: &Asked<'_>, outcomes: &[Outcome]) -> Result<Vec<AskedText>, RunError> {
    let owned = |probe: usize| -> Vec<String> { asked.candidates(probe).into_iter().map(str::to_owned).collect() };
    let Some(first) = outcomes.first() else {
        return Ok(Vec::new());
    };
    if method.asks_all_at_once() {
        return Ok(vec![AskedText {
            id: record_id(first),
            probe: 0,
            order: Vec::new(),
            text: asked.pieces(0, None)?.context(),
            options: (0..outcomes.len()).map(owned).collect(),
            seed: asked.text_seed("all", &[]),
        }]);
    }
    let mut texts = Vec::new();
    for (probe, outcome) in outcomes.iter().enumerate() {
        let (id, question) = (record_id(outcome), outcome.question.to_string());
        let orders = asked.orders(probe);
        let several = orders.len() > 1;
        for (number, order) in orders.into_iter().enumerate() {
            let candidates = owned(probe);
            texts.push(AskedText {
                id: if several {
                    format!("{id}-{}", number + 1)
                } else {
                    id.clone()
                },
                probe,
                text: asked.pieces(probe, Some(&order))?.context(),
                options: vec![order.iter().map(|&at| candidates[at].clone()).collect()],
                seed: asked.text_seed(&question, &order),
                order,
            });
        }
    }
    Ok(texts)
}
