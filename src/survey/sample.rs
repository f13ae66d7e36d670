//! The paper's balanced sample of respondents.

use std::collections::BTreeMap;

use serde::Serialize;

use super::demographics::Demographics;
use super::error::SurveyError;
use super::respondents::{MISSING, Respondents};
use super::types::{DemographicValue, Form, QuestionIndex};
use crate::base::random::Draws;

/// Fewest valid answers of anyone in the sample: 200 demonstrations and the 39 probes of a split.
pub const LEAST_VALID_ANSWERS: usize = 239;
/// Fewest known demographic dimensions, of 31, outside Oceania.
pub const LEAST_DEMOGRAPHICS: usize = 24;
/// Most people of one religion that a continent may draw from.
pub const MOST_OF_A_RELIGION: usize = 80;
/// The continent that is taken whole: only two of its countries took part.
const WHOLE_CONTINENT: &str = "Oceania";
/// Denominations (Q289) that the paper does not limit: Jewish and Hindu.
const UNLIMITED_RELIGIONS: [i32; 2] = [4, 6];
/// Dimensions by which the balance is shown.
const BALANCE: [&str; 4] = ["B_COUNTRY_to_continent", "Q289", "Q260", "X003R"];

/// How many people to sample, and which of the equally good samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleOptions {
    /// Size of the sample; the paper has 800.
    pub respondents: usize,
    /// Another seed draws other people.
    pub seed: u64,
}

/// A sample.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Positions of the people in the file, ascending.
    pub respondents: Vec<usize>,
    /// How many people of the file met the conditions.
    pub eligible: usize,
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

/// Draws the paper's balanced sample.
///
/// Everyone in it answered all `probes` and at least [`LEAST_VALID_ANSWERS`] questions. All such people of Oceania are in
/// it; the other continents give equal numbers, of people with at least [`LEAST_DEMOGRAPHICS`] known dimensions, and of
/// no limited religion more than [`MOST_OF_A_RELIGION`] to draw from. It depends on ids and the seed, not on the order of
/// the file.
pub fn sample(
    respondents: &Respondents,
    demographics: &Demographics,
    probes: &[QuestionIndex],
    options: SampleOptions,
) -> Result<Sample, SurveyError> {
    let find = |id: &str| {
        demographics.index_of(id).ok_or_else(|| SurveyError::Demographics {
            place: id.to_owned(),
            problem: "the balanced sample needs this dimension".to_owned(),
        })
    };
    let (continent, religion) = (find("B_COUNTRY_to_continent")?, find("Q289")?);
    let mut strata: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for group in demographics.dimensions[continent].groups() {
        strata.insert(&group.name, Vec::new());
    }
    let mut eligible = 0;
    for person in 0..respondents.len() {
        let groups = respondents.groups(person, Form::Polar);
        let answered = probes.iter().all(|&probe| groups[probe] != MISSING);
        if !answered || respondents.valid_answers(person) < LEAST_VALID_ANSWERS {
            continue;
        }
        eligible += 1;
        let value = respondents.demographic(person, continent);
        let name = value
            .as_ref()
            .and_then(|value| demographics.dimensions[continent].group_name(value));
        if let Some(stratum) = name.and_then(|name| strata.get_mut(name)) {
            stratum.push(person);
        }
    }

    let mut draws = Draws::new(options.seed, 0);
    let mut chosen = strata.remove(WHOLE_CONTINENT).unwrap_or_default();
    let rest = options
        .respondents
        .checked_sub(chosen.len())
        .ok_or(SurveyError::SampleTooSmall {
            asked: options.respondents,
            continent: WHOLE_CONTINENT,
            has: chosen.len(),
        })?;
    let (share, more) = (rest / strata.len().max(1), rest % strata.len().max(1));
    let mut short = Vec::new();
    for (number, (name, people)) in strata.into_iter().enumerate() {
        let wanted = share + usize::from(number < more);
        let mut people: Vec<usize> = people
            .into_iter()
            .filter(|&person| respondents.valid_demographics(person) >= LEAST_DEMOGRAPHICS)
            .collect();
        people.sort_by_key(|&person| respondents.id(person));
        draws.shuffle(&mut people);
        let mut of_religion: BTreeMap<String, usize> = BTreeMap::new();
        people.retain(|&person| {
            let Some(key) = limited(respondents.demographic(person, religion)) else {
                return true;
            };
            let count = of_religion.entry(key).or_default();
            *count += 1;
            *count <= MOST_OF_A_RELIGION
        });
        if people.len() < wanted {
            short.push(format!("{name} has {} of {wanted}", people.len()));
        }
        // A second shuffle would change nothing: the order is random already, within and between religions.
        chosen.extend(people.into_iter().take(wanted));
    }
    if !short.is_empty() {
        return Err(SurveyError::TooFewRespondents {
            problem: format!(
                "too few people answered all {} probes and {LEAST_VALID_ANSWERS} questions in all, with \
                 {LEAST_DEMOGRAPHICS} known demographics: {}",
                probes.len(),
                short.join(", ")
            ),
        });
    }
    chosen.sort_unstable();
    let balance = balance(respondents, demographics, &chosen);
    Ok(Sample {
        respondents: chosen,
        eligible,
        balance,
    })
}

