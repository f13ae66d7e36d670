//! How attention scores what it compares.

/// How scores of attention come from the products of queries and keys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreRule {
    /// What products are multiplied by.
    pub scale: f32,
    /// What scores stay within, plus and minus, by a tanh.
    pub cap: Option<f32>,
}

impl From<f32> for ScoreRule {
    fn from(scale: f32) -> Self {
        Self { scale, cap: None }
    }
}
