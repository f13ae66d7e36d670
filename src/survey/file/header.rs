//! The header of a CSV file: names of columns, however the release decorates them.

use std::collections::HashMap;
use std::path::Path;

use super::super::error::SurveyError;
use super::FileError;

/// The first column of files that `indieval survey synth` writes.
pub(in super::super) const SYNTHETIC_COLUMN: &str = "SYNTHETIC";

/// Columns by name, in capitals and without the labels that some releases add after a colon.
#[derive(Debug, Clone)]
pub(super) struct Header {
    /// Number of columns.
    pub(super) width: usize,
    columns: HashMap<String, usize>,
}

impl Header {
    /// Parses the first line of a file.
    pub(super) fn parse(path: &Path, line: &str, delimiter: u8) -> Result<Self, SurveyError> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(delimiter)
            .from_reader(line.as_bytes());
        let mut columns = HashMap::new();
        let mut width = 0;
        // A header that csv cannot read has no columns; what is missing is then reported by name.
        for record in reader.records().map_while(Result::ok).take(1) {
            width = record.len();
            for (at, name) in record.iter().enumerate() {
                let name = name_of(name);
                if name.is_empty() {
                    continue;
                }
                if columns.insert(name.clone(), at).is_some() && matters(&name) {
                    return Err(FileError::RepeatedColumn {
                        path: path.to_owned(),
                        column: name,
                    }
                    .into());
                }
            }
        }
        Ok(Self { width, columns })
    }

    /// Where a column stands.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        match self.columns.get(name) {
            Some(&at) => Some(at),
            None => self.columns.get(&name.to_ascii_uppercase()).copied(),
        }
    }

    /// Whether the file says that its people are invented.
    pub(super) fn is_synthetic(&self) -> bool {
        self.find(SYNTHETIC_COLUMN).is_some()
    }

    /// Label files of the paper count valid questions and carry the original codes beside the groups.
    pub(super) fn is_label_file(&self) -> bool {
        self.find("num_valid_questions").is_some() || self.find("Q1_aid").is_some()
    }
}

/// `"Q1: Important in life: Family"` is column Q1.
fn name_of(field: &str) -> String {
    let name = field.split_once(':').map_or(field, |(name, _)| name);
    name.trim().to_ascii_uppercase()
}

/// Columns that may be read; the survey's other ones may repeat as they like.
fn matters(name: &str) -> bool {
    let number = name.strip_prefix('Q').unwrap_or_default();
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        || matches!(name, "D_INTERVIEW" | "B_COUNTRY" | "X003R" | "Q288R" | "MODE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_after_a_colon_and_case_do_not_matter() {
        let line = "\"d_interview\";\"Q1: Important in life: Family\"; Q2 ;\"Q2_3\";;x;x";
        let header = Header::parse(Path::new("f"), line, b';').unwrap();
        assert_eq!(header.width, 7);
        assert_eq!(header.find("D_INTERVIEW"), Some(0));
        assert_eq!(header.find("Q1"), Some(1));
        assert_eq!(header.find("Q2"), Some(2));
        assert_eq!(header.find("Q3"), None);
        assert!(!header.is_synthetic());
    }

    #[test]
    fn a_repeated_question_is_refused() {
        let error = Header::parse(Path::new("f.csv"), "Q1,Q1: again", b',').unwrap_err();
        assert_eq!(error.to_string(), "f.csv, line 1: column Q1 appears twice");
    }
}
