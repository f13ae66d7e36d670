//! How an error is shown: what went wrong, why, and what to do.

use std::process::ExitCode;

use super::output::Exists;
use super::requests::RequestError;
use super::show::ShowError;
use crate::metrics::MetricsError;
use crate::model::{LoadError, ModelError, TokenizeError};
use crate::prompt::{ChatError, PromptError};
use crate::report::CompareError;
use crate::run::{EvaluateError, ExecuteError, RunError};
use crate::scoring::ScoringError;
use crate::survey::SurveyError;

/// Prints an error with its causes and, where a layer knows one, a remedy.
pub fn report(error: &anyhow::Error) -> ExitCode {
    let mut said = without_stack(&error.to_string());
    eprintln!("error: {said}");
    for cause in error.chain().skip(1) {
        let text = without_stack(&cause.to_string());
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

/// A message without the stack that candle puts below its errors where RUST_BACKTRACE is set.
fn without_stack(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .take_while(|line| !line.trim_start().starts_with("0: "))
        .collect();
    lines.join("\n")
}

/// The remedy that the failing layer knows. Each layer's error enum has `fn hint(&self) -> Option<String>`;
/// a new enum is added here.
fn hint(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    macro_rules! first_of {
        ($($error:ty),* $(,)?) => {
            None$(.or_else(|| cause.downcast_ref::<$error>().and_then(<$error>::hint)))*
        };
    }
    first_of!(
        SurveyError,
        PromptError,
        ChatError,
        LoadError,
        TokenizeError,
        ModelError,
        ScoringError,
        RunError,
        EvaluateError,
        ExecuteError,
        MetricsError,
        ShowError,
        RequestError,
        CompareError,
        Exists,
    )
}
