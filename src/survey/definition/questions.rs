//! `[[questions]]`: many questions in one block, alike in all but their columns and wording.

use super::source::{DefinedQuestion, QuestionsSource};

impl QuestionsSource {
    /// What errors call the block.
    pub(super) fn place(&self) -> String {
        format!("[[questions]] {}", self.columns.first().map_or("", String::as_str))
    }

    /// One question a column.
    ///
    /// # Errors
    /// No columns; a range that is none; a wording or `reverse` of another column.
    pub(super) fn each(&self) -> Result<Vec<DefinedQuestion>, String> {
        let mut columns = Vec::new();
        for entry in &self.columns {
            match entry.split_once(" .. ") {
                Some((first, last)) => columns.extend(range(first.trim(), last.trim())?),
                None => columns.push(entry.clone()),
            }
        }
        if columns.is_empty() {
            return Err("`columns` names at least one column".to_owned());
        }
        let named = self.text.keys().map(|name| ("text", name));
        let named = named.chain(self.reverse.iter().map(|name| ("reverse", name)));
        for (key, name) in named {
            if !columns.contains(name) {
                return Err(format!("`{key}` speaks of `{name}`, which is none of its columns"));
            }
        }
        Ok(columns.into_iter().map(|column| self.question(column)).collect())
    }

    fn question(&self, column: String) -> DefinedQuestion {
        let wording = self
            .text
            .get(&column)
            .map_or_else(|| unnumbered(&column), String::as_str);
        DefinedQuestion {
            text: Some(wording.to_owned()),
            reverse: self.reverse.contains(&column),
            category: self.category.clone(),
            scale: self.scale.clone(),
            polar: self.polar.clone(),
            polar_labels: self.polar_labels.clone(),
            template: self.template.clone(),
            labels: self.labels.clone(),
            id: column,
            ..DefinedQuestion::default()
        }
    }
}

/// The names from one to another that differ in one number: `A1`, `A2`, ..., `A5`, or `q01`, ..., `q12`.
fn range(first: &str, last: &str) -> Result<Vec<String>, String> {
    let none = || {
        Err(format!(
            "`{first} .. {last}` is no range: its ends are alike but for one number, which grows. Columns with words of \
             their own are named one by one; `indieval survey define FILE` writes their names"
        ))
    };
    let (from, to) = (numbered(first), numbered(last));
    let (Some((front, low, back)), Some((other_front, high, other_back))) = (from, to) else {
        return none();
    };
    let (Ok(start), Ok(end)) = (low.parse::<u32>(), high.parse::<u32>()) else {
        return none();
    };
    if (front, back) != (other_front, other_back) || start > end {
        return none();
    }
    let width = if low.starts_with('0') { low.len() } else { 0 };
    Ok((start..=end)
        .map(|number| format!("{front}{number:0width$}{back}"))
        .collect())
}

/// A name around its last number: what precedes it, the number, what follows.
fn numbered(name: &str) -> Option<(&str, &str, &str)> {
    let end = name.rfind(|letter: char| letter.is_ascii_digit())? + 1;
    let start = name[..end]
        .trim_end_matches(|letter: char| letter.is_ascii_digit())
        .len();
    Some((&name[..start], &name[start..end], &name[end..]))
}

/// `12. I like my work` without the number that a form puts in front.
fn unnumbered(column: &str) -> &str {
    let rest = column.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let words = rest.strip_prefix(['.', ')']).filter(|words| words.starts_with(' '));
    match words.map(str::trim_start) {
        Some(words) if rest.len() < column.len() && !words.is_empty() => words,
        _ => column,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_count_in_the_last_number_of_a_name() {
        assert_eq!(range("A1", "A3").unwrap(), ["A1", "A2", "A3"]);
        assert_eq!(range("q08_x", "q10_x").unwrap(), ["q08_x", "q09_x", "q10_x"]);
        assert_eq!(range("w2_v9", "w2_v10").unwrap(), ["w2_v9", "w2_v10"]);
        for (first, last) in [("A1", "B3"), ("A3", "A1"), ("A", "C"), ("1. *", "38. *x")] {
            let error = range(first, last).unwrap_err();
            assert!(error.contains("survey define"), "{error}");
        }
    }

    #[test]
    fn a_number_in_front_of_a_wording_is_left_out() {
        assert_eq!(unnumbered("12. I like my work"), "I like my work");
        assert_eq!(unnumbered("3) Tea"), "Tea");
        for whole in ["A1", "2024", "7.", "1.5 litres or more"] {
            assert_eq!(unnumbered(whole), whole);
        }
    }
}
