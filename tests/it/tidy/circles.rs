//! No circle of imports between the files and folders within a module.
//!
//! Of two files that import each other neither can be read, tested or changed without the other; then they are one, or
//! what both need belongs into a third below them. A folder counts as one with everything in it. That a file takes from
//! the folder that it lies in what stands in its `mod.rs`, and the folder uses the file, is no circle here.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{KERNELS, Source, code, imported};

/// A module's path.
type Place = Vec<String>;

/// Every path that one line names, by its segments, with the name that it is imported as.
fn paths(line: &str) -> Vec<(Place, String)> {
    if let Some(tree) = imported(line) {
        let mut found = Vec::new();
        unfold(tree.split(';').next().unwrap_or(tree).trim(), &[], &mut found);
        return found;
    }
    let mut found = Vec::new();
    for root in ["crate::", "super::", "self::"] {
        for (at, _) in line.match_indices(root) {
            let before = line[..at].chars().next_back();
            if before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_' || letter == ':') {
                continue;
            }
            let end = line[at..].find(|letter: char| !letter.is_alphanumeric() && letter != '_' && letter != ':');
            let path = &line[at..end.map_or(line.len(), |end| at + end)];
            let segments: Place = path
                .split("::")
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
                .collect();
            let name = segments.last().cloned().unwrap_or_default();
            found.push((segments, name));
        }
    }
    found
}

/// The paths of an import's tree, `a::{b, c::{self, d as e}}`.
fn unfold(tree: &str, before: &[String], found: &mut Vec<(Place, String)>) {
    let tree = tree.trim();
    if let Some((head, rest)) = tree.split_once('{') {
        let mut before = before.to_vec();
        before.extend(
            head.split("::")
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .map(str::to_owned),
        );
        let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
        let (mut depth, mut start) = (0, 0);
        for (at, letter) in inside.char_indices().chain([(inside.len(), ',')]) {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    unfold(&inside[start..at], &before, found);
                    start = at + 1;
                }
                _ => {}
            }
        }
        return;
    }
    let (path, alias) = tree
        .split_once(" as ")
        .map_or((tree, None), |(path, alias)| (path, Some(alias.trim())));
    let own = path
        .split("::")
        .map(str::trim)
        .filter(|part| !part.is_empty() && *part != "self");
    let mut segments = before.to_vec();
    // `self` at the front is a root; behind a brace it is what stands before the brace.
    if before.is_empty() && path.starts_with("self::") {
        segments.push("self".to_owned());
    }
    segments.extend(own.map(str::to_owned));
    if let Some(last) = segments.last().filter(|_| !tree.is_empty()) {
        found.push((segments.clone(), alias.unwrap_or(last).to_owned()));
    }
}

/// All modules that are files, and what each has imported.
struct Modules<'s> {
    files: BTreeMap<&'s [String], &'s Source>,
    /// By module and name: the path, as it stands there.
    names: BTreeMap<(&'s [String], String), Place>,
}

impl<'s> Modules<'s> {
    fn of(sources: &'s [Source]) -> Self {
        let files: BTreeMap<&[String], &Source> = sources
            .iter()
            .map(|source| (source.module.as_slice(), source))
            .collect();
        let mut names = BTreeMap::new();
        for source in sources {
            for (_, line) in code(&source.text).iter().filter(|(_, line)| imported(line).is_some()) {
                for (path, name) in paths(line) {
                    names.insert((source.module.as_slice(), name), path);
                }
            }
        }
        Self { files, names }
    }

    /// The file in which stands what `path` names in the module `from`; `None` for what is not of this crate.
    fn home(&self, from: &[String], path: &[String], depth: usize) -> Option<Place> {
        let mut at = from.to_vec();
        let mut rest = path;
        let mut rooted = false;
        while let Some((first, behind)) = rest.split_first() {
            match first.as_str() {
                "crate" => at.truncate(usize::from(from.first().is_some_and(|top| top == KERNELS))),
                "self" => {}
                "super" => drop(at.pop()),
                _ => break,
            }
            rooted = true;
            rest = behind;
        }
        while let Some((first, behind)) = rest.split_first() {
            let below: Place = at.iter().chain([first]).cloned().collect();
            if !self.files.contains_key(below.as_slice()) {
                break;
            }
            (at, rest, rooted) = (below, behind, true);
        }
        if !rooted {
            return None;
        }
        let found = rest.first().and_then(|name| {
            let key = self.names.get_key_value(&(at.as_slice(), name.clone()))?;
            (depth > 0).then(|| self.home(key.0.0, key.1, depth - 1))?
        });
        Some(found.unwrap_or(at))
    }
}

