//! The rules of the code that no lint of clippy's can say: who imports whom, that no imports run in a circle, that no two
//! types share a name, how long files are. What clippy can say stands in clippy.toml, Cargo.toml and src/lib.rs.

mod circles;
mod names;
mod source;

use std::path::Path;

use source::{Source, code, rust_files};

/// What each module of `src` may import, as ARCHITECTURE.md has it. All may import `base`, which imports none of them;
/// `cli` may import everything and nobody imports it; the kernels are a crate of their own.
const MODULES: [(&str, &[&str]); 12] = [
    (source::KERNELS, &[]),
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

/// Modules may name nothing of these crates: arguments, progress and catch-all errors are the command line's.
const CLI_ONLY: [&str; 3] = ["clap", "anyhow", "indicatif"];

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

/// Everything that is wrong with the imports of one file.
fn faults(source: &Source) -> Vec<String> {
    let (Some(module), place) = (source.top(), &source.place) else {
        return Vec::new();
    };
    let Some((_, allowed)) = MODULES.iter().find(|(name, _)| *name == module) else {
        return vec![format!("{place}: {module} is no module of the table")];
    };
    let excepted = |other: &str| EXCEPTIONS.iter().any(|(from, to, _)| *from == module && *to == other);
    let mut faults = Vec::new();
    for (number, line) in code(&source.text) {
        for other in modules_named(place, &line) {
            if other != module && other != "base" && !allowed.contains(&other) && !excepted(other) {
                faults.push(format!("{place}:{number}: {module} must not import {other}"));
            }
        }
        for name in CLI_ONLY.iter().filter(|_| module != "cli") {
            if line.contains(&format!("{name}::")) {
                faults.push(format!("{place}:{number}: {name} outside of cli"));
            }
        }
    }
    faults
}

fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn modules_import_only_downhill() {
    let sources = source::all();
    for (module, _) in MODULES {
        assert!(
            sources.iter().any(|source| source.top() == Some(module)),
            "src/{module} is empty"
        );
    }
    let library = sources
        .iter()
        .filter(|source| !source.tests && source.place.contains('/'));
    assert_none(&library.flat_map(faults).collect::<Vec<_>>());
}

#[test]
fn no_imports_run_in_a_circle_within_a_module() {
    assert_none(&circles::circles(&source::all()));
}

#[test]
fn no_two_types_share_a_name() {
    assert_none(&names::clashes(&source::all()));
}

/// candle's crates each have operations of their own for GPUs, and one that is built without them fails when a GPU is first
/// asked for one: no build and no CPU would notice.
#[test]
fn the_feature_cuda_reaches_every_crate_of_candle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut reached = 0;
    for manifest in ["Cargo.toml", "kernels/Cargo.toml"] {
        let text = std::fs::read_to_string(root.join(manifest)).unwrap();
        let manifest_of: toml::Table = text.parse().unwrap();
        let cuda = manifest_of["features"]["cuda"].as_array().unwrap();
        let dependencies = manifest_of["dependencies"].as_table().unwrap().keys();
        for name in dependencies.filter(|name| name.starts_with("candle-") || *name == "indieval-kernels") {
            let wanted = format!("{name}/cuda");
            let there = cuda.iter().any(|entry| entry.as_str() == Some(wanted.as_str()));
            assert!(there, "{manifest}: the feature cuda lacks {wanted}");
            reached += 1;
        }
    }
    assert!(reached >= 4, "{reached} crates were looked at");
}

/// Columns of the built-in survey that its definition (`data/wvs7.toml`) names. Code asks the definition.
const COLUMNS: [&str; 7] = ["D_INTERVIEW", "B_COUNTRY", "W_WEIGHT", "X003R", "Q262", "Q288", "Q289"];

/// It makes up what stands in them.
const GENERATOR: &str = "survey/synth/person.rs";

/// Lines of a file that name such a column, comments and tests left out.
fn named_columns(source: &Source) -> Vec<String> {
    let raw: Vec<&str> = source.text.lines().collect();
    let lines = code(&source.text).into_iter().map(|(number, _)| number);
    lines
        .filter(|number| COLUMNS.iter().any(|column| raw[number - 1].contains(column)))
        .map(|number| format!("{}:{number}: {}", source.place, raw[number - 1].trim()))
        .collect()
}

#[test]
fn columns_of_the_built_in_survey_are_named_by_its_definition_alone() {
    let sources = source::all();
    let logic = sources
        .iter()
        .filter(|source| !source.tests && source.place != GENERATOR);
    assert_none(&logic.flat_map(named_columns).collect::<Vec<_>>());
    let generator = sources.iter().find(|source| source.place == GENERATOR).unwrap();
    assert!(!named_columns(generator).is_empty());
}

#[test]
fn files_are_short_enough_to_be_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "kernels/src", "tests", "benches", "examples", "fuzz/src"] {
        rust_files(&root.join(folder), &mut files);
    }
    assert!(files.iter().any(|file| file.ends_with("it/tidy.rs")));
    let length = |file: &Path| std::fs::read_to_string(file).unwrap().lines().count();
    let long = files
        .iter()
        .map(|file| (file, length(file)))
        .filter(|(_, length)| *length > MOST_LINES);
    let told = long.map(|(file, length)| format!("{}: {length} lines, at most {MOST_LINES}", file.display()));
    assert_none(&told.collect::<Vec<_>>());
}

/// A file of a module.
fn file(module: &str, text: &str) -> Source {
    Source {
        place: format!("{module}/file.rs"),
        module: vec![module.to_owned(), "file".to_owned()],
        text: text.to_owned(),
        tests: false,
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
        ("probe", "use anyhow::Result;", "anyhow outside of cli"),
        (
            "probe",
            "#[cfg(test)]\nmod tests;\n\nuse crate::run::Y;",
            "probe must not import run",
        ),
        ("attic", "", "no module of the table"),
    ] {
        let found = faults(&file(module, text));
        assert!(found.iter().any(|fault| fault.contains(expected)), "{text}: {found:?}");
    }
}

#[test]
fn the_checker_lets_good_code_pass() {
    for (module, text) in [
        ("probe", "use crate::survey::Form;"),
        ("probe", "use crate::probe::Split;"),
        ("report", "use crate::scoring::Outcome;"),
        ("cli", "use anyhow::Result;"),
        ("probe", "// use crate::run::Y;\nlet text = \"crate::run::Y\";"),
        (
            "probe",
            "fn f() {}\n\n#[cfg(test)]\nmod tests {\n    use crate::run::Y;\n}\n",
        ),
    ] {
        assert_eq!(faults(&file(module, text)), Vec::<String>::new());
    }
}
