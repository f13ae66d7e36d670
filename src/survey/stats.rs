//! How many people and answers a survey file has: the paper's Table 1, and the same by country.

use std::collections::BTreeMap;

use serde::Serialize;

use super::demographics::Demographics;
use super::respondents::Respondents;

/// Counts over people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ValidCounts {
    /// People.
    pub respondents: usize,
    /// Answers that have a statement, over all people and questions.
    pub valid_answers: u64,
    /// Mean number of valid questions of a person; 0 where there is no one.
    pub mean_valid_questions: f64,
    /// Standard deviation of that number over all people (divided by n, as the paper's).
    pub sd_valid_questions: f64,
    /// People who answered every question.
    pub complete_respondents: usize,
}

/// One country's counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CountryCounts {
    /// Its name; `unknown` where the file gives none that this program knows.
    pub country: String,
    /// Its counts.
    #[serde(flatten)]
    pub counts: ValidCounts,
}

/// What [`Respondents::stats`] returns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SurveyStats {
    /// Whether the people are invented.
    pub synthetic: bool,
    /// Questions that could be answered.
    pub questions: usize,
    /// Everyone.
    #[serde(flatten)]
    pub all: ValidCounts,
    /// By country, in the order of names.
    pub countries: Vec<CountryCounts>,
}

/// ValidSums from which [`ValidCounts`] follow.
#[derive(Default)]
struct ValidSums {
    respondents: usize,
    valid: u64,
    squares: u64,
    complete: usize,
}

impl ValidSums {
    fn add(&mut self, valid: usize, questions: usize) {
        self.respondents += 1;
        self.valid += valid as u64;
        self.squares += (valid * valid) as u64;
        self.complete += usize::from(valid == questions);
    }

    fn counts(&self) -> ValidCounts {
        let people = self.respondents.max(1) as f64;
        let mean = self.valid as f64 / people;
        let variance = (self.squares as f64 / people - mean * mean).max(0.0);
        ValidCounts {
            respondents: self.respondents,
            valid_answers: self.valid,
            mean_valid_questions: mean,
            sd_valid_questions: variance.sqrt(),
            complete_respondents: self.complete,
        }
    }
}

impl Respondents {
    /// Counts people and valid answers, in all and by country.
    pub(crate) fn stats(&self, demographics: &Demographics) -> SurveyStats {
        let country = demographics.country;
        let mut all = ValidSums::default();
        let mut countries: BTreeMap<String, ValidSums> = BTreeMap::new();
        for respondent in 0..self.len() {
            let valid = self.valid_answers(respondent);
            let name = country
                .and_then(|at| Some((at, self.demographic(respondent, at)?)))
                .and_then(|(at, value)| demographics.dimensions[at].group_name(&value).map(str::to_owned))
                .unwrap_or_else(|| "unknown".to_owned());
            all.add(valid, self.question_count());
            if country.is_some() {
                countries.entry(name).or_default().add(valid, self.question_count());
            }
        }
        SurveyStats {
            synthetic: self.synthetic(),
            questions: self.question_count(),
            all: all.counts(),
            countries: countries
                .into_iter()
                .map(|(country, sums)| CountryCounts {
                    country,
                    counts: sums.counts(),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::respondents::{MISSING, MISSING_CODE};
    use super::super::{Catalogue, IncomeGrouping};
    use super::*;

    #[test]
    fn counts_mean_and_deviation_over_all_people() {
        let catalogue = Catalogue::builtin().unwrap();
        let demographics = Demographics::builtin(IncomeGrouping::Thirds).unwrap();
        let mut people = Respondents::new(catalogue, demographics, false);
        for (number, (valid, country)) in [(253, 36), (251, 36), (249, 999)].into_iter().enumerate() {
            let groups: Vec<u8> = (0..253).map(|at| if at < valid { 0 } else { MISSING }).collect();
            let mut values = vec![MISSING_CODE; 31];
            values[0] = country;
            people.push(number.to_string(), &groups, &groups, &values);
        }
        let stats = people.stats(demographics);
        assert_eq!((stats.all.respondents, stats.all.valid_answers), (3, 753));
        assert_eq!(stats.all.mean_valid_questions, 251.0);
        // Deviations 2, 0 and -2; divided by n.
        assert!((stats.all.sd_valid_questions - (8.0_f64 / 3.0).sqrt()).abs() < 1e-9);
        assert_eq!(stats.all.complete_respondents, 1);
        let names: Vec<_> = stats
            .countries
            .iter()
            .map(|c| (c.country.as_str(), c.counts.respondents))
            .collect();
        assert_eq!(names, [("Australia", 2), ("unknown", 1)]);
        assert_eq!(stats.countries[0].counts.mean_valid_questions, 252.0);
    }

    #[test]
    fn no_one_has_no_answers() {
        let counts = ValidSums::default().counts();
        assert_eq!((counts.respondents, counts.mean_valid_questions), (0, 0.0));
    }
}
