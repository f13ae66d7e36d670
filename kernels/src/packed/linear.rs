//! Linear layers over panels, and the head's log-probabilities.

use super::{
    super::{
        rows::RowView,
        running::{Reduced, Running},
    },
    memory::{OutputMatrix, Spare},
    multiply::{Left, Out, Product, Right, Start, Strips},
    panels::Panels,
    tile::PANEL,
};
use crate::TokenId;
use rayon::prelude::*;
use std::{cell::Cell, ops::Range};

/// Strips of rows that are multiplied with a group of panels in one task: some 192 rows, whose words stay in
/// the second-level cache.
const STRIPS_PER_TASK: usize = 16;
/// Tasks wanted for each thread, so that all end at about the same time.
const TASKS_PER_THREAD: usize = 4;

/// Fewest rows that a task turns into words.
const ROWS_PER_CONVERSION: usize = 32;

/// Rows whose logits are held at a time by a task of the head.
const HEAD_ROWS: usize = 192;
/// Panels whose logits are held at a time by a task of the head: with the rows, 384 KiB.
const HEAD_PANELS: usize = 16;
/// Panels that a task of the head goes through. Results are joined in panel order, so this may not depend on threads.
const HEAD_PART: usize = 8 * HEAD_PANELS;

thread_local! {
    static WORDS: Cell<Vec<u32>> = const { Cell::new(Vec::new()) };
    static LOGITS: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// What becomes of products before they are logits.
#[derive(Clone, Copy)]
pub(in super::super) struct LogitTail<'a> {
    /// Added to them.
    pub bias: Option<&'a [f32]>,
    /// What they then stay within, plus and minus, by a tanh.
    pub cap: Option<f32>,
}