/// Every circle, as `a -> b -> a`, each with a line that makes its first step.
pub fn circles(sources: &[Source]) -> Vec<String> {
    /// Longest chain of names that stand for other names.
    const DEEPEST: usize = 8;
    let modules = Modules::of(sources);
    // From node to node, with the line that says so.
    let mut steps: BTreeMap<Place, BTreeMap<Place, String>> = BTreeMap::new();
    for source in sources.iter().filter(|source| !source.tests) {
        for (number, line) in code(&source.text) {
            for (path, _) in paths(&line) {
                let Some(home) = modules.home(&source.module, &path, DEEPEST) else {
                    continue;
                };
                let common = source.module.iter().zip(&home).take_while(|(a, b)| a == b).count();
                // The table of imports rules between modules; above and below is no circle.
                if common == 0 || common == source.module.len() || common == home.len() {
                    continue;
                }
                let step = format!("{}:{number}", source.place);
                let from = source.module[..=common].to_vec();
                steps
                    .entry(from)
                    .or_default()
                    .entry(home[..=common].to_vec())
                    .or_insert(step);
            }
        }
    }
    let mut found = BTreeSet::new();
    for start in steps.keys() {
        if let Some(circle) = shortest_circle(&steps, start) {
            // Named by its first node, so that it is found once.
            if circle.iter().min() == Some(start) {
                let names: Vec<String> = circle.iter().chain([start]).map(|node| node.join("::")).collect();
                let lines = circle
                    .iter()
                    .zip(circle.iter().cycle().skip(1))
                    .map(|(a, b)| steps[a][b].as_str());
                found.insert(format!(
                    "{} ({})",
                    names.join(" -> "),
                    lines.collect::<Vec<_>>().join(", ")
                ));
            }
        }
    }
    found.into_iter().collect()
}

fn shortest_circle(steps: &BTreeMap<Place, BTreeMap<Place, String>>, start: &Place) -> Option<Vec<Place>> {
    let mut ways = vec![vec![start.clone()]];
    let mut seen = BTreeSet::new();
    while !ways.is_empty() {
        let mut longer = Vec::new();
        for way in ways {
            let Some(next) = way.last().and_then(|last| steps.get(last)) else {
                continue;
            };
            for node in next.keys() {
                if node == start {
                    return Some(way);
                }
                if seen.insert(node.clone()) {
                    longer.push(way.iter().chain([node]).cloned().collect());
                }
            }
        }
        ways = longer;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(place: &str, text: &str) -> Source {
        let parts: Place = place
            .trim_end_matches(".rs")
            .split('/')
            .filter(|part| *part != "mod")
            .map(str::to_owned)
            .collect();
        Source {
            place: place.to_owned(),
            module: parts,
            text: text.to_owned(),
            tests: false,
        }
    }

    #[test]
    fn circles_are_found_however_the_names_are_imported() {
        let through_the_folder = [
            file("m/mod.rs", "mod a;\nmod b;\npub use a::A;\n"),
            file(
                "m/a.rs",
                "use super::b::{\n    self,\n    B as Other,\n};\npub struct A;\n",
            ),
            file("m/b.rs", "use crate::m::A;\npub struct B;\n"),
        ];
        assert_eq!(
            circles(&through_the_folder),
            ["m::a -> m::b -> m::a (m/a.rs:1, m/b.rs:1)"]
        );
        let of_three = [
            file("m/mod.rs", ""),
            file("m/a/mod.rs", "mod inner;"),
            file("m/a/inner.rs", "fn f() { crate::m::b::g() }"),
            file("m/b.rs", "use super::{c, a};"),
            file("m/c.rs", "use super::a::inner::f;"),
        ];
        assert_eq!(circles(&of_three), ["m::a -> m::b -> m::a (m/a/inner.rs:1, m/b.rs:1)"]);
    }

    #[test]
    fn folders_and_their_files_tests_and_other_crates_make_no_circle() {
        let fine = [
            file("m/mod.rs", "mod a;\nuse a::A;\npub struct Here;\n"),
            file(
                "m/a.rs",
                "use super::Here;\nuse serde::b;\n#[cfg(test)]\nmod tests {\n    use crate::m::b::B;\n}\n",
            ),
            file("m/b.rs", "use super::a::A;"),
            file("n/b.rs", "use crate::m::a;"),
        ];
        assert_eq!(circles(&fine), Vec::<String>::new());
    }
}
