//! Attention over the token tree out of candle's operations.
//!
//! CpuRows are taken in pieces; a piece is one dense attention over all slots that any of its rows sees, with a mask.

use super::{
    Kernels,
    kv::{KvBuffers, KvStore},
    plan::{AttentionPlan, Masked},
    segment::{Segment, SlotSpan},
};
#[cfg(target_arch = "x86_64")]
use super::{avx512, rows::CpuRows};
use candle_core::{DType, Device, Result, Tensor, bail};

/// Most numbers a mask may have; attention's temporaries are as large times the number of heads.
const MASK_LIMIT: usize = 1 << 20;
/// Likewise on a GPU, where few large operations are what counts.
const MASK_LIMIT_GPU: usize = 1 << 23;

impl Kernels {
    /// Checks and prepares what the rows of a pass see. With a `window` a row sees at most that many keys of its
    /// path, itself included.
    pub fn plan(&self, segments: &[Segment], window: Option<usize>) -> Result<AttentionPlan> {
        AttentionPlan::new(segments, window)
    }

    /// Attention of `queries`, `(rows, heads, head_dim)` or `(rows, heads × head_dim)`, to the keys and values that
    /// `plan` shows them: softmax of `scale` times the products, in f32. The rows' own keys must have been written.
    /// Returns `(rows, heads × head_dim)` in the activation dtype.
    pub fn attend(
        &self,
        kv: &KvStore,
        layer: usize,
        queries: &Tensor,
        plan: &AttentionPlan,
        scale: f32,
    ) -> Result<Tensor> {
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
        if layer >= shape.layers || plan.slots > shape.capacity {
            bail!(
                "the plan sees slot {} of layer {layer}: the store is {shape:?}",
                plan.slots
            );
        }
        match &kv.held {
            KvBuffers::Tensors(layers) => {
                let (keys, values) = &layers[layer];
                let heads = width / shape.head_dim.max(1);
                let queries = queries.reshape((plan.rows, heads, shape.head_dim))?;
                attend_portable(&queries, keys, values, plan, scale)?.to_dtype(self.activation_dtype())
            }
            #[cfg(target_arch = "x86_64")]
            KvBuffers::Blocks(blocks) => {
                let queries = CpuRows::of(queries)?;
                let out = avx512::attend::attend(blocks, layer, queries.lock().view()?, plan, scale)?;
                Tensor::from_vec(out, (plan.rows, width), &Device::Cpu)
            }
        }
    }
}

/// Attention of `queries`, `(rows, heads, head_dim)`. Returns `(rows, heads × head_dim)`, f32.
fn attend_portable(
    queries: &Tensor,
    keys: &Tensor,
    values: &Tensor,
    plan: &AttentionPlan,
    scale: f32,
) -> Result<Tensor> {
    let (rows, heads, head_dim) = queries.dims3()?;
    let kv_heads = keys.dim(1)?;
    let group = heads / kv_heads;
    if rows == 0 {
        return Tensor::zeros((0, heads * head_dim), DType::F32, queries.device());
    }
    let mut pieces = Vec::new();
    for Masked { rows, slots, mask } in masks(plan, queries.device())? {
        let (n, seen) = (rows.len(), slots.dim(0)?);
        // (kv_heads, group × n, head_dim): query heads of one key head are its neighbours.
        let q = (queries.narrow(0, rows.start, n)?.to_dtype(DType::F32)? * f64::from(scale))?
            .reshape((n, kv_heads, group, head_dim))?
            .permute((1, 2, 0, 3))?
            .contiguous()?
            .reshape((kv_heads, group * n, head_dim))?;
        let gather = |held: &Tensor| {
            held.index_select(&slots, 0)?
                .to_dtype(DType::F32)?
                .transpose(0, 1)?
                .contiguous()
        };
        let scores = q.matmul(&gather(keys)?.transpose(1, 2)?)?;
        let scores = scores.reshape((kv_heads, group, n, seen))?.broadcast_add(&mask)?;
        let weights = candle_nn::ops::softmax_last_dim(&scores)?.reshape((kv_heads, group * n, seen))?;
        let out = weights
            .matmul(&gather(values)?)?
            .reshape((kv_heads, group, n, head_dim))?;
        pieces.push(
            out.permute((2, 0, 1, 3))?
                .contiguous()?
                .reshape((n, heads * head_dim))?,
        );
    }
    Tensor::cat(&pieces, 0)
}

