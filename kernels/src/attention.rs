//! Attention over pages, out of candle's operations.
//!
//! Rows are taken in pieces; a piece is one dense attention over all slots that any of its rows sees, with a mask.

use super::{
    Kernels,
    cuda::attend,
    kv::{KvBuffers, KvLayer},
    packed,
    plan::{AttentionPlan, Masked},
    rows::{CpuRows, some},
    rule::ScoreRule,
    segment::Segment,
    window::{AttentionWindow, seen},
};
use crate::pick::pick_by;
use candle_core::{DType, Device, Result, Tensor, bail};
use std::collections::BTreeMap;

/// Most scores that are held at a time, those of all heads together.
const SCORES: usize = 1 << 25;
/// Likewise on a GPU, where few large operations are what counts: 512 MiB.
const SCORES_GPU: usize = 1 << 27;

/// Most scores that are held at a time.
pub(super) fn most_scores(device: &Device) -> usize {
    if device.is_cpu() { SCORES } else { SCORES_GPU }
}

impl Kernels {
    /// Checks and prepares what the rows of a pass see. With a `window` a row sees no more of its path
    /// than that.
    pub fn plan(&self, segments: Vec<Segment>, window: Option<AttentionWindow>) -> Result<AttentionPlan> {
        AttentionPlan::new(segments, window)
    }

    /// Attention of `queries`, `(rows, heads, head_dim)` or `(rows, heads × head_dim)`, to the keys and values that
    /// `plan` shows them: softmax of the products by `rule` (a number alone is its
    /// scale), in f32. The rows' own keys must have been written.
    /// Returns `(rows, heads × head_dim)` in the activation dtype.
    pub fn attend<'a>(
        &self,
        kv: &KvLayer,
        queries: &Tensor,
        plan: &AttentionPlan,
        rule: impl Into<ScoreRule<'a>>,
    ) -> Result<Tensor> {
        let rule = rule.into();
        let shape = kv.shape;
        let width: usize = queries.dims().iter().skip(1).product();
        let group = shape.kv_heads * shape.head_dim;
        if queries.dim(0)? != plan.rows || !width.is_multiple_of(group.max(1)) {
            bail!(
                "queries {:?} for {} planned rows and {} key heads of {}",
                queries.dims(),
                plan.rows,
                shape.kv_heads,
                shape.head_dim
            );
        }
        some(plan.rows, "queries")?;
        if let Some(sinks) = rule.sinks
            && sinks.len() * shape.head_dim != width
        {
            bail!(
                "{} sinks for queries {:?} in heads of {}",
                sinks.len(),
                queries.dims(),
                shape.head_dim
            );
        }
        if plan.pages > shape.pages {
            bail!("the plan sees {} pages: the layer is {shape:?}", plan.pages);
        }
        match &kv.held {
            KvBuffers::Tensors(keys, values) => {
                let heads = width / shape.head_dim.max(1);
                if self.launches && attend::fits(shape.head_dim, heads / shape.kv_heads) {
                    let tree = plan.tree(heads / shape.kv_heads, queries.device())?;
                    return attend::attend(queries, (keys, values), shape, &tree, rule, plan.window);
                }
                let queries = queries.reshape((plan.rows, heads, shape.head_dim))?;
                attend_candle(&queries, keys, values, plan, rule)?.to_dtype(self.activation_dtype())
            }
            KvBuffers::Pages(pages) => {
                let queries = CpuRows::of(queries)?;
                let out = packed::attend::attend(pages, queries.lock().view()?, plan, rule);
                Tensor::from_vec(out, (plan.rows, width), &Device::Cpu)
            }
        }
    }
}

/// Attention of `queries`, `(rows, heads, head_dim)`. Returns `(rows, heads × head_dim)`, f32.
fn attend_candle(
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    plan: &AttentionPlan,
    rule: ScoreRule<'_>,
) -> Result<Tensor> {
    let (_, heads, head_dim) = queries.dims3()?;
    let kv_heads = keys.dim(1)?;
    let group = heads / kv_heads;
    let mut pieces = Vec::new();
    // What is multiplied in TF32 should be exact in it: queries stay as they are unless a power of two scales them.
    let (before, after) = match rule.scale.log2().fract() == 0. {
        true => (rule.scale, 1.),
        false => (1., rule.scale),
    };
    for Masked { rows, slots, mask } in masks(plan, queries.device(), heads)? {
        let (n, seen) = (rows.len(), slots.dim(0)?);
        // (kv_heads, group × n, head_dim): query heads of one key head are its neighbours.
        let q = (queries.narrow(0, rows.start, n)?.to_dtype(DType::F32)? * f64::from(before))?
            .reshape((n, kv_heads, group, head_dim))?
            .permute((1, 2, 0, 3))?
            .contiguous()?
            .reshape((kv_heads, group * n, head_dim))?;
        let gather = |held: &Tensor| {
            pick_by(held, &slots)?
                .to_dtype(DType::F32)?
                .transpose(0, 1)?
                .contiguous()
        };
        // Assigned anew, so that no more than two tensors of this size are held at any time.
        let mut scores = q
            .matmul(&gather(keys)?.transpose(1, 2)?)?
            .reshape((kv_heads, group, n, seen))?;
        if after != 1. {
            scores = (scores * f64::from(after))?;
        }
        if let Some(cap) = rule.cap {
            scores = ((scores / f64::from(cap))?.tanh()? * f64::from(cap))?;
        }
        scores = scores.broadcast_add(&mask)?;
        let (weights, total) = weights(scores, rule.sinks)?;
        let mut out = weights
            .reshape((kv_heads, group * n, seen))?
            .matmul(&gather(values)?)?
            .reshape((kv_heads, group, n, head_dim))?;
        if let Some(total) = total {
            out = out.broadcast_div(&total)?;
        }
        pieces.push(
            out.permute((2, 0, 1, 3))?
                .contiguous()?
                .reshape((n, heads * head_dim))?,
        );
    }
    Tensor::cat(&pieces, 0)
}