/// What a person's religion is counted under where the rule limits it; absent where it does not, or is unknown.
fn limited(religion: Option<DemographicValue>) -> Option<String> {
    match religion? {
        DemographicValue::Code(code) | DemographicValue::Worded(code, _) => {
            (!UNLIMITED_RELIGIONS.contains(&code)).then(|| code.to_string())
        }
        DemographicValue::Sentence(text) if ["Jew", "Hindu"].iter().any(|name| text.contains(name)) => None,
        DemographicValue::Sentence(text) => Some(text.into()),
    }
}

/// Numbers of people by continent, religion, sex and age.
pub fn balance(respondents: &Respondents, demographics: &Demographics, people: &[usize]) -> Vec<BalanceTable> {
    BALANCE
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
mod tests {
    use super::super::file::{RepeatedIds, SurveyFile};
    use super::super::synth::{SyntheticOptions, SyntheticProfile, write_synthetic};
    use super::super::types::Catalogue;
    use super::super::{IncomeGrouping, RespondentList, write_list};
    use super::*;

    const PROBES: [usize; 5] = [0, 50, 100, 150, 200];

    fn people(respondents: usize) -> (Respondents, &'static Demographics) {
        let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
        let options = SyntheticOptions {
            respondents,
            seed: 21,
            profile: SyntheticProfile::Surveyed,
        };
        let file = tempfile::NamedTempFile::new().unwrap();
        write_synthetic(&options, &file).unwrap();
        let catalogue = Catalogue::builtin().unwrap();
        let read = SurveyFile::read(file.path(), catalogue, demographics, RepeatedIds::KeepAll).unwrap();
        (read.respondents, demographics)
    }

    fn count(sample: &Sample, dimension: &str, group: &str) -> usize {
        let table = sample
            .balance
            .iter()
            .find(|table| table.dimension == dimension)
            .unwrap();
        table.groups.iter().find(|(name, _)| name == group).unwrap().1
    }

    #[test]
    fn oceania_is_whole_and_the_other_continents_are_equal() {
        let (people, demographics) = people(1_200);
        let options = SampleOptions {
            respondents: 170,
            seed: 1,
        };
        let drawn = sample(&people, demographics, &PROBES, options).unwrap();
        assert_eq!(drawn.respondents.len(), 170);
        let oceania = count(&drawn, "Continent", "Oceania");
        let continent = demographics.index_of("B_COUNTRY_to_continent").unwrap();
        let eligible = (0..people.len())
            .filter(|&person| people.valid_answers(person) >= LEAST_VALID_ANSWERS)
            .filter(|&person| {
                PROBES
                    .iter()
                    .all(|&probe| people.groups(person, Form::Polar)[probe] != MISSING)
            })
            .collect::<Vec<_>>();
        assert_eq!(drawn.eligible, eligible.len());
        let of_oceania = eligible.iter().filter(|&&person| {
            let value = people.demographic(person, continent).unwrap();
            demographics.dimensions[continent].group_name(&value) == Some("Oceania")
        });
        assert_eq!(oceania, of_oceania.count());
        for name in ["Africa", "Asia", "Europe", "North America", "South America"] {
            let found = count(&drawn, "Continent", name);
            let share = (170 - oceania) / 5;
            assert!(found == share || found == share + 1, "{name} {found}");
        }
        assert!(drawn.respondents.iter().all(|person| eligible.contains(person)));
    }

    #[test]
    fn a_seed_names_a_sample() {
        let (people, demographics) = people(1_200);
        let draw = |seed| sample(&people, demographics, &PROBES, SampleOptions { respondents: 150, seed }).unwrap();
        assert_eq!(draw(4).respondents, draw(4).respondents);
        assert_ne!(draw(4).respondents, draw(5).respondents);
    }

    #[test]
    fn no_limited_religion_gives_a_continent_more_than_eighty_people() {
        assert_eq!(limited(Some(DemographicValue::Code(5))), Some("5".to_owned()));
        assert_eq!(limited(Some(DemographicValue::Code(6))), None);
        assert_eq!(
            limited(Some(DemographicValue::Sentence(
                "I belong to the Hindu religion".into()
            ))),
            None
        );
        assert_eq!(limited(None), None);

        // Only Muslims of one Asian country: 80 of them can be drawn, not 81.
        let (_, demographics) = people(1);
        let catalogue = Catalogue::builtin().unwrap();
        let mut same = Respondents::new(catalogue, demographics, true);
        let mut values = vec![1; demographics.dimensions.len()];
        for (id, code) in [("B_COUNTRY", 364), ("B_COUNTRY_to_continent", 364), ("Q289", 5)] {
            values[demographics.index_of(id).unwrap()] = code;
        }
        let groups = vec![0; catalogue.questions.len()];
        for number in 0..300 {
            same.push(format!("synthetic-{number}"), &groups, &groups, &values);
        }
        let error = sample(
            &same,
            demographics,
            &PROBES,
            SampleOptions {
                respondents: 500,
                seed: 1,
            },
        )
        .unwrap_err();
        assert!(error.to_string().contains("Asia has 80 of 100"), "{error}");
        assert!(error.to_string().contains("Africa has 0 of 100"), "{error}");
        assert!(error.hint().is_some());
    }

    #[test]
    fn too_small_a_sample_for_oceania_is_refused() {
        let (people, demographics) = people(1_200);
        let error = sample(
            &people,
            demographics,
            &PROBES,
            SampleOptions {
                respondents: 3,
                seed: 1,
            },
        )
        .unwrap_err();
        assert!(error.to_string().contains("Oceania"), "{error}");
    }

    #[test]
    fn a_written_list_finds_the_same_people_again() {
        let (people, demographics) = people(30);
        let file = tempfile::NamedTempFile::new().unwrap();
        write_list(&people, demographics, &[4, 2, 9], &file).unwrap();
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert!(
            text.starts_with("SYNTHETIC,D_INTERVIEW,country,continent\nsynthetic,"),
            "{text}"
        );
        let list = RespondentList::read(file.path()).unwrap();
        assert_eq!(list.positions(&people).unwrap(), [4, 2, 9]);

        for (text, expected) in [
            (
                "D_INTERVIEW\nsynthetic-00001\nnobody\n",
                "line 3, column D_INTERVIEW: `nobody` is not the id",
            ),
            ("D_INTERVIEW\nsynthetic-00001\nsynthetic-00001\n", "line 3"),
            ("id\n1\n", "missing: D_INTERVIEW"),
            ("D_INTERVIEW\n", "no respondents"),
        ] {
            std::fs::write(file.path(), text).unwrap();
            let read = RespondentList::read(file.path());
            let error = read.and_then(|list| list.positions(&people)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
