//! One synthetic person: where they live, who they are, and where they stand on the factors.

use super::super::demographics::Demographics;
use super::model::{Country, Loads, Model};
use crate::base::random::Draws;

/// The survey's code for "does not apply".
pub(super) const NOT_APPLICABLE: i32 = -3;
/// The survey's code for "not asked".
pub(super) const NOT_ASKED: i32 = -4;
/// The survey's code for a country of birth that its list does not have.
const OTHER_COUNTRY: i32 = 9999;
/// The survey's code for "missing for another reason".
const UNKNOWN: i32 = -5;
/// The year in which all synthetic interviews take place.
pub(super) const YEAR: i32 = 2020;

/// A person before any question is answered.
pub(super) struct SyntheticPerson<'m> {
    pub(super) country: &'m Country,
    /// Codes by column of the survey file.
    pub(super) facts: Vec<(&'static str, i32)>,
    pub(super) factors: Vec<f64>,
    /// How much more (or less) than others the person prefers the ends of scales.
    pub(super) extremity: f64,
    /// How readily the person agrees.
    pub(super) acquiescence: f64,
}

/// Ages from 18, in ten-year steps, with rough weights of the adult population.
const AGE_WEIGHTS: [f64; 7] = [19.0, 21.0, 19.0, 16.0, 13.0, 8.0, 4.0];

/// What moves a person's factors.
struct Circumstances {
    age: i32,
    female: bool,
    religion: i32,
    education: i32,
    income: i32,
}

impl Circumstances {
    fn draw(country: &Country, draws: &mut Draws) -> Self {
        let female = draws.happens(0.52);
        let age = 18 + 10 * draws.weighted(&AGE_WEIGHTS) as i32 + draws.below(10) as i32;
        let religion = draws.weighted(&country.religion) as i32;
        let education = schooling(country, age, 0.0, draws);
        Self {
            age,
            female,
            religion,
            education,
            income: round(4.9 + 0.35 * f64::from(education - 3) + 1.9 * draws.normal()).clamp(1, 10),
        }
    }
}

/// Schooling rises with wealth and falls with age, and with being born so much earlier.
fn schooling(country: &Country, age: i32, born_before: f64, draws: &mut Draws) -> i32 {
    let mean = 3.4 + 1.2 * country.wealth - 0.03 * (f64::from(age) - 40.0) - born_before;
    round(mean + 1.7 * draws.normal()).clamp(0, 8)
}

/// Draws a person who lives in `country`.
pub(super) fn draw<'m>(
    model: &Model,
    country: &'m Country,
    demographics: &Demographics,
    draws: &mut Draws,
) -> SyntheticPerson<'m> {
    let mut facts = Vec::with_capacity(48);
    let own = Circumstances::draw(country, draws);
    facts.extend([
        ("Q260", if own.female { 2 } else { 1 }),
        ("Q261", YEAR - own.age),
        ("Q262", own.age),
        ("X003R", ((own.age - 15) / 10 + 1).clamp(1, 6)),
    ]);
    origins(country, demographics, draws, &mut facts);
    facts.push(("Q289", own.religion));
    facts.push(("Q290", ethnic_group(country, demographics, draws)));
    let married = household(own.age, draws, &mut facts);
    facts.push(("Q275", own.education));
    let spouse_school = if married {
        schooling(country, own.age, 0.0, draws)
    } else {
        NOT_APPLICABLE
    };
    facts.extend([
        ("Q276", spouse_school),
        ("Q277", schooling(country, own.age, 1.4, draws)),
        ("Q278", schooling(country, own.age, 1.1, draws)),
    ]);
    work(&own, married, draws, &mut facts);
    means(&own, draws, &mut facts);
    SyntheticPerson {
        country,
        factors: factors(model, country, &own, draws),
        extremity: libm::exp(0.2 * draws.normal()),
        acquiescence: 0.3 * draws.normal(),
        facts,
    }
}

