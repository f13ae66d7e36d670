//! How pages and pictures look.

/// The style sheet of pages; pictures that stand alone take their colours from it.
pub(super) const STYLE: &str = include_str!("templates/style.css");