/// The weights of values by `scores`, `(key heads, query heads of each, rows, seen)`, and the sum that what they come to is to be
/// divided by, unless it is 1: with sinks it is more than the weights'. Holds no more than two tensors of this size.
fn weights(mut scores: Tensor, sinks: Option<&[f32]>) -> Result<(Tensor, Option<Tensor>)> {
    let Some(sinks) = sinks else {
        return Ok((candle_nn::ops::softmax_last_dim(&scores)?, None));
    };
    let (kv_heads, group, ..) = scores.dims4()?;
    let sinks = Tensor::new(sinks, scores.device())?.reshape((kv_heads, group, 1, 1))?;
    let greatest = scores.max_keepdim(3)?.broadcast_maximum(&sinks)?;
    scores = scores.broadcast_sub(&greatest)?;
    scores = scores.exp()?;
    let total = (scores.sum_keepdim(3)? + sinks.broadcast_sub(&greatest)?.exp()?)?;
    Ok((scores, Some(total)))
}

/// The plan's masks, made at the first call. Tensors are cheap to clone.
fn masks(plan: &AttentionPlan, device: &Device, heads: usize) -> Result<Vec<Masked>> {
    let mut made = match plan.masks.lock() {
        Ok(made) => made,
        Err(poisoned) => poisoned.into_inner(),
    };
    if let Some(masks) = made.as_ref() {
        return Ok(masks.clone());
    }
    // Most numbers of one mask.
    let limit = most_scores(device) / heads.max(1);
    let mut masks = Vec::new();
    let mut piece: Vec<Segment> = Vec::new();
    let (mut rows, mut keys) = (0, 0);
    for segment in plan.segments.iter().flat_map(|segment| cut(segment, limit)) {
        // An upper bound: pages that segments share are counted once only where they have all but the last in common.
        let joint = if piece.first().is_some_and(|first| alike(first, &segment)) {
            keys + segment.rows.len() + super::PAGE
        } else {
            keys + segment.end()
        };
        if !piece.is_empty() && (rows + segment.rows.len()) * joint > limit {
            masks.push(mask(&piece, plan.window, device)?);
            piece.clear();
            rows = 0;
        }
        keys = if piece.is_empty() { segment.end() } else { joint };
        rows += segment.rows.len();
        piece.push(segment);
    }
    if !piece.is_empty() {
        masks.push(mask(&piece, plan.window, device)?);
    }
    *made = Some(masks.clone());
    Ok(masks)
}

/// Whether two segments have all whole pages before their rows in common.
fn alike(a: &Segment, b: &Segment) -> bool {
    let before = |segment: &Segment| segment.position / super::PAGE;
    before(a) == before(b) && a.pages[..before(a)] == b.pages[..before(b)]
}

/// Cuts a segment into shorter ones whose own masks stay below `limit` numbers.
fn cut(segment: &Segment, limit: usize) -> Vec<Segment> {
    let most = (limit / segment.end().max(1)).max(1);
    let rows = segment.rows.clone();
    let part = |start: usize| Segment {
        rows: start..rows.end.min(start + most),
        position: segment.position + start - rows.start,
        ..segment.clone()
    };
    rows.clone().step_by(most).map(part).collect()
}

/// One piece's slots (the union of what its rows see, ascending) and mask.
fn mask(piece: &[Segment], window: Option<AttentionWindow>, device: &Device) -> Result<Masked> {
    let mut columns: BTreeMap<usize, usize> = BTreeMap::new();
    for segment in piece {
        let from = seen(segment.position, window).start;
        columns.extend((from..segment.end()).map(|position| (segment.slot(position), 0)));
    }
    for (number, column) in columns.values_mut().enumerate() {
        *column = number;
    }
    let first = piece.first().map_or(0, |segment| segment.rows.start);
    let last = piece.last().map_or(0, |segment| segment.rows.end);
    let mut mask = vec![f32::NEG_INFINITY; (last - first) * columns.len()];
    for segment in piece {
        let from = seen(segment.position, window).start;
        let path: Vec<usize> = (from..segment.end())
            .map(|position| columns.get(&segment.slot(position)).copied().unwrap_or_default())
            .collect();
        for (row, position) in segment.rows.clone().zip(segment.position..) {
            let seen = seen(position, window);
            let row = &mut mask[(row - first) * columns.len()..][..columns.len()];
            for &column in &path[seen.start - from..seen.end - from] {
                row[column] = 0.;
            }
        }
    }
    let shape = (last - first, columns.len());
    let slots: Vec<u32> = columns.keys().map(|&slot| slot as u32).collect();
    Ok(Masked {
        rows: first..last,
        slots: Tensor::new(slots, device)?,
        mask: Tensor::from_vec(mask, shape, device)?,
    })
}
