//! What was run, and every condition of the grid.

use minijinja::{Value, context};
use serde::Serialize;

use super::super::bench::Bench;
use super::super::names::cut;
use super::super::results::{Results, RunSummary};
use super::super::section::{PagePart, ReportContext, ReportSection, words};
use super::super::table::{Table, left, right};
use super::super::words::{crowd, mean_shown, with_interval};
use crate::base::text;
use crate::metrics::{MetricsError, RunHeader};

/// The section; its numbers are the report's runs and systems.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RunList;

impl ReportSection for RunList {
    fn compute(_: &Bench<'_>, _: &Results) -> Result<Self, MetricsError> {
        Ok(Self)
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "run",
            title: "What was run",
            template: include_str!("../templates/run.html"),
        }
    }

    fn page(&self, report: &ReportContext<'_>) -> Option<Value> {
        let runs: Vec<Value> = report.results.runs.iter().map(described).collect();
        Some(context! { runs, conditions => words(&conditions(report.results)) })
    }

    /// Overall accuracy of every condition, where the main table does not have them all.
    fn tables(&self, report: &ReportContext<'_>) -> Vec<Table> {
        let rows = conditions(report.results);
        if rows.len() <= report.results.headline.len() {
            return Vec::new();
        }
        let caption = format!(
            "Overall accuracy of every condition ({} respondents); an answer that cannot be read counts as wrong.",
            report.respondents()
        );
        let columns = [
            left("condition", |row: &ConditionWords| row.label.clone()),
            right("people", |row: &ConditionWords| row.people.to_string()),
            right("overall", |row: &ConditionWords| row.accuracy.clone()),
            right("unreadable", |row: &ConditionWords| row.unread.to_string()),
            right("statements shown", |row: &ConditionWords| row.shown.clone()),
            right("tokens of context", |row: &ConditionWords| row.tokens.clone()),
        ];
        vec![Table::of("conditions", caption, rows, &columns)]
    }
}

/// A condition in words.
#[derive(Serialize)]
struct ConditionWords {
    run: String,
    label: String,
    people: usize,
    probes: usize,
    unread: usize,
    shown: String,
    tokens: String,
    accuracy: String,
    crossed: String,
}

fn conditions(results: &Results) -> Vec<ConditionWords> {
    let words = |(at, label): (usize, String)| {
        let system = &results.systems[at];
        let crossed = system.crossed.as_ref();
        ConditionWords {
            run: results.runs[system.run].name.clone(),
            label: cut(&label, 120),
            people: system.people,
            probes: system.probes,
            unread: system.unread,
            shown: system.shown.map_or("–".to_owned(), mean_shown),
            tokens: system
                .context_tokens
                .map_or("–".to_owned(), |mean| format!("{mean:.0}")),
            accuracy: with_interval(system.scores.overall.as_ref()),
            crossed: crossed.map_or(String::new(), |estimate| with_interval(Some(estimate))),
        }
    };
    results.conditions().into_iter().map(words).collect()
}

/// A fact about a run.
#[derive(Serialize)]
struct Fact {
    name: &'static str,
    text: String,
}

/// What one run was, in words.
fn described(run: &RunSummary) -> Value {
    let header = &run.header;
    let hashes = header.hashes.iter();
    let hashes: Vec<Value> = hashes.map(|(name, hash)| context! { name, hash }).collect();
    let facts: Vec<Fact> = [what(run), work(header), provenance(header)]
        .into_iter()
        .flatten()
        .collect();
    context! { name => run.name.clone(), title => run.title.clone(), facts => words(&facts), hashes, spec => header.spec.clone() }
}

/// What was asked, and of whom.
fn what(run: &RunSummary) -> Vec<Fact> {
    let (header, model) = (&run.header, &run.header.model);
    // Of a model elsewhere nothing is known but its name.
    let elsewhere = model.is_elsewhere();
    let computed = [&model.dtype, &model.device, &model.kernels].map(String::as_str);
    let (family, computed) = match elsewhere {
        false => (model.family.clone(), computed.join(", ")),
        true => (String::new(), String::new()),
    };
    let answers = "made elsewhere and graded here; nothing shows that this model gave them (grading.json)";
    let people = crowd(run.people, header.synthetic);
    let planned = header
        .planned
        .map_or(String::new(), |planned| format!(" of {}", text::count(planned as u64)));
    let parameters = match model.parameters {
        0 => String::new(),
        number => text::parameters(number),
    };
    known([
        ("Model", model.name.clone()),
        ("Answers", if elsewhere { answers.to_owned() } else { String::new() }),
        ("Architecture", family),
        ("Parameters", parameters),
        ("Computed in", computed),
        ("Respondents", format!("{people} from {}", header.survey)),
        ("Catalogue", header.catalogue.clone()),
        ("Outcomes", format!("{}{planned}", text::count(run.outcomes as u64))),
    ])
}

/// When, and what it cost.
fn work(header: &RunHeader) -> Vec<Fact> {
    let (mut time, mut speed, mut sharing) = (String::new(), String::new(), String::new());
    if header.seconds > 0.0 {
        time = text::duration(header.seconds);
        speed = text::count((header.tokens as f64 / header.seconds).round() as u64);
    }
    if header.tokens > 0 {
        let times = header.tokens_unshared as f64 / header.tokens as f64;
        let (computed, unshared) = (text::count(header.tokens), text::count(header.tokens_unshared));
        sharing = format!("{computed} tokens computed in place of {unshared}: {times:.1} times fewer");
    }
    known([
        ("Started", header.started.clone()),
        (
            "Finished",
            header.finished.clone().unwrap_or_else(|| "not yet".to_owned()),
        ),
        ("Computing time", time),
        ("Tokens a second", speed),
        ("Killed", killed(header)),
        ("Sharing", sharing),
    ])
}

/// Starts of the program that were killed, and what is unknown because of that; empty where none was.
fn killed(header: &RunHeader) -> String {
    if header.killed == 0 {
        return String::new();
    }
    let missing = match header.uncounted {
        0 => String::new(),
        records => format!(
            "; time and tokens of {} records are not counted",
            text::count(records as u64)
        ),
    };
    let (killed, starts) = (text::count(header.killed as u64), text::count(header.sessions as u64));
    format!("{killed} of {starts} starts{missing}")
}

/// By what it was computed.
fn provenance(header: &RunHeader) -> Vec<Fact> {
    known([
        ("Machine", header.machine.clone()),
        ("indieval", header.version.clone()),
        ("Computed by different programs or kernels", header.mixed.join("; ")),
        ("Run id", header.run_id.clone()),
    ])
}

/// Facts without those that are not known.
fn known<const N: usize>(facts: [(&'static str, String); N]) -> Vec<Fact> {
    let facts = facts.into_iter().map(|(name, text)| Fact { name, text });
    facts.filter(|fact| !fact.text.is_empty()).collect()
}
