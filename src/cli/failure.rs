//! How an error is shown: what went wrong, why, and what to do.

use std::process::ExitCode;

use super::output::{Exists, tell};
use super::report_files::InTheWay;
use super::show::ShowError;
use super::status::ExitStatus;
use crate::metrics::MetricsError;
use crate::model::{LoadError, ModelError, TokenizeError};
use crate::prompt::{ChatError, PromptError};
use crate::report::{CompareError, ExportError};
use crate::requests::RequestError;
use crate::run::{EvaluateError, ExecuteError, RunError, ShardError};
use crate::scoring::ScoringError;
use crate::survey::SurveyError;

/// Prints an error with its causes and, where a layer knows one, a remedy.
pub fn report(error: &anyhow::Error) -> ExitCode {
    let mut said = without_stack(&error.to_string());
    tell!("error: {said}");
    for cause in error.chain().skip(1) {
        let text = without_stack(&cause.to_string());
        if !said.contains(&text) {
            tell!("  because: {text}");
            said = text;
        }
    }
    // The system's reason says more than the layers above it.
    let causes: Vec<_> = error.chain().collect();
    let system = causes.iter().rev().find(|cause| cause.is::<std::io::Error>());
    if let Some(hint) = system
        .and_then(|cause| hint(*cause))
        .or_else(|| causes.iter().find_map(|cause| hint(*cause)))
    {
        tell!("hint: {hint}");
    }
    status(&causes).into()
}

/// What is only incomplete has an exit status of its own.
fn status(causes: &[&(dyn std::error::Error + 'static)]) -> ExitStatus {
    let missing = |cause: &&(dyn std::error::Error + 'static)| {
        let error = cause.downcast_ref::<RunError>();
        matches!(error, Some(RunError::Shard(ShardError::Missing { .. })))
    };
    match causes.iter().any(missing) {
        true => ExitStatus::Incomplete,
        false => ExitStatus::Failed,
    }
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
    if let Some(error) = cause.downcast_ref::<std::io::Error>()
        && error.kind() == std::io::ErrorKind::FileTooLarge
    {
        return Some(
            "files may not grow further here: raise the limit (`ulimit -f`) or make room, then give the same command again".into(),
        );
    }
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
        ExportError,
        InTheWay,
        Exists,
    )
}
