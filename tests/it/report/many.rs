//! A report on more systems than stand side by side.

use indieval::metrics::{MetricsError, RunData};
use indieval::report::{Page, Report};
use indieval::scoring::{Condition, Control, Method};
use indieval::survey::Form;

use super::{csv, options, plan, table};
use crate::invented::{self, Plan};

const MODELS: [&str; 8] = [
    "Invented-135M",
    "Invented-360M",
    "Invented-0.6B",
    "Invented-1.7B",
    "Invented-2B",
    "Invented-4B",
    "Invented-8B",
    "Invented-14B",
];

/// Tables have six decimals, and the smallest of 120 p-values is multiplied by as many.
const MULTIPLIED: f64 = 1e-4;

/// Eight models, each asked in two ways, with and without a person's statements and under a control.
pub(super) fn runs() -> Vec<RunData> {
    let conditions: Vec<Condition> = [Method::Likelihood, Method::Label]
        .into_iter()
        .flat_map(|method| {
            let control = Condition {
                control: Control::Random,
                ..invented::condition(method, 200)
            };
            [
                invented::condition(method, 0),
                invented::condition(method, 200),
                control,
            ]
        })
        .collect();
    let run = |(at, model): (usize, &&'static str)| {
        invented::run(&Plan {
            model,
            people: 12,
            seed: 3 + at as u64,
            skill: 0.05 * at as f64,
            ..plan(model, conditions.clone())
        })
    };
    MODELS.iter().enumerate().map(run).collect()
}

fn report(runs: &[RunData]) -> Result<Report, MetricsError> {
    Report::new(runs, options())
}

#[test]
fn sixteen_systems_are_rows_of_tables_and_a_matrix_and_the_opening_stays_short() {
    let runs = runs();
    let report = report(&runs).expect("a report");
    assert_eq!(report.results.ranking.len(), 16);
    let html = Page::new(&report).html().expect("a page");
    let between = |from: &str, to: &str| {
        let rest = html
            .split(from)
            .nth(1)
            .unwrap_or_else(|| panic!("{from} is not in the page"));
        rest.split(to).next().expect("a first part").to_owned()
    };
    let opening = between("<div class=\"opening\">", "<figure>");
    let sentences = opening.matches("<li>").count();
    assert!(sentences <= 9, "{sentences} sentences: {opening}");
    let (best, worst) = (&report.results.ranking[0].label, &report.results.ranking[15].label);
    assert!(
        opening.contains(&format!("{best} has the highest overall accuracy")),
        "{opening}"
    );
    assert!(opening.contains(&format!("{worst} has the lowest")), "{opening}");
    assert!(opening.contains("f 120 pairs of systems"), "{opening}");
    // Each system is a row, once, and so is each baseline.
    let turned = between("<table class=\"heat turned\">", "</table>");
    for ranked in &report.results.ranking {
        assert_eq!(
            turned
                .matches(&format!("<th scope=\"row\">{}</th>", ranked.label))
                .count(),
            1
        );
    }
    let matrix = between("<table class=\"matrix\">", "</table>");
    for (class, count) in [("n difference", 120), ("n p", 120), ("n diagonal", 16)] {
        assert_eq!(matrix.matches(&format!("class=\"{class}")).count(), count, "{class}");
    }
    // A curve a method, a plot a model; no plot of groups has sixteen marks below each other.
    let panels = html.matches("aria-labelledby=\"curve-").count();
    assert_eq!(panels, 8);
    assert!(!html.contains("aria-labelledby=\"group-"));
    for table in report.tables() {
        let text = table.text();
        let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        assert!(widest <= 100, "{} is {widest} wide: {text}", table.name);
    }
    assert_eq!(table(&report, "main").rows.len(), 16 + report.results.baselines.len());
    assert_eq!(table(&report, "differences").rows.len(), 15);
}

