//! Attention in tiles of one segment's rows, and where a pass's keys and values are written.

use super::{
    grid::KernelGrid,
    launch::{
        KernelArgument::{Maybe, Real, Tensor as Of, Whole},
        KernelLaunch, of_dtype, whole,
    },
    per_row::gapless,
};
use crate::{AttentionWindow, PAGE, Segment, rule::ScoreRule, shape::KvShape};
use candle_core::{Device, Result, Tensor};
use std::{collections::BTreeMap, sync::Arc};

/// Widths of heads that there are kernels for.
pub(in super::super) const HEAD_DIMS: [usize; 5] = [64, 80, 96, 128, 256];
/// Query rows of a tile; positions of a block of keys; threads; numbers behind each row of shared memory. As in tree.cu.
const TILE: usize = 64;
const KEYS: usize = 64;
const THREADS: u32 = 128;
const PADDING: usize = 8;

/// What a pass's rows see, on the device.
#[derive(Debug)]
pub(in super::super) struct TreePlan {
    /// Query heads of one key head.
    pub group: usize,
    tiles: usize,
    /// Four numbers a tile, then the segments' pages.
    plan: Tensor,
}

/// Where a pass's keys and values are written, on the device.
#[derive(Debug)]
pub(in super::super) struct SlotPlan {
    /// `(rows)`, u32: each row's slot.
    pub slots: Tensor,
    /// `(copies, 2)`, u32: slots that are copied behind the rows' write, from where and to where.
    pub copies: Option<Tensor>,
}

/// Whether there is a kernel for heads of this width, so many of them to a key head.
pub(in super::super) fn fits(head_dim: usize, group: usize) -> bool {
    HEAD_DIMS.contains(&head_dim) && (1..=TILE).contains(&group)
}

impl TreePlan {
    /// The rows of `segments` in tiles, those that see most first.
    pub fn new(segments: &[Segment], group: usize, device: &Device) -> Result<Self> {
        let tokens = (TILE / group).max(1);
        let (mut tiles, mut pages) = (Vec::new(), Vec::new());
        for segment in segments {
            let place = pages.len();
            let held = segment.end().div_ceil(PAGE);
            pages.extend_from_slice(&segment.pages[..held]);
            for first in segment.rows.clone().step_by(tokens) {
                let position = segment.position + first - segment.rows.start;
                tiles.push([first, tokens.min(segment.rows.end - first), position, place]);
            }
        }
        // The longest of them should not be the last to begin.
        tiles.sort_by_key(|&[_, tokens, position, _]| std::cmp::Reverse(position + tokens));
        let head = 4 * tiles.len();
        let mut plan = Vec::with_capacity(head + pages.len());
        for &[row, tokens, position, place] in &tiles {
            for number in [row, tokens, position, head + place] {
                plan.push(whole(number)?);
            }
        }
        plan.extend(pages);
        Ok(Self {
            group,
            tiles: tiles.len(),
            plan: Tensor::new(plan, device)?,
        })
    }
}

impl SlotPlan {
    /// Where the rows of `segments` are written.
    pub fn new(segments: &[Segment], device: &Device) -> Result<Self> {
        let mut slots = Vec::new();
        // Of a slot that begins as a copy, what it is a copy of, and that is none: all copies can be made at once.
        let mut copies = BTreeMap::new();
        for segment in segments {
            if let Some((from, to)) = segment.copy() {
                for lane in 0..segment.position % PAGE {
                    let from = whole(from * PAGE + lane)?;
                    let origin = copies.get(&from).copied().unwrap_or(from);
                    copies.insert(whole(to * PAGE + lane)?, origin);
                }
            }
            for position in segment.position..segment.end() {
                slots.push(whole(segment.slot(position))?);
            }
        }
        let pairs: Vec<u32> = copies.into_iter().flat_map(|(to, from)| [from, to]).collect();
        let copies = match pairs.len() / 2 {
            0 => None,
            count => Some(Tensor::from_vec(pairs, (count, 2), device)?),
        };
        Ok(Self {
            slots: Tensor::new(slots, device)?,
            copies,
        })
    }
}

/// As [`Kernels::attend`](super::super::Kernels::attend): of `queries`, `(rows, heads × head_dim)`, to `held`, keys and
/// values of `shape`.
pub(in super::super) fn attend(
    queries: &Tensor,
    held: (&Tensor, &Tensor),
    shape: KvShape,
    plan: &Arc<TreePlan>,
    rule: ScoreRule<'_>,
    window: Option<AttentionWindow>,
) -> Result<Tensor> {
    let KvShape {
        kv_heads,
        head_dim,
        dtype,
        ..
    } = shape;
    let (rows, width) = (queries.dim(0)?, kv_heads * plan.group * head_dim);
    let queries = gapless(queries, dtype, width)?;
    let sinks = rule
        .sinks
        .map(|sinks| Tensor::new(sinks, queries.device()))
        .transpose()?;
    let launch = KernelLaunch {
        name: format!("{}_{head_dim}", of_dtype("attend", dtype)),
        grid: KernelGrid {
            x: whole(plan.tiles)?,
            y: whole(kv_heads)?,
            threads: THREADS,
            shared: (TILE + 2 * KEYS) * (head_dim + PADDING) * dtype.size_in_bytes(),
        },
        arguments: vec![
            Of(&queries),
            Of(held.0),
            Of(held.1),
            Of(&plan.plan),
            Maybe(sinks.as_ref()),
            Whole(whole(kv_heads * plan.group)?),
            Whole(whole(kv_heads)?),
            Whole(whole(window.map_or(0, AttentionWindow::size))?),
            Whole(u32::from(matches!(window, Some(AttentionWindow::Chunk(_))))),
            Real(rule.scale),
            Real(rule.cap.unwrap_or(0.)),
        ],
    };
    launch.make((rows, width), dtype, queries.device())
}
