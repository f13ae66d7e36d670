//! `indieval report` and `indieval compare` on invented runs: their files, their figures against a plain recount, and
//! the page in a real browser.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use assert_cmd::cargo::CommandCargoExt as _;
use indieval::metrics::{Norm, Resampling, RunData};
use indieval::report::{Page, Report, ReportOptions, Table};
use indieval::scoring::{Condition, Method};

use crate::browser;
use crate::invented::{self, Plan};

mod compared;
mod constant;
mod figures;
mod individuals;
mod latex;
mod left_out;
mod many;
mod ordered;
mod orders;
mod people;
mod replaced;
mod schema;

/// Few people and few resamples: what is tested is that figures arrive, not how exact intervals are.
fn plan(name: &'static str, conditions: Vec<Condition>) -> Plan {
    Plan {
        name,
        model: "Invented-135M",
        people: 8,
        seed: 11,
        skill: 0.0,
        conditions,
        synthetic: true,
    }
}

const FEW: [&str; 2] = ["--resamples", "100"];

fn options() -> ReportOptions {
    ReportOptions {
        norm: None,
        resampling: Resampling {
            resamples: 100,
            seed: 1,
        },
    }
}

fn indieval(arguments: &[&str]) -> Output {
    let mut command = Command::cargo_bin("indieval").expect("the program is built");
    command
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .expect("the program runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

fn path(folder: &Path) -> &str {
    folder.to_str().expect("a temporary folder's name is UTF-8")
}

/// The overall row of what was printed; a wide table has it in several blocks.
fn overall(printed: &str) -> String {
    let lines = printed.lines().filter(|line| line.starts_with("Overall"));
    lines.collect::<Vec<_>>().join(" ")
}

/// A report's table for people.
fn table(report: &Report, name: &str) -> Table {
    let mut tables = report.tables().into_iter();
    tables.find(|table| table.name == name).expect("the table is there")
}

/// A report's table for programs, as another program reads it.
struct Csv {
    text: String,
}

fn csv(report: &Report, name: &str) -> Csv {
    let tables = report.csv_tables().expect("rows have columns");
    let table = tables.into_iter().find(|table| table.name == name);
    Csv {
        text: table.expect("the table is there").text,
    }
}

impl Csv {
    /// What stands in a column, row by row; every row is as long as the titles.
    fn rows(&self, column: &str) -> impl Iterator<Item = String> {
        let mut reader = csv::Reader::from_reader(self.text.as_bytes());
        let titles = reader.headers().expect("titles").clone();
        let at = titles
            .iter()
            .position(|title| title == column)
            .expect("the column is there");
        let rows: Result<Vec<csv::StringRecord>, csv::Error> = reader.records().collect();
        rows.expect("rows of one length")
            .into_iter()
            .map(move |row| row[at].to_owned())
    }
}

/// The overall accuracy of a condition counted again in the plainest way: shares by category and split, their mean by
/// category, the mean of those.
fn recount(run: &RunData, condition: &Condition) -> f64 {
    let category: BTreeMap<_, _> = run.questions.iter().map(|q| (q.id, q.category)).collect();
    let mut shares: BTreeMap<(usize, u8), (f64, f64)> = BTreeMap::new();
    let table = run.table();
    for outcome in table.outcomes.of_condition(condition) {
        let share = shares.entry((category[&outcome.question], outcome.split)).or_default();
        share.0 += f64::from(u8::from(outcome.predicted(Norm::Sum) == Some(outcome.label)));
        share.1 += 1.0;
    }
    let mut by_category: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for ((category, _), (right, all)) in shares {
        by_category.entry(category).or_default().push(right / all);
    }
    let means: Vec<f64> = by_category
        .values()
        .map(|s| s.iter().sum::<f64>() / s.len() as f64)
        .collect();
    means.iter().sum::<f64>() / means.len() as f64
}

#[test]
fn report_writes_page_summary_and_tables_that_agree_with_a_recount() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = scratch.path().join("every");
    let run = invented::write(&folder, &plan("every", invented::every_section()));
    let output = indieval(&[&["report", path(&folder)], &FEW[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(printed.starts_with("SYNTHETIC respondents."), "{printed}");
    let overall = overall(&printed);
    for method in [
        Method::Likelihood,
        Method::Label,
        Method::Generation,
        Method::GenerationPaper,
    ] {
        let expected = format!("{:.1} (", 100.0 * recount(&run, &invented::condition(method, 200)));
        assert!(overall.contains(&expected), "{expected} is not in: {overall}");
    }
    for column in ["chance", "majority", "resemblance,"] {
        assert!(printed.contains(column), "{column} is missing");
    }
    let names = [
        "accuracy",
        "agreement",
        "calibration",
        "category-to-category",
        "choices",
        "groups",
        "individual-lift",
        "norms",
    ];
    for name in names.iter().chain(&["readings"]) {
        let table = std::fs::read_to_string(folder.join(format!("tables/{name}.csv"))).expect("the table is there");
        let mut lines = table.lines();
        let titles = lines.next().expect("titles");
        assert!(titles.starts_with("run,model,method,"), "{name}: {titles}");
        let rows: Vec<&str> = lines.collect();
        assert!(
            !rows.is_empty() && rows.iter().all(|row| row.contains(",true,")),
            "{name}"
        );
    }
    let summary = std::fs::read_to_string(folder.join("summary.json")).expect("the summary is there");
    let report: Report = serde_json::from_str(&summary).expect("the summary is a report");
    assert!(report.results.synthetic);
    let likelihood = &report.results.systems[report.results.headline[0]];
    let own = recount(&run, &invented::condition(Method::Likelihood, 200));
    assert!((likelihood.scores.overall.expect("an accuracy").value - own).abs() < 1e-9);
    assert!(folder.join("report.html").is_file());
}

#[test]
fn formats_print_tables_for_documents_and_programs() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = scratch.path().join("run");
    invented::write(&folder, &plan("run", vec![invented::condition(Method::Likelihood, 50)]));
    let print =
        |format: &str| text(&indieval(&[&["report", path(&folder), "--format", format], &FEW[..]].concat()).stdout);
    let markdown = print("markdown");
    assert!(
        markdown.contains("| category |") && markdown.contains("| ---: |"),
        "{markdown}"
    );
    assert_eq!(
        markdown.lines().filter(|line| line.starts_with('|')).count(),
        (2 + 13 + 2) + 3 * (2 + 1),
        "thirteen categories and two averages, then a line each of choices, individuals and people"
    );
    let latex = print("latex");
    for words in ["\\begin{table}", "\\caption{", "\\label{tab:", "\\end{table}"] {
        assert_eq!(latex.matches(words).count(), 4, "{words}: {latex}");
    }
    let csv = print("csv");
    let titles = csv.lines().next().expect("titles").split(',').count();
    let mut reader = csv_rows(&csv);
    assert!(reader.all(|fields| fields == titles), "{csv}");
    let json: Report = serde_json::from_str(&print("json")).expect("a report");
    assert_eq!(json.results.runs[0].name, "run");
}

/// Number of fields of each line, quoted commas not counted.
fn csv_rows(text: &str) -> impl Iterator<Item = usize> {
    text.lines().map(|line| {
        let mut quoted = false;
        1 + line
            .chars()
            .filter(|c| {
                if *c == '"' {
                    quoted = !quoted;
                }
                *c == ',' && !quoted
            })
            .count()
    })
}

#[test]
fn several_runs_make_one_report_where_out_says() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let (a, b) = (scratch.path().join("a"), scratch.path().join("b"));
    let conditions = vec![invented::condition(Method::Likelihood, 50)];
    invented::write(&a, &plan("a", conditions.clone()));
    invented::write(
        &b,
        &Plan {
            model: "Invented-2B",
            skill: 0.2,
            seed: 5,
            ..plan("b", conditions)
        },
    );
    let refused = indieval(&["report", path(&a), path(&b)]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused.stderr).contains("--out"), "{}", text(&refused.stderr));
    let page = scratch.path().join("both.html");
    let output = indieval(&[&["report", path(&a), path(&b), "--out", path(&page)], &FEW[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let html = std::fs::read_to_string(&page).expect("the page is there");
    assert!(html.contains("How well do 2 models know one person?"));
    // Both runs are on the same probes: their baselines are told once.
    let printed = text(&output.stdout);
    let main = printed.split("What is chosen").next().expect("a beginning");
    assert_eq!(main.matches("majority").count(), 1, "{printed}");
    let compared = indieval(&[&["compare", path(&a), path(&b)], &FEW[..]].concat());
    let printed = text(&compared.stdout);
    assert!(
        printed.contains("first: Invented-135M · likelihood; second: Invented-2B · likelihood"),
        "{printed}"
    );
}

#[test]
fn compare_tells_methods_of_one_run_apart() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = scratch.path().join("run");
    let conditions = [Method::Likelihood, Method::Generation].map(|method| invented::condition(method, 200));
    let run = invented::write(&folder, &plan("run", conditions.to_vec()));
    let output = indieval(&[&["compare", path(&folder), "--by", "method"], &FEW[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    for words in [
        "SYNTHETIC respondents",
        "McNemar's p",
        "Minimum detectable difference",
        "Both right",
        "Holm",
        "kappa",
    ] {
        assert!(printed.contains(words), "{words} is missing: {printed}");
    }
    let difference = 100.0 * (recount(&run, &conditions[0]) - recount(&run, &conditions[1]));
    let expected = format!("{:.1} (", difference.abs());
    let overall = overall(&printed);
    assert!(overall.contains(&expected), "{expected} is not in: {overall}");
    let refused = indieval(&["compare", path(&folder), "--by", "form"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = text(&refused.stderr);
    assert!(
        said.contains("differ in their form alone") && said.contains("hint: choose with --by"),
        "{said}"
    );
}

#[test]
fn an_unfinished_run_is_reported_and_called_unfinished() {
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let folder = scratch.path().join("run");
    invented::write(&folder, &plan("run", vec![invented::condition(Method::Likelihood, 50)]));
    let records = folder.join("records.jsonl");
    let whole = std::fs::read_to_string(&records).expect("the journal");
    let part: Vec<&str> = whole.lines().take(699).collect();
    std::fs::write(&records, part.join("\n") + "\n").expect("room on the disk");
    let output = indieval(&[&["report", path(&folder)], &FEW[..]].concat());
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output.stderr).contains("not finished: 699 of 936 outcomes"),
        "{}",
        text(&output.stderr)
    );
    let html = std::fs::read_to_string(folder.join("report.html")).expect("the page is there");
    assert!(html.contains("<strong>Not finished:</strong>"));
}

#[test]
fn sections_without_data_are_absent() {
    let run = invented::run(&plan("run", vec![invented::condition(Method::Likelihood, 50)]));
    let report = Report::new(&[run], options()).expect("a report");
    let html = Page::new(&report).html().expect("a page");
    for present in ["categories", "groups", "norms", "calibration", "run"] {
        assert!(html.contains(&format!("<h2 id=\"{present}\"")), "{present}");
    }
    for absent in ["demonstrations", "individual", "transfer", "methods", "readings"] {
        assert!(!html.contains(&format!("id=\"{absent}\"")), "{absent}");
        assert!(!html.contains(&format!("href=\"#{absent}\"")), "{absent}");
    }
}

#[test]
fn synthetic_is_said_at_every_table_and_picture_and_only_of_invented_people() {
    let plan = plan("run", invented::every_section());
    let page = |synthetic: bool| {
        let report = Report::new(
            &[invented::run(&Plan {
                synthetic,
                ..plan_like(&plan)
            })],
            options(),
        )
        .expect("a report");
        Page::new(&report).html().expect("a page")
    };
    let html = page(true);
    assert!(html.contains("<title>[synthetic] ") && html.contains("<strong>Synthetic respondents.</strong>"));
    for tag in ["caption", "figcaption"] {
        let (opens, closes) = (format!("<{tag}>"), format!("</{tag}>"));
        let all = html.matches(&opens).count();
        let marked = html.split(&opens).skip(1).filter(|rest| {
            rest.split(&closes)
                .next()
                .is_some_and(|caption| caption.contains("synthetic"))
        });
        assert_eq!(marked.count(), all, "{tag}");
        assert!(all > 5, "{tag}");
    }
    let pictures = html.matches("role=\"img\"").count();
    assert_eq!(html.matches("(synthetic respondents)</title>").count(), pictures);
    let real = page(false);
    let survey = "synthetic-respondents.csv";
    assert!(
        !real.replace(survey, "").to_lowercase().contains("synthetic"),
        "only the file's name may say it"
    );
}

fn plan_like(plan: &Plan) -> Plan {
    Plan {
        conditions: plan.conditions.clone(),
        ..*plan
    }
}

#[test]
fn hostile_words_stay_words() {
    const HOSTILE: &str =
        "</title></svg></style><script>alert(1)</script><img src=http://example.org/x onerror=alert(2)>\"'&{{ 7*7 }}";
    let mut run = invented::run(&plan("run", invented::every_section()));
    run.name = HOSTILE.into();
    run.header.model.name = HOSTILE.into();
    run.header.machine = HOSTILE.into();
    run.header.survey = HOSTILE.into();
    run.header.spec += &format!("\n# {HOSTILE}\n");
    run.header.hashes.insert(HOSTILE.into(), HOSTILE.into());
    run.categories[3] = HOSTILE.into();
    for outcome in &mut run.outcomes {
        if outcome.condition.category.as_deref() == Some("Economic Values") {
            outcome.condition.category = Some(HOSTILE.into());
        }
    }
    for person in &mut run.people {
        person.groups.insert(HOSTILE.into(), format!("{}{HOSTILE}", person.id));
    }
    let report = Report::new(&[run], options()).expect("a report");
    let html = Page::new(&report).html().expect("a page");
    assert!(!html.contains("<script") && !html.contains("<img"));
    assert!(html.contains("&lt;script&gt;alert(1)") && html.contains("{{ 7*7 }}"));
    let markdown = report.tables()[0].markdown();
    assert!(!markdown.contains("<script"));
    let table = csv(&report, "accuracy");
    assert!(table.rows("synthetic").all(|word| word == "true"), "{}", table.text);
    // A browser agrees: no script element, no image, no request.
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let file = scratch.path().join("hostile.html");
    std::fs::write(&file, html).expect("room on the disk");
    match browser::visit(&file, scratch.path()) {
        None => eprintln!("skipped: the page was not opened in a browser, because no Chromium is on the PATH"),
        Some(visit) => {
            assert!(!visit.dom.contains("<script") && !visit.dom.contains("<img"));
            assert_eq!(visit.requested(), Vec::<String>::new());
            assert_eq!(visit.console(), Vec::<&str>::new());
        }
    }
}

#[test]
fn the_page_opens_offline_in_a_browser() {
    let run = invented::run(&plan("run", invented::every_section()));
    let report = Report::new(&[run], options()).expect("a report");
    let html = Page::new(&report).html().expect("a page");
    for address in [
        "http:",
        "https:",
        "//",
        "url(",
        "@import",
        "<script",
        "<link rel=\"stylesheet\"",
        "srcset",
    ] {
        let found = html
            .match_indices(address)
            .next()
            .map(|(at, _)| &html[at..html.len().min(at + 60)]);
        assert_eq!(found, None, "{address}");
    }
    let scratch = tempfile::tempdir().expect("a temporary folder");
    let file = scratch.path().join("page.html");
    std::fs::write(&file, &html).expect("room on the disk");
    let Some(visit) = browser::visit(&file, scratch.path()) else {
        eprintln!("skipped: the page was not opened in a browser, because no Chromium is on the PATH");
        return;
    };
    assert!(
        visit.network.contains("page.html"),
        "the browser recorded what it opened"
    );
    assert_eq!(visit.requested(), Vec::<String>::new());
    assert_eq!(visit.console(), Vec::<&str>::new());
    assert_eq!(
        visit.dom.matches("role=\"img\"").count(),
        html.matches("role=\"img\"").count()
    );
    // The record does tell of requests where there are any.
    std::fs::write(&file, "<img src=\"http://example.org/x.png\">").expect("room on the disk");
    let control = browser::visit(&file, scratch.path()).expect("it was there a moment ago");
    assert!(
        control
            .requested()
            .iter()
            .any(|address| address == "http://example.org/x.png")
    );
    assert!(visit.dom.contains("<h2 id=\"transfer\">") && visit.dom.trim_end().ends_with("</html>"));
}

#[test]
fn a_run_of_one_person_has_a_report_and_a_comparison_without_intervals() {
    for people in [1, 2] {
        let folder = tempfile::tempdir().expect("a folder");
        let run = folder.path().join("few");
        let plan = Plan {
            people,
            ..plan("few", invented::every_section())
        };
        invented::write(&run, &plan);
        for format in ["text", "csv", "markdown", "json"] {
            let output = indieval(&["report", path(&run), "--format", format, FEW[0], FEW[1]]);
            assert_eq!(output.status.code(), Some(0), "{format}: {}", text(&output.stderr));
            let output = indieval(&[
                "compare",
                path(&run),
                "--by",
                "method",
                "--format",
                format,
                FEW[0],
                FEW[1],
            ]);
            assert_eq!(output.status.code(), Some(0), "{format}: {}", text(&output.stderr));
        }
    }
}
