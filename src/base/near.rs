//! What somebody may have meant by a name that is none of the known ones.

use std::collections::HashSet;

/// Names at least this alike are suggested (Jaro-Winkler; 1 is the same). The bound that clap uses for commands is 0.7
/// of plain Jaro, which finds something for almost any word.
const ALIKE: f64 = 0.8;

/// The known names that `asked` may be a slip of, the likeliest first, letter case ignored: those that contain it, else
/// those spelt almost like it, as a whole or in one of their words.
pub(crate) fn near<'a>(asked: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let asked = asked.trim().to_lowercase();
    if asked.is_empty() {
        return Vec::new();
    }
    let known: Vec<&str> = known.into_iter().collect();
    let containing: Vec<&str> = known
        .iter()
        .copied()
        .filter(|name| name.to_lowercase().contains(&asked))
        .collect();
    if !containing.is_empty() {
        // A name that differs in letter case alone is the likeliest.
        let (same, longer): (Vec<&str>, Vec<&str>) =
            containing.into_iter().partition(|name| name.to_lowercase() == asked);
        return [same, longer].concat();
    }
    let mut alike: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| (likeness(&asked, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0));
    alike.into_iter().map(|(_, name)| name).collect()
}

/// All known names, those that one of `asked` may be a slip of first: the likeliest of each, then their next ones.
pub(crate) fn nearest_first<'a>(asked: &'a [String], known: &'a [String]) -> Vec<&'a str> {
    let alike: Vec<Vec<&str>> = asked
        .iter()
        .map(|asked| near(asked, known.iter().map(String::as_str)))
        .collect();
    let deepest = alike.iter().map(Vec::len).max().unwrap_or(0);
    let ranked = (0..deepest).flat_map(|rank| alike.iter().filter_map(move |names| names.get(rank).copied()));
    let mut met = HashSet::new();
    let all = ranked.chain(known.iter().map(String::as_str));
    all.filter(|name| met.insert(*name)).collect()
}

/// How alike two names are: as wholes, or `asked` to the likeliest word of `name`.
fn likeness(asked: &str, name: &str) -> f64 {
    name.split(|letter: char| !letter.is_alphanumeric())
        .chain([name])
        .map(|word| strsim::jaro_winkler(asked, word).max(one_slip(asked, word)))
        .fold(0.0, f64::max)
}

/// Just alike where one letter is wrong, missing or too many, or two stand in each other's place: Jaro sees nothing in
/// words as short as `rnu`.
fn one_slip(asked: &str, word: &str) -> f64 {
    let is_one = asked.chars().count() > 2 && strsim::osa_distance(asked, word) == 1;
    if is_one { ALIKE } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 4] = [
        "Economic Values",
        "Corruption",
        "Ethical Values and Norms",
        "Science & Technology",
    ];

    #[test]
    fn a_part_finds_all_names_that_contain_it() {
        assert_eq!(near("values", NAMES), ["Economic Values", "Ethical Values and Norms"]);
        assert_eq!(near("SCIENCE", NAMES), ["Science & Technology"]);
    }

    #[test]
    fn a_slip_finds_the_name_and_what_is_like_none_finds_nothing() {
        assert_eq!(near("Coruption", NAMES), ["Corruption"]);
        assert_eq!(near("tecnology", NAMES), ["Science & Technology"]);
        assert_eq!(near("economics", NAMES)[0], "Economic Values");
        assert_eq!(near("rnu", ["merge", "run", "report"]), ["run"]);
        assert_eq!(near("e1", ["E10", "AE1", "E1"]), ["E1", "E10", "AE1"]);
        assert!(near("zebra", NAMES).is_empty());
        assert!(near(" ", NAMES).is_empty());
    }

    #[test]
    fn the_likeliest_name_of_each_slip_comes_first_and_all_others_after() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let known = names(&["age", "train.curse", "bus.curse", "sex"]);
        assert_eq!(
            nearest_first(&names(&["Sex", "bus.curs"]), &known),
            ["sex", "bus.curse", "age", "train.curse"]
        );
    }
}
