//! What a report says of runs that are out of the ordinary, against a plain recount.

use std::collections::BTreeMap;

use indieval::metrics::{Norm, prediction};
use indieval::report::{Page, Report};
use indieval::scoring::Method;

use super::{FEW, indieval, options, path, plan, text};
use crate::invented::{self, Plan};

#[test]
fn a_run_on_one_category_at_a_time_is_told_by_its_grid_and_by_no_single_condition() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = scratch.path().join("each");
    let mut conditions = invented::every_section();
    conditions.retain(|condition| condition.category.is_some());
    let run = invented::write(&folder, &plan("each", conditions.clone()));
    let output = indieval(&[&["report", path(&folder)], &FEW[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let summary = std::fs::read_to_string(folder.join("summary.json")).expect("the summary is there");
    let report: Report = serde_json::from_str(&summary).expect("the summary is a report");
    assert!(report.headline.is_empty() && report.groups.is_empty() && report.norms.is_empty());
    // The diagonal counted again: every probe whose category is that of the demonstrations.
    let category: BTreeMap<_, _> = run.questions.iter().map(|q| (q.id, q.category)).collect();
    let mut shares = vec![[(0.0, 0.0); 2]; run.categories.len()];
    for outcome in &run.outcomes {
        let at = category[&outcome.question];
        let other = usize::from(outcome.condition.category.as_ref() != Some(&run.categories[at]));
        let share = &mut shares[at][other];
        share.0 += f64::from(u8::from(prediction(outcome, Norm::Sum) == Some(outcome.label)));
        share.1 += 1.0;
    }
    let mean = |which: usize| shares.iter().map(|s| s[which].0 / s[which].1).sum::<f64>() / shares.len() as f64;
    let grid = &report.transfer[0];
    assert!((grid.same.overall.expect("a diagonal").value - mean(0)).abs() < 1e-9);
    assert!((grid.others.overall.expect("the rest").value - mean(1)).abs() < 1e-9);
    assert!((grid.lift.overall.expect("both").value - (mean(0) - mean(1))).abs() < 1e-9);
    let html = std::fs::read_to_string(folder.join("report.html")).expect("the page is there");
    let lede = html
        .split("<p class=\"lede\">")
        .nth(1)
        .and_then(|rest| rest.split("</p>").next());
    let lede = lede.expect("a first sentence");
    assert!(
        lede.contains("on average, all from one category, and asked by likelihood"),
        "{lede}"
    );
    assert!(lede.contains(&format!("{:.1} % (95", 100.0 * mean(0))), "{lede}");
    assert!(!lede.contains("200"), "{lede}");
    assert!(html.find("<h2 id=\"transfer\"") < html.find("<h2 id=\"categories\""));
    for absent in ["groups", "norms", "calibration"] {
        assert!(!html.contains(&format!("id=\"{absent}\"")), "{absent}");
    }
    // A single category is no arbitrary one: it is the headline, and is named.
    let one = conditions
        .into_iter()
        .filter(|condition| condition.category.as_deref() == Some("Corruption"));
    let report = Report::new(&[invented::run(&plan("one", one.collect()))], options()).expect("a report");
    let html = Page::new(&report).html().expect("a page");
    assert!(html.contains("Shown 13 statements of a person on average, all from Corruption, and asked by"));
}

#[test]
fn the_number_really_shown_is_told_not_the_number_asked_for() {
    let mut run = invented::run(&plan("many", vec![invented::condition(Method::Likelihood, 500)]));
    run.outcomes.iter_mut().for_each(|outcome| outcome.shown = 214);
    let report = Report::new(&[run], options()).expect("a report");
    let html = Page::new(&report).html().expect("a page");
    assert!(html.contains("Shown 214 statements of a person on average and asked by likelihood"));
}

#[test]
fn rows_of_the_accuracy_table_count_their_own_probes() {
    let run = invented::run(&plan("run", vec![invented::condition(Method::GenerationPaper, 200)]));
    let unread = run
        .outcomes
        .iter()
        .filter(|outcome| outcome.prediction.is_none())
        .count();
    let report = Report::new(&[run], options()).expect("a report");
    let table = &report.csv_tables()[0];
    let column = |name: &str| {
        table
            .columns
            .iter()
            .position(|(title, _)| title == name)
            .expect("a column")
    };
    let (scope, people, probes) = (column("scope"), column("people"), column("probes"));
    let rows = |wanted: &str| {
        let of_model = table.rows.iter().filter(|row| !row[1].is_empty());
        of_model.filter(|row| row[scope] == wanted).collect::<Vec<_>>()
    };
    assert_eq!(rows("overall")[0][probes], (8 * 117).to_string());
    for scope in ["split", "category"] {
        let rows = rows(scope);
        let sum = |at: usize| {
            rows.iter()
                .map(|row| row[at].parse::<usize>().expect("a count"))
                .sum::<usize>()
        };
        assert_eq!((sum(probes), sum(column("unread"))), (8 * 117, unread), "{scope}");
        assert!(rows.iter().all(|row| row[people] == "8"), "{scope}");
    }
}

#[test]
fn runs_on_different_people_say_whose_baselines_are_whose() {
    let conditions = vec![invented::condition(Method::Likelihood, 50)];
    let few = Plan {
        people: 5,
        model: "Invented-2B",
        ..plan("few", conditions.clone())
    };
    let runs = [invented::run(&plan("all", conditions)), invented::run(&few)];
    let report = Report::new(&runs, options()).expect("a report");
    let printed = report.main_table().text();
    for words in ["over 5 to 8 people", "majority (all)", "majority (few)", "chance (few)"] {
        assert!(printed.contains(words), "{words}: {printed}");
    }
    let html = Page::new(&report).html().expect("a page");
    let named = ["Majority (all) reaches", "Majority (few) reaches"];
    assert!(named.iter().any(|words| html.contains(words)));
}

#[test]
fn the_individual_lift_is_printed_too() {
    let report = Report::new(&[invented::run(&plan("run", invented::every_section()))], options()).expect("a report");
    let tables = report.tables();
    assert_eq!(
        tables.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(),
        ["main", "conditions", "lift"]
    );
    let printed = tables[2].text();
    assert!(
        printed.contains("a stranger's") && printed.contains("nobody's"),
        "{printed}"
    );
    let own = tables[2].rows.iter().map(|row| row[2].clone()).next().expect("a row");
    assert!(printed.contains(&own));
    assert!(tables[1].columns.iter().any(|(title, _)| title == "people"));
}
