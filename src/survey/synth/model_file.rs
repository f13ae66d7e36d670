//! `data/synthetic-model.toml`, read and checked against the built-in catalogue.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::super::error::SurveyError;
use super::super::question_id::QuestionId;
use super::super::types::{Catalogue, Question};
use super::model::{AnswerKind, AnswerModel, AtMost, Country, Effects, Loads, Missing, Model, ScaleEnd};
use crate::base::random::Draws;

const TEXT: &str = include_str!("../../../data/synthetic-model.toml");

static MODEL: LazyLock<Result<Model, SurveyError>> = LazyLock::new(|| build(TEXT, Catalogue::builtin()?));

impl Model {
    /// The built-in model. An error means that this build's data files are broken.
    pub(super) fn builtin() -> Result<&'static Self, SurveyError> {
        MODEL.as_ref().map_err(Clone::clone)
    }
}

type Named = BTreeMap<String, f64>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelSource {
    factors: Vec<String>,
    ties: BTreeMap<String, Named>,
    effects: EffectsSource,
    scale: Vec<ScaleSource>,
    choice: Vec<ChoiceSource>,
    zones: BTreeMap<String, Named>,
    countries: BTreeMap<String, CountrySource>,
    missing: Missing,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EffectsSource {
    age: Named,
    education: Named,
    female: Named,
    income: Named,
    religion: Vec<ReligionSource>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReligionSource {
    code: i32,
    shift: Named,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScaleSource {
    #[serde(rename = "about")]
    _about: String,
    end: ScaleEnd,
    agree: Option<ScaleEnd>,
    at_most: Option<usize>,
    #[serde(default)]
    load: Named,
    questions: BTreeMap<QuestionId, QuestionSource>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum QuestionSource {
    Center(f64),
    Full { center: f64, load: Named },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChoiceSource {
    question: QuestionId,
    answers: Vec<UtilitySource>,
    second: Option<QuestionId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UtilitySource {
    code: i16,
    base: f64,
    load: Named,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CountrySource {
    alpha: String,
    zone: String,
    wealth: f64,
    religion: Vec<f64>,
    language: Vec<i32>,
}

fn fault(place: impl ToString, problem: impl Into<String>) -> SurveyError {
    SurveyError::SyntheticModel {
        place: place.to_string(),
        problem: problem.into(),
    }
}

/// Turns names of factors into positions.
struct Names<'a>(&'a [String]);

impl Names<'_> {
    fn at(&self, name: &str) -> Result<usize, SurveyError> {
        self.0
            .iter()
            .position(|factor| factor == name)
            .ok_or_else(|| fault(name, "is not a factor"))
    }

    fn loads(&self, named: &Named) -> Result<Loads, SurveyError> {
        named.iter().map(|(name, size)| Ok((self.at(name)?, *size))).collect()
    }

    fn sum(&self, parts: &[&Named]) -> Result<Loads, SurveyError> {
        let mut all = Named::new();
        for (name, size) in parts.iter().copied().flatten() {
            *all.entry(name.clone()).or_default() += size;
        }
        self.loads(&all)
    }
}

/// Seeds of what belongs to the model rather than to one file: a country is the same in all of them.
const MODEL_SEED: u64 = 7;
/// Spread of what a country adds to factors and to single questions, beside its zone.
const COUNTRY_SPREAD: f64 = 0.25;
const COUNTRY_ITEM_SPREAD: f64 = 0.35;
/// Shortest and longest run of questions that a country did not ask.
const GAP: std::ops::Range<usize> = 4..25;

pub(super) fn build(text: &str, catalogue: &Catalogue) -> Result<Model, SurveyError> {
    let source: ModelSource = toml::from_str(text).map_err(|error| fault("syntax", error.to_string()))?;
    let names = Names(&source.factors);
    let (items, at_most) = items(&source, &names, catalogue)?;
    let ties = source
        .factors
        .iter()
        .map(|factor| {
            let loads = source
                .ties
                .get(factor)
                .map_or(Ok(Loads::new()), |named| names.loads(named))?;
            let shared: f64 = loads.iter().map(|(_, size)| size * size).sum();
            Ok((loads, (1.0 - shared).max(0.0).sqrt()))
        })
        .collect::<Result<_, SurveyError>>()?;
    let effects = Effects {
        age: names.loads(&source.effects.age)?,
        education: names.loads(&source.effects.education)?,
        female: names.loads(&source.effects.female)?,
        income: names.loads(&source.effects.income)?,
        religion: source
            .effects
            .religion
            .iter()
            .map(|religion| Ok((religion.code, names.loads(&religion.shift)?)))
            .collect::<Result<_, SurveyError>>()?,
    };
    let mut countries = source
        .countries
        .iter()
        .map(|(code, country)| build_country(code, country, &source, &names, catalogue))
        .collect::<Result<Vec<_>, _>>()?;
    countries.sort_by_key(|country| country.code);
    Ok(Model {
        factors: source.factors.len(),
        ties,
        effects,
        items,
        at_most,
        countries,
        missing: source.missing,
    })
}

/// What questions are made of, by position in the catalogue, while the file is gone through.
#[derive(Default)]
struct Described {
    kinds: BTreeMap<usize, AnswerKind>,
    /// Answer codes of choices, as the file lists them.
    orders: BTreeMap<usize, Vec<i16>>,
    at_most: Vec<AtMost>,
}

fn place(catalogue: &Catalogue, id: QuestionId) -> Result<usize, SurveyError> {
    catalogue
        .index_of(id)
        .ok_or_else(|| fault(id, "is not in the catalogue"))
}

impl Described {
    fn scales(&mut self, source: &ModelSource, names: &Names<'_>, catalogue: &Catalogue) -> Result<(), SurveyError> {
        for block in &source.scale {
            let mut members = Vec::new();
            for (&id, question) in &block.questions {
                let none = Named::new();
                let (center, own) = match question {
                    QuestionSource::Center(center) => (*center, &none),
                    QuestionSource::Full { center, load } => (*center, load),
                };
                let kind = AnswerKind::Scale {
                    end: block.end,
                    agree: block.agree,
                    center,
                    loads: names.sum(&[&block.load, own])?,
                };
                let at = place(catalogue, id)?;
                members.push(at);
                self.kinds.insert(at, kind);
            }
            if let Some(most) = block.at_most {
                self.at_most.push(AtMost {
                    most,
                    questions: members,
                });
            }
        }
        Ok(())
    }

    fn choices(&mut self, source: &ModelSource, names: &Names<'_>, catalogue: &Catalogue) -> Result<(), SurveyError> {
        for choice in &source.choice {
            let at = place(catalogue, choice.question)?;
            let utilities = choice
                .answers
                .iter()
                .map(|answer| Ok((answer.base, names.loads(&answer.load)?)))
                .collect::<Result<_, SurveyError>>()?;
            let order: Vec<i16> = choice.answers.iter().map(|answer| answer.code).collect();
            if let Some(second) = choice.second {
                let second = place(catalogue, second)?;
                self.kinds.insert(second, AnswerKind::Second { first: at });
                self.orders.insert(second, order.clone());
            }
            self.kinds.insert(at, AnswerKind::Choice { utilities });
            self.orders.insert(at, order);
        }
        Ok(())
    }
}

fn items(
    source: &ModelSource,
    names: &Names<'_>,
    catalogue: &Catalogue,
) -> Result<(Vec<AnswerModel>, Vec<AtMost>), SurveyError> {
    let mut described = Described::default();
    described.scales(source, names, catalogue)?;
    described.choices(source, names, catalogue)?;
    let Described {
        mut kinds,
        orders,
        at_most,
    } = described;
    let item = |(at, question): (usize, &Question)| {
        let codes: Vec<i16> = question.refined.iter().flat_map(|s| s.codes.iter().copied()).collect();
        if orders.get(&at).is_some_and(|order| *order != codes) {
            return Err(fault(question.id, "does not list the answer codes in order"));
        }
        let kind = kinds
            .remove(&at)
            .ok_or_else(|| fault(question.id, "is not described"))?;
        let often_missing = source.missing.often.contains(&question.id);
        Ok(AnswerModel {
            codes,
            kind,
            often_missing,
        })
    };
    let items = catalogue
        .questions
        .iter()
        .enumerate()
        .map(item)
        .collect::<Result<_, _>>()?;
    Ok((items, at_most))
}

fn build_country(
    code: &str,
    country: &CountrySource,
    source: &ModelSource,
    names: &Names<'_>,
    catalogue: &Catalogue,
) -> Result<Country, SurveyError> {
    let number: i32 = code.parse().map_err(|_| fault(code, "is not a country code"))?;
    let zone = source
        .zones
        .get(&country.zone)
        .ok_or_else(|| fault(code, "names an unknown zone"))?;
    let mut shift = vec![0.0; source.factors.len()];
    for (factor, size) in names.loads(zone)? {
        shift[factor] += size;
    }
    for (name, size) in [("content", 0.3), ("online", 0.4), ("fear", -0.2)] {
        shift[names.at(name)?] += size * country.wealth;
    }
    let mut draws = Draws::new(MODEL_SEED, number.unsigned_abs().into());
    for value in &mut shift {
        *value += COUNTRY_SPREAD * draws.normal();
    }
    let questions = catalogue.questions.len();
    let items = (0..questions).map(|_| COUNTRY_ITEM_SPREAD * draws.normal()).collect();
    let gap = if draws.happens(source.missing.countries_with_a_gap) {
        let length = GAP.start + draws.below(GAP.len());
        let from = draws.below(questions - length);
        from..from + length
    } else {
        0..0
    };
    Ok(Country {
        code: number,
        alpha: country.alpha.clone(),
        wealth: country.wealth,
        religion: country.religion.clone(),
        language: country.language.clone(),
        shift,
        items,
        gap,
    })
}
