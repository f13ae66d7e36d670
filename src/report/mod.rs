//! Records become tables, pictures and pages.
