//! Every Eval Ever (schema 0.3.0): the shared schema of results, aggregates only, which hold nobody's answers.

use serde_json::{Value, json};

use super::ExportError;
use crate::metrics::Estimate;
use crate::report::Report;

/// What the schema asks of a model.
pub struct EeeModel {
    /// `ORGANISATION/MODEL`.
    pub id: String,
    /// Who ran the evaluation.
    pub organisation: String,
}

/// One document a run of a report: accuracies of every condition overall and by category, with their intervals.
///
/// # Errors
/// [`ExportError::ModelName`].
pub fn evaluations(report: &Report, model: &EeeModel, now: u64) -> Result<Vec<Value>, ExportError> {
    let Some((_, name)) = model
        .id
        .split_once('/')
        .filter(|(owner, name)| !owner.is_empty() && !name.is_empty())
    else {
        return Err(ExportError::ModelName(model.id.clone()));
    };
    let results = &report.results;
    let runs = results.runs.iter().enumerate().map(|(at, run)| {
        let systems = results.systems.iter().filter(|system| system.run == at && system.is_model());
        // Where a model ran whose answers were graded, and who may have it, is not known here.
        let elsewhere = run.header.model.is_elsewhere();
        let mut found = Vec::new();
        for system in systems {
            let overall = std::iter::once(("overall", &system.scores.overall));
            let categories = results.categories.iter().map(String::as_str).zip(&system.scores.categories);
            for (what, estimate) in overall.chain(categories) {
                let Some(estimate) = estimate else { continue };
                found.push(json!({
                    "evaluation_name": format!("indieval/{}/{what}", system.label),
                    "source_data": { "dataset_name": run.header.survey, "source_type": "other" },
                    "metric_config": {
                        "metric_id": "accuracy", "lower_is_better": false, "score_type": "continuous", "min_score": 0.0, "max_score": 1.0,
                    },
                    "score_details": details(estimate, system.probes, results.options.resampling.resamples),
                }));
            }
        }
        json!({
            "schema_version": "0.3.0",
            "evaluation_id": format!("indieval/{}/{}", model.id.replace('/', "_"), run.header.run_id),
            "retrieved_timestamp": now.to_string(),
            "source_metadata": {
                "source_type": "evaluation_run", "source_organization_name": model.organisation, "evaluator_relationship": "third_party",
            },
            "eval_library": { "name": "indieval", "version": run.header.version },
            "model_info": {
                "name": name, "id": model.id, "developer": model.id.split('/').next().unwrap_or_default(),
                "additional_details": {
                    "deployment_type": if elsewhere { "unknown" } else { "self_deployed" },
                    "model_availability": if elsewhere { "unknown" } else { "open_weights" },
                    "dtype": run.header.model.dtype, "synthetic_respondents": run.header.synthetic.to_string(),
                },
            },
            "evaluation_results": found,
        })
    });
    Ok(runs.collect())
}

fn details(estimate: &Estimate, probes: usize, resamples: usize) -> Value {
    let mut uncertainty = json!({ "num_samples": probes });
    if let Some(se) = estimate.se {
        uncertainty["standard_error"] = json!({ "value": se, "method": "jackknife over respondents" });
    }
    if let Some((low, high)) = estimate.ends() {
        uncertainty["confidence_interval"] = json!({
            "lower": low, "upper": high, "confidence_level": 0.95, "method": estimate.interval.name(),
        });
        if estimate.interval.name() == "percentile" {
            uncertainty["num_bootstrap_samples"] = json!(resamples);
        }
    }
    json!({ "score": estimate.value, "uncertainty": uncertainty })
}
