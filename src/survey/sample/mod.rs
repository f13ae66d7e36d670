//! The paper's balanced sample of respondents.

use std::collections::BTreeMap;

use serde::Serialize;

use super::builtin::{BalancedSample, BuiltinSurvey};
use super::demographics::{Demographics, Dimension};
use super::error::SurveyError;
use super::respondents::{MISSING, Respondents};
use super::types::{DemographicValue, Form, QuestionIndex};
use crate::base::random::Draws;

/// Who may be in a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conditions {
    /// Questions that must be answered, but for those that nobody in the file answered: they were not asked there.
    pub probes: Vec<QuestionIndex>,
    /// Fewest valid answers.
    pub least_answers: usize,
}

impl Conditions {
    /// The probes that somebody in the file answered, and those that nobody did.
    fn asked(&self, respondents: &Respondents) -> (Vec<QuestionIndex>, Vec<QuestionIndex>) {
        let unanswered = respondents.unanswered();
        self.probes
            .iter()
            .copied()
            .partition(|probe| !unanswered.contains(probe))
    }

    /// Positions of the people who meet the conditions, ascending.
    pub(crate) fn eligible(&self, respondents: &Respondents) -> Vec<usize> {
        let (asked, _) = self.asked(respondents);
        (0..respondents.len())
            .filter(|&person| {
                let groups = respondents.groups(person, Form::Polar);
                asked.iter().all(|&probe| groups[probe] != MISSING)
                    && respondents.valid_answers(person) >= self.least_answers
            })
            .collect()
    }
}

/// How many people to sample, and which of the equally good samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleOptions {
    /// Size of the sample; the paper has 800.
    pub respondents: usize,
    /// Another seed draws other people.
    pub seed: u64,
}

/// By which rule a sample was drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SampleRule {
    /// The paper's: continents alike, religions limited.
    Balanced,
    /// By chance from everybody eligible: the file does not have all continents.
    Plain,
}

/// A sample.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Positions of the people in the file, ascending.
    pub respondents: Vec<usize>,
    /// How it was drawn.
    pub rule: SampleRule,
    /// How many people of the file met the conditions.
    pub eligible: usize,
    /// Probes that nobody in the file answered, so that nobody had to.
    pub unasked: Vec<QuestionIndex>,
    /// What the sample looks like, by continent, religion, sex and age.
    pub balance: Vec<BalanceTable>,
}

/// Numbers of people by group of one dimension.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BalanceTable {
    /// What the dimension is called.
    pub dimension: String,
    /// Group and number of people, in the order of groups; `missing` comes last.
    pub groups: Vec<(String, usize)>,
}

/// Draws a sample of the people who meet the conditions. It depends on ids and the seed, not on the order of the file.
///
/// Where the file has people of every continent, it is the paper's balanced sample (`[sample]` of `data/wvs7.toml`):
/// everyone eligible of Oceania; the other continents in equal numbers, from people with at least 24 known dimensions,
/// and of no limited religion more than 80 to draw from. A file of some countries cannot be balanced so: of its eligible
/// people as many as there are, up to the number asked for, are drawn by chance.
pub fn sample(
    respondents: &Respondents,
    demographics: &Demographics,
    conditions: &Conditions,
    options: SampleOptions,
) -> Result<Sample, SurveyError> {
    let eligible = conditions.eligible(respondents);
    if eligible.is_empty() {
        return Err(nobody(respondents, conditions));
    }
    let rule = &BuiltinSurvey::get()?.sample;
    let strata = Strata::new(rule, respondents, demographics)?;
    let (mut chosen, how) = if strata.everywhere() {
        (strata.balanced(&eligible, conditions, options)?, SampleRule::Balanced)
    } else {
        (plain(respondents, &eligible, options), SampleRule::Plain)
    };
    chosen.sort_unstable();
    let balance = balance(rule, respondents, demographics, &chosen);
    Ok(Sample {
        respondents: chosen,
        rule: how,
        eligible: eligible.len(),
        unasked: conditions.asked(respondents).1,
        balance,
    })
}

fn nobody(respondents: &Respondents, conditions: &Conditions) -> SurveyError {
    let most = (0..respondents.len())
        .map(|person| respondents.valid_answers(person))
        .max()
        .unwrap_or(0);
    SurveyError::TooFewRespondents {
        problem: format!(
            "nobody answered all {} probes and {} questions in all (the most that anybody answered is {most})",
            conditions.asked(respondents).0.len(),
            conditions.least_answers
        ),
    }
}

/// People in random order: the order of ids, shuffled.
fn shuffled(respondents: &Respondents, people: &mut [usize], draws: &mut Draws) {
    people.sort_by_key(|&person| respondents.id(person));
    draws.shuffle(people);
}

fn plain(respondents: &Respondents, eligible: &[usize], options: SampleOptions) -> Vec<usize> {
    let mut people = eligible.to_vec();
    shuffled(respondents, &mut people, &mut Draws::new(options.seed, 0));
    people.truncate(options.respondents);
    people
}

/// People by continent.
struct Strata<'a> {
    rule: &'static BalancedSample,
    respondents: &'a Respondents,
    continent: &'a Dimension,
    continent_at: usize,
    religion_at: usize,
}

