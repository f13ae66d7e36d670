//! The files of `src` and of the crate of kernels, with what does not count left out.

use std::path::{Path, PathBuf};

/// A file of `src`, or of `kernels/src`, which counts as one more module.
pub struct Source {
    /// Its place in `src`, with slashes; `kernels/...` for those of the crate.
    pub place: String,
    /// The path of the module that it is: `["survey", "file"]` for `survey/file/mod.rs`.
    pub module: Vec<String>,
    /// Its text.
    pub text: String,
    /// Whether only tests have it.
    pub tests: bool,
}

impl Source {
    /// The module of `src`, a folder, that it belongs to; `None` for `lib.rs` and `main.rs`.
    pub fn top(&self) -> Option<&str> {
        self.module.first().map(String::as_str)
    }
}

/// The module of all that is in the crate of kernels.
pub const KERNELS: &str = "kernels";

/// All of them, each crate's in the order of their places.
pub fn all() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = files(&root.join("src"), None);
    all.extend(files(&root.join("kernels/src"), Some(KERNELS)));
    all
}

/// Those of one crate, within a module where one is named.
fn files(source: &Path, within: Option<&str>) -> Vec<Source> {
    let mut files = Vec::new();
    rust_files(source, &mut files);
    files.sort();
    let texts: Vec<String> = files
        .iter()
        .map(|file| std::fs::read_to_string(file).unwrap())
        .collect();
    let tests: Vec<PathBuf> = files
        .iter()
        .zip(&texts)
        .flat_map(|(file, text)| {
            let beside = file.parent().unwrap().to_owned();
            let inside = file.with_extension("");
            test_modules(text)
                .into_iter()
                .flat_map(move |name| [beside.join(&name), inside.join(&name)])
        })
        .collect();
    files
        .iter()
        .zip(texts)
        .map(|(file, text)| {
            let place = Path::new(within.unwrap_or_default()).join(file.strip_prefix(source).unwrap());
            let mut module: Vec<String> = place
                .with_extension("")
                .iter()
                .map(|part| part.to_str().unwrap().to_owned())
                .collect();
            if matches!(module.last().map(String::as_str), Some("mod" | "lib" | "main")) {
                module.pop();
            }
            Source {
                place: place.display().to_string(),
                module,
                tests: tests.iter().any(|test| file.with_extension("").starts_with(test)),
                text,
            }
        })
        .collect()
}

/// All Rust files below a folder.
pub fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// An attribute that keeps the item after it out of the library.
fn is_test_only(line: &str) -> bool {
    line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test,")
}

/// The parts of a source file that count: its lines with comments and test modules left out, and their numbers.
pub fn code(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut tests = false;
    for (number, line) in text.lines().enumerate() {
        // By convention a `#[cfg(test)]` module is the last item of its file.
        if is_test_only(line) {
            tests = true;
        }
        if tests && line.starts_with("mod ") && line.ends_with(';') {
            tests = false;
            continue;
        }
        if tests || line.trim_start().starts_with("//") {
            continue;
        }
        let code = line.split(" // ").next().unwrap_or(line);
        lines.push((number + 1, without_strings(code)));
    }
    whole_imports(lines)
}

/// Imports that span lines, each joined into the line it starts in.
fn whole_imports(lines: Vec<(usize, String)>) -> Vec<(usize, String)> {
    let mut whole: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (number, line) in lines {
        let ends = line.contains(';');
        let starts = imported(&line).is_some();
        match whole.last_mut() {
            Some((_, last)) if open => last.push_str(line.trim()),
            _ => whole.push((number, line)),
        }
        open = (open || starts) && !ends;
    }
    whole
}

/// What stands behind `use` on a line that imports, whoever may see it.
pub fn imported(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = match line.strip_prefix("pub(") {
        Some(rest) => rest.split_once(") ").map_or("", |(_, rest)| rest),
        None => line.strip_prefix("pub ").unwrap_or(line),
    };
    line.strip_prefix("use ")
}

/// A line with the contents of its string literals removed, so that a message may say what the rule forbids.
fn without_strings(line: &str) -> String {
    let mut kept = String::new();
    let mut quoted = false;
    let mut escaped = false;
    for letter in line.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            _ => kept.push(letter),
        }
    }
    kept
}

/// Modules in files of their own that only tests have: `#[cfg(test)]`, perhaps a `#[path = ..]`, then `mod name;`.
fn test_modules(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if !is_test_only(line.trim()) {
            continue;
        }
        for line in lines.by_ref().take(2) {
            let file = line
                .trim()
                .strip_prefix("#[path = \"")
                .and_then(|rest| rest.strip_suffix(".rs\"]"));
            let module = line.trim().trim_start_matches("pub(crate) ").strip_prefix("mod ");
            let module = module.and_then(|rest| rest.strip_suffix(';'));
            names.extend(file.or(module).map(str::to_owned));
            if file.is_none() {
                break;
            }
        }
    }
    names
}

#[test]
fn files_of_tests_are_found_by_their_declaration() {
    let text = "mod a;\n#[cfg(test)]\nmod b;\n#[cfg(test)]\n#[path = \"d.rs\"]\nmod c;\n#[cfg(test)]\nmod e {\n}\n";
    assert_eq!(test_modules(text), ["b", "d", "c"]);
    let all = all();
    let is_tests = |place: &str| {
        all.iter()
            .find(|source| source.place == place)
            .map(|source| source.tests)
    };
    assert_eq!(is_tests("survey/catalogue/tests.rs"), Some(true));
    assert_eq!(is_tests("survey/file/tests/labels.rs"), Some(true));
    assert_eq!(is_tests("survey/file/labels.rs"), Some(false));
    assert_eq!(is_tests("lib.rs"), Some(false));
}
