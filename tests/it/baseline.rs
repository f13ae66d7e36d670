//! Baselines on the built-in catalogue and synthetic respondents.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use assert_cmd::Command;
use indieval::survey::{Catalogue, SyntheticOptions, SyntheticProfile, write_synthetic};
use serde_json::Value;
use tempfile::TempDir;

/// 2,000 synthetic respondents, made once for all tests.
static FILE: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("synthetic.csv");
    synthetic(&path, 2000, 1);
    (folder, path)
});

fn synthetic(path: &Path, respondents: usize, seed: u64) {
    let options = SyntheticOptions {
        respondents,
        seed,
        profile: SyntheticProfile::Surveyed,
    };
    write_synthetic(&options, std::fs::File::create(path).unwrap()).unwrap();
}

fn indieval(args: &[&str]) -> std::process::Output {
    Command::cargo_bin("indieval").unwrap().args(args).output().unwrap()
}

fn rows(args: &[&str]) -> Vec<Value> {
    let file = FILE.1.to_str().unwrap();
    let output = indieval(&[&["baseline", file, "--format", "json"], args].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The accuracy of the row with these keys.
fn accuracy(rows: &[Value], method: &str, k: Option<u64>, split: Option<u64>, category: Option<&str>) -> f64 {
    let found: Vec<&Value> = rows
        .iter()
        .filter(|row| {
            row["method"] == method
                && row["k"].as_u64() == k
                && row["split"].as_u64() == split
                && row["category"].as_str() == category
        })
        .collect();
    assert_eq!(found.len(), 1);
    found[0]["accuracy"].as_f64().unwrap()
}

/// A list of the first so many respondents.
fn first(respondents: usize, folder: &Path) -> PathBuf {
    let all = std::fs::read_to_string(&FILE.1).unwrap();
    let mut lines = all.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let column = lines
        .next()
        .unwrap()
        .iter()
        .position(|&name| name == "D_INTERVIEW")
        .unwrap();
    let ids: Vec<&str> = lines.take(respondents).map(|fields| fields[column]).collect();
    let list = folder.join("sample.csv");
    std::fs::write(&list, format!("D_INTERVIEW\n{}\n", ids.join("\n"))).unwrap();
    list
}

#[test]
fn random_is_the_papers_random_column() {
    // Figure 2 of the paper, to one decimal, in the order of categories.
    const RANDOM: [f64; 13] = [
        50.0, 50.0, 50.0, 50.0, 48.1, 33.3, 50.0, 25.0, 50.0, 46.3, 50.0, 37.0, 50.0,
    ];
    let rows = rows(&["--methods", "random"]);
    assert!(
        rows.iter()
            .all(|row| row["method"] == "random" && row["synthetic"] == true)
    );
    let rounded = |category| (accuracy(&rows, "random", None, None, category) * 10.0).round() / 10.0;
    let categories = &Catalogue::builtin().unwrap().categories;
    assert_eq!(categories.iter().map(|c| rounded(Some(c))).collect::<Vec<_>>(), RANDOM);
    assert_eq!(rounded(None), 45.4);
    // 13 categories and their mean, for three splits and for their mean.
    assert_eq!(rows.len(), 56);
}

/// By how many points each baseline must beat the next simpler one on 2,000 synthetic respondents (400 of them predicted,
/// from all). Half of what they reach for seed 1.
const MARGIN: f64 = 2.5;

#[test]
fn resemblance_beats_majority_beats_random() {
    let folder = tempfile::tempdir().unwrap();
    let sample = first(400, folder.path());
    let rows = rows(&["--respondents", sample.to_str().unwrap()]);
    let overall = |method, k| accuracy(&rows, method, k, None, None);
    let random = overall("random", None);
    let majority = overall("majority", None);
    let resemblance = overall("resemblance", Some(35));
    eprintln!("random {random:.1}, majority {majority:.1}, resemblance {resemblance:.1}");
    assert!(majority > random + MARGIN, "majority {majority}, random {random}");
    assert!(
        resemblance > majority + MARGIN,
        "resemblance {resemblance}, majority {majority}"
    );
    assert!(resemblance > overall("resemblance", Some(1)) + MARGIN);
    let naive_bayes = overall("naive-bayes", None);
    // Less far ahead: it counts every answer as if the others had not said the same.
    assert!(naive_bayes > majority, "naive Bayes {naive_bayes}, majority {majority}");
    assert_eq!(rows.len(), 38 * 56);
}

#[test]
fn people_and_others_may_come_from_two_files() {
    let folder = tempfile::tempdir().unwrap();
    let train = folder.path().join("train.csv");
    synthetic(&train, 300, 2);
    let sample = first(40, folder.path());

    let file = FILE.1.to_str().unwrap();
    let (train, sample) = (train.to_str().unwrap(), sample.to_str().unwrap());
    let options = [
        "--train",
        train,
        "--respondents",
        sample,
        "--splits",
        "2",
        "--neighbours",
        "7",
    ];
    let output = indieval(&[&["baseline", file][..], &options].concat());
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("40 synthetic people, each against 300 synthetic others"),
        "{text}"
    );
    let rows = rows(&options);
    assert_eq!(
        rows.len(),
        10 * 28,
        "one split and its mean; random, majority, seven k and naive Bayes"
    );
    assert!(rows.iter().all(|row| matches!(row["split"].as_u64(), None | Some(2))));
    let last = text.lines().find(|line| line.starts_with("overall")).unwrap();
    let shown: Vec<&str> = last.split_whitespace().skip(1).collect();
    let expected = |method, k| format!("{:.1}", accuracy(&rows, method, k, None, None));
    assert_eq!(shown[..2], [expected("random", None), expected("majority", None)]);
    let last = [expected("resemblance", Some(7)), expected("naive-bayes", None)];
    assert_eq!(shown[shown.len() - 2..], last);
}
