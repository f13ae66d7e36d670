//! How a command prints data.

crate::choices! {
    /// Output of commands that print data.
    pub enum OutputFormat: Text {
        /// For people.
        Text = "text",
        /// For programs.
        Json = "json",
    }
}
