//! The rules of the code that a program can check: who imports whom, how long files are, what library code must not do.

use std::path::{Path, PathBuf};

/// What each module of `src` may import, as ARCHITECTURE.md has it. All may import `base`, which imports none of them;
/// `cli` may import everything and nobody imports it.
const MODULES: [(&str, &[&str]); 11] = [
    ("base", &[]),
    ("survey", &[]),
    ("probe", &["survey"]),
    ("prompt", &["survey", "probe"]),
    ("model", &[]),
    ("scoring", &["survey", "probe", "prompt", "model"]),
    ("metrics", &["scoring"]),
    ("run", &["survey", "probe", "prompt", "model", "scoring", "metrics"]),
    ("requests", &["prompt", "model", "scoring"]),
    ("report", &["metrics", "run"]),
    (
        "cli",
        &[
            "survey", "probe", "prompt", "model", "scoring", "metrics", "run", "requests", "report",
        ],
    ),
];

/// Types that a module takes from another beyond the table: (module, other, what and why).
///
/// Numbers are grouped by, and reports put into words, what other modules name; only types are taken, nothing is called.
const EXCEPTIONS: [(&str, &str, &str); 3] = [
    (
        "metrics",
        "survey",
        "ids of questions, categories and dimensions, by which numbers are grouped",
    ),
    ("report", "scoring", "the outcome types of a run's records"),
    ("report", "survey", "names of questions, categories and groups"),
];

/// A file is at most this long, tests included. The goal is 400.
const MOST_LINES: usize = 600;

/// What library code must not do: stop the program, or write to its standard streams.
const FORBIDDEN: [&str; 11] = [
    ".unwrap()",
    ".expect(",
    ".unwrap_err()",
    "panic!(",
    "unreachable!(",
    "todo!(",
    "unimplemented!(",
    "println!(",
    "print!(",
    "eprintln!(",
    "dbg!(",
];

/// Modules may name nothing of these crates: arguments, progress and catch-all errors are the command line's.
const CLI_ONLY: [&str; 3] = ["clap", "anyhow", "indicatif"];

/// An attribute that keeps the item after it out of the library.
fn is_test_only(line: &str) -> bool {
    line.starts_with("#[cfg(test)]") || line.starts_with("#[cfg(all(test,")
}

/// The parts of a source file that count: its lines with comments and test modules left out, and their numbers.
fn code(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut tests = false;
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim_start();
        // By convention a `#[cfg(test)]` module is the last item of its file.
        if is_test_only(line) {
            tests = true;
        }
        if tests && line.starts_with("mod ") && line.ends_with(';') {
            tests = false;
            continue;
        }
        if tests || trimmed.starts_with("//") {
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
        let starts = line.trim_start().trim_start_matches("pub ").starts_with("use ");
        match whole.last_mut() {
            Some((_, last)) if open => last.push_str(line.trim()),
            _ => whole.push((number, line)),
        }
        open = (open || starts) && !ends;
    }
    whole
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

/// Modules named on a line: `crate::probe::Split`, `crate::{survey::X, model}`, or by as many `super::` as lead out of the
/// module from the file `place`.
fn modules_named(place: &str, line: &str) -> Vec<&'static str> {
    let folders = place.split('/').count();
    let depth = if place.ends_with("/mod.rs") {
        folders - 1
    } else {
        folders
    };
    let up = "super::".repeat(depth);
    let mut found = Vec::new();
    for (module, _) in MODULES {
        if depth > 0 && line.contains(&format!("{up}{module}::")) {
            found.push(module);
            continue;
        }
        let direct = [
            format!("crate::{module}::"),
            format!("crate::{module};"),
            format!("crate::{module} "),
        ];
        let grouped = line.split_once("crate::{").is_some_and(|(_, rest)| {
            rest.split([',', '{', '}', ' ', ';'])
                .any(|part| part == module || part.strip_prefix(module).is_some_and(|rest| rest.starts_with("::")))
        });
        if direct.iter().any(|form| line.contains(form.as_str())) || grouped {
            found.push(module);
        }
    }
    found
}

