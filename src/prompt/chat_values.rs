//! What chat templates may call: `strftime_now` and `raise_exception`.

use std::fmt::Write;

use minijinja::{Environment, Error, ErrorKind, State, Value};

use super::chat_json::{Size, measured};

/// Longest format of a date, in bytes.
const LONGEST_FORMAT: usize = 1_000;
/// Most characters of a template's own message that are shown.
const LONGEST_MESSAGE: usize = 500;

/// A calendar day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year.
    pub year: u16,
    /// Month, 1 to 12.
    pub month: u8,
    /// Day of the month, 1 to 31.
    pub day: u8,
}

impl Default for Date {
    /// 26 July 2024, which Llama 3.1's template falls back on where it is told no date.
    fn default() -> Self {
        Self {
            year: 2024,
            month: 7,
            day: 26,
        }
    }
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

impl Date {
    /// Python's `strftime` at midnight of this day, for the fields that templates use. The error names the field that
    /// is not known.
    pub fn format(self, format: &str) -> Result<String, String> {
        let month = MONTHS
            .get(usize::from(self.month).wrapping_sub(1))
            .copied()
            .unwrap_or("?");
        let weekday = DAYS[self.weekday()];
        let mut out = String::new();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            // Writing to a string cannot fail.
            let _ = match chars.next() {
                Some('Y') => write!(out, "{:04}", self.year),
                Some('y') => write!(out, "{:02}", self.year % 100),
                Some('m') => write!(out, "{:02}", self.month),
                Some('d') => write!(out, "{:02}", self.day),
                Some('B') => write!(out, "{month}"),
                Some('b') => write!(out, "{}", month.get(..3).unwrap_or(month)),
                Some('A') => write!(out, "{weekday}"),
                Some('a') => write!(out, "{}", weekday.get(..3).unwrap_or(weekday)),
                Some('H' | 'M' | 'S') => write!(out, "00"),
                Some('%') => write!(out, "%"),
                Some(other) => return Err(format!("strftime_now does not know the field %{other}")),
                None => return Err("strftime_now's format ends with a lone %".into()),
            };
        }
        Ok(out)
    }

    /// 0 is Sunday (Sakamoto's rule).
    fn weekday(self) -> usize {
        const SHIFT: [usize; 12] = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4];
        let year = usize::from(self.year) - usize::from(self.month < 3 && self.year > 0);
        let shift = SHIFT.get(usize::from(self.month).wrapping_sub(1)).copied().unwrap_or(0);
        (year + year / 4 - year / 100 + year / 400 + shift + usize::from(self.day)) % 7
    }
}

/// Gives an environment the functions that transformers gives to chat templates; values may be at most so large.
pub(super) fn add(environment: &mut Environment<'_>, date: Date, most: Size) {
    let raise = move |state: &State<'_, '_>, message: Value| -> Result<Value, Error> {
        let message = measured(state, message, most)?.to_string();
        let shown: String = message.chars().take(LONGEST_MESSAGE).collect();
        Err(failure(format!("the template itself says: {shown}")))
    };
    environment.add_function("raise_exception", raise);
    environment.add_function("strftime_now", move |format: String| -> Result<String, Error> {
        if format.len() > LONGEST_FORMAT {
            return Err(failure(format!("strftime_now's format has {} bytes", format.len())));
        }
        date.format(&format).map_err(failure)
    });
}

fn failure(detail: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_python_writes_them() {
        let date = Date::default();
        assert_eq!(date.format("%d %b %Y").unwrap(), "26 Jul 2024");
        assert_eq!(
            date.format("%A, %B %d, %y %m %H:%M:%S 100%%").unwrap(),
            "Friday, July 26, 24 07 00:00:00 100%"
        );
        let leap = Date {
            year: 2000,
            month: 2,
            day: 29,
        };
        assert_eq!(leap.format("%a %Y-%m-%d").unwrap(), "Tue 2000-02-29");
        assert!(date.format("%Q").unwrap_err().contains("%Q"));
        assert!(date.format("50%").is_err());
    }
}
