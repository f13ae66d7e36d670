//! What whoever described a survey should know of its probes.

use super::split::{Split, Splitting};
use crate::survey::{Catalogue, QuestionIndex, Respondents};

/// Lines about a survey of one's own whose splits share probes, in which a category has nothing left to be shown, or in which
/// all `people` answer a question alike. Of the built-in survey, whose rule is the paper's, nothing is said.
pub(crate) fn cautions(catalogue: &Catalogue, people: &Respondents) -> Vec<String> {
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
    lines.extend(unshown(catalogue, &probes));
    let shown = || probes.iter().map(|probes| shown_beside(&splitting, probes));
    if let (Some(least), Some(most)) = (shown().min(), shown().max()) {
        let range = if least == most {
            most.to_string()
        } else {
            format!("{least} to {most}")
        };
        let by = if least == most { "" } else { ", by split" };
        let noun = if most == 1 { "demonstration" } else { "demonstrations" };
        lines.push(format!("at most {range} {noun} can be shown{by}"));
    }
    lines.extend(unvaried(catalogue, people));
    lines
}

/// How many demonstrations a person who answered everything has, in the split that has most.
pub(crate) fn most_demonstrations(catalogue: &Catalogue) -> usize {
    let splitting = Splitting::new(catalogue);
    let of_split = |split| shown_beside(&splitting, &splitting.questions(split, |_| true));
    Split::ALL.into_iter().map(of_split).max().unwrap_or(0)
}

/// How many demonstrations are asked for where nothing says how many: the paper's number, or all that a smaller survey has.
pub(crate) fn default_demonstrations(catalogue: &Catalogue) -> usize {
    const OF_THE_PAPER: usize = 200;
    OF_THE_PAPER.min(most_demonstrations(catalogue))
}

/// How many questions can be shown beside these probes.
fn shown_beside(splitting: &Splitting, probes: &[QuestionIndex]) -> usize {
    splitting.hidden(probes).iter().filter(|hidden| !**hidden).count()
}

/// Categories all of whose questions are probes of a split.
fn unshown(catalogue: &Catalogue, probes: &[Vec<QuestionIndex>]) -> Vec<String> {
    let mut lines = Vec::new();
    for (category, name) in catalogue.categories.iter().enumerate() {
        let of_category = |question: &&QuestionIndex| catalogue.questions[**question].category == category;
        let all = catalogue.questions_in(category);
        let asks_all = |probes: &&Vec<QuestionIndex>| probes.iter().filter(of_category).count() == all;
        let splits: Vec<String> = (1..)
            .zip(probes.iter())
            .filter(|(_, probes)| asks_all(probes))
            .map(|(split, _): (usize, _)| split.to_string())
            .collect();
        if all > 0 && !splits.is_empty() {
            let whole = match all {
                1 => "its one question is a probe".to_owned(),
                all => format!("all of its {all} questions are probes"),
            };
            let (where_, shown) = match splits.as_slice() {
                [split] => (format!("split {split}"), "none of it can be shown there"),
                splits if splits.len() == probes.len() => ("every split".to_owned(), "none of it is ever shown"),
                splits => (
                    format!("splits {}", splits.join(" and ")),
                    "none of it can be shown there",
                ),
            };
            lines.push(format!("category {name}: {whole} of {where_}, so that {shown}"));
        }
    }
    lines
}

/// Questions on which a constant answer is always right: their answers may be in one half of a scale that is not theirs.
fn unvaried(catalogue: &Catalogue, people: &Respondents) -> Option<String> {
    /// So many are named.
    const NAMED: usize = 5;
    let alike = people.unvaried();
    let (&first, more) = alike.split_first()?;
    let id = |at: &QuestionIndex| catalogue.questions[*at].id.to_string();
    let named: Vec<String> = alike.iter().take(NAMED).map(id).collect();
    let rest = match alike.len().saturating_sub(NAMED) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    let head = match more {
        [] => format!("question {}: all answers are one candidate", id(&first)),
        _ => format!(
            "{} questions ({}{rest}): all answers to each are one candidate",
            alike.len(),
            named.join(", ")
        ),
    };
    Some(format!(
        "{head}, so that always saying it is always right; is the scale the question's own, and `polar` as it should be?"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::survey::{Questionnaire, QuestionnaireSource, RepeatedIds};

    #[test]
    fn a_category_that_is_never_shown_is_told_from_one_that_is_missing_in_a_split() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("survey.toml");
        let said = |wrap: bool| {
            let questions = "[[question]]\nid = 'p'\ncategory = 'P'\nlabels = ['No', 'Yes']\n\
                 [[questions]]\ncolumns = ['x1 .. x4']\ncategory = 'Q'\nlabels = ['No', 'Yes']\n";
            let text = format!("name = 'n'\n[probes]\nper_category = 1\nwrap = {wrap}\n{questions}");
            std::fs::write(&path, text).unwrap();
            let source = QuestionnaireSource {
                definition: Some(&path),
                ..QuestionnaireSource::default()
            };
            let questionnaire = Questionnaire::load(&source).unwrap();
            let people = folder.path().join("people.csv");
            std::fs::write(
                &people,
                "p,x1,x2,x3,x4\nYes,Yes,No,Yes,NA\nNo,Yes,Yes,Yes,NA\nNo,NA,NA,Yes,Yes\n",
            )
            .unwrap();
            let file = questionnaire.read(&people, RepeatedIds::KeepAll).unwrap();
            cautions(&questionnaire.catalogue, &file.respondents)
        };
        let (ever, there) = (said(true), said(false));
        let never = "category P: its one question is a probe of every split, so that none of it is ever shown";
        assert!(ever.contains(&never.to_owned()), "{ever:?}");
        let once = "category P: its one question is a probe of split 1, so that none of it can be shown there";
        assert!(there.contains(&once.to_owned()), "{there:?}");
        let alike =
            "2 questions (x1, x3): all answers to each are one candidate, so that always saying it is always right";
        assert!(ever.iter().any(|line| line.starts_with(alike)), "{ever:?}");
    }
}
