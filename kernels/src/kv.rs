//! Keys and values of one layer, in pages.

use super::{
    AttentionPlan, Kernels, Rotation,
    cuda::per_row::{TurnedRows, copy_slots, turn},
    packed,
    rows::{CpuRows, some},
    segment::{PAGE, Segment},
    shape::KvShape,
};
use candle_core::{Result, Tensor, bail};

/// Keys and values of one layer, by page and lane. Which token lies where is the forest's business.
///
/// A lane's numbers must be finite even when nobody sees them any more (hidden keys are weighed by zero), so a decoder
/// whose keys overflow spoils it; [`Kernels::kv`] makes a clean one.
#[derive(Debug)]
pub struct KvLayer {
    pub(super) shape: KvShape,
    pub(super) held: KvBuffers,
}

/// How keys and values are held.
#[derive(Debug)]
pub(super) enum KvBuffers {
    /// Keys and values, each `(pages × PAGE, kv_heads, head_dim)`.
    Tensors(Tensor, Tensor),
    /// Packed.
    Pages(packed::pages::KvPages),
}

impl Kernels {
    /// Room for `pages` pages of one layer.
    pub fn kv(&self, kv_heads: usize, head_dim: usize, pages: usize) -> Result<KvLayer> {
        some(pages, "pages of keys and values")?;
        let shape = KvShape {
            kv_heads,
            head_dim,
            pages,
            dtype: self.dtype,
        };
        if let Some(machine) = self.machine {
            let held = KvBuffers::Pages(packed::pages::KvPages::new(machine, shape));
            return Ok(KvLayer { shape, held });
        }
        let tensor = || Tensor::zeros((pages * PAGE, kv_heads, head_dim), self.dtype, &self.device);
        let held = KvBuffers::Tensors(tensor()?, tensor()?);
        Ok(KvLayer { shape, held })
    }

    /// Puts keys, turned where a rotation is given, and values of a pass's rows, each `(rows, kv_heads, head_dim)` or
    /// `(rows, kv_heads × head_dim)`, where the plan's segments say.
    pub fn keep(
        &self,
        kv: &mut KvLayer,
        plan: &AttentionPlan,
        keys: &Tensor,
        rotation: Option<&Rotation<'_>>,
        values: &Tensor,
    ) -> Result<()> {
        let head_dim = kv.shape.head_dim;
        let eights = (kv.shape.kv_heads * head_dim).is_multiple_of(8) && head_dim.is_multiple_of(2);
        let KvBuffers::Tensors(held_keys, held_values) = &kv.held else {
            return kv.write_turned(self, plan, keys, rotation, values);
        };
        if !self.launches || !eights {
            return kv.write_turned(self, plan, keys, rotation, values);
        }
        kv.check(plan.segments(), keys, values)?;
        if let Some(rotation) = rotation {
            rotation.check(keys)?;
        }
        let slots = plan.slots(&self.device)?;
        for (held, new, rotation) in [(held_keys, keys, rotation), (held_values, values, None)] {
            turn(
                new,
                rotation,
                head_dim,
                &TurnedRows::Slots(held, &slots.slots),
                self.dtype,
            )?;
            if let Some(copies) = &slots.copies {
                copy_slots(held, copies)?;
            }
        }
        Ok(())
    }

    /// Memory of one page of one layer, in bytes.
    pub fn page_bytes(&self, kv_heads: usize, head_dim: usize) -> usize {
        if let Some(machine) = self.machine {
            return packed::pages::page_bytes(machine, kv_heads, head_dim);
        }
        2 * PAGE * kv_heads * head_dim * self.dtype.size_in_bytes()
    }
}

