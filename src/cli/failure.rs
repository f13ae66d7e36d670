//! How an error is shown: what went wrong, why, and what to do.

use std::process::ExitCode;

use crate::metrics::MetricsError;
use crate::report::CompareError;
use crate::survey::SurveyError;

/// Prints an error with its causes and, where a layer knows one, a remedy.
pub fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error}");
    let mut said = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        if !said.contains(&text) {
            eprintln!("  because: {text}");
            said = text;
        }
    }
    if let Some(hint) = error.chain().find_map(hint) {
        eprintln!("hint: {hint}");
    }
    ExitCode::FAILURE
}

/// The remedy that the failing layer knows. Each layer's error enum has `fn hint(&self) -> Option<String>`;
/// a new enum is added here.
fn hint(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    None.or_else(|| cause.downcast_ref::<SurveyError>().and_then(SurveyError::hint))
        .or_else(|| cause.downcast_ref::<MetricsError>().and_then(MetricsError::hint))
        .or_else(|| cause.downcast_ref::<CompareError>().and_then(CompareError::hint))
}