/// Everything that is wrong with one file of a module.
fn faults(module: &str, place: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let length = text.lines().count();
    if length > MOST_LINES {
        faults.push(format!("{place}: {length} lines, at most {MOST_LINES}"));
    }
    let allowed = MODULES
        .iter()
        .find(|(name, _)| *name == module)
        .map_or(&[][..], |(_, allowed)| allowed);
    let excepted = |other: &str| EXCEPTIONS.iter().any(|(from, to, _)| *from == module && *to == other);
    for (number, line) in code(text) {
        for other in modules_named(place, &line) {
            if other != module && other != "base" && !allowed.contains(&other) && !excepted(other) {
                faults.push(format!("{place}:{number}: {module} must not import {other}"));
            }
        }
        if module == "cli" {
            continue;
        }
        for word in FORBIDDEN {
            if line.contains(word) {
                faults.push(format!("{place}:{number}: {word} outside of cli and tests"));
            }
        }
        for name in CLI_ONLY {
            if line.contains(&format!("{name}::")) {
                faults.push(format!("{place}:{number}: {name} outside of cli"));
            }
        }
    }
    faults
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

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
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

#[test]
fn the_source_keeps_its_rules() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(&source).unwrap().flatten() {
        if !entry.path().is_dir() {
            continue;
        }
        let module = entry.file_name().into_string().unwrap();
        assert!(
            MODULES.iter().any(|(name, _)| *name == module),
            "src/{module} is no module of the table"
        );
        let mut files = Vec::new();
        rust_files(&entry.path(), &mut files);
        assert!(!files.is_empty(), "src/{module} is empty");
        let texts: Vec<String> = files
            .iter()
            .map(|file| std::fs::read_to_string(file).unwrap())
            .collect();
        let tests: Vec<String> = texts.iter().flat_map(|text| test_modules(text)).collect();
        for (file, text) in files.iter().zip(&texts) {
            let place = file.strip_prefix(&source).unwrap().display().to_string();
            // Files of tests are not library code; only their length counts.
            let is_tests = |name: &std::ffi::OsStr| tests.iter().any(|test| name == test.as_str());
            let folder = file.parent().and_then(Path::file_name);
            if file.file_stem().is_some_and(is_tests) || folder.is_some_and(is_tests) {
                all.extend(
                    faults("cli", &place, text)
                        .into_iter()
                        .filter(|fault| fault.contains(" lines, ")),
                );
            } else {
                all.extend(faults(&module, &place, text));
            }
        }
    }
    assert!(all.is_empty(), "\n{}\n", all.join("\n"));
}

#[test]
fn tests_are_not_too_long_either() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut files = Vec::new();
    rust_files(&tests, &mut files);
    assert!(files.iter().any(|file| file.ends_with("it/tidy.rs")));
    for file in files {
        let length = std::fs::read_to_string(&file).unwrap().lines().count();
        assert!(length <= MOST_LINES, "{}: {length} lines", file.display());
    }
}

#[test]
fn the_checker_sees_every_kind_of_fault() {
    for (module, text, expected) in [
        ("survey", "use crate::model::TokenId;", "survey must not import model"),
        (
            "model",
            "use crate::{survey::Form, model};",
            "model must not import survey",
        ),
        ("model", "fn f() { crate::run::go() }", "model must not import run"),
        ("metrics", "use crate::cli::main;", "metrics must not import cli"),
        (
            "model",
            "use crate::{\n    model::X,\n    run::Y,\n};",
            "model must not import run",
        ),
        ("model", "use super::super::run::Y;", "model must not import run"),
        ("probe", "let x = y.unwrap();", ".unwrap()"),
        ("probe", "let x = y.expect(\"there\");", ".expect("),
        ("probe", "println!(\"x\");", "println!("),
        ("probe", "panic!(\"x\");", "panic!("),
        ("probe", "use anyhow::Result;", "anyhow outside of cli"),
        ("probe", "#[cfg(test)]\nmod tests;\n\nfn f() { todo!() }", "todo!("),
    ] {
        let found = faults(module, &format!("{module}/file.rs"), text);
        assert!(found.iter().any(|fault| fault.contains(expected)), "{text}: {found:?}");
    }
    let long = "\n".repeat(MOST_LINES + 1);
    assert!(faults("survey", "file.rs", &long)[0].contains("601 lines"));
}

#[test]
fn files_of_tests_are_found_by_their_declaration() {
    let text = "mod a;\n#[cfg(test)]\nmod b;\n#[cfg(test)]\n#[path = \"d.rs\"]\nmod c;\n#[cfg(test)]\nmod e {\n}\n";
    assert_eq!(test_modules(text), ["b", "d", "c"]);
}

#[test]
fn the_checker_lets_good_code_pass() {
    for (module, text) in [
        ("probe", "use crate::survey::Form;"),
        ("probe", "use crate::probe::Split;"),
        ("report", "use crate::scoring::Outcome;"),
        ("cli", "let x = y.unwrap(); println!(\"x\"); use anyhow::Result;"),
        ("probe", "// never .unwrap() here\nlet x = y.unwrap_or(1);"),
        ("probe", "let text = \"say .unwrap() or panic!(\";"),
        (
            "probe",
            "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    fn g() { x.unwrap(); }\n}\n",
        ),
    ] {
        assert_eq!(faults(module, &format!("{module}/file.rs"), text), Vec::<String>::new());
    }
}