impl KvLayer {
    /// Puts the keys and values of a pass's rows, each `(rows, kv_heads, head_dim)` or `(rows, kv_heads × head_dim)`,
    /// where its segments say, in their order: pages that begin as copies are copied first.
    pub fn write(&mut self, segments: &[Segment], keys: &Tensor, values: &Tensor) -> Result<()> {
        self.check(segments, keys, values)?;
        let KvShape {
            kv_heads,
            head_dim,
            dtype,
            ..
        } = self.shape;
        let rows = keys.dim(0)?;
        match &mut self.held {
            KvBuffers::Tensors(held_keys, held_values) => {
                for (held, new) in [(held_keys, keys), (held_values, values)] {
                    let new = new.reshape((rows, kv_heads, head_dim))?.to_dtype(dtype)?.contiguous()?;
                    for segment in segments {
                        if let Some((from, to)) = segment.copy() {
                            let page = held.narrow(0, from * PAGE, PAGE)?.force_contiguous()?;
                            held.slice_set(&page, 0, to * PAGE)?;
                        }
                        for (row, slot, len) in runs(segment) {
                            held.slice_set(&new.narrow(0, row, len)?.contiguous()?, 0, slot)?;
                        }
                    }
                }
                Ok(())
            }
            KvBuffers::Pages(held) => {
                let (keys, values) = (CpuRows::of(keys)?, CpuRows::of(values)?);
                let (keys, values) = (keys.lock(), values.lock());
                held.write(segments, keys.view()?, values.view()?);
                Ok(())
            }
        }
    }

    /// [`KvLayer::write`] of keys that are turned first.
    fn write_turned(
        &mut self,
        kernels: &Kernels,
        plan: &AttentionPlan,
        keys: &Tensor,
        rotation: Option<&Rotation<'_>>,
        values: &Tensor,
    ) -> Result<()> {
        match rotation {
            Some(rotation) => self.write(plan.segments(), &kernels.turn(keys, rotation)?, values),
            None => self.write(plan.segments(), keys, values),
        }
    }

    /// Refuses what does not fit.
    fn check(&self, segments: &[Segment], keys: &Tensor, values: &Tensor) -> Result<()> {
        let KvShape {
            kv_heads,
            head_dim,
            pages,
            ..
        } = self.shape;
        let rows = segments.last().map_or(0, |segment| segment.rows.end);
        some(rows, "keys and values")?;
        let highest = segments.iter().flat_map(|segment| segment.pages.iter()).max();
        if highest.is_some_and(|&highest| highest as usize >= pages) {
            bail!("page {highest:?} of a layer that has {pages}");
        }
        for tensor in [keys, values] {
            if tensor.elem_count() != rows * kv_heads * head_dim || tensor.dim(0)? != rows {
                bail!(
                    "keys or values {:?} for {rows} rows of {kv_heads} heads of {head_dim}",
                    tensor.dims()
                );
            }
        }
        Ok(())
    }

    /// Copies pages of another layer store of the same sizes: for each pair, page `.0` there to page `.1` here.
    pub fn copy_from(&mut self, other: &Self, pages: &[(usize, usize)]) -> Result<()> {
        let beyond = |&&(from, to): &&(usize, usize)| from >= other.shape.pages || to >= self.shape.pages;
        if let Some(pair) = pages.iter().find(beyond) {
            bail!(
                "pages {pair:?} of layers that have {} and {}",
                other.shape.pages,
                self.shape.pages
            );
        }
        match (&mut self.held, &other.held) {
            (KvBuffers::Tensors(keys, values), KvBuffers::Tensors(from_keys, from_values)) => {
                for (to, from) in [(keys, from_keys), (values, from_values)] {
                    for &(from_page, to_page) in pages {
                        to.slice_set(&from.narrow(0, from_page * PAGE, PAGE)?, 0, to_page * PAGE)?;
                    }
                }
                Ok(())
            }
            (KvBuffers::Pages(held), KvBuffers::Pages(other)) => {
                held.copy_from(other, pages);
                Ok(())
            }
            _ => bail!("keys and values of two layers are held in two ways"),
        }
    }

    /// Number of pages.
    pub fn pages(&self) -> usize {
        self.shape.pages
    }
}

/// A segment's rows in runs of neighbouring slots: first row, first slot, length.
fn runs(segment: &Segment) -> Vec<(usize, usize, usize)> {
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    for (row, position) in segment.rows.clone().zip(segment.position..) {
        let slot = segment.slot(position);
        match runs.last_mut() {
            Some((_, first, len)) if *first + *len == slot => *len += 1,
            _ => runs.push((row, slot, 1)),
        }
    }
    runs
}
