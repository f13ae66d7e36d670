//! Rows on their way through the layers, and what they see there.

use candle_core::Tensor;

use super::{
    ModelConfig, TokenId,
    design::{AttentionWindow, RopeClass},
    kernels::{Kernels, Segment},
    layer::PassView,
    rope::Rope,
    stage::Stage,
};

/// Rows that go through the layers together: what all layers need of them.
#[derive(Debug)]
pub struct Pass {
    pub(super) tokens: Vec<TokenId>,
    /// For each stage what rows see, and how they are turned, in layers without a window and in those with one, as far as
    /// it has any.
    pub(super) views: Vec<[Option<PassView>; 2]>,
    /// Rows whose hidden states are wanted, ascending.
    pub(super) wanted: Vec<usize>,
}

/// Rows whose view is to be prepared.
pub(super) struct SeenRows<'a> {
    /// Where they stand.
    pub segments: &'a [Segment],
    /// Those that go on after the last layer of the stage, ascending, where not all do.
    pub wanted: &'a [usize],
    /// Of what class their texts are.
    pub class: RopeClass,
}

impl SeenRows<'_> {
    /// What they see in a stage's layers without a window and in those with one, as far as it has any.
    pub fn views(
        &self,
        config: &ModelConfig,
        stage: &Stage,
        ropes: &[Rope; 2],
    ) -> candle_core::Result<[Option<PassView>; 2]> {
        let mut views = [None, None];
        for (windowed, view) in views.iter_mut().enumerate() {
            let mut layers = stage.layers.clone();
            if layers.any(|layer| usize::from(config.layer_kind(layer).windowed) == windowed) {
                let window = config.window.filter(|_| windowed == 1);
                let rope = (&ropes[windowed], self.class.long[windowed]);
                *view = Some(self.view(config, &stage.kernels, window, rope)?);
            }
        }
        Ok(views)
    }

    /// What rows see through a window, or without one.
    fn view(
        &self,
        config: &ModelConfig,
        kernels: &Kernels,
        window: Option<AttentionWindow>,
        (rope, long): (&Rope, bool),
    ) -> candle_core::Result<PassView> {
        let positions: Vec<usize> = self
            .segments
            .iter()
            .flat_map(|segment| (segment.position..).take(segment.rows.len()))
            .collect();
        let last = if self.wanted.len() < positions.len() && !self.wanted.is_empty() {
            Some(kernels.plan(only(self.segments, self.wanted), window)?)
        } else {
            None
        };
        let device = kernels.device();
        let keys = rope.tables(&positions, long, |_| 1.0, device)?;
        let growth = config.design.scalars.query_growth;
        let queries = match growth.filter(|growth| growth.turned) {
            Some(growth) => rope.tables(&positions, long, |position| growth.at(position), device)?,
            None => keys.clone(),
        };
        let unturned = growth.filter(|growth| !growth.turned);
        let factors = unturned.map(|growth| positions.iter().map(|&at| growth.at(at)).collect::<Vec<_>>());
        // Of most texts none is.
        let grown = factors.filter(|factors| factors.iter().any(|factor| *factor != 1.0));
        let rows = positions.len();
        Ok(PassView {
            plan: kernels.plan(self.segments.to_vec(), window)?,
            last,
            queries,
            keys,
            growth: grown
                .map(|factors| Tensor::from_vec(factors, (rows, 1), device))
                .transpose()?,
        })
    }
}

/// What the rows `wanted` see, as a pass of their own.
fn only(segments: &[Segment], wanted: &[usize]) -> Vec<Segment> {
    let mut out: Vec<Segment> = Vec::with_capacity(wanted.len());
    let mut before: Option<(usize, usize)> = None;
    for (row, &from) in wanted.iter().enumerate() {
        let at = segments.partition_point(|segment| segment.rows.end <= from);
        let Some(segment) = segments.get(at) else { break };
        match out.last_mut() {
            Some(last) if before.is_some_and(|(of, row)| of == at && row + 1 == from) => last.rows.end = row + 1,
            _ => out.push(Segment {
                rows: row..row + 1,
                position: segment.position + from - segment.rows.start,
                pages: segment.pages.clone(),
                copied: None,
            }),
        }
        before = Some((at, from));
    }
    out
}
