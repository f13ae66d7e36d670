//! The header of a CSV file: names of columns, however the release decorates them.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::super::builtin::BuiltinSurvey;
use super::super::error::SurveyError;
use super::super::file_error::FileError;
use super::report::Separator;

/// The first column of files that `indieval survey synth` writes.
pub(in super::super) const SYNTHETIC_COLUMN: &str = "SYNTHETIC";

/// Columns by name, in capitals and without the labels that some releases add after a colon.
#[derive(Debug, Clone)]
pub(super) struct HeaderRow {
    /// Number of columns.
    pub(super) width: usize,
    /// Number of columns up to the last one that has a name: separators at the end of the line make nameless ones.
    pub(super) named: usize,
    columns: HashMap<String, usize>,
    /// Names that stand there more than once.
    repeated: HashSet<String>,
}

impl HeaderRow {
    /// Parses the line that names the columns; `number` is where it stands in the file.
    pub(super) fn parse(path: &Path, line: &str, number: u64, separator: Separator) -> Result<Self, SurveyError> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(separator.byte())
            .from_reader(line.as_bytes());
        let survey = BuiltinSurvey::get()?;
        let (mut columns, mut repeated) = (HashMap::new(), HashSet::new());
        let (mut width, mut named) = (0, 0);
        // A header that csv cannot read has no columns; what is missing is then reported by name.
        for record in reader.records().map_while(Result::ok).take(1) {
            width = record.len();
            for (at, name) in record.iter().enumerate() {
                let name = name_of(name);
                if name.is_empty() {
                    continue;
                }
                named = at + 1;
                if columns.insert(name.clone(), at).is_some() {
                    if matters(survey, &name) {
                        return Err(FileError::RepeatedColumn {
                            path: path.to_owned(),
                            line: number,
                            column: name,
                        }
                        .into());
                    }
                    repeated.insert(name);
                }
            }
        }
        Ok(Self {
            width,
            named,
            columns,
            repeated,
        })
    }

    /// A header whose names are taken as they are; `import_ids`: out of the objects of Qualtrics, `{"ImportId":"QID1"}`.
    pub(super) fn plain(line: &str, separator: Separator, import_ids: bool) -> Self {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(separator.byte())
            .from_reader(line.as_bytes());
        let mut header = Self {
            width: 0,
            named: 0,
            columns: HashMap::new(),
            repeated: HashSet::new(),
        };
        for record in reader.records().map_while(Result::ok).take(1) {
            for cell in &record {
                let told = || serde_json::from_str::<ImportId>(cell).ok();
                let name = match import_ids {
                    true => told().map_or_else(|| cell.trim().to_owned(), |id| id.import_id),
                    false => cell.trim().to_owned(),
                };
                if name.is_empty() {
                    header.width += 1;
                    continue;
                }
                header.add(name);
                header.named = header.width;
            }
        }
        header
    }

    /// The same with further columns behind its last one, whose names are taken as they are.
    pub(super) fn with(&self, names: &[String]) -> Self {
        let mut header = self.clone();
        for name in names {
            header.add(name.clone());
        }
        header.named = header.width;
        header
    }

    /// A further column, in the next place.
    fn add(&mut self, name: String) {
        let at = self.width;
        self.width += 1;
        match self.columns.entry(name) {
            Entry::Occupied(known) => {
                self.repeated.insert(known.key().clone());
            }
            Entry::Vacant(new) => {
                new.insert(at);
            }
        }
    }

    /// Where the column of exactly this name stands, the first of several.
    pub(super) fn exact(&self, name: &str) -> Option<usize> {
        self.columns.get(name.trim()).copied()
    }

    /// The names, in the order of columns.
    pub(super) fn names(&self) -> Vec<String> {
        let mut names: Vec<(usize, &String)> = self.columns.iter().map(|(name, &at)| (at, name)).collect();
        names.sort_unstable();
        names.into_iter().map(|(_, name)| name.clone()).collect()
    }

    /// Whether this is the header of a survey file or a list of its people, and not a title above one.
    pub(super) fn is_of_a_survey(&self, survey: &BuiltinSurvey) -> bool {
        self.find(&survey.person.id).is_some() || self.has_questions(survey)
    }

    /// Whether there are questions among the columns. A line of a code book names one, and no more.
    pub(super) fn has_questions(&self, survey: &BuiltinSurvey) -> bool {
        /// So many columns named as questions are no accident.
        const QUESTIONS: usize = 3;
        let questions = self.columns.keys().filter(|name| survey.is_question(name));
        questions.take(QUESTIONS).count() == QUESTIONS
    }

    /// Columns that may be read.
    pub(super) fn known(&self, survey: &BuiltinSurvey) -> usize {
        self.columns.keys().filter(|name| matters(survey, name)).count()
    }

    /// Where a column stands.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        match self.columns.get(name) {
            Some(&at) => Some(at),
            None => self.columns.get(&name.to_ascii_uppercase()).copied(),
        }
    }

    /// Whether more than one column has this name.
    pub(super) fn is_repeated(&self, name: &str) -> bool {
        self.repeated.contains(name) || self.repeated.contains(&name.to_ascii_uppercase())
    }

    /// Whether the file says that its people are invented.
    pub(super) fn is_synthetic(&self) -> bool {
        self.find(SYNTHETIC_COLUMN).is_some()
    }

    /// Label files of the paper count valid questions and carry the original codes beside the groups.
    pub(super) fn is_label_file(&self, survey: &BuiltinSurvey) -> bool {
        let mut told = survey.file.label_file_columns.iter();
        told.any(|column| self.find(column).is_some())
    }
}

