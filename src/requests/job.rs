//! One job: windows of lines, read, computed in batches, and written in order.

use std::path::Path;

use super::batches::next_batch;
use super::input::InputLines;
use super::output::{self, Earlier, OutputFile};
use super::task::{Files, JobProgress, RequestEvent, RequestObserver, Task};
use super::window::{AskPlace, Window};
use super::{ComputeError, Faults, Identity, Line, LineAsk, OnError, RequestError, is_standard};

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
        let bytes = |piece: &AskPlace| lines[piece.line].text.len() as u64 / window.pieces_of(piece.line);
        let shares: Vec<u64> = pieces.iter().map(bytes).collect();
        let (all, mut share): (u64, u64) = (shares.iter().sum(), 0);
        let size = self.input.read() - begun;
        let mut begin = 0;
        while begin < pieces.len() {
            // How fast the model is, and so how much a batch may have, is better known with each.
            let asks = pieces[begin..].iter().map(|&piece| window.ask(piece));
            let batch = begin..begin + next_batch(asks, task.model().limits().batch);
            begin = batch.end;
            share += shares[batch.clone()].iter().sum::<u64>();
            // Lines rise: where the last is answered, all are.
            if pieces[batch.end - 1].line >= done {
                self.batch(&mut window, &pieces[batch], task)?;
                self.write(&mut window, done)?;
            }
            self.progress.read = begun + (size as f64 * share as f64 / all.max(1) as f64) as u64;
            self.observer.event(RequestEvent::Progress(&self.progress));
        }
        window.error.map_or(Ok(()), Err)
    }

    /// Computes a batch; what does not fit into memory is left out and given up.
    fn batch<T: Task>(
        &mut self,
        window: &mut Window<'_, T>,
        pieces: &[AskPlace],
        task: &mut T,
    ) -> Result<(), RequestError> {
        loop {
            let wanted = |piece: &&AskPlace| window.ask(**piece).is_some();
            let members: Vec<AskPlace> = pieces.iter().filter(wanted).copied().collect();
            let asked: Vec<LineAsk<'_, T::About>> = members.iter().filter_map(|&piece| window.asked(piece)).collect();
            if asked.is_empty() {
                return Ok(());
            }
            match task.compute(&asked) {
                Ok((replies, tokens)) => {
                    self.progress.tokens += tokens;
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
