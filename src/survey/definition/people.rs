//! What a definition says of people besides their answers.

use super::DimensionColumn;
use super::scale_answers::answers;
use super::source::{DemographicSource, Fault};
use crate::survey::demographics::{Demographics, Dimension, Group};

/// The dimensions, and where each stands in a file. `group` is the column whose people count as of one country.
pub(super) fn dimensions(
    sources: &[DemographicSource],
    group: Option<&str>,
) -> Result<(Demographics, Vec<DimensionColumn>), Fault> {
    let mut dimensions: Vec<Dimension> = Vec::new();
    let mut columns = Vec::new();
    for source in sources {
        let place = || format!("[[demographic]] {}", source.column);
        let fault = |problem: String| (place(), problem);
        if dimensions.iter().any(|known| known.id == source.column) {
            return Err(fault("this column is described twice".to_owned()));
        }
        let answers = answers(&source.answers, &source.labels, &source.bands).map_err(fault)?;
        if answers.is_empty() {
            return Err(fault("give `labels`, `answers` or `bands`".to_owned()));
        }
        let name = source.name.clone().unwrap_or_else(|| source.column.clone());
        let template = source.template.clone().unwrap_or_else(|| format!("{name}: {{label}}"));
        let groups = answers.iter().map(|answer| Group {
            name: answer.label.clone(),
            sentence: answer
                .statement()
                .map_or_else(|| template.replace("{label}", &answer.label), str::to_owned),
        });
        dimensions.push(Dimension::defined(
            &source.column,
            &name,
            source.report,
            groups.collect(),
        ));
        columns.push(DimensionColumn {
            column: source.column.clone(),
            answers: answers.into_iter().map(|answer| answer.matches).collect(),
        });
    }
    if let Some(group) = group.filter(|group| !dimensions.iter().any(|known| known.id == *group)) {
        return Err((
            "[person] group".to_owned(),
            format!("`{group}` is no [[demographic]]; describe that column, with `labels` for what stands in it"),
        ));
    }
    Ok((Demographics::defined(dimensions, group), columns))
}
