//! Parts of the page that are tables: categories by system, and what was run.

use minijinja::{Value, context};

use super::charts::heat_share;
use super::names;
use super::numbers::{Report, RunSummary};
use super::published::{Published, PublishedColumn};
use super::tables::Column;
use super::words::percent;
use crate::base::text;
use crate::metrics::{Estimate, SPLITS};

/// People behind the paper's figures, which are printed without intervals.
const PAPERS_PEOPLE: usize = 800;

/// The table of categories and systems, coloured by accuracy, with the paper's columns where the categories are the
/// paper's. `spans` are the numbers of columns of this report, of baselines, and of the paper.
pub(super) fn heat(report: &Report, published: &Published) -> Value {
    let shown = report.columns();
    let kind = |column: &Column<'_>| if column.ours { "ours" } else { "baseline" };
    let title = |column: &Column<'_>| context! { title => column.label.clone(), kind => kind(column) };
    let mut columns: Vec<Value> = shown.iter().map(title).collect();
    // The paper's columns are of demonstrations from all categories.
    let paper = if report.headline.is_empty() {
        Vec::new()
    } else {
        published.columns(&report.categories)
    };
    columns.extend(
        paper
            .iter()
            .map(|column| context! { title => column.name.clone(), kind => "published" }),
    );
    type Ours<'a> = &'a dyn Fn(&Column<'_>) -> Option<Estimate>;
    let row = |name: &str, own: Ours<'_>, theirs: &dyn Fn(&PublishedColumn) -> Option<f64>| {
        let ours = shown.iter().map(|column| cell(own(column), kind(column)));
        let published = paper.iter().map(|column| {
            let estimate = theirs(column).map(|value| Estimate::exact(value, PAPERS_PEOPLE));
            cell(estimate, "published")
        });
        context! { name, cells => ours.chain(published).collect::<Vec<_>>() }
    };
    let mut rows: Vec<Value> = report
        .categories
        .iter()
        .enumerate()
        .map(|(at, category)| {
            let own = |column: &Column<'_>| column.scores.categories[at];
            row(category, &own, &|column| column.categories.get(at).copied())
        })
        .collect();
    let overall = |column: &Column<'_>| column.scores.overall;
    rows.push(row("Overall", &overall, &|column| Some(column.overall)));
    let of_people = |column: &Column<'_>| column.mean_of_people.copied();
    let people = row("Overall, mean of people", &of_people, &|_| None);
    let splits: Vec<Value> = (0..SPLITS)
        .filter(|split| shown.iter().any(|column| column.scores.splits[*split].is_some()))
        .map(|split| {
            let own = |column: &Column<'_>| column.scores.splits[split];
            row(&format!("Split {}", split + 1), &own, &|_| None)
        })
        .collect();
    let splits: Vec<Value> = std::iter::once(people).chain(splits).collect();
    let ours = shown.iter().filter(|column| column.ours).count();
    let spans = vec![ours, shown.len() - ours, paper.len()];
    context! { columns, rows, splits, spans }
}

fn cell(estimate: Option<Estimate>, kind: &'static str) -> Value {
    let interval = estimate
        .and_then(|estimate| estimate.ends())
        .map(|(low, high)| format!("{:.0}–{:.0}", 100.0 * low, 100.0 * high))
        .unwrap_or_default();
    context! {
        figure => percent(estimate.map(|e| e.value)),
        interval,
        heat => estimate.map(|e| format!("{:.3}", heat_share(e.value))),
        kind,
    }
}

/// What one run was, in words.
pub fn facts(run: &RunSummary) -> Value {
    let header = &run.header;
    let model = &header.model;
    let mut lines: Vec<(&str, String)> = vec![("Model", model.name.clone())];
    let mut add = |name, text: String| {
        if !text.is_empty() {
            lines.push((name, text));
        }
    };
    add("Architecture", model.family.clone());
    add(
        "Parameters",
        if model.parameters > 0 {
            millions(model.parameters)
        } else {
            String::new()
        },
    );
    add(
        "Computed in",
        [&model.dtype, &model.device, &model.kernels]
            .map(String::as_str)
            .join(", "),
    );
    let people = super::words::crowd(run.people, header.synthetic);
    add("Respondents", format!("{people} from {}", header.survey));
    add("Catalogue", header.catalogue.clone());
    let planned = header
        .planned
        .map_or(String::new(), |p| format!(" of {}", text::count(p as u64)));
    add("Outcomes", format!("{}{planned}", text::count(run.outcomes as u64)));
    add("Started", header.started.clone());
    add(
        "Finished",
        header.finished.clone().unwrap_or_else(|| "not yet".to_owned()),
    );
    if header.seconds > 0.0 {
        add("Computing time", text::duration(header.seconds));
        add(
            "Tokens a second",
            text::count((header.tokens as f64 / header.seconds).round() as u64),
        );
    }
    if header.killed > 0 {
        let missing = match header.uncounted {
            0 => String::new(),
            records => format!(
                "; time and tokens of {} records are not counted",
                text::count(records as u64)
            ),
        };
        let starts = text::count(header.sessions as u64);
        add(
            "Killed",
            format!("{} of {starts} starts{missing}", text::count(header.killed as u64)),
        );
    }
    if header.tokens > 0 {
        let times = header.tokens_unshared as f64 / header.tokens as f64;
        add(
            "Sharing",
            format!(
                "{} tokens computed in place of {}: {times:.1} times fewer",
                text::count(header.tokens),
                text::count(header.tokens_unshared)
            ),
        );
    }
    add("Machine", header.machine.clone());
    add("indieval", header.version.clone());
    add("Run id", header.run_id.clone());
    let facts: Vec<Value> = lines.into_iter().map(|(name, text)| context! { name, text }).collect();
    let hashes: Vec<Value> = header
        .hashes
        .iter()
        .map(|(name, hash)| context! { name, hash })
        .collect();
    context! { name => run.name.clone(), title => run.title.clone(), norm => run.norm.name(), facts, hashes, spec => header.spec.clone() }
}

/// Every condition with what was really shown.
pub fn conditions(report: &Report) -> Vec<Value> {
    let row = |(at, label): (usize, String)| {
        let system = &report.systems[at];
        let shown = system.shown.map_or("–".to_owned(), super::words::mean_shown);
        let tokens = system.context_tokens.map_or("–".to_owned(), |m| format!("{m:.0}"));
        let overall = system.scores.overall;
        context! {
            run => report.runs[system.run].name.clone(), label => names::cut(&label, 120), people => system.people,
            probes => system.probes,
            shown, tokens,
            accuracy => super::words::with_interval(overall.as_ref()),
            crossed => system.crossed.as_ref().map_or(String::new(), |e| super::words::with_interval(Some(e))),
        }
    };
    report.conditions().into_iter().map(row).collect()
}

fn millions(number: u64) -> String {
    match number {
        n if n >= 1_000_000_000 => format!("{:.1} billion", n as f64 / 1e9),
        n => format!("{:.0} million", n as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_words() {
        assert_eq!(
            [134_515_008, 8_030_261_248].map(millions),
            ["135 million", "8.0 billion"]
        );
    }
}
