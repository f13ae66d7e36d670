//! How attention scores what it compares.

/// How scores of attention come from the products of queries and keys.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScoreRule<'a> {
    /// What products are multiplied by.
    pub scale: f32,
    /// What scores stay within, plus and minus, by a tanh.
    pub cap: Option<f32>,
    /// Each query head's score of nothing: it takes its share of the softmax and adds no value.
    pub sinks: Option<&'a [f32]>,
}

impl From<f32> for ScoreRule<'_> {
    fn from(scale: f32) -> Self {
        Self {
            scale,
            cap: None,
            sinks: None,
        }
    }
}
