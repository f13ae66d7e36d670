//! The paper's balanced sample of respondents.

use std::collections::BTreeMap;

use serde::Serialize;

use super::demographics::{Demographics, Dimension};
use super::error::SurveyError;
use super::respondents::{MISSING, Respondents};
use super::types::{DemographicValue, Form, QuestionIndex};
use crate::base::random::Draws;

/// Demonstrations that everybody of the paper's sample can show; so many answers they have besides a split's probes.
pub const MOST_DEMONSTRATIONS: usize = 200;
/// Fewest known demographic dimensions outside Oceania.
pub const LEAST_DEMOGRAPHICS: usize = 24;
/// Most people of one religion that a continent may draw from.
pub const MOST_OF_A_RELIGION: usize = 80;
/// The continent that is taken whole: only two of its countries took part.
const WHOLE_CONTINENT: &str = "Oceania";
/// Denominations (Q289) that the paper does not limit: Jewish and Hindu.
const UNLIMITED_RELIGIONS: [i32; 2] = [4, 6];
/// Dimensions by which the balance is shown.
const BALANCE: [&str; 4] = ["B_COUNTRY_to_continent", "Q289", "Q260", "X003R"];

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
    pub fn eligible(&self, respondents: &Respondents) -> Vec<usize> {
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
/// Where the file has people of every continent, it is the paper's balanced sample: everyone eligible of Oceania; the
/// other continents in equal numbers, from people with at least [`LEAST_DEMOGRAPHICS`] known dimensions, and of no
/// limited religion more than [`MOST_OF_A_RELIGION`] to draw from. A file of some countries cannot be balanced so: of
/// its eligible people as many as there are, up to the number asked for, are drawn by chance.
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
    let strata = Strata::new(respondents, demographics)?;
    let (mut chosen, rule) = if strata.everywhere() {
        (strata.balanced(&eligible, conditions, options)?, SampleRule::Balanced)
    } else {
        (plain(respondents, &eligible, options), SampleRule::Plain)
    };
    chosen.sort_unstable();
    let balance = balance(respondents, demographics, &chosen);
    Ok(Sample {
        respondents: chosen,
        rule,
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
    respondents: &'a Respondents,
    continent: &'a Dimension,
    continent_at: usize,
    religion_at: usize,
}

impl<'a> Strata<'a> {
    fn new(respondents: &'a Respondents, demographics: &'a Demographics) -> Result<Self, SurveyError> {
        let find = |id: &str| {
            demographics.index_of(id).ok_or_else(|| SurveyError::Demographics {
                place: id.to_owned(),
                problem: "the balanced sample needs this dimension".to_owned(),
            })
        };
        let continent_at = find("B_COUNTRY_to_continent")?;
        Ok(Self {
            respondents,
            continent: &demographics.dimensions[continent_at],
            continent_at,
            religion_at: find("Q289")?,
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
                "too few people answered all {} probes and {} questions in all, with {LEAST_DEMOGRAPHICS} known \
                 demographics: {}",
                conditions.asked(self.respondents).0.len(),
                conditions.least_answers,
                short.join(", ")
            ),
        })
    }

    /// The people of one continent who may be drawn, in random order.
    fn limited(&self, people: Vec<usize>, draws: &mut Draws) -> Vec<usize> {
        let mut people: Vec<usize> = people
            .into_iter()
            .filter(|&person| self.respondents.valid_demographics(person) >= LEAST_DEMOGRAPHICS)
            .collect();
        shuffled(self.respondents, &mut people, draws);
        let mut of_religion: BTreeMap<String, usize> = BTreeMap::new();
        people.retain(|&person| {
            let Some(key) = limited(self.respondents.demographic(person, self.religion_at)) else {
                return true;
            };
            let count = of_religion.entry(key).or_default();
            *count += 1;
            *count <= MOST_OF_A_RELIGION
        });
        people
    }
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

    fn conditions() -> Conditions {
        Conditions {
            probes: PROBES.to_vec(),
            least_answers: 239,
        }
    }

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
        let drawn = sample(&people, demographics, &conditions(), options).unwrap();
        assert_eq!(drawn.respondents.len(), 170);
        let oceania = count(&drawn, "Continent", "Oceania");
        let continent = demographics.index_of("B_COUNTRY_to_continent").unwrap();
        let eligible = (0..people.len())
            .filter(|&person| people.valid_answers(person) >= conditions().least_answers)
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
        let draw = |seed| {
            sample(
                &people,
                demographics,
                &conditions(),
                SampleOptions { respondents: 150, seed },
            )
            .unwrap()
        };
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
        // One person of each other continent, who answered nothing: the file is of the whole world.
        let nothing = vec![MISSING; catalogue.questions.len()];
        for country in [276, 231, 36, 840, 32] {
            for id in ["B_COUNTRY", "B_COUNTRY_to_continent"] {
                values[demographics.index_of(id).unwrap()] = country;
            }
            same.push(format!("synthetic-of-{country}"), &nothing, &nothing, &values);
        }
        let error = sample(
            &same,
            demographics,
            &conditions(),
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

    /// The same people, as if all of them lived in one country; some questions are not asked there.
    fn in_one_country(people: &Respondents, demographics: &Demographics, unasked: &[usize]) -> Respondents {
        let mut national = Respondents::new(Catalogue::builtin().unwrap(), demographics, true);
        for person in 0..people.len() {
            let [refined, polar] = [Form::Refined, Form::Polar].map(|form| {
                let mut groups = people.groups(person, form).to_vec();
                unasked.iter().for_each(|&question| groups[question] = MISSING);
                groups
            });
            let values: Vec<i32> = (0..demographics.dimensions.len())
                .map(|dimension| match demographics.dimensions[dimension].column.as_str() {
                    "B_COUNTRY" => 356,
                    _ => people
                        .demographic(person, dimension)
                        .map_or(0, |value| value.code().unwrap()),
                })
                .collect();
            national.push(people.id(person).to_owned(), &refined, &polar, &values);
        }
        national
    }

    #[test]
    fn a_country_file_gives_everybody_eligible_up_to_the_number_asked_for() {
        let (people, demographics) = people(300);
        let national = in_one_country(&people, demographics, &[PROBES[1], 7]);
        let draw = |respondents| {
            let options = SampleOptions { respondents, seed: 1 };
            sample(&national, demographics, &conditions(), options).unwrap()
        };
        let all = draw(800);
        assert_eq!(all.rule, SampleRule::Plain);
        assert_eq!(
            all.unasked,
            [PROBES[1]],
            "nobody was asked it, so nobody had to answer it"
        );
        assert_eq!(all.respondents, conditions().eligible(&national));
        assert!(all.eligible > 100, "{}", all.eligible);
        let some = draw(20);
        assert_eq!((some.respondents.len(), some.eligible), (20, all.eligible));
        assert!(some.respondents.iter().all(|person| all.respondents.contains(person)));
    }

    #[test]
    fn where_nobody_meets_the_conditions_it_is_said_which() {
        let (people, demographics) = people(40);
        let most_questions: Vec<usize> = (0..60).collect();
        let national = in_one_country(&people, demographics, &most_questions);
        let options = SampleOptions {
            respondents: 10,
            seed: 1,
        };
        let error = sample(&national, demographics, &conditions(), options)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("nobody answered all 3 probes and 239 questions"),
            "{error}"
        );
    }

    #[test]
    fn too_small_a_sample_for_oceania_is_refused() {
        let (people, demographics) = people(1_200);
        let error = sample(
            &people,
            demographics,
            &conditions(),
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
