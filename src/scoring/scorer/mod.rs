//! All that is asked of one person or several, in one batch: cases and prompts in, outcomes out.

mod ask;
mod estimate;
mod fit;
mod neutral;
mod walk;
mod writing;

use std::sync::Arc;

use super::constraint::Marks;
use super::join::Joined;
use super::prefixes::Prefixes;
use super::request::{Answered, Given, Judged, Request, Wanted};
use super::{Method, Outcome, ScoringError, Try};
use crate::model::TextRequest as _;
use crate::probe::{Case, Count, Probe, Splitting, split_questions};
use crate::survey::{QuestionId, QuestionIndex};

use fit::Prepared;
use writing::Pending;

pub use ask::Ask;
pub use estimate::TokenEstimate;
pub use walk::Scorer;

impl<'a> Scorer<'a> {
    /// The outcomes of each ask, one a probe in the order of its case.
    ///
    /// All asks are one batch for the model: give at least those of one person in one call.
    ///
    /// Errors: [`ScoringError::ContextTooLong`] before anything is computed; what tokenizer, prompts and model report.
    pub fn ask(&mut self, asks: &[Ask<'_>]) -> Result<Vec<Vec<Outcome>>, ScoringError> {
        let conditions = asks.iter().map(Ask::condition_text).collect::<Vec<_>>();
        let mut texts = Prefixes::new(self.plain, self.chat);
        let mut prepared = Vec::with_capacity(asks.len());
        for (ask, condition) in asks.iter().zip(&conditions) {
            prepared.push(self.prepare(ask, condition, &mut texts)?);
        }
        for (ask, condition) in asks.iter().zip(&conditions) {
            self.ready_neutral(ask, condition)?;
        }
        let shown: Vec<usize> = prepared.iter().map(|prepared| prepared.shown).collect();
        let requests = asks.iter().zip(prepared);
        let requests = requests.map(|(ask, prepared)| (ask.condition.method, prepared.requests));
        let answered = self.answered(requests.collect())?;
        let judge = |(((ask, condition), answered), shown): (((&Ask<'_>, &String), _), _)| {
            self.judge(ask, condition, answered, shown)
        };
        Ok(asks
            .iter()
            .zip(&conditions)
            .zip(answered)
            .zip(shown)
            .map(judge)
            .collect())
    }

    /// The outcomes of an ask whose requests were answered.
    fn judge(&self, ask: &Ask<'_>, condition: &str, answered: Vec<Answered>, shown: usize) -> Vec<Outcome> {
        let asked = self.asked(ask, ask.case, condition);
        let definition = ask.condition.method.definition();
        let outcome = |judged: Judged| Outcome {
            respondent: ask.case.respondent.clone(),
            split: ask.case.split.number(),
            question: asked.question(judged.probe).unwrap_or(QuestionId::number(0)),
            condition: ask.condition.clone(),
            candidates: asked.size(judged.probe),
            label: ask.case.probes[judged.probe].label,
            prediction: judged.prediction,
            context_tokens: judged.context_tokens,
            shown,
            evidence: judged.evidence,
        };
        let judged = definition.judge(&asked, answered, self.neutral.of(ask));
        judged.into_iter().map(outcome).collect()
    }

    /// Has these requests answered, all in one batch; each list with its method.
    fn answered(&mut self, lists: Vec<(Method, Vec<Request>)>) -> Result<Vec<Vec<Answered>>, ScoringError> {
        let mut pending: Vec<Pending<'_>> = Vec::new();
        for (method, requests) in &lists {
            pending.extend(self.pending(*method, requests)?);
        }
        let requests = lists.iter().flat_map(|(_, requests)| requests);
        let joined: Vec<&Joined> = requests.flat_map(Request::scored).collect();
        let mut rows = self.score(&joined, &mut pending)?.into_iter();
        let mut written = pending.into_iter();
        let mut answer = |request: Request| -> Result<Option<Answered>, ScoringError> {
            let given = match &request.wanted {
                Wanted::Scores(joined) => Some(Given::Scores(rows.by_ref().take(joined.len()).collect())),
                Wanted::Text(_) => written.next().map(Pending::given).transpose()?,
            };
            Ok(given.map(|given| Answered { request, given }))
        };
        let mut answered = Vec::with_capacity(lists.len());
        for (_, requests) in lists {
            let list: Result<Vec<_>, _> = requests.into_iter().map(&mut answer).collect();
            answered.push(list?.into_iter().flatten().collect());
        }
        Ok(answered)
    }

    /// The outcomes that these texts give when they are read again, and what is odd about their number. Their
    /// log-probabilities are taken as they are; each text belongs to the request of its order.
    ///
    /// Errors: as [`Scorer::ask`] before it computes.
    pub fn read_again(
        &mut self,
        ask: &Ask<'_>,
        tries: &[Try],
    ) -> Result<(Vec<Outcome>, Vec<&'static str>), ScoringError> {
        let condition = ask.condition_text();
        let Prepared { requests, shown } = self.prepare(ask, &condition, &mut Prefixes::new(self.plain, self.chat))?;
        let mut pending = self.pending(ask.condition.method, &requests)?;
        let mut odd = Vec::new();
        let mut told = 0;
        for pending in &mut pending {
            // Records of format 1 hold no order: there was one.
            let of_order = |one: &&Try| one.order.is_empty() || one.order == pending.order();
            let mine: Vec<&Try> = tries.iter().filter(of_order).collect();
            told += mine.len();
            for one in &mine {
                if pending.begin().is_none() {
                    odd.push("there is one try more than its answers call for");
                }
                pending.finish(one.generation());
            }
            if pending.begin().is_some() {
                odd.push("an answer that cannot be read was not tried again as often as the spec says");
            }
        }
        if told != tries.len() {
            odd.push("a text answers options in an order that is not asked");
        }
        let answered = requests.into_iter().zip(pending).map(|(request, pending)| {
            let given = pending.given()?;
            Ok(Answered { request, given })
        });
        let answered = answered.collect::<Result<Vec<_>, ScoringError>>()?;
        Ok((self.judge(ask, &condition, answered, shown), odd))
    }

    /// Sees to it that the neutral answers an ask needs are known.
    fn ready_neutral(&mut self, ask: &Ask<'_>, condition: &str) -> Result<(), ScoringError> {
        let method = ask.condition.method;
        let needed = method.definition().needs_neutral(&self.asked(ask, ask.case, condition));
        if !needed || self.neutral.knows(ask) {
            return Ok(());
        }
        let questions = self.probed(ask);
        let nobody = Case {
            respondent: "nobody".to_owned(),
            split: ask.case.split,
            demographics: Vec::new(),
            demonstrations: Vec::new(),
            asked: Count::Of(0),
            probes: questions.iter().map(|&question| Probe { question, label: 0 }).collect(),
        };
        let of_nobody = Ask { case: &nobody, ..*ask };
        let mut texts = Prefixes::new(self.plain, self.chat);
        let prepared = self.prepare(&of_nobody, condition, &mut texts)?;
        let answered = self.answered(vec![(method, prepared.requests)])?;
        let answers = answered.into_iter().flatten();
        let answers = answers
            .map(|answered| (questions[answered.request.probe], answered))
            .collect();
        self.neutral.learn(ask, answers);
        Ok(())
    }

    /// What nobody is asked: the questions of the split; all there are where people have probes of their own.
    fn probed(&self, ask: &Ask<'_>) -> Vec<QuestionIndex> {
        match Splitting::new(self.catalogue).is_personal() {
            true => (0..self.catalogue.questions.len()).collect(),
            false => split_questions(self.catalogue, ask.case.split),
        }
    }

    /// The texts that these requests of a method want.
    fn pending(&mut self, method: Method, requests: &[Request]) -> Result<Vec<Pending<'a>>, ScoringError> {
        let mut pending = Vec::new();
        for request in requests {
            let Wanted::Text(writing) = &request.wanted else {
                continue;
            };
            if writing.answers.needs_marks() && self.marks.is_none() {
                self.marks = Some(Arc::new(Marks::new(self.tokenizer)?));
            }
            let decodings = self.spec.rounds(self.tokenizer);
            let (definition, marks) = (method.definition(), self.marks.clone());
            pending.push(Pending::new(
                definition,
                request,
                writing,
                decodings,
                marks,
                self.tokenizer,
            ));
        }
        Ok(pending)
    }
}
