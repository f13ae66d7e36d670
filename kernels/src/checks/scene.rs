//! Trees that attention is checked on.

use super::flat;
use crate::{
    AttentionWindow, Kernels, KvLayer, PAGE, ScoreRule, Segment,
    pick::pick,
    reference::{KeysAndValues, attention, distance, matrix},
};
use candle_core::{DType, Tensor};
#[cfg(test)]
use proptest::prelude::*;

/// Rows that continue one path: the strand that they hang on, after how many of its path's tokens, and how many.
pub(super) type StrandSketch = (Option<usize>, usize, usize);

/// A tree of strands, all of it computed.
pub(super) struct AttentionScene {
    strands: Vec<StrandSketch>,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    window: Option<AttentionWindow>,
}

/// Where the strands of a scene lie.
struct Placed {
    /// Each strand, its rows in one piece.
    segments: Vec<Segment>,
    /// The rows of each row's path.
    paths: Vec<Vec<usize>>,
    pages: usize,
}

impl AttentionScene {
    /// Gives every strand its pages, `gap` pages apart.
    fn place(&self, gap: usize) -> Placed {
        let mut placed = Placed {
            segments: Vec::new(),
            paths: Vec::new(),
            pages: gap,
        };
        let mut row = 0;
        for &(parent, after, rows) in &self.strands {
            let above = parent.map(|parent| &placed.segments[parent]);
            let mut path: Vec<usize> = match above {
                Some(above) => placed.paths[above.rows.end - 1][..after].to_vec(),
                None => Vec::new(),
            };
            let own = (after + rows).div_ceil(PAGE) - after / PAGE;
            let kept = above.map_or(&[][..], |above| &above.pages[..after / PAGE]);
            let new = (placed.pages..placed.pages + own).map(|page| page as u32);
            let pages = kept.iter().copied().chain(new).collect();
            let copied = above
                .filter(|_| after % PAGE > 0)
                .map(|above| above.pages[after / PAGE]);
            placed.pages += own + gap;
            for row in row..row + rows {
                path.push(row);
                placed.paths.push(path.clone());
            }
            placed.segments.push(Segment {
                rows: row..row + rows,
                position: after,
                pages,
                copied,
            });
            row += rows;
        }
        placed
    }

    /// Random queries, keys and values of all rows.
    fn tensors(&self) -> [Tensor; 3] {
        let rows = self.strands.iter().map(|strand| strand.2).sum();
        let of = |seed, heads: usize| matrix(seed, rows, heads * self.head_dim);
        [of(1, self.heads), of(2, self.kv_heads), of(3, self.kv_heads)]
    }