/// What Qualtrics writes in its third row.
#[derive(serde::Deserialize)]
struct ImportId {
    #[serde(rename = "ImportId")]
    import_id: String,
}

/// `"Q1: Important in life: Family"` is column Q1.
fn name_of(field: &str) -> String {
    let name = field.split_once(':').map_or(field, |(name, _)| name);
    name.trim().to_ascii_uppercase()
}

/// Columns that may be read, in label files those of their codes, too; the survey's other ones may repeat as they like.
fn matters(survey: &BuiltinSurvey, name: &str) -> bool {
    survey.reads(name.strip_suffix("_AID").unwrap_or(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_after_a_colon_and_case_do_not_matter() {
        let line = "\"d_interview\";\"Q1: Important in life: Family\"; Q2 ;\"Q2_3\";;x;x";
        let header = HeaderRow::parse(Path::new("f"), line, 1, Separator::Semicolon).unwrap();
        assert_eq!((header.width, header.named), (7, 7));
        assert_eq!(header.find("D_INTERVIEW"), Some(0));
        assert_eq!(header.find("Q1"), Some(1));
        assert_eq!(header.find("Q2"), Some(2));
        assert_eq!(header.find("Q3"), None);
        assert!(!header.is_synthetic());
    }

    #[test]
    fn a_repeated_question_is_refused() {
        let error = HeaderRow::parse(Path::new("f.csv"), "Q1,Q1: again", 3, Separator::Comma).unwrap_err();
        assert_eq!(error.to_string(), "f.csv, line 3: column Q1 appears twice");
        assert!(HeaderRow::parse(Path::new("f.csv"), "Q1,Q1_aid,q1_AID", 1, Separator::Comma).is_err());
        let header = HeaderRow::parse(Path::new("f.csv"), "Q1,Q2,W_WEIGHT,w_weight", 1, Separator::Comma).unwrap();
        assert!(header.is_repeated("W_Weight") && !header.is_repeated("Q1"));
    }

    #[test]
    fn separators_at_the_end_of_a_header_are_no_columns() {
        let header = HeaderRow::parse(Path::new("f"), "D_INTERVIEW;Q1;;\r\n", 1, Separator::Semicolon).unwrap();
        assert_eq!((header.width, header.named), (4, 2));
    }

    #[test]
    fn a_title_is_no_header() {
        let of_a_survey = |line| {
            HeaderRow::parse(Path::new("f"), line, 1, Separator::Comma)
                .unwrap()
                .is_of_a_survey(BuiltinSurvey::get().unwrap())
        };
        assert!(of_a_survey("D_INTERVIEW"));
        assert!(of_a_survey("id,q1,q2,q3"));
        assert!(!of_a_survey("World Values Survey, wave 7, Q1 to Q259"));
    }
}
