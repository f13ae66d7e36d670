//! Which `else`, `break` and `continue` belong to which loop.

/// Tags that are open.
#[derive(Debug, Default)]
pub(super) struct OpenTags(Vec<OpenTag>);

#[derive(Debug, PartialEq, Eq)]
enum OpenTag {
    If,
    Loop { has_else: bool, is_left: bool },
}

impl OpenTags {
    /// Takes the next tag, by its word.
    ///
    /// The error names what Jinja and the engine do differently: `else` of a loop is written there unless the end of its
    /// body was reached once, so also behind `continue` and `break`; here only where there was nothing to loop over.
    pub(super) fn take(&mut self, word: &str) -> Result<(), &'static str> {
        match word {
            "if" => self.0.push(OpenTag::If),
            "for" => self.0.push(OpenTag::Loop {
                has_else: false,
                is_left: false,
            }),
            "else" => {
                if let Some(OpenTag::Loop { has_else, .. }) = self.0.last_mut() {
                    *has_else = true;
                }
            }
            "break" | "continue" => {
                // What stands behind a loop's `else` belongs to the loop around it.
                let own = self.0.iter_mut().rev().find_map(|tag| match tag {
                    OpenTag::Loop {
                        has_else: false,
                        is_left,
                    } => Some(is_left),
                    _ => None,
                });
                if let Some(is_left) = own {
                    *is_left = true;
                }
            }
            "endif" => drop(self.0.pop()),
            "endfor" => {
                let both = OpenTag::Loop {
                    has_else: true,
                    is_left: true,
                };
                if self.0.pop().is_some_and(|closed| closed == both) {
                    return Err("a loop with `else` and with `break` or `continue`");
                }
            }
            _ => {}
        }
        Ok(())
    }
}
