//! `indieval report --people`: a page a person, reached from the report, and nothing of it in the report itself.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::{FEW, indieval, path, plan, text};
use crate::invented;
use crate::run::{finish, run};

fn report(run: &Path, more: &[&str]) -> String {
    let output = indieval(&[&["report", path(run)], &FEW[..], more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stderr)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What stands in all attributes of a name.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let begin = format!("{name}=\"");
    let pieces = html.split(begin.as_str()).skip(1).map(|rest| rest.split('"').next());
    pieces.map(|value| value.expect("a first part")).collect()
}

#[test]
fn every_person_has_a_page_of_what_was_shown_asked_and_chosen_and_the_report_leads_there() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = scratch.path().join("mine");
    finish(run(
        "fake:1",
        &folder,
        &["--methods", "likelihood,generation", "--demonstrations", "0,3"],
    ));
    report(&folder, &[]);
    let before = read(&folder.join("report.html"));
    assert!(!before.contains("href=\"people/"));
    report(&folder, &["--people"]);
    let html = read(&folder.join("report.html"));
    assert!(html.len() < before.len() + 4_000, "links alone were added");
    let people = folder.join("people/mine");
    for href in attributes(&html, "href")
        .into_iter()
        .filter(|href| href.starts_with("people/"))
    {
        assert!(folder.join(href).is_file(), "{href}");
    }
    // By person: probes and right ones, as the records have them.
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut shown: BTreeMap<String, usize> = BTreeMap::new();
    for line in read(&folder.join("records.jsonl")).lines() {
        let record: Value = serde_json::from_str(line).expect("JSON");
        let id = record["respondent"].as_str().expect("an id").to_owned();
        let count = counts.entry(id.clone()).or_default();
        *count = (count.0 + 1, count.1 + usize::from(record["correct"] == true));
        let most = shown.entry(id).or_default();
        *most = (*most).max(record["shown"].as_u64().expect("a count") as usize);
    }
    let list = read(&people.join("index.html"));
    for (id, (probes, right)) in &counts {
        assert!(list.contains(&format!("<a href=\"{id}.html\">{id}</a>")), "{id}");
        let page = read(&people.join(format!("{id}.html")));
        assert_eq!(page.matches("class=\"n right\"").count(), *right, "{id}");
        let verdicts = ["right", "wrong", "unparsed", "out-of-range"];
        let verdicts = verdicts.map(|word| page.matches(&format!("class=\"n {word}\"")).count());
        assert_eq!(verdicts.iter().sum::<usize>(), *probes, "{id}");
        // Every probe has the person's own answer once, and each split its statements.
        assert_eq!(
            page.matches("<tr class=\"own\">").count(),
            page.matches("class=\"dense probe\"").count()
        );
        let statements = page.split("<ol class=\"statements\">").skip(1);
        let statements = statements.map(|list| list.split("</ol>").next().expect("a list").matches("<li>").count());
        assert!(
            statements.clone().count() > 0 && statements.clone().all(|count| count == shown[id]),
            "{id}"
        );
        for absent in ["http:", "https:", "<script", "Not told here"] {
            assert!(!page.contains(absent), "{id}: {absent}");
        }
        assert!(page.contains("<title>[synthetic] ") && page.contains("href=\"../../report.html\""));
    }
    assert_eq!(std::fs::read_dir(&people).expect("pages").count(), counts.len() + 1);
}

#[test]
fn what_was_shown_is_not_told_where_the_survey_is_not_at_hand_and_foreign_files_stay() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = scratch.path().join("run");
    let conditions = [indieval::scoring::Method::Label].map(|method| invented::condition(method, 50));
    invented::write(&folder, &plan("run", conditions.to_vec()));
    report(&folder, &["--people"]);
    // The invented ids have capitals, which some systems do not tell apart.
    let page = read(&folder.join("people/run/person-1.html"));
    assert!(
        page.contains("Not told here: ") && page.contains("indieval show"),
        "no reason is given"
    );
    std::fs::write(folder.join("people/run/mine.html"), "my own").expect("room on the disk");
    let output = indieval(&["report", path(&folder), "--people"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("is not from a report"),
        "{}",
        text(&output.stderr)
    );
    assert_eq!(read(&folder.join("people/run/mine.html")), "my own");
}
