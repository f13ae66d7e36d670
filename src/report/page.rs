//! The page: one self-contained HTML file without scripts.

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Value, context, escape_formatter};

use super::headline::picture;
use super::numbering::teach;
use super::opening::lede;
use super::results::{Results, RunSummary};
use super::section::{ReportContext, ReportSection, placed, safe};
use super::style::STYLE;
use super::whole::Report;
use crate::base::quote;

/// A report as a page.
pub struct Page<'a> {
    report: &'a Report,
    people: bool,
}

impl<'a> Page<'a> {
    /// The page of a report.
    pub fn new(report: &'a Report) -> Self {
        Self { report, people: false }
    }

    /// The same with links to a page a person, which lies in `people/` beside it.
    #[must_use]
    pub fn with_people(self) -> Self {
        Self { people: true, ..self }
    }

    /// The whole file.
    ///
    /// # Errors
    /// Where a built-in template is wrong, which tests rule out.
    pub fn html(&self) -> Result<String, PageError> {
        let results = &self.report.results;
        let context = ReportContext {
            people_pages: self.people,
            ..self.report.context()
        };
        let mut sections = self.report.sections.list();
        sections.sort_by_key(|section| !section.leads(results));
        let mut environment = environment()?;
        let tables = self.report.csv_tables()?.into_iter().map(|table| table.name);
        teach(&mut environment, tables.collect());
        // The opening's picture is the first figure, though the page is put together last.
        environment.render_str("{{ figure('headline') }}", ())?;
        for section in &sections {
            let part = section.part();
            environment.add_template(part.id, part.template)?;
        }
        let parts = sections.iter().map(|section| part(&environment, *section, &context));
        let parts: Vec<Option<Value>> = parts.collect::<Result<_, _>>()?;
        let sections: Vec<Value> = parts.into_iter().flatten().collect();
        let sentences = lede(self.report);
        let incomplete = results.runs.iter().filter(|run| run.incomplete());
        let page = context! {
            style => safe(STYLE.to_owned()),
            title => title(results),
            synthetic => results.synthetic,
            version => results.version.clone(),
            runs => results.runs.iter().map(|run| run.name.clone()).collect::<Vec<_>>(),
            lede => sentences.first().cloned(),
            standings => sentences.iter().skip(1).cloned().collect::<Vec<_>>(),
            few => results.few(),
            unequal => results.unequal(),
            headline => placed(&picture(&context)),
            has_chance => context.chance().is_some(),
            incomplete => incomplete.map(|run| run.name.clone()).collect::<Vec<_>>(),
            sections,
        };
        let html = environment.get_template("page")?.render(page)?;
        // No line breaks between a figure and its sign.
        Ok(html.replace(" %", "\u{a0}%"))
    }
}

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A built-in template is wrong.
    #[error("the report's page could not be made: {0}")]
    Template(#[from] minijinja::Error),
    /// A table for programs has rows without columns, which tests rule out.
    #[error("the report's tables could not be made: {0}")]
    Table(#[from] csv::Error),
}

/// The templates that are no section's. Everything is escaped, and what cannot be seen is written out.
pub(super) fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => escape_formatter(out, state, &Value::from(quote::lines(text))),
        _ => escape_formatter(out, state, value),
    });
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_template("page", include_str!("templates/page.html"))?;
    environment.add_template("head", include_str!("templates/head.html"))?;
    environment.add_template("macros", include_str!("templates/macros.html"))?;
    Ok(environment)
}

/// A section's part with its place in the contents; absent where it has nothing to tell.
fn part(
    environment: &Environment<'_>,
    section: &dyn ReportSection,
    context: &ReportContext<'_>,
) -> Result<Option<Value>, minijinja::Error> {
    let Some(values) = section.page(context) else {
        return Ok(None);
    };
    let part = section.part();
    let values = context! { synthetic => context.results.synthetic, ..values };
    let html = environment.get_template(part.id)?.render(values)?;
    Ok(Some(
        context! { id => part.id, title => part.title, html => safe(html) },
    ))
}

fn title(results: &Results) -> String {
    let models = results
        .runs
        .iter()
        .map(|run: &RunSummary| run.header.model.name.as_str());
    let models: std::collections::BTreeSet<&str> = models.collect();
    match Vec::from_iter(models).as_slice() {
        [one] => format!("How well does {one} know one person?"),
        several => format!("How well do {} models know one person?", several.len()),
    }
}
