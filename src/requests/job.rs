//! One job: windows of lines, read, computed in groups, and written in order.

use std::path::{Path, PathBuf};

use super::groups::{self, AskGroup};
use super::input::InputLines;
use super::output::{self, Earlier, OutputFile};
use super::prefix::HeldPrefix;
use super::{ComputeError, Faults, Identity, Line, LineAsk, LineRequest, OnError, RequestError, TokenAsk, is_standard};
use crate::model::{LanguageModel, Node};
use crate::scoring::shared::Tokens;

/// Where lines come from and go to; `-` is standard input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// JSON lines to answer.
    pub input: PathBuf,
    /// Where the answers go; a file that was begun is continued.
    pub out: PathBuf,
}

/// What is done with lines: read into work for the model, computed, and put into words again. Answers depend on nothing
/// but their lines.
pub trait Task {
    /// What is known of a line beside its work.
    type About;
    /// What comes of one piece of work.
    type Reply;

    /// Names of the fields that answers have and requests must not keep.
    fn fields(&self) -> &'static [&'static str];

    /// What each line asks for, in order, or why it cannot be answered.
    fn read(&self, lines: &[Line]) -> Vec<Result<LineRequest<Self::About>, RequestError>>;

    /// Tokens of about one group.
    fn budget(&self) -> usize;

    /// The model that answers.
    fn model(&mut self) -> &mut dyn LanguageModel;

    /// What comes of each piece of work, and the tokens that it took; `base` holds the first `held` tokens of every
    /// piece.
    ///
    /// # Errors
    /// Which piece does not fit into memory, or what the model reports.
    fn compute(
        &mut self,
        asked: &[LineAsk<'_, Self::About>],
        base: Node,
        held: usize,
    ) -> Result<(Vec<Self::Reply>, Tokens), ComputeError>;

    /// The fields of a line's answer: the inside of a JSON object, `"name":value,...`.
    ///
    /// # Errors
    /// Where the tokenizer cannot decode what was generated.
    fn write(&self, request: &LineRequest<Self::About>, replies: Vec<Self::Reply>) -> Result<String, RequestError>;
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JobProgress {
    /// Bytes of the input that are answered.
    pub read: u64,
    /// Bytes of the input, where they are known.
    pub bytes: Option<u64>,
    /// Lines that were answered before this start.
    pub kept: u64,
    /// Lines answered now.
    pub answered: u64,
    /// Lines, of both kinds, that were recorded as such that cannot be answered.
    pub failed: u64,
    /// Tokens computed.
    pub tokens: Tokens,
}

/// What a job tells while it runs.
#[derive(Debug)]
pub enum RequestEvent<'a> {
    /// Lines that cannot be answered were found before anything was computed; those before the first of them are
    /// answered now.
    Faulty(&'a Faults),
    /// Something more is answered.
    Progress(&'a JobProgress),
    /// All is done.
    Done(&'a JobProgress),
}

/// Whoever is told.
pub trait RequestObserver {
    /// Something happened.
    fn event(&mut self, event: RequestEvent<'_>);
}

/// Answers every line that is not answered yet. A reader of standard output that stops listening (`| head`) ends it and
/// is no error.
///
/// Where lines cannot be answered, `on_error` says what becomes of them. In a file they are all found before anything is
/// computed.
///
/// # Errors
/// A line that cannot be answered, after those before it were written; an output that cannot be continued or written; a
/// model that fails.
pub fn serve<T: Task>(
    files: &Files,
    on_error: OnError,
    identity: &Identity,
    task: &mut T,
    observer: &mut dyn RequestObserver,
) -> Result<JobProgress, RequestError> {
    let mut job = Job::new(files, on_error, identity, observer)?;
    match job.run(task) {
        Err(RequestError::Write { source, .. })
            if is_standard(&files.out) && source.kind() == std::io::ErrorKind::BrokenPipe =>
        {
            Ok(job.progress)
        }
        Err(error) => Err(error),
        Ok(()) => Ok(job.progress),
    }
}

/// Every line of a file that cannot be answered. (What does not fit into memory shows only when it is its turn.)
fn faults<T: Task>(path: &Path, task: &T) -> Result<Faults, RequestError> {
    let mut faults = Faults::default();
    let mut input = InputLines::open(path)?;
    while let Some(window) = input.window()? {
        task.read(&window)
            .into_iter()
            .filter_map(Result::err)
            .for_each(|fault| faults.add(fault));
    }
    Ok(faults)
}

/// Whether one file is to be read and written, whatever it is called in both places.
fn is_same(Files { input, out }: &Files) -> bool {
    let real = |path: &Path| (!is_standard(path)).then(|| path.canonicalize().ok()).flatten();
    // Something that is no file (/dev/null) may be both.
    real(input).is_some_and(|input| input.is_file() && real(out) == Some(input))
}

/// One start of a command.
struct Job<'a> {
    files: &'a Files,
    on_error: OnError,
    identity: &'a Identity,
    observer: &'a mut dyn RequestObserver,
    input: InputLines,
    output: OutputFile,
    prefix: HeldPrefix,
    progress: JobProgress,
    /// Whether the output goes on with what was begun, or was given its identity.
    known: bool,
}

impl<'a> Job<'a> {
    fn new(
        files: &'a Files,
        on_error: OnError,
        identity: &'a Identity,
        observer: &'a mut dyn RequestObserver,
    ) -> Result<Self, RequestError> {
        let input = InputLines::open(&files.input)?;
        if is_same(files) {
            let path = files.out.clone();
            return Err(RequestError::Same { path });
        }
        Ok(Self {
            output: OutputFile::open(&files.out)?,
            progress: JobProgress {
                bytes: input.bytes(),
                ..JobProgress::default()
            },
            input,
            files,
            on_error,
            identity,
            observer,
            prefix: HeldPrefix::default(),
            known: false,
        })
    }

    fn run<T: Task>(&mut self, task: &mut T) -> Result<(), RequestError> {
        // A pipe cannot be read twice.
        let found = match self.on_error {
            OnError::Stop if self.files.input.is_file() => faults(&self.files.input, task)?,
            _ => Faults::default(),
        };
        if found.count() > 0 {
            self.observer.event(RequestEvent::Faulty(&found));
        }
        match self.windows(task) {
            // It is among those that were found.
            Err(RequestError::Line { .. } | RequestError::TooLong { .. }) if found.count() > 0 => {
                found.into_error().map_or(Ok(()), Err)
            }
            done => done,
        }
    }

    fn windows<T: Task>(&mut self, task: &mut T) -> Result<(), RequestError> {
        loop {
            let begun = self.input.read();
            let Some(lines) = self.input.window()? else { break };
            let done = self.old_lines(&lines, task.fields())?;
            if done < lines.len() {
                self.window(&lines, done, begun, task)?;
            }
            self.progress.read = self.input.read();
            self.observer.event(RequestEvent::Progress(&self.progress));
        }
        if self.output.old_line()?.is_some() {
            return Err(RequestError::Longer {
                path: self.files.out.clone(),
            });
        }
        self.observer.event(RequestEvent::Done(&self.progress));
        Ok(())
    }

    /// How many lines of a window were dealt with by an earlier start.
    fn old_lines(&mut self, lines: &[Line], ours: &[&str]) -> Result<usize, RequestError> {
        for (done, line) in lines.iter().enumerate() {
            // Asked for only where a line may take it.
            let Some(old) = self.output.old_line()? else {
                return Ok(done);
            };
            let earlier = output::check(line, &old, ours, &self.files.out)?;
            if !self.known {
                self.identity.check(&self.files.out)?;
                self.known = true;
            }
            self.progress.kept += 1;
            self.progress.failed += u64::from(earlier == Earlier::Failed);
        }
        Ok(lines.len())
    }

    /// Answers a window, of which `done` lines are; before it `begun` bytes were read.
    fn window<T: Task>(&mut self, lines: &[Line], done: usize, begun: u64, task: &mut T) -> Result<(), RequestError> {
        let mut window = Window::read(lines, self.on_error, task)?;
        self.write(&mut window, done)?;
        let pieces = window.pieces();
        let asks: Vec<&TokenAsk> = pieces.iter().filter_map(|&piece| window.ask(piece)).collect();
        let groups = groups::groups(&asks, task.budget());
        let bytes = |piece: &AskPlace| lines[piece.line].text.len() as u64 / window.pieces_of(piece.line);
        let (all, mut share): (u64, u64) = (pieces.iter().map(bytes).sum(), 0);
        let shares: Vec<u64> = groups
            .iter()
            .map(|group| group.members.iter().map(|&at| bytes(&pieces[at])).sum())
            .collect();
        let size = self.input.read() - begun;
        for (group, bytes) in groups.iter().zip(shares) {
            share += bytes;
            // Lines rise: where the last is answered, all are.
            if group.members.last().is_some_and(|&last| pieces[last].line >= done) {
                self.group(&mut window, &pieces, group, task)?;
                self.write(&mut window, done)?;
            }
            self.progress.read = begun + (size as f64 * share as f64 / all.max(1) as f64) as u64;
            self.observer.event(RequestEvent::Progress(&self.progress));
        }
        window.error.map_or(Ok(()), Err)
    }

    /// Computes a group; what does not fit into memory is left out and given up.
    fn group<T: Task>(
        &mut self,
        window: &mut Window<'_, T>,
        pieces: &[AskPlace],
        group: &AskGroup,
        task: &mut T,
    ) -> Result<(), RequestError> {
        loop {
            let wanted = |&piece: &AskPlace| window.ask(piece).is_some();
            let members: Vec<AskPlace> = group.members.iter().map(|&at| pieces[at]).filter(wanted).collect();
            let asked: Vec<LineAsk<'_, T::About>> = members.iter().filter_map(|&piece| window.asked(piece)).collect();
            let Some(first) = asked.first() else { return Ok(()) };
            let held = group.held.last().copied().unwrap_or(0);
            let computed = self
                .prefix
                .hold(task.model(), first.ask, &group.held)
                .and_then(|base| task.compute(&asked, base, held));
            match computed {
                Ok((replies, tokens)) => {
                    self.progress.tokens += tokens;
                    self.progress.tokens.shared += self.prefix.take_computed();
                    for (piece, reply) in members.into_iter().zip(replies) {
                        window.put(piece, reply, task)?;
                    }
                    return Ok(());
                }
                Err(ComputeError::Other(error)) => return Err(error),
                Err(ComputeError::Room { at, needed, free }) => {
                    let Some(piece) = members.get(at) else { return Ok(()) };
                    let place = window.lines[piece.line].place.clone();
                    window.give_up(piece.line, RequestError::Room { place, needed, free }, task.fields());
                }
            }
        }
    }

    /// Writes what is answered and has nothing unanswered before it; the first `done` lines are there already.
    fn write<T: Task>(&mut self, window: &mut Window<'_, T>, done: usize) -> Result<(), RequestError> {
        window.written = window.written.max(done);
        while let Some(line) = window.next() {
            if !self.known {
                self.identity.write(&self.files.out)?;
                self.known = true;
            }
            self.output.write(&line.text)?;
            match line.outcome {
                Earlier::Answered => self.progress.answered += 1,
                Earlier::Failed => self.progress.failed += 1,
            }
        }
        self.output.flush()
    }
}

/// A piece of work by its line and its number in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct AskPlace {
    line: usize,
    number: usize,
}

/// A line that is ready to be written.
struct Ready {
    text: String,
    outcome: Earlier,
}

/// The lines of a window and what is known of their answers.
struct Window<'w, T: Task> {
    lines: &'w [Line],
    on_error: OnError,
    /// What lines ask for; absent where they cannot be answered.
    requests: Vec<Option<LineRequest<T::About>>>,
    /// What came of each piece of work so far.
    replies: Vec<Vec<Option<T::Reply>>>,
    ready: Vec<Option<Ready>>,
    /// Lines that are written.
    written: usize,
    /// Lines from here on are not answered.
    end: usize,
    /// Why.
    error: Option<RequestError>,
}

impl<'w, T: Task> Window<'w, T> {
    fn read(lines: &'w [Line], on_error: OnError, task: &T) -> Result<Self, RequestError> {
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
    fn pieces(&self) -> Vec<AskPlace> {
        let lines = self.requests.iter().enumerate().take(self.end);
        lines
            .flat_map(|(line, request)| {
                let count = request.as_ref().map_or(0, |request| request.asks.len());
                (0..count).map(move |number| AskPlace { line, number })
            })
            .collect()
    }

    /// How many pieces a line has, at least 1.
    fn pieces_of(&self, line: usize) -> u64 {
        self.replies[line].len().max(1) as u64
    }

    /// A piece of work, unless its line is not to be answered.
    fn ask(&self, piece: AskPlace) -> Option<&TokenAsk> {
        self.asked(piece).map(|asked| asked.ask)
    }

    fn asked(&self, piece: AskPlace) -> Option<LineAsk<'_, T::About>> {
        let request = self.requests[piece.line].as_ref().filter(|_| piece.line < self.end)?;
        Some(LineAsk {
            ask: request.asks.get(piece.number)?,
            about: &request.about,
        })
    }

    /// Takes what came of a piece of work.
    fn put(&mut self, piece: AskPlace, reply: T::Reply, task: &T) -> Result<(), RequestError> {
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
    fn give_up(&mut self, line: usize, error: RequestError, ours: &[&str]) {
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
    fn next(&mut self) -> Option<Ready> {
        let ready = self.ready[..self.end].get_mut(self.written)?.take()?;
        self.written += 1;
        Some(ready)
    }
}