/// The plan's masks, made at the first call. Tensors are cheap to clone.
fn masks(plan: &AttentionPlan, device: &Device) -> Result<Vec<Masked>> {
    let mut made = match plan.masks.lock() {
        Ok(made) => made,
        Err(poisoned) => poisoned.into_inner(),
    };
    if let Some(masks) = made.as_ref() {
        return Ok(masks.clone());
    }
    let limit = if device.is_cpu() { MASK_LIMIT } else { MASK_LIMIT_GPU };
    let mut masks = Vec::new();
    let mut piece: Vec<Segment> = Vec::new();
    let (mut rows, mut keys) = (0, 0);
    for segment in plan.segments.iter().flat_map(|segment| cut(segment, limit)) {
        let (more_rows, more_keys) = (segment.rows.len(), segment.rows.len() + segment.depth());
        // An upper bound: ancestors that segments share are counted once only where the first one has them all.
        let joint = if piece.first().is_some_and(|first| first.ancestors == segment.ancestors) {
            keys + more_rows
        } else {
            keys + more_keys
        };
        if !piece.is_empty() && (rows + more_rows) * joint > limit {
            masks.push(mask(&piece, plan.window, device)?);
            piece.clear();
            rows = 0;
        }
        keys = if piece.is_empty() { more_keys } else { joint };
        rows += more_rows;
        piece.push(segment);
    }
    if !piece.is_empty() {
        masks.push(mask(&piece, plan.window, device)?);
    }
    *made = Some(masks.clone());
    Ok(masks)
}

/// Cuts a segment into shorter ones whose own masks stay below `limit` numbers.
fn cut(segment: &Segment, limit: usize) -> Vec<Segment> {
    let most_rows = (limit / (segment.depth() + segment.rows.len()).max(1)).max(1);
    let mut cuts = Vec::new();
    let mut ancestors = segment.ancestors.clone();
    let (mut own, mut own_rows, mut start) = (Vec::new(), 0, segment.rows.start);
    for span in &segment.own {
        let mut rest = *span;
        while rest.len > 0 {
            let len = rest.len.min(most_rows - own_rows);
            own.push(SlotSpan { slot: rest.slot, len });
            own_rows += len;
            rest = SlotSpan {
                slot: rest.slot + len,
                len: rest.len - len,
            };
            if own_rows == most_rows {
                cuts.push(Segment {
                    rows: start..start + own_rows,
                    ancestors: ancestors.clone(),
                    own: own.clone(),
                });
                start += own_rows;
                own_rows = 0;
                ancestors.append(&mut own);
            }
        }
    }
    if own_rows > 0 {
        cuts.push(Segment {
            rows: start..start + own_rows,
            ancestors,
            own,
        });
    }
    cuts
}

/// One piece's slots (the union of what its rows see, ascending) and mask.
fn mask(piece: &[Segment], window: Option<usize>, device: &Device) -> Result<Masked> {
    let mut slots: Vec<u32> = Vec::new();
    for span in piece
        .iter()
        .flat_map(|segment| segment.ancestors.iter().chain(&segment.own))
    {
        slots.extend((span.slot..span.end()).map(|slot| slot as u32));
    }
    slots.sort_unstable();
    slots.dedup();
    let first = piece.first().map_or(0, |segment| segment.rows.start);
    let last = piece.last().map_or(0, |segment| segment.rows.end);
    let mut mask = vec![f32::NEG_INFINITY; (last - first) * slots.len()];
    for segment in piece {
        let depth = segment.depth();
        let mut position = 0;
        for span in segment.ancestors.iter().chain(&segment.own) {
            let column = slots.partition_point(|&slot| (slot as usize) < span.slot);
            for (i, row) in segment.rows.clone().enumerate() {
                let seen_to = depth + i + 1;
                let seen_from = window.map_or(0, |window| seen_to.saturating_sub(window));
                let from = seen_from.clamp(position, position + span.len) - position;
                let to = seen_to.clamp(position, position + span.len) - position;
                let at = (row - first) * slots.len() + column;
                mask[at + from.min(to)..at + to].fill(0.);
            }
            position += span.len;
        }
    }
    let shape = (last - first, slots.len());
    Ok(Masked {
        rows: first..last,
        slots: Tensor::new(slots, device)?,
        mask: Tensor::from_vec(mask, shape, device)?,
    })
}