#[test]
fn differences_are_those_of_compare_with_p_adjusted_for_all_pairs() {
    use indieval::report::{Comparisons, Factor};
    let runs = runs();
    let report = report(&runs).expect("a report");
    let all = csv(&report, "differences");
    let p: Vec<f64> = all.rows("p").map(|p| p.parse().expect("a number")).collect();
    let holm: Vec<f64> = all.rows("p_holm").map(|p| p.parse().expect("a number")).collect();
    assert_eq!(p.len(), 120);
    // Holm by its definition: the i-th smallest times the number of those not smaller, and never below one before it.
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut highest: f64 = 0.0;
    for (rank, at) in order.into_iter().enumerate() {
        highest = highest.max((p[at] * (p.len() - rank) as f64).min(1.0));
        assert!(
            (holm[at] - highest).abs() < MULTIPLIED,
            "{at}: {} and {highest}",
            holm[at]
        );
    }
    // Two of the runs alone: the same difference and p.
    let two = Comparisons::new(&runs[..2], Factor::Run, options()).expect("they share conditions");
    let pair = two
        .pairs
        .iter()
        .find(|pair| {
            pair.common.contains("likelihood") && pair.common.contains("200") && !pair.common.contains("stranger")
        })
        .expect("the main condition");
    let wanted = pair.comparison.difference.overall.expect("a difference").wrong;
    let sides = |a: &str, b: &str| {
        all.rows("model")
            .zip(all.rows("other_model"))
            .zip(all.rows("method").zip(all.rows("other_method")))
            .position(|(models, methods)| {
                models == (a.to_owned(), b.to_owned()) && methods == ("likelihood".to_owned(), "likelihood".to_owned())
            })
    };
    let (at, sign) = match sides(MODELS[0], MODELS[1]) {
        Some(at) => (at, 1.0),
        None => (sides(MODELS[1], MODELS[0]).expect("the pair"), -1.0),
    };
    let difference: f64 = all
        .rows("difference")
        .nth(at)
        .expect("a row")
        .parse()
        .expect("a number");
    assert!((difference - sign * wanted.estimate.value).abs() < 1e-6);
    assert!((p[at] - wanted.p.expect("twelve people")).abs() < 1e-6);
}

#[test]
fn different_people_are_warned_of() {
    let one = vec![invented::condition(Method::Likelihood, 50)];
    let same = [
        invented::run(&plan("a", one.clone())),
        invented::run(&Plan {
            model: "Invented-2B",
            ..plan("b", one.clone())
        }),
    ];
    let fewer = [
        same[0].clone(),
        invented::run(&Plan {
            people: 5,
            model: "Invented-2B",
            ..plan("b", one)
        }),
    ];
    let said = |runs: &[RunData]| {
        let report = report(runs).expect("a report");
        let caption = report.tables()[0].caption.clone();
        (Page::new(&report).html().expect("a page"), caption)
    };
    let (html, caption) = said(&same);
    assert!(
        !html.contains("Not the same people") && !caption.contains("not asked"),
        "{caption}"
    );
    let (html, caption) = said(&fewer);
    let warning = "The systems were not asked about the same people: 5 of 8 are common to all of them.";
    assert!(html.contains(warning) && caption.contains(warning), "{caption}");
}

