//! Baselines on the built-in catalogue.