impl Panels {
    /// All panels.
    pub fn right(&self) -> Right<'_> {
        Right {
            lines: &self.lines,
            stride: self.depth * self.machine.format().step_lines(),
            depth: self.depth,
        }
    }

    /// The panels from number `first` on.
    pub fn panels_from(&self, first: usize) -> Right<'_> {
        let all = self.right();
        Right {
            lines: &all.lines[first * all.stride..],
            ..all
        }
    }

    /// Number of panels.
    pub fn panels(&self) -> usize {
        self.columns.div_ceil(PANEL)
    }

    /// `x · weightᵀ + start`, `(rows, columns)`.
    pub fn multiply(&self, x: RowView<'_>, start: Start<'_>) -> Vec<f32> {
        let mut matrix = OutputMatrix::new(x.rows * self.columns);
        let writer = matrix.writer();
        self.with_words(x, |left| {
            let strips = Strips::of(left.rows).count;
            let groups = strips.div_ceil(STRIPS_PER_TASK);
            let tasks = (TASKS_PER_THREAD * rayon::current_num_threads()).div_ceil(groups.max(1));
            let panels_per_task = self.panels().div_ceil(tasks.max(1)).max(1);
            let parts = self.panels().div_ceil(panels_per_task);
            (0..groups * parts).into_par_iter().with_max_len(1).for_each(|task| {
                let (group, part) = (task / parts, task % parts);
                let strips = even(strips, groups, group);
                let panels = part * panels_per_task..((part + 1) * panels_per_task).min(self.panels());
                // SAFETY: the matrix has all rows and columns, and each pair of a strip and a panel is one task's.
                unsafe {
                    let out = Out {
                        start: writer.at(0, x.rows * self.columns),
                        stride: self.columns,
                        columns: self.columns,
                    };
                    let product = Product {
                        machine: self.machine,
                        left,
                        right: self.right(),
                        start,
                    };
                    product.write_part(strips, panels, out);
                }
            });
        });
        // SAFETY: the tasks cover all strips, which cover all rows, and all panels, which cover all columns.
        unsafe { matrix.finish() }
    }

    /// Turns `x` into words with all threads and calls `then` with them.
    fn with_words<T>(&self, x: RowView<'_>, then: impl FnOnce(Left<'_>) -> T) -> T {
        let stride = Left::stride(self.depth);
        let mut words = Spare::take(&WORDS, x.rows * stride, 0);
        let rows = words[..x.rows * stride].par_chunks_exact_mut(stride).enumerate();
        let convert = |(row, words): (usize, &mut [u32])| self.machine.to_words(x.row(row), &mut words[..self.depth]);
        rows.with_min_len(ROWS_PER_CONVERSION).for_each(convert);
        then(Left {
            words: &words[..x.rows * stride],
            rows: x.rows,
            depth: self.depth,
            stride,
        })
    }

    /// For each row of `x` the log-sum-exp and best column of its logits; and the logits of `targets`, sorted by row.
    pub fn reduce(
        &self,
        x: RowView<'_>,
        tail: LogitTail<'_>,
        targets: &[(usize, TokenId)],
    ) -> (Vec<Running>, Vec<f32>) {
        // Logits are computed by whole panels.
        let bias = tail.bias.map(|bias| {
            let mut padded = bias.to_vec();
            padded.resize(self.panels() * PANEL, 0.);
            padded
        });
        let tail = LogitTail {
            bias: bias.as_deref(),
            ..tail
        };
        let groups = x.rows.div_ceil(HEAD_ROWS);
        let parts = self.panels().div_ceil(HEAD_PART);
        let results: Vec<Reduced> = (0..groups * parts)
            .into_par_iter()
            .with_max_len(1)
            .map(|task| {
                let rows = even(x.rows, groups, task / parts);
                let part = task % parts * HEAD_PART..((task % parts + 1) * HEAD_PART).min(self.panels());
                self.reduce_part(x.slice(rows.clone()), rows.start, tail, targets, part)
            })
            .collect();
        let mut running = Vec::with_capacity(x.rows);
        let mut logits = vec![0f32; targets.len()];
        for group in results.chunks(parts.max(1)) {
            let rows = group.first().map_or(0, |(rows, _)| rows.len());
            running.extend((0..rows).map(|row| {
                group
                    .iter()
                    .map(|(part, _)| part[row])
                    .fold(Running::NOTHING, Running::join)
            }));
            for &(i, logit) in group.iter().flat_map(|(_, wanted)| wanted) {
                logits[i] = logit;
            }
        }
        (running, logits)
    }

    /// What a whole row of logits comes to, cut and joined as [`Panels::reduce`] does.
    pub fn running(&self, logits: &[f32]) -> Running {
        let part = |(part, logits): (usize, &[f32])| {
            let groups = logits.chunks(HEAD_PANELS * PANEL).enumerate();
            groups.fold(Running::NOTHING, |running, (group, logits)| {
                let (max, sum) = self.machine.log_sum(logits);
                let first = (part * HEAD_PART + group * HEAD_PANELS) * PANEL;
                let best = logits.iter().position(|&x| x == max).unwrap_or(0);
                let best = (first + best) as TokenId;
                running.join(Running { max, best, sum })
            })
        };
        logits
            .chunks(HEAD_PART * PANEL)
            .enumerate()
            .map(part)
            .fold(Running::NOTHING, Running::join)
    }

    /// One task of [`Panels::reduce`]: rows from `first_row` on, some panels; logits by number of target.
    fn reduce_part(
        &self,
        x: RowView<'_>,
        first_row: usize,
        tail: LogitTail<'_>,
        targets: &[(usize, TokenId)],
        panels: Range<usize>,
    ) -> Reduced {
        let mut words = Spare::take(&WORDS, x.rows * Left::stride(self.depth), 0);
        let left = Left::fill(self.machine, x, &mut words);
        let mut logits = Spare::take(&LOGITS, x.rows * HEAD_PANELS * PANEL, 0.);
        let mut running = vec![Running::NOTHING; x.rows];
        let mut wanted = Vec::new();
        let mine = targets.partition_point(|&(row, _)| row < first_row)
            ..targets.partition_point(|&(row, _)| row < first_row + x.rows);
        for first in panels.clone().step_by(HEAD_PANELS) {
            let count = HEAD_PANELS.min(panels.end - first);
            let (stride, column) = (count * PANEL, first * PANEL);
            let columns = stride.min(self.columns - column);
            let start = tail.bias.map_or(Start::Zero, |bias| Start::Row(&bias[column..]));
            let product = Product {
                machine: self.machine,
                left,
                right: self.panels_from(first),
                start,
            };
            product.write(count, &mut logits, stride);
            for (row, running) in running.iter_mut().enumerate() {
                let row = &mut logits[row * stride..][..columns];
                if let Some(cap) = tail.cap {
                    self.machine.soft_cap(row, cap);
                }
                let (max, sum) = self.machine.log_sum(row);
                // Looking for the best token is only worth it where it beats what was found before.
                let best = if max > running.max {
                    row.iter().position(|&x| x == max)
                } else {
                    None
                };
                let best = (column + best.unwrap_or(0)) as TokenId;
                *running = running.join(Running { max, best, sum });
            }
            for i in mine.clone() {
                let (row, token) = (targets[i].0 - first_row, targets[i].1 as usize);
                if (column..column + columns).contains(&token) {
                    wanted.push((i, logits[row * stride + token - column]));
                }
            }
        }
        (running, wanted)
    }
}

/// Part `part` of `0..len` divided into `parts` as evenly as may be.
pub(in super::super) fn even(len: usize, parts: usize, part: usize) -> Range<usize> {
    let start = |part: usize| part * (len / parts) + part.min(len % parts);
    start(part)..start(part + 1)
}
