//! What whoever described a survey should know of its probes.

use super::split::{Split, Splitting};
use crate::survey::{Catalogue, QuestionIndex};

/// Lines about a survey of one's own whose splits share probes, or in which a category has nothing left to be shown.
/// Of the built-in survey, whose rule is the paper's, nothing is said.
pub(crate) fn cautions(catalogue: &Catalogue) -> Vec<String> {
    if catalogue.is_of_builtin_survey() {
        return Vec::new();
    }
    let splitting = Splitting::new(catalogue);
    let probes: Vec<Vec<QuestionIndex>> = Split::ALL
        .into_iter()
        .map(|split| splitting.questions(split, |_| true))
        .collect();
    let mut lines = Vec::new();
    for (at, one) in probes.iter().enumerate() {
        for (other_at, other) in probes.iter().enumerate().skip(at + 1) {
            let shared = one.iter().filter(|question| other.contains(question)).count();
            if shared > 0 {
                lines.push(format!(
                    "splits {} and {} share {shared} of {} probes: their figures are not independent; fewer `per_category`, \
                     or `wrap = false`",
                    at + 1,
                    other_at + 1,
                    one.len()
                ));
            }
        }
        if one.is_empty() {
            lines.push(format!("split {} has no probes; leave it out with --splits", at + 1));
        }
    }
    for (category, name) in catalogue.categories.iter().enumerate() {
        let of_category = |question: &&QuestionIndex| catalogue.questions[**question].category == category;
        let all = catalogue.questions_in(category);
        let asked = probes
            .iter()
            .map(|probes| probes.iter().filter(of_category).count())
            .max();
        if all > 0 && asked == Some(all) {
            let whole = match all {
                1 => "its one question is a probe".to_owned(),
                all => format!("all of its {all} questions are probes"),
            };
            lines.push(format!(
                "category {name}: {whole} of one split, so that none of it can be shown there"
            ));
        }
    }
    let most = probes
        .iter()
        .map(|probes| splitting.hidden(probes).iter().filter(|hidden| !**hidden).count())
        .min();
    if let Some(most) = most {
        lines.push(format!("at most {most} demonstrations can be shown"));
    }
    lines
}
