//! What a report is made with.

use serde::{Deserialize, Serialize};

use crate::metrics::{Norm, Resampling};

/// What a report is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct ReportOptions {
    /// The norm of likelihoods behind headline figures; absent: the one that each run's spec names.
    pub norm: Option<Norm>,
    /// Resamples behind intervals.
    pub resampling: Resampling,
}
