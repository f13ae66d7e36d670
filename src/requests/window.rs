//! The lines of a window, from what they ask for to what is written of them.

use super::output::{self, Earlier};
use super::task::Task;
use super::{Line, LineAsk, LineRequest, OnError, RequestError, TokenAsk};

/// A piece of work by its line and its number in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AskPlace {
    pub(super) line: usize,
    pub(super) number: usize,
}

/// A line that is ready to be written.
pub(super) struct Ready {
    pub(super) text: String,
    pub(super) outcome: Earlier,
}

/// The lines of a window and what is known of their answers.
pub(super) struct Window<'w, T: Task> {
    pub(super) lines: &'w [Line],
    on_error: OnError,
    /// What lines ask for; absent where they cannot be answered.
    requests: Vec<Option<LineRequest<T::About>>>,
    /// What came of each piece of work so far.
    replies: Vec<Vec<Option<T::Reply>>>,
    ready: Vec<Option<Ready>>,
    /// Lines that are written.
    pub(super) written: usize,
    /// Lines from here on are not answered.
    end: usize,
    /// Why.
    pub(super) error: Option<RequestError>,
}

impl<'w, T: Task> Window<'w, T> {
    /// Reads what lines ask for; the answers of those that ask for nothing are ready.
    pub(super) fn read(lines: &'w [Line], on_error: OnError, task: &T) -> Result<Self, RequestError> {
        let empty = || lines.iter().map(|_| None);
        let mut window = Self {
            lines,
            on_error,
            requests: empty().collect(),
            replies: lines.iter().map(|_| Vec::new()).collect(),
            ready: lines.iter().map(|_| None).collect(),
            written: 0,
            end: lines.len(),
            error: None,
        };
        for (line, request) in task.read(lines).into_iter().enumerate() {
            match request {
                Ok(request) => {
                    window.replies[line] = request.asks.iter().map(|_| None).collect();
                    window.requests[line] = Some(request);
                    window.finish(line, task)?;
                }
                Err(error) => window.give_up(line, error, task.fields()),
            }
        }
        Ok(window)
    }

    /// All pieces of work of lines that are to be answered, in order.
    pub(super) fn pieces(&self) -> Vec<AskPlace> {
        let lines = self.requests.iter().enumerate().take(self.end);
        lines
            .flat_map(|(line, request)| {
                let count = request.as_ref().map_or(0, |request| request.asks.len());
                (0..count).map(move |number| AskPlace { line, number })
            })
            .collect()
    }

    /// How many pieces a line has, at least 1.
    pub(super) fn pieces_of(&self, line: usize) -> u64 {
        self.replies[line].len().max(1) as u64
    }

    /// A piece of work, unless its line is not to be answered.
    pub(super) fn ask(&self, piece: AskPlace) -> Option<&TokenAsk> {
        self.asked(piece).map(|asked| asked.ask)
    }

    /// The same with what is known of its line.
    pub(super) fn asked(&self, piece: AskPlace) -> Option<LineAsk<'_, T::About>> {
        let request = self.requests[piece.line].as_ref().filter(|_| piece.line < self.end)?;
        Some(LineAsk {
            ask: request.asks.get(piece.number)?,
            about: &request.about,
        })
    }

    /// Takes what came of a piece of work.
    pub(super) fn put(&mut self, piece: AskPlace, reply: T::Reply, task: &T) -> Result<(), RequestError> {
        self.replies[piece.line][piece.number] = Some(reply);
        self.finish(piece.line, task)
    }

    /// Puts a line's answer together once all its work is done.
    fn finish(&mut self, line: usize, task: &T) -> Result<(), RequestError> {
        if self.replies[line].iter().any(Option::is_none) {
            return Ok(());
        }
        if let Some(request) = &self.requests[line] {
            let replies = std::mem::take(&mut self.replies[line]).into_iter().flatten().collect();
            let fields = task.write(request, replies)?;
            self.ready[line] = Some(Ready {
                text: output::answered(&self.lines[line], &fields, task.fields()),
                outcome: Earlier::Answered,
            });
        }
        Ok(())
    }

    /// Records a line that cannot be answered, or ends the window before it.
    pub(super) fn give_up(&mut self, line: usize, error: RequestError, ours: &[&str]) {
        self.requests[line] = None;
        match self.on_error {
            OnError::Record => {
                self.ready[line] = Some(Ready {
                    text: output::failed(&self.lines[line], &error, ours),
                    outcome: Earlier::Failed,
                });
            }
            OnError::Stop if line < self.end => {
                self.end = line;
                self.error = Some(error);
            }
            OnError::Stop => {}
        }
    }

    /// The next line to be written.
    pub(super) fn next(&mut self) -> Option<Ready> {
        let ready = self.ready[..self.end].get_mut(self.written)?.take()?;
        self.written += 1;
        Some(ready)
    }
}
