//! What chat templates may call: `strftime_now` and `raise_exception`.

use std::fmt;

use minijinja::{Environment, Error, ErrorKind, State, Value};
use serde::{Deserialize, Serialize};

use super::chat_json::{ValueSize, measured};

/// Longest format of a date, in bytes.
const LONGEST_FORMAT: usize = 1_000;
/// Most characters of a template's own message that are shown.
const LONGEST_MESSAGE: usize = 500;

/// A calendar day, written as YYYY-MM-DD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
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

impl fmt::Display for Date {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl From<Date> for String {
    fn from(date: Date) -> Self {
        date.to_string()
    }
}

impl TryFrom<String> for Date {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut parts = text.split('-');
        let mut part = |digits: usize| {
            let part = parts.next()?;
            let plain = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse::<u16>().ok().filter(|_| plain)
        };
        let date = (part(4), part(2), part(2));
        let (Some(year), Some(month), Some(day), None) = (date.0, date.1, date.2, parts.next()) else {
            return Err(format!("{text} is not a day as YYYY-MM-DD"));
        };
        let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => 0,
        };
        match (1..=days).contains(&day) {
            true => Ok(Self {
                year,
                month: month as u8,
                day: day as u8,
            }),
            false => Err(format!("{text} is not a day as YYYY-MM-DD")),
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
        let mut out = String::new();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            let lone = || "strftime_now's format ends with a lone %".to_owned();
            match chars.next().ok_or_else(lone)? {
                // glibc's mark for numbers without zeros or spaces before them.
                '-' => {
                    let field = chars.next().ok_or_else(lone)?;
                    let padded = self.field(field)?;
                    let bare = padded.trim_start_matches(['0', ' ']);
                    out.push_str(if bare.is_empty() { "0" } else { bare });
                }
                field => out.push_str(&self.field(field)?),
            }
        }
        Ok(out)
    }

    /// One field of a format, at midnight.
    fn field(self, field: char) -> Result<String, String> {
        let month = MONTHS
            .get(usize::from(self.month).wrapping_sub(1))
            .copied()
            .unwrap_or("?");
        let weekday = self.weekday();
        let short = |name: &str| name.get(..3).unwrap_or(name).to_owned();
        Ok(match field {
            'Y' => format!("{:04}", self.year),
            'C' => format!("{:02}", self.year / 100),
            'y' => format!("{:02}", self.year % 100),
            'm' => format!("{:02}", self.month),
            'd' => format!("{:02}", self.day),
            'e' => format!("{:2}", self.day),
            'j' => format!("{:03}", self.day_of_year()),
            'B' => month.to_owned(),
            'b' | 'h' => short(month),
            'A' => DAYS[weekday].to_owned(),
            'a' => short(DAYS[weekday]),
            'u' => if weekday == 0 { 7 } else { weekday }.to_string(),
            'w' => weekday.to_string(),
            'H' | 'M' | 'S' => "00".to_owned(),
            'I' => "12".to_owned(),
            'p' => "AM".to_owned(),
            'f' => "000000".to_owned(),
            'D' | 'x' => self.format("%m/%d/%y")?,
            'F' => self.format("%Y-%m-%d")?,
            'R' => "00:00".to_owned(),
            'T' | 'X' => "00:00:00".to_owned(),
            'c' => self.format("%a %b %e %H:%M:%S %Y")?,
            // A date without a time zone has none to name.
            'z' | 'Z' => String::new(),
            'n' => "\n".to_owned(),
            't' => "\t".to_owned(),
            '%' => "%".to_owned(),
            other => return Err(format!("strftime_now does not know the field %{other}")),
        })
    }

    /// Counted from 1.
    fn day_of_year(self) -> usize {
        const BEFORE: [usize; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let before = BEFORE
            .get(usize::from(self.month).wrapping_sub(1))
            .copied()
            .unwrap_or(0);
        let year = self.year;
        let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        before + usize::from(self.day) + usize::from(is_leap && self.month > 2)
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
pub(super) fn add(environment: &mut Environment<'_>, date: Date, most: ValueSize) {
    let raise = move |state: &State<'_, '_>, message: Value| -> Result<Value, Error> {
        let message = measured(state, message, most)?.to_string();
        let shown: String = message.chars().take(LONGEST_MESSAGE).collect();
        Err(failure(format!("the template itself says: {shown}")))
    };
    environment.add_function("raise_exception", raise);
    environment.add_function("strftime_now", move |format: Value| -> Result<String, Error> {
        let format = format
            .as_str()
            .ok_or_else(|| failure("strftime_now's format must be a text".to_owned()))?;
        if format.len() > LONGEST_FORMAT {
            return Err(failure(format!("strftime_now's format has {} bytes", format.len())));
        }
        date.format(format).map_err(failure)
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
        // Printed by Python 3 with glibc.
        let early = Date {
            year: 2026,
            month: 3,
            day: 5,
        };
        assert_eq!(
            early
                .format("%j %e %-d %-m %u %w %I:%M %p %D %F %T %h %f [%Z] %c")
                .unwrap(),
            "064  5 5 3 4 4 12:00 AM 03/05/26 2026-03-05 00:00:00 Mar 000000 [] Thu Mar  5 00:00:00 2026"
        );
        assert!(date.format("%Q").unwrap_err().contains("%Q"));
        assert!(date.format("50%").is_err());
    }
}