#[test]
fn form_and_demographics_are_told_one_changed_at_a_time_with_the_papers_figures_beside_real_people_only() {
    let base = invented::condition(Method::Likelihood, 200);
    let refined = Condition {
        form: Form::Refined,
        ..base.clone()
    };
    let with = |n| Condition {
        demographics: true,
        ..invented::condition(Method::Likelihood, n)
    };
    let conditions = vec![
        base,
        refined,
        with(200),
        with(0),
        invented::condition(Method::Likelihood, 0),
    ];
    let html = |synthetic: bool| {
        let run = invented::run(&Plan {
            synthetic,
            ..plan("run", conditions.clone())
        });
        let report = report(&[run]).expect("a report");
        (Page::new(&report).html().expect("a page"), report)
    };
    let (real, report) = html(false);
    let table = csv(&report, "form-and-demographics");
    let changed = table.rows("changed").zip(table.rows("scope"));
    let overall = changed
        .filter(|(_, scope)| scope == "overall")
        .map(|(changed, _)| changed);
    assert_eq!(overall.collect::<Vec<_>>(), ["form", "demographics", "demographics"]);
    // The difference is that of the two accuracies, on the same probes.
    let number = |text: String| text.parse::<f64>().ok();
    for ((own, other), difference) in table
        .rows("accuracy")
        .zip(table.rows("other_accuracy"))
        .zip(table.rows("difference"))
    {
        if let Some(difference) = number(difference) {
            let own = number(own).expect("a share") - number(other).expect("a share");
            assert!((own - difference).abs() < 2e-6, "{own} {difference}");
        }
    }
    for figure in ["63.6", "63.5", "60.3", "54.8", "(Table 2)", "(Figure 4)"] {
        assert!(
            real.split("<h2 id=\"shown\"")
                .nth(1)
                .is_some_and(|section| section.contains(figure)),
            "{figure}"
        );
    }
    let (synthetic, _) = html(true);
    assert!(!synthetic.contains("(Table 2)"));
}

#[test]
fn every_table_for_programs_begins_with_the_columns_of_predictions() {
    let mut every = invented::every_section();
    every.push(Condition {
        form: Form::Refined,
        ..invented::condition(Method::Likelihood, 200)
    });
    let runs = [
        invented::run(&plan("a", every.clone())),
        invented::run(&Plan {
            model: "Invented-2B",
            ..plan("b", every)
        }),
    ];
    let report = report(&runs).expect("a report");
    let predictions = "run,model,method,demonstrations,form,demographics,restricted_to,control,synthetic,";
    let tables = report.csv_tables().expect("rows have columns");
    assert!(tables.len() >= 12, "{}", tables.len());
    for table in tables {
        let titles = table.text.lines().next().expect("titles").to_owned();
        assert!(titles.starts_with(predictions), "{}: {titles}", table.name);
        let names: Vec<&str> = titles.split(',').collect();
        let distinct: std::collections::BTreeSet<&&str> = names.iter().collect();
        assert_eq!(distinct.len(), names.len(), "{}: {titles}", table.name);
        assert!(Report::TABLES.contains(&table.name.as_str()), "{}", table.name);
    }
}

#[test]
fn every_figure_is_a_file_that_stands_alone_and_has_a_link_and_a_number() {
    for runs in [vec![invented::run(&plan("a", invented::every_section()))], runs()] {
        let report = report(&runs).expect("a report");
        let html = Page::new(&report).html().expect("a page");
        let figures = report.figures();
        let mut names: Vec<&str> = figures.iter().map(|figure| figure.name.as_str()).collect();
        for figure in &figures {
            let name = &figure.name;
            assert!(
                html.contains(&format!("href=\"figures/{name}.svg\"")),
                "{name} has no link"
            );
            assert!(
                indieval::report::is_figure(&figure.text) && indieval::report::is_figure_name(name),
                "{name}"
            );
            assert!(figure.text.contains("(synthetic respondents)</title>"), "{name}");
            for absent in ["var(", "color-mix", "NaN", "href"] {
                assert!(!figure.text.contains(absent), "{name}: {absent}");
            }
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), figures.len());
        assert_eq!(html.matches("href=\"figures/").count(), figures.len());
        // Numbers run from 1 without a gap, and every link to one leads somewhere.
        for word in ["figure", "table"] {
            let ids = || html.match_indices(&format!("<b id=\"{word}-")).count();
            let all = (1..=ids()).all(|number| html.matches(&format!("<b id=\"{word}-{number}\">")).count() == 1);
            assert!(ids() > 3 && all, "{word}");
        }
        for table in report.csv_tables().expect("tables") {
            assert!(
                html.contains(&format!("href=\"tables/{}.csv\"", table.name)),
                "{}",
                table.name
            );
        }
    }
}
