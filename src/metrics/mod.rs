//! Pure numbers from outcomes.
