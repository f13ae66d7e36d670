//! The page: one self-contained HTML file without scripts.

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Value, context, escape_formatter};

use super::charts::Reference;
use super::choices;
use super::findings::lede;
use super::numbers::{Report, RunSummary};
use super::page_parts;
use super::published::Published;
use super::svg::Mark;
use crate::base::quote;
use crate::metrics::{Estimate, System};

/// Why a page could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A built-in template is wrong.
    #[error("the report's page could not be made: {0}")]
    Template(#[from] minijinja::Error),
    /// The embedded published figures are wrong.
    #[error("the embedded figures of the paper could not be read: {0}")]
    Published(#[from] serde_json::Error),
}

/// A report as a page.
pub struct Page<'a> {
    pub(super) report: &'a Report,
}

impl<'a> Page<'a> {
    /// The page of a report.
    pub fn new(report: &'a Report) -> Self {
        Self { report }
    }

    /// The whole file.
    ///
    /// # Errors
    /// Where a built-in template or the embedded published figures are wrong, which tests rule out.
    pub fn html(&self) -> Result<String, PageError> {
        let mut environment = Environment::new();
        environment.set_auto_escape_callback(|_| AutoEscape::Html);
        environment.set_formatter(|out, state, value| match value.as_str() {
            Some(text) if !value.is_safe() => escape_formatter(out, state, &Value::from(quote::lines(text))),
            _ => escape_formatter(out, state, value),
        });
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
        for (name, text) in [
            ("page", include_str!("templates/page.html")),
            ("results", include_str!("templates/results.html")),
            ("transfer", include_str!("templates/transfer.html")),
            ("checks", include_str!("templates/checks.html")),
            ("run", include_str!("templates/run.html")),
            ("choices", include_str!("templates/choices.html")),
            ("macros", include_str!("templates/macros.html")),
        ] {
            environment.add_template(name, text)?;
        }
        let report = self.report;
        let published = Published::read()?;
        let sentences = lede(report);
        let page = context! {
            style => Value::from_safe_string(include_str!("templates/style.css").to_owned()),
            title => self.title(),
            synthetic => report.synthetic,
            version => report.version.clone(),
            lede => sentences.first().cloned(),
            standings => sentences.iter().skip(1).cloned().collect::<Vec<_>>(),
            few => report.few(),
            headline => self.headline(),
            heat => page_parts::heat(report, &published),
            curve => self.curve(&published),
            lift => self.lift(),
            lift_rows => self.lift_rows(),
            groups => self.groups(),
            inequity => self.inequity(),
            transfer => self.transfer(),
            restricted => report.headline.is_empty() && !report.transfer.is_empty(),
            methods => self.methods(),
            norms => self.norms(),
            calibration => self.calibration(),
            readings => self.readings(),
            choices => choices::page(&report.choices),
            runs => report.runs.iter().map(page_parts::facts).collect::<Vec<_>>(),
            conditions => page_parts::conditions(report),
            resamples => report.options.resampling.resamples,
            seed => report.options.resampling.seed,
            incomplete => report.runs.iter().filter(|r| r.incomplete()).map(|r| r.name.clone()).collect::<Vec<_>>(),
        };
        Ok(environment.get_template("page")?.render(page)?)
    }

    fn title(&self) -> String {
        let mut models: Vec<&str> = self
            .report
            .runs
            .iter()
            .map(|r: &RunSummary| r.header.model.name.as_str())
            .collect();
        models.dedup();
        match models.as_slice() {
            [one] => format!("How well does {one} know one person?"),
            several => format!("How well do {} models know one person?", several.len()),
        }
    }

    pub(super) fn overall(&self, at: usize) -> Option<Estimate> {
        self.report.systems[at].scores.overall
    }

    /// The overall figure of a baseline, for a reference line; absent where runs have different ones.
    fn baseline(&self, wanted: fn(&System) -> bool) -> Option<f64> {
        let baselines = self.report.baselines.iter().copied();
        let found: Vec<usize> = baselines
            .filter(|at| wanted(&self.report.systems[*at].system))
            .collect();
        match found.as_slice() {
            [one] => self.overall(*one).map(|e| e.value),
            _ => None,
        }
    }

    pub(super) fn chance(&self) -> Option<Reference> {
        let value = self.baseline(|s| *s == System::Chance)?;
        Some(Reference {
            value,
            label: "chance".to_owned(),
        })
    }

    pub(super) fn majority(&self) -> Option<Reference> {
        let value = self.baseline(|s| *s == System::Majority)?;
        Some(Reference {
            value,
            label: "majority".to_owned(),
        })
    }

    /// A picture's title, which says so where respondents are synthetic.
    pub(super) fn tagged(&self, title: &str) -> String {
        if self.report.synthetic {
            format!("{title} (synthetic respondents)")
        } else {
            title.to_owned()
        }
    }
}

/// A picture that has escaped its own words.
pub(super) fn safe(svg: String) -> Value {
    Value::from_safe_string(svg)
}

/// A legend's entry.
pub(super) fn key(mark: Mark, label: &str) -> Value {
    let mut canvas = super::svg::Canvas::new(22.0, 14.0);
    if !matches!(mark, Mark::Published) {
        canvas.line((1.0, 7.0), (21.0, 7.0), &format!("interval {}", mark.class()));
    }
    canvas.mark(mark, (11.0, 7.0), "");
    context! {
    svg => safe(canvas.finish_decorative()),
    label => label.to_owned(),}
}
