//! What a report says of runs that are out of the ordinary, against a plain recount.

use std::collections::BTreeMap;

use indieval::metrics::Norm;
use indieval::report::{Page, Report};
use indieval::scoring::Method;

use super::{FEW, csv, indieval, options, path, plan, text};
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
    assert!(
        report.results.headline.is_empty() && report.sections.groups.is_empty() && report.sections.norms.is_empty()
    );
    // The diagonal counted again: every probe whose category is that of the demonstrations.
    let category: BTreeMap<_, _> = run.questions.iter().map(|q| (q.id, q.category)).collect();
    let mut shares = vec![[(0.0, 0.0); 2]; run.categories.len()];
    for outcome in run.table().outcomes.iter() {
        let at = category[&outcome.question];
        let other = usize::from(outcome.condition.category.as_ref() != Some(&run.categories[at]));
        let share = &mut shares[at][other];
        share.0 += f64::from(u8::from(outcome.predicted(Norm::Sum) == Some(outcome.label)));
        share.1 += 1.0;
    }
    let mean = |which: usize| shares.iter().map(|s| s[which].0 / s[which].1).sum::<f64>() / shares.len() as f64;
    let grid = &report.sections.transfer[0];
    assert!((grid.same.overall.expect("a diagonal").value - mean(0)).abs() < 1e-9);
    assert!((grid.others.overall.expect("the rest").value - mean(1)).abs() < 1e-9);
    assert!((grid.lift.overall.expect("both").wrong.estimate.value - (mean(0) - mean(1))).abs() < 1e-9);
    let html = std::fs::read_to_string(folder.join("report.html"))
        .expect("the page is there")
        .replace('\u{a0}', " ");
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
    let table = csv(&report, "accuracy");
    let rows = |wanted: &str, column: &str| {
        let scopes = table.rows("scope").zip(table.rows("model"));
        let of_model = scopes.map(|(scope, model)| scope == wanted && !model.is_empty());
        let fields = table.rows(column).zip(of_model).filter(|(_, kept)| *kept);
        fields.map(|(field, _)| field).collect::<Vec<String>>()
    };
    assert_eq!(rows("overall", "probes"), [(8 * 117).to_string()]);
    for scope in ["split", "category"] {
        let sum = |column: &str| {
            let counts = rows(scope, column)
                .into_iter()
                .map(|count| count.parse::<usize>().expect("a count"));
            counts.sum::<usize>()
        };
        assert_eq!((sum("probes"), sum("unread")), (8 * 117, unread), "{scope}");
        assert!(rows(scope, "people").iter().all(|people| people == "8"), "{scope}");
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
    let printed = report.tables()[0].text();
    for words in ["over 5 to 8 people", "majority (all)", "majority (few)", "chance (few)"] {
        assert!(printed.contains(words), "{words}: {printed}");
    }
    let html = Page::new(&report).html().expect("a page");
    for words in ["majority (all)", "majority (few)"] {
        assert!(html.contains(words), "{words}");
    }
}

#[test]
fn the_individual_lift_is_printed_too() {
    let report = Report::new(&[invented::run(&plan("run", invented::every_section()))], options()).expect("a report");
    let tables = report.tables();
    assert_eq!(
        tables.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(),
        [
            "main",
            "choices",
            "individuals",
            "demographics",
            "lift",
            "people",
            "conditions"
        ]
    );
    let printed = tables[4].text();
    assert!(
        printed.contains("a stranger's") && printed.contains("nobody's"),
        "{printed}"
    );
    let own = tables[4].rows.iter().map(|row| row[2].clone()).next().expect("a row");
    assert!(printed.contains(&own));
    assert!(tables[6].columns.iter().any(|(title, _)| title == "people"));
}

#[test]
fn a_runs_intervals_do_not_depend_on_the_other_runs_of_the_report() {
    let conditions = vec![invented::condition(Method::Likelihood, 50)];
    let many = Plan {
        people: 40,
        ..plan("many", conditions.clone())
    };
    let run = invented::run(&many);
    let mut other = invented::run(&Plan {
        people: 33,
        model: "Invented-2B",
        ..plan("other", conditions)
    });
    other.people.reverse();
    other.questions.reverse();
    let alone = Report::new(std::slice::from_ref(&run), options()).expect("a report");
    let both = Report::new(&[other, run], options()).expect("a report");
    let scores = |report: &Report, run: usize| {
        let system = report
            .results
            .headline
            .iter()
            .find(|at| report.results.systems[**at].run == run)
            .expect("a system");
        let groups = report
            .sections
            .groups
            .iter()
            .find(|groups| groups.system == *system)
            .expect("groups");
        let system = &report.results.systems[*system];
        (
            system.scores.clone(),
            system.crossed,
            groups.inequity.sigma,
            groups.inequity.p,
        )
    };
    assert_eq!(scores(&alone, 0), scores(&both, 1));
}

