//! Cases become tokens that fit the model's context.

use super::choices::{self, Answers};
use super::label::orders;
use super::{Ask, Fit, Prefixes, Scorer, Template, markup};
use crate::model::TokenId;
use crate::probe::{Case, Probe};
use crate::prompt::{Frame, Pieces, PromptKind};
use crate::scoring::ScoringError;
use crate::scoring::join::{Encoded, Joined, Markup};

/// One ask in tokens, by method.
pub(super) enum Prepared {
    Likelihood(Shown),
    Label(Shown),
    Single(Shown),
    Paper(Shown),
}

/// An ask in tokens, with the demonstrations that fit.
pub(super) struct Shown {
    /// What is asked: a probe, one order of its options, or all probes.
    pub items: Vec<Item>,
    /// Number of demonstrations shown.
    pub demonstrations: usize,
}

/// One context and what may follow on it.
pub(super) struct Item {
    /// Position of the probe in its case; 0 where all are asked at once.
    pub probe: usize,
    /// `order[i]` is the candidate that continuation i is about.
    pub order: Vec<usize>,
    /// Context and continuations to be scored.
    pub joined: Vec<Joined>,
    /// What is to be generated, where it is.
    pub answers: Option<Answers>,
    /// Tokens of the context, BOS included.
    pub context: usize,
}

impl Prepared {
    pub(super) fn shown(&self) -> &Shown {
        match self {
            Self::Likelihood(shown) | Self::Label(shown) | Self::Single(shown) | Self::Paper(shown) => shown,
        }
    }
}

impl Item {
    /// Tokens of the longest path below the root.
    fn longest(&self, settings: &super::Settings, paper: bool) -> usize {
        let scored = self
            .joined
            .iter()
            .map(|joined| joined.context.len() + joined.continuation.len());
        let written = self
            .answers
            .iter()
            .map(|answers| answers.prompt.len() + answers.max_tokens(settings, paper));
        scored.chain(written).max().unwrap_or(0)
    }
}

impl Prefixes {
    /// The longest text known that `text` begins with.
    fn longest(&self, markup: Markup, text: &str) -> Option<&Encoded> {
        let known = self
            .known
            .iter()
            .filter(|(of, known)| *of == markup && text.starts_with(known.text()));
        known.map(|(_, known)| known).max_by_key(|known| known.text().len())
    }
}