impl<'a> Strata<'a> {
    fn new(
        rule: &'static BalancedSample,
        respondents: &'a Respondents,
        demographics: &'a Demographics,
    ) -> Result<Self, SurveyError> {
        let find = |id: &str| {
            demographics.index_of(id).ok_or_else(|| SurveyError::Demographics {
                place: id.to_owned(),
                problem: "the balanced sample needs this dimension".to_owned(),
            })
        };
        let continent_at = find(&rule.strata)?;
        Ok(Self {
            rule,
            respondents,
            continent: &demographics.dimensions[continent_at],
            continent_at,
            religion_at: find(&rule.limited)?,
        })
    }

    /// The people of each continent, in the order of names.
    fn of(&self, people: impl Iterator<Item = usize>) -> BTreeMap<&'a str, Vec<usize>> {
        let groups = self.continent.groups().iter();
        let mut strata: BTreeMap<&str, Vec<usize>> = groups.map(|group| (group.name.as_str(), Vec::new())).collect();
        for person in people {
            let value = self.respondents.demographic(person, self.continent_at);
            let name = value.as_ref().and_then(|value| self.continent.group_name(value));
            if let Some(stratum) = name.and_then(|name| strata.get_mut(name)) {
                stratum.push(person);
            }
        }
        strata
    }

    /// Whether the file has people of every continent.
    fn everywhere(&self) -> bool {
        self.of(0..self.respondents.len())
            .values()
            .all(|people| !people.is_empty())
    }

    fn balanced(
        &self,
        eligible: &[usize],
        conditions: &Conditions,
        options: SampleOptions,
    ) -> Result<Vec<usize>, SurveyError> {
        let mut strata = self.of(eligible.iter().copied());
        let mut draws = Draws::new(options.seed, 0);
        let whole = self.rule.whole.as_str();
        let mut chosen = strata.remove(whole).unwrap_or_default();
        let rest = options
            .respondents
            .checked_sub(chosen.len())
            .ok_or(SurveyError::SampleTooSmall {
                asked: options.respondents,
                continent: whole,
                has: chosen.len(),
            })?;
        let (share, more) = (rest / strata.len().max(1), rest % strata.len().max(1));
        let mut short = Vec::new();
        for (number, (name, people)) in strata.into_iter().enumerate() {
            let wanted = share + usize::from(number < more);
            let people = self.limited(people, &mut draws);
            if people.len() < wanted {
                short.push(format!("{name} has {} of {wanted}", people.len()));
            }
            // A second shuffle would change nothing: the order is random already, within and between religions.
            chosen.extend(people.into_iter().take(wanted));
        }
        if short.is_empty() {
            return Ok(chosen);
        }
        Err(SurveyError::TooFewRespondents {
            problem: format!(
                "too few people answered all {} probes and {} questions in all, with {} known demographics: {}",
                conditions.asked(self.respondents).0.len(),
                conditions.least_answers,
                self.rule.least_demographics,
                short.join(", ")
            ),
        })
    }

    /// The people of one continent who may be drawn, in random order.
    fn limited(&self, people: Vec<usize>, draws: &mut Draws) -> Vec<usize> {
        let mut people: Vec<usize> = people
            .into_iter()
            .filter(|&person| self.respondents.valid_demographics(person) >= self.rule.least_demographics)
            .collect();
        shuffled(self.respondents, &mut people, draws);
        let mut of_religion: BTreeMap<String, usize> = BTreeMap::new();
        people.retain(|&person| {
            let Some(key) = limited(self.rule, self.respondents.demographic(person, self.religion_at)) else {
                return true;
            };
            let count = of_religion.entry(key).or_default();
            *count += 1;
            *count <= self.rule.most_of_a_group
        });
        people
    }
}

/// What a person's religion is counted under where the rule limits it; absent where it does not, or is unknown.
fn limited(rule: &BalancedSample, religion: Option<DemographicValue>) -> Option<String> {
    let told = |text: &str| rule.unlimited_words.iter().any(|word| text.contains(word.as_str()));
    match religion? {
        DemographicValue::Code(code) | DemographicValue::Worded(code, _) => {
            (!rule.unlimited_codes.contains(&code)).then(|| code.to_string())
        }
        DemographicValue::Sentence(text) if told(&text) => None,
        DemographicValue::Sentence(text) => Some(text.into()),
    }
}

/// Numbers of people by continent, religion, sex and age.
fn balance(
    rule: &BalancedSample,
    respondents: &Respondents,
    demographics: &Demographics,
    people: &[usize],
) -> Vec<BalanceTable> {
    rule.balance
        .iter()
        .filter_map(|id| demographics.index_of(id))
        .map(|at| {
            let dimension = &demographics.dimensions[at];
            let mut groups: Vec<(String, usize)> =
                dimension.groups().iter().map(|group| (group.name.clone(), 0)).collect();
            let mut missing = 0;
            for &person in people {
                let value = respondents.demographic(person, at);
                match value.as_ref().and_then(|value| dimension.group_name(value)) {
                    None => missing += 1,
                    Some(name) => match groups.iter_mut().find(|(known, _)| known == name) {
                        Some((_, count)) => *count += 1,
                        None => groups.push((name.to_owned(), 1)),
                    },
                }
            }
            if missing > 0 {
                groups.push(("missing".to_owned(), missing));
            }
            BalanceTable {
                dimension: dimension.name.clone(),
                groups,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
