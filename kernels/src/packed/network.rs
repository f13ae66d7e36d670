//! A whole gated network, some rows at a time, so that what is between its two layers never leaves the cache.

use super::{
    super::rows::RowView,
    linear::even,
    memory::{OutputMatrix, OutputWriter, Spare},
    multiply::{Left, Out, Product, Start, Strips},
    panels::Panels,
    tile::PANEL,
};
use crate::Activation;
use rayon::prelude::*;
use std::cell::Cell;

/// CpuRows a task takes through the network.
const ROWS: usize = 96;

thread_local! {
    static INPUT: Cell<Vec<u32>> = const { Cell::new(Vec::new()) };
    static BETWEEN: Cell<Vec<u32>> = const { Cell::new(Vec::new()) };
    static GATES: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// The layers of a gated network, packed.
#[derive(Clone, Copy)]
pub(in super::super) struct GatedPanels<'a> {
    /// Gates, then their partners.
    pub gate_up: &'a Panels,
    /// What gates go through.
    pub activation: Activation,
    pub down: &'a Panels,
}

/// `down(gated(gate_up(x))) + residual`, `(rows, down.columns)`; or nothing, where the layers by themselves do better
/// (too few rows for all threads) or gates and their partners do not lie in whole panels.
pub(in super::super) fn feed_forward(
    network: GatedPanels<'_>,
    x: RowView<'_>,
    residual: RowView<'_>,
) -> Option<Vec<f32>> {
    let GatedPanels { gate_up, down, .. } = network;
    let threads = rayon::current_num_threads();
    if !gate_up.columns.is_multiple_of(2 * PANEL) || x.rows < threads * ROWS / 2 {
        return None;
    }
    let tasks = x.rows.div_ceil(ROWS).next_multiple_of(threads);
    let mut matrix = OutputMatrix::new(x.rows * down.columns);
    let writer = matrix.writer();
    (0..tasks).into_par_iter().with_max_len(1).for_each(|task| {
        let rows = even(x.rows, tasks, task);
        if !rows.is_empty() {
            let start = rows.start * down.columns;
            some_rows(network, x.slice(rows.clone()), residual.slice(rows), writer, start);
        }
    });
    // SAFETY: the tasks cover all rows, and each writes all columns of its own.
    Some(unsafe { matrix.finish() })
}

/// The rows of one task; `start` is where its first one is in the result.
fn some_rows(network: GatedPanels<'_>, x: RowView<'_>, residual: RowView<'_>, out: OutputWriter<'_>, start: usize) {
    let GatedPanels {
        gate_up,
        activation,
        down,
    } = network;
    let (machine, pairs) = (gate_up.machine, gate_up.columns / PANEL / 2);
    let mut input = Spare::take(&INPUT, x.rows * Left::stride(gate_up.depth), 0);
    let input = Left::fill(machine, x, &mut input);
    let stride = Left::stride(down.depth);
    let mut between = Spare::take(&BETWEEN, x.rows * stride, 0);
    let mut gates = Spare::take(&GATES, 3 * x.rows * PANEL, 0.);
    let (gate, rest) = gates.split_at_mut(x.rows * PANEL);
    let (up, rest) = rest.split_at_mut(x.rows * PANEL);
    let joined = &mut rest[..x.rows * PANEL];
    let panel_words = machine.format().words(PANEL);
    for pair in 0..pairs {
        for (panel, to) in [(pair, &mut *gate), (pairs + pair, &mut *up)] {
            let product = Product {
                machine,
                left: input,
                right: gate_up.panels_from(panel),
                start: Start::Zero,
            };
            product.write(1, to, PANEL);
        }
        machine.gated(activation, gate, up, joined);
        for (row, words) in joined.chunks_exact(PANEL).zip(between.chunks_exact_mut(stride)) {
            machine.to_words(row, &mut words[pair * panel_words..][..panel_words]);
        }
    }
    let between = Left {
        words: &between[..x.rows * stride],
        rows: x.rows,
        depth: down.depth,
        stride,
    };
    let product = Product {
        machine,
        left: between,
        right: down.right(),
        start: Start::Matrix(residual),
    };
    // SAFETY: the rows are one task's, and the part that `at` checks has all their columns.
    unsafe {
        let out = Out {
            start: out.at(start, x.rows * down.columns),
            stride: down.columns,
            columns: down.columns,
        };
        product.write_part(0..Strips::of(x.rows).count, 0..down.panels(), out);
    }
}