/// Savings, class, income.
fn means(own: &Circumstances, draws: &mut Draws, facts: &mut Vec<(&'static str, i32)>) {
    let income = f64::from(own.income);
    facts.extend([
        ("Q286", 1 + draws.weighted(&[income / 2.0, 4.0, 1.5, 1.0]) as i32),
        ("Q287", round(4.6 - 0.32 * income + 0.7 * draws.normal()).clamp(1, 5)),
        ("Q288", own.income),
        (
            "Q288R",
            match own.income {
                ..4 => 1,
                4..8 => 2,
                _ => 3,
            },
        ),
    ]);
}

fn round(value: f64) -> i32 {
    libm::round(value) as i32
}

fn factors(model: &Model, country: &Country, circumstances: &Circumstances, draws: &mut Draws) -> Vec<f64> {
    // First the person's own part, where earlier factors feed later ones; then what circumstances add.
    let mut own: Vec<f64> = Vec::with_capacity(model.factors);
    for (ties, rest) in &model.ties {
        let shared: f64 = ties
            .iter()
            .map(|&(from, size)| size * own.get(from).copied().unwrap_or(0.0))
            .sum();
        own.push(shared + rest * draws.normal());
    }
    for (value, shift) in own.iter_mut().zip(&country.shift) {
        *value += shift;
    }
    let mut add = |loads: &Loads, amount: f64| {
        for &(factor, size) in loads {
            own[factor] += size * amount;
        }
    };
    let effects = &model.effects;
    add(&effects.age, f64::from(circumstances.age - 40) / 10.0);
    add(&effects.education, f64::from(circumstances.education - 3));
    add(&effects.female, if circumstances.female { 1.0 } else { 0.0 });
    add(&effects.income, f64::from(circumstances.income - 5));
    if let Some(loads) = effects.religion.get(&circumstances.religion) {
        add(loads, 1.0);
    }
    own
}

/// Immigration, countries of birth, citizenship, language.
fn origins(country: &Country, demographics: &Demographics, draws: &mut Draws, facts: &mut Vec<(&'static str, i32)>) {
    let mut born_somewhere: Vec<i32> = demographics
        .index_of("Q266")
        .map(|at| demographics.dimensions[at].codes())
        .unwrap_or_default();
    born_somewhere.retain(|&code| code != OTHER_COUNTRY);
    // The list of birth countries has the United Kingdom for Northern Ireland, and not every other one.
    let here = match country.code {
        909 => 826,
        code if born_somewhere.contains(&code) => code,
        _ => UNKNOWN,
    };
    let birth = |draws: &mut Draws, immigrant: bool| match born_somewhere.as_slice() {
        codes if immigrant && !codes.is_empty() => codes[draws.below(codes.len())],
        _ => here,
    };
    let immigrant = draws.happens(0.03 + 0.06 * (country.wealth + 1.0) / 2.0);
    let own = birth(draws, immigrant);
    facts.extend([("Q263", 1 + i32::from(immigrant)), ("Q266", own)]);
    for (status, place) in [("Q264", "Q267"), ("Q265", "Q268")] {
        let parent = draws.happens(if immigrant { 0.9 } else { 0.05 });
        let from = if parent && immigrant { own } else { birth(draws, parent) };
        facts.extend([(status, 1 + i32::from(parent)), (place, from)]);
    }
    let citizen = !immigrant || draws.happens(0.5);
    facts.push(("Q269", if citizen { 1 } else { 2 }));
    // Each language is spoken by a third as many people as the one before.
    let weights: Vec<f64> = (0..country.language.len() as i32)
        .map(|at| libm::pow(3.0, f64::from(-at)))
        .collect();
    let language = country.language.get(draws.weighted(&weights)).copied();
    facts.push(("Q272", language.unwrap_or(NOT_ASKED)));
}

fn ethnic_group(country: &Country, demographics: &Demographics, draws: &mut Draws) -> i32 {
    let Some(at) = demographics.index_of("Q290") else {
        return NOT_ASKED;
    };
    // Codes of ethnic groups begin with the code of their country.
    let codes: Vec<i32> = demographics.dimensions[at]
        .codes()
        .into_iter()
        .filter(|code| code / 1000 == country.code)
        .collect();
    let weights: Vec<f64> = (0..codes.len() as i32)
        .map(|at| libm::pow(2.0, f64::from(-at)))
        .collect();
    codes.get(draws.weighted(&weights)).copied().unwrap_or(NOT_ASKED)
}

/// Household, parents, marriage, children; returns whether there is a spouse or partner.
fn household(age: i32, draws: &mut Draws, facts: &mut Vec<(&'static str, i32)>) -> bool {
    let status = match age {
        ..25 => draws.weighted(&[12.0, 6.0, 0.5, 0.5, 0.0, 81.0]),
        25..35 => draws.weighted(&[50.0, 13.0, 3.0, 2.0, 1.0, 31.0]),
        35..60 => draws.weighted(&[68.0, 9.0, 7.0, 3.0, 3.0, 10.0]),
        _ => draws.weighted(&[60.0, 4.0, 7.0, 2.0, 22.0, 5.0]),
    } as i32
        + 1;
    let partner = status <= 2;
    let children = match age {
        _ if status == 6 && age < 35 => i32::from(draws.happens(0.08)),
        ..35 => draws.weighted(&[30.0, 34.0, 24.0, 8.0, 3.0, 1.0]) as i32,
        _ => draws.weighted(&[9.0, 18.0, 34.0, 20.0, 10.0, 5.0, 3.0, 1.0]) as i32,
    };
    let with_parents = draws.happens(if age < 30 { 0.5 } else { 0.15 });
    let at_home = if age < 55 { children } else { children / 3 };
    let people = 1 + i32::from(partner) + at_home + 2 * i32::from(with_parents) + draws.below(2) as i32;
    facts.extend([
        ("Q270", people.min(7)),
        (
            "Q271",
            if with_parents {
                2 + draws.weighted(&[7.0, if partner { 2.0 } else { 0.0 }]) as i32
            } else {
                1
            },
        ),
        ("Q273", status),
        ("Q274", children),
    ]);
    partner
}

/// Employment, occupation, sector, chief earner.
fn work(circumstances: &Circumstances, partner: bool, draws: &mut Draws, facts: &mut Vec<(&'static str, i32)>) {
    let &Circumstances {
        age, female, education, ..
    } = circumstances;
    let employment = |draws: &mut Draws, female: bool| -> i32 {
        let home = if female { 20.0 } else { 1.0 };
        1 + match age {
            ..25 => draws.weighted(&[25.0, 12.0, 10.0, 0.0, home / 2.0, 38.0, 12.0]),
            25..62 => draws.weighted(&[45.0, 10.0, 18.0, 1.5, home, 1.0, 8.0]),
            _ => draws.weighted(&[5.0, 3.0, 8.0, 72.0, home / 2.0, 0.0, 1.0]),
        } as i32
    };
    let occupation = |draws: &mut Draws, education: i32| -> i32 {
        let high = f64::from(education.max(0));
        draws.weighted(&[0.0, high * high, high, 2.0 + high, 9.0, 12.0, 11.0, 9.0, 8.0, 5.0, 3.0]) as i32
    };
    let own = employment(draws, female);
    let never = matches!(own, 5 | 6) && draws.happens(0.6);
    let job = if never { 0 } else { occupation(draws, education) };
    let sector = if never {
        NOT_APPLICABLE
    } else {
        1 + draws.weighted(&[27.0, 65.0, 8.0]) as i32
    };
    let (spouse_work, spouse_job) = if partner {
        let work = employment(draws, !female);
        let job = if matches!(work, 5 | 6) && draws.happens(0.6) {
            0
        } else {
            occupation(draws, education)
        };
        (work, job)
    } else {
        (NOT_APPLICABLE, NOT_APPLICABLE)
    };
    let earns = matches!(own, 1..=4);
    let chief = draws.happens(if !earns {
        0.12
    } else if partner {
        if female { 0.3 } else { 0.75 }
    } else {
        0.6
    });
    facts.extend([
        ("Q279", own),
        ("Q280", spouse_work),
        ("Q281", job),
        ("Q282", spouse_job),
        ("Q283", occupation(draws, education - 1)),
        ("Q284", sector),
        ("Q285", if chief { 1 } else { 2 }),
    ]);
}