#[test]
fn of_one_run_the_headline_is_the_first_method_of_its_spec_and_several_are_ranked() {
    let conditions = [Method::Likelihood, Method::Label].map(|method| invented::condition(method, 200));
    let mut run = invented::run(&plan("run", conditions.to_vec()));
    run.header.spec = run
        .header
        .spec
        .replace("methods = [\"likelihood\"]", "methods = [\"label\", \"likelihood\"]");
    let html = |runs: &[_]| {
        Page::new(&Report::new(runs, options()).expect("a report"))
            .html()
            .expect("a page")
    };
    assert!(
        run.header.spec.contains("\"label\", \"likelihood\""),
        "{}",
        run.header.spec
    );
    assert!(html(std::slice::from_ref(&run)).contains("and asked by label, Invented-135M picks"));
    let better = invented::run(&Plan {
        skill: 0.3,
        model: "Invented-2B",
        ..plan("better", conditions.to_vec())
    });
    let ranked = html(&[run, better]);
    assert!(
        ranked.contains("Four systems in the order of their overall accuracy"),
        "{ranked}"
    );
    let place = |name: &str| ranked.find(&format!("<li>{name}")).expect("a place");
    assert!(place("Invented-2B") < place("Invented-135M"));
}

#[test]
fn pmi_without_evidence_has_no_figure_and_no_lift() {
    let conditions = vec![invented::condition(Method::Likelihood, 0)];
    let mut run = invented::run(&plan("run", conditions));
    for outcome in &mut run.outcomes {
        if let indieval::scoring::Evidence::Likelihood { scores } = &mut outcome.evidence {
            for score in scores {
                score.unconditional = Some(score.logprobs.clone());
            }
        }
    }
    let report = Report::new(std::slice::from_ref(&run), options()).expect("a report");
    let pmi = report.sections.norms[0]
        .norms
        .iter()
        .find(|row| row.norm == Norm::Pmi)
        .expect("a row");
    assert_eq!((pmi.accuracy, pmi.over_chance), (None, None));
    // As the headline's norm it leaves nothing to tell, and says so without failing.
    let report = Report::new(
        &[run],
        indieval::report::ReportOptions {
            norm: Some(Norm::Pmi),
            ..options()
        },
    );
    let report = report.expect("a report");
    assert_eq!(report.results.systems[report.results.headline[0]].scores.overall, None);
    let printed = report.tables()[0].text();
    let html = Page::new(&report).html().expect("a page");
    let said = "The model predicts nothing under the pmi norm";
    let unfolded = printed.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        printed.contains('–') && unfolded.contains(said) && html.contains(said),
        "{printed}"
    );
    assert!(
        !unfolded.contains("0 people") && !unfolded.contains("cannot fall below"),
        "{printed}"
    );
}

#[test]
fn verdicts_of_categories_follow_the_p_that_is_adjusted_for_all_of_them() {
    // Eight people who are all helped by their own statements, in every category.
    let mut controlled = invented::condition(Method::Generation, 200);
    controlled.control = indieval::scoring::Control::Random;
    let own = invented::condition(Method::Generation, 200);
    let mut run = invented::run(&plan("run", vec![own.clone(), controlled]));
    for outcome in &mut run.outcomes {
        let right = outcome.condition == own;
        let wrong = (outcome.label + 1) % outcome.candidates;
        outcome.prediction = Some(if right { outcome.label } else { wrong });
    }
    let report = Report::new(&[run], options()).expect("a report");
    let csv = csv(&report, "individual-lift");
    let mut rows = csv.rows("category").zip(csv.rows("verdict")).zip(csv.rows("p_holm"));
    let ((category, verdict), p) = rows.next().expect("overall");
    assert_eq!((category.as_str(), verdict.as_str(), p.as_str()), ("", "ahead", ""));
    for ((category, verdict), p) in rows {
        // 2 / 2^8 times 13, or what 100 resamples allow.
        assert!(p.parse::<f64>().expect("adjusted") > 0.1, "{category}: {p}");
        assert_eq!(verdict, "open", "{category}");
    }
}