impl Scorer<'_> {
    /// Tokens of an ask, with as many demonstrations as fit.
    pub(super) fn prepare(&mut self, ask: &Ask<'_>, prefixes: &mut Prefixes) -> Result<Prepared, ScoringError> {
        let all = ask.case.demonstrations.len();
        let paper = matches!(ask.template, Template::Paper(_));
        let items = self.items(ask, ask.case, prefixes)?;
        let (tokens, probe) = self.longest(&items, paper);
        let limit = self.model.context_length();
        let shown = if tokens <= limit {
            Shown {
                items,
                demonstrations: all,
            }
        } else {
            let too_long = || ScoringError::ContextTooLong {
                who: who(ask, self.catalogue, probe),
                tokens,
                limit,
            };
            match self.settings.fit {
                Fit::Refuse => return Err(too_long()),
                Fit::DropDemonstrations => self.fitting(ask, prefixes, paper)?.ok_or_else(too_long)?,
            }
        };
        Ok(match ask.template {
            Template::Paper(_) => Prepared::Paper(shown),
            Template::Probe(prompt) => match prompt.kind() {
                PromptKind::Likelihood => Prepared::Likelihood(shown),
                PromptKind::Label => Prepared::Label(shown),
                PromptKind::Single => Prepared::Single(shown),
            },
        })
    }

    /// The most demonstrations that fit, found by halving; `None` where not even none of them do.
    fn fitting(&mut self, ask: &Ask<'_>, prefixes: &mut Prefixes, paper: bool) -> Result<Option<Shown>, ScoringError> {
        let mut best = None;
        let (mut least, mut most) = (0, ask.case.demonstrations.len());
        while least < most {
            let tried = least + (most - least) / 2;
            let mut case = ask.case.clone();
            case.demonstrations.truncate(tried);
            let items = self.items(ask, &case, prefixes)?;
            if self.longest(&items, paper).0 <= self.model.context_length() {
                best = Some(Shown {
                    items,
                    demonstrations: tried,
                });
                least = tried + 1;
            } else {
                most = tried;
            }
        }
        Ok(best)
    }

    /// Tokens of the longest path, BOS included, and the probe it belongs to.
    fn longest(&self, items: &[Item], paper: bool) -> (usize, usize) {
        let root = self.root_depth();
        let lengths = items
            .iter()
            .map(|item| (root + item.longest(&self.settings, paper), item.probe));
        lengths.max_by_key(|&(tokens, _)| tokens).unwrap_or((0, 0))
    }

    /// Tokens that the root holds.
    pub(super) fn root_depth(&self) -> usize {
        self.model.depth(self.model.root())
    }

    fn items(&mut self, ask: &Ask<'_>, case: &Case, prefixes: &mut Prefixes) -> Result<Vec<Item>, ScoringError> {
        let mut items = Vec::new();
        match ask.template {
            Template::Paper(_) if case.probes.is_empty() => {}
            Template::Paper(prompt) => {
                let pieces = prompt.pieces(self.catalogue, case, ask.frame)?;
                let context = self.context(&pieces, ask.frame, prefixes)?;
                let answers = if self.settings.constrained {
                    choices::paper(&self.encoder(markup(ask.frame)), &context, &self.sizes(case))?
                } else {
                    Answers::free(context.tokens())
                };
                items.push(Item {
                    probe: 0,
                    order: Vec::new(),
                    joined: Vec::new(),
                    context: context.len(),
                    answers: Some(answers),
                });
            }
            Template::Probe(prompt) => {
                for (index, (probe, size)) in case.probes.iter().zip(self.sizes(case)).enumerate() {
                    let orders = match prompt.kind() {
                        PromptKind::Label => orders(size, self.settings.permutations),
                        PromptKind::Likelihood | PromptKind::Single => orders(size, 1),
                    };
                    for order in orders {
                        let pieces = prompt.pieces(self.catalogue, case, probe, Some(&order), ask.frame)?;
                        items.push(self.item(index, order, &pieces, prompt.kind(), ask.frame, prefixes)?);
                    }
                }
            }
        }
        Ok(items)
    }

    fn item(
        &mut self,
        probe: usize,
        order: Vec<usize>,
        pieces: &Pieces,
        kind: PromptKind,
        frame: &Frame,
        prefixes: &mut Prefixes,
    ) -> Result<Item, ScoringError> {
        let context = self.context(pieces, frame, prefixes)?;
        let encoder = self.encoder(markup(frame));
        let joined: Vec<Joined> = pieces
            .continuations
            .iter()
            .map(|continuation| encoder.join(&context, continuation))
            .collect::<Result<_, _>>()?;
        let answers = match kind {
            PromptKind::Single => {
                let constrained = self.settings.constrained;
                Some(choices::letters(&encoder, &context, order.len(), constrained)?)
            }
            PromptKind::Likelihood | PromptKind::Label => None,
        };
        Ok(Item {
            probe,
            order,
            context: joined.first().map_or(context.len(), |joined| joined.context.len()),
            joined,
            answers,
        })
    }

    /// Tokens of a prompt's context. What it shares with others of the unit is encoded once.
    fn context(&mut self, pieces: &Pieces, frame: &Frame, prefixes: &mut Prefixes) -> Result<Encoded, ScoringError> {
        let markup = markup(frame);
        let encoder = self.encoder(markup);
        let mut text = pieces.shared.clone();
        if prefixes.longest(markup, &text).is_none_or(|known| known.text() != text) {
            let encoded = encoder.encode(&text)?;
            prefixes.shared.push(encoded.settled());
            prefixes.known.push((markup, encoded));
        }
        text.extend(pieces.person.iter().map(String::as_str));
        let known = prefixes.longest(markup, &text);
        let grown = match known {
            Some(known) if known.text() == text => None,
            Some(known) => Some(encoder.append(known, &text[known.text().len()..])?),
            None => Some(encoder.encode(&text)?),
        };
        prefixes.known.extend(grown.map(|grown| (markup, grown)));
        match prefixes.longest(markup, &text) {
            Some(prefix) => Ok(encoder.append(prefix, &pieces.probe)?),
            None => Ok(encoder.encode(&format!("{text}{}", pieces.probe))?),
        }
    }

    /// Number of candidates of each probe.
    pub(super) fn sizes(&self, case: &Case) -> Vec<usize> {
        case.probes.iter().map(|probe| self.size(probe)).collect()
    }

    /// Number of a probe's candidates.
    pub(super) fn size(&self, probe: &Probe) -> usize {
        let question = self.catalogue.questions.get(probe.question);
        question.map_or(0, |question| question.polar.len())
    }
}

fn who(ask: &Ask<'_>, catalogue: &crate::survey::Catalogue, probe: usize) -> String {
    let asked = ask.case.probes.get(probe);
    let question = asked.and_then(|probe| catalogue.questions.get(probe.question));
    let what = match (ask.template, question) {
        (Template::Probe(_), Some(question)) => format!("{}, ", question.id),
        _ => String::new(),
    };
    format!(
        "respondent {}, split {}, {what}{} demonstrations",
        ask.case.respondent,
        ask.case.split,
        ask.case.demonstrations.len()
    )
}

/// A path's tokens as they go to the model.
pub(super) type Path = Vec<TokenId>;
