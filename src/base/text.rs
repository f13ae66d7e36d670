//! Numbers, sizes and durations as people read them: one way each, wherever they are printed.

/// A duration: `4 s`, `1 min 05 s`, `2 h 01 min`, `3 d 04 h`. Below ten seconds one decimal where it says something.
pub(crate) fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    if seconds < 9.95 && (seconds - seconds.round()).abs() > 0.05 {
        return format!("{seconds:.1} s");
    }
    let whole = seconds.round() as u64;
    match (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60) {
        (0, 0, 0, s) => format!("{s} s"),
        (0, 0, m, s) => format!("{m} min {s:02} s"),
        (0, h, m, _) => format!("{h} h {m:02} min"),
        (d, h, _, _) => format!("{d} d {h:02} h"),
    }
}

/// A duration that is known about: whole minutes from ten on, whole hours from ten on.
pub(crate) fn rough_duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => "less than a second".to_owned(),
        s if s < 60.0 => format!("{s:.0} s"),
        s if s < 595.0 => duration((s / 10.0).round() * 10.0),
        s if s < 35_970.0 => {
            let minutes = (s / 60.0).round() as u64;
            match (minutes / 60, minutes % 60) {
                (0, m) => format!("{m} min"),
                (h, m) => format!("{h} h {m:02} min"),
            }
        }
        s => format!("{} h", count((s / 3600.0).round() as u64)),
    }
}

/// A whole number with thousands set apart: `74,993`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 person`, `8 people`.
pub(crate) fn counted(number: usize, one: &str, many: &str) -> String {
    let word = if number == 1 { one } else { many };
    format!("{} {word}", count(number as u64))
}

/// A share of one in percent, with one decimal: `52.9 %`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A number of parameters: `135 million`, `8.0 billion`.
pub fn parameters(number: u64) -> String {
    match number {
        0..1_000_000 => count(number),
        1_000_000..1_000_000_000 => format!("{:.0} million", number as f64 / 1e6),
        _ => format!("{:.1} billion", number as f64 / 1e9),
    }
}

/// A size in bytes, decimal as disks and downloads are: `812 B`, `98.4 MB`, `281 GB`.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = number as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = if unit == 0 || value >= 99.5 { 0 } else { 1 };
    format!("{value:.decimals$} {}", UNITS[unit])
}

/// Reads a size in bytes: `12GB`, `1.5 GiB`, `800 MB`, `4096`.
///
/// # Errors
/// What was expected, in words.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, f64); 13] = [
        ("", 1.0),
        ("b", 1.0),
        ("k", 1e3),
        ("kb", 1e3),
        ("m", 1e6),
        ("mb", 1e6),
        ("g", 1e9),
        ("gb", 1e9),
        ("t", 1e12),
        ("tb", 1e12),
        ("mib", 1_048_576.0),
        ("gib", 1_073_741_824.0),
        ("tib", 1_099_511_627_776.0),
    ];
    let text = text.trim();
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| factor);
    let number: Option<f64> = number
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite() && *number > 0.0);
    match number.zip(factor).map(|(number, factor)| number * factor) {
        Some(bytes) if bytes < 1e18 => Ok(bytes as u64),
        _ => Err("expected a size such as 12GB, 1.5GiB or 800MB".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        assert_eq!(duration(0.25), "0.2 s");
        assert_eq!(duration(4.0), "4 s");
        assert_eq!(duration(4.4), "4.4 s");
        assert_eq!(duration(9.99), "10 s");
        assert_eq!(duration(65.0), "1 min 05 s");
        assert_eq!(duration(7_290.0), "2 h 01 min");
        assert_eq!(duration(273_600.0), "3 d 04 h");
        assert_eq!(duration(-1.0), "0 s");
        let rough = [0.3, 12.4, 64.0, 594.0, 1_038.3, 5_430.0, 40_740.0, 7_200_000.0].map(rough_duration);
        let expected = [
            "less than a second",
            "12 s",
            "1 min 00 s",
            "9 min 50 s",
            "17 min",
            "1 h 31 min",
            "11 h",
            "2,000 h",
        ];
        assert_eq!(rough, expected);
    }

    #[test]
    fn sizes_are_read_with_and_without_units() {
        for (text, bytes) in [
            ("12GB", 12_000_000_000),
            ("1.5 GiB", 1_610_612_736),
            ("800mb", 800_000_000),
            ("4k", 4_000),
            (" 4096 ", 4_096),
        ] {
            assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
        }
        for text in ["", "GB", "0", "-1GB", "12 parsecs", "1e9", "99999999999999TB", "1.2.3"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, text) in [(7, "7"), (1248, "1,248"), (74_993, "74,993"), (3_347_924, "3,347,924")] {
            assert_eq!(count(number), text);
        }
        assert_eq!(counted(1, "person", "people"), "1 person");
        assert_eq!(counted(97_000, "person", "people"), "97,000 people");
    }

    #[test]
    fn sizes_have_two_or_three_digits() {
        for (number, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (98_362_432, "98.4 MB"),
            (999_600_000, "1.0 GB"),
            (281_260_142_592, "281 GB"),
        ] {
            assert_eq!(bytes(number), text);
        }
        assert_eq!(parameters(134_515_008), "135 million");
        assert_eq!(parameters(8_030_261_248), "8.0 billion");
        assert_eq!(percent(0.5288), "52.9 %");
    }
}
