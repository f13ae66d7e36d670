//! How figures are made.

use minijinja::{Value, context};

use super::super::bench::Bench;
use super::super::results::Results;
use super::super::section::{PagePart, ReportContext, ReportSection};
use crate::metrics::MetricsError;

/// The section; it has no numbers but those that resamples were made with.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Notes;

impl ReportSection for Notes {
    fn compute(_: &Bench<'_>, _: &Results) -> Result<Self, MetricsError> {
        Ok(Self)
    }

    fn part(&self) -> PagePart {
        PagePart {
            id: "figures",
            title: "How figures are made",
            template: include_str!("../templates/figures.html"),
        }
    }

    fn page(&self, report: &ReportContext<'_>) -> Option<Value> {
        let how = &report.results.options.resampling;
        Some(context! { resamples => how.resamples, seed => how.seed })
    }
}
