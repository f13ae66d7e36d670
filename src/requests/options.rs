//! What users choose about lines that are out of the ordinary.

crate::choices! {
    /// What happens where a line cannot be answered.
    pub enum OnError: Stop {
        /// What stands before it is answered and written, then the job fails.
        Stop = "stop",
        /// Its `error` says why, and the job goes on; the exit status is 3.
        Record = "record",
    }

    /// What happens to what is longer than the model's context.
    pub enum Truncate: Never {
        /// It cannot be answered.
        Never = "never",
        /// The beginning of the context or prompt is left out.
        Left = "left",
    }

    /// What control tokens such as `<|im_start|>` in a text are.
    pub enum ControlTokens: Read {
        /// Control tokens, as transformers and lm-evaluation-harness read every text.
        Read = "read",
        /// Text like any other.
        Text = "text",
    }
}

impl ControlTokens {
    /// How a text is encoded.
    pub(super) fn markup(self) -> crate::model::Markup {
        match self {
            Self::Read => crate::model::Markup::Control,
            Self::Text => crate::model::Markup::Text,
        }
    }
}