    /// Scores are capped where there is a window, as in Gemma 2, and heads have sinks where there are an even number of them: one
    /// below all scores, one above, and so on.
    fn rule(&self) -> ScoreRule<'static> {
        const SINKS: [f32; 8] = [-2., 3., 0.5, -40., 30., 1., 0., 2.];
        ScoreRule {
            scale: 1.7 / (self.head_dim as f32).sqrt(),
            cap: self.window.map(|_| 0.7),
            sinks: SINKS.get(..self.heads).filter(|_| self.heads.is_multiple_of(2)),
        }
    }

    /// Asserts that implementations are within their tolerances of plain arithmetic on numbers that `dtype` holds.
    pub(super) fn check_by(&self, implementations: &[(Kernels, f64)], dtype: DType) {
        let placed = self.place(1);
        let held_in = |x: Tensor| x.to_dtype(dtype).unwrap().to_dtype(DType::F32).unwrap();
        let [q, keys, values] = self.tensors().map(held_in);
        let held = KeysAndValues {
            keys: &flat(&keys),
            values: &flat(&values),
            kv_heads: self.kv_heads,
            head_dim: self.head_dim,
        };
        let expected = attention(&held, &flat(&q), self.heads, &placed.paths, self.rule(), self.window);
        for (kernels, tolerance) in implementations {
            let [q, keys, values] = [&q, &keys, &values].map(|x| x.to_device(kernels.device()).unwrap());
            let mut kv = kernels.kv(self.kv_heads, self.head_dim, placed.pages).unwrap();
            let plan = kernels.plan(placed.segments.clone(), self.window).unwrap();
            kernels.keep(&mut kv, &plan, &keys, None, &values).unwrap();
            let got = kernels.attend(&kv, &q, &plan, self.rule()).unwrap();
            assert_eq!(got.dims(), q.dims());
            let off = distance(&got, &expected);
            let AttentionScene {
                heads,
                kv_heads,
                head_dim,
                window,
                ..
            } = self;
            assert!(
                off < *tolerance,
                "{kernels:?} {heads}/{kv_heads}x{head_dim} {window:?}: {off}"
            );
        }
    }

    /// Asserts that each row comes to the same bits when its path is the only one there is and is computed `piece` rows at a
    /// time.
    pub(super) fn check_bits(&self, kernels: impl IntoIterator<Item = Kernels>, gap: usize, piece: usize) {
        let placed = self.place(gap);
        let [q, keys, values] = self.tensors();
        for kernels in kernels {
            let [q, keys, values] = [&q, &keys, &values].map(|x| x.to_device(kernels.device()).unwrap());
            let mut kv = kernels.kv(self.kv_heads, self.head_dim, placed.pages).unwrap();
            let plan = kernels.plan(placed.segments.clone(), self.window).unwrap();
            kernels.keep(&mut kv, &plan, &keys, None, &values).unwrap();
            let together = kernels.attend(&kv, &q, &plan, self.rule()).unwrap();
            for segment in &placed.segments {
                let path = &placed.paths[segment.rows.end - 1];
                let of_path = |all: &Tensor| {
                    let rows: Vec<u32> = path.iter().map(|&row| row as u32).collect();
                    pick(all, &rows).unwrap()
                };
                let [q, keys, values] = [&q, &keys, &values].map(of_path);
                let pages: Vec<u32> = (0..path.len().div_ceil(PAGE) as u32).collect();
                let mut alone = kernels.kv(self.kv_heads, self.head_dim, pages.len()).unwrap();
                let mut parts = Vec::new();
                for first in (0..path.len()).step_by(piece) {
                    let n = piece.min(path.len() - first);
                    let part = |all: &Tensor| all.narrow(0, first, n).unwrap();
                    parts.push(self.piece(&kernels, &mut alone, first, &pages, [&q, &keys, &values].map(part)));
                }
                let alone = Tensor::cat(&parts, 0).unwrap();
                for (at, &row) in path.iter().enumerate() {
                    let bits = |all: &Tensor, row: usize| -> Vec<u32> {
                        flat(&all.narrow(0, row, 1).unwrap().to_dtype(DType::F32).unwrap())
                            .iter()
                            .map(|x| x.to_bits())
                            .collect()
                    };
                    assert_eq!(bits(&together, row), bits(&alone, at), "{kernels:?} row {row}");
                }
            }
        }
    }

    /// Some neighbouring rows of a path that is alone in its store.
    fn piece(
        &self,
        kernels: &Kernels,
        kv: &mut KvLayer,
        position: usize,
        pages: &[u32],
        [q, keys, values]: [Tensor; 3],
    ) -> Tensor {
        let segment = Segment {
            rows: 0..q.dim(0).unwrap(),
            position,
            pages: pages.into(),
            copied: None,
        };
        let plan = kernels.plan(vec![segment], self.window).unwrap();
        kernels.keep(kv, &plan, &keys, None, &values).unwrap();
        kernels.attend(kv, &q, &plan, self.rule()).unwrap()
    }
}

pub(super) fn scene(
    strands: Vec<StrandSketch>,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    window: Option<AttentionWindow>,
) -> AttentionScene {
    AttentionScene {
        strands,
        heads,
        kv_heads,
        head_dim,
        window,
    }
}

/// No window, or one of a size among these.
#[cfg(test)]
pub(super) fn windows(sizes: std::ops::Range<usize>) -> impl Strategy<Value = Option<AttentionWindow>> {
    let kinds = prop::sample::select(vec![
        AttentionWindow::Sliding as fn(usize) -> AttentionWindow,
        AttentionWindow::Chunk,
    ]);
    prop::option::of((kinds, sizes).prop_map(|(kind, size)| kind(size)))
}

/// `n` strands below the first, which is `shared` long.
pub(super) fn below(shared: usize, strands: &[(usize, usize)]) -> Vec<StrandSketch> {
    let below = strands.iter().map(|&(after, rows)| (Some(0), after.min(shared), rows));
    std::iter::once((None, 0, shared)).chain(below).collect()
}
