//! The pictures of a report.

mod calibration;
mod curve;
mod dots;
mod heat;

pub use calibration::reliability;
pub use curve::{PublishedPoint, curves};
pub use dots::{DotPlot, DotRow, Labels, Point, Reference, dots};
pub use heat::{heat as heat_share, matrix, transfer};
