//! Splits, choice of demonstrations, what is asked of whom.
