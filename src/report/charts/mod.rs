//! The pictures of a report.

mod calibration;
mod curve;
mod dots;
mod heat;

pub use calibration::reliability;
pub use curve::{CurveLine, CurvePlot, PublishedPoint, curves};
pub use dots::{Dot, DotPlot, DotRow, LabelPlace, Reference, dots};
pub use heat::{CategoryGrid, category_grid, heat as heat_share, matrix};
