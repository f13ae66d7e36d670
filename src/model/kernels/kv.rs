//! Keys and values of one decoder, in numbered slots.

use super::{Kernels, segment::SlotSpan, shape::KvShape};
#[cfg(target_arch = "x86_64")]
use super::{avx512, rows::CpuRows};
use candle_core::{Result, Tensor, bail};

/// Keys and values of all layers of one decoder. A slot holds one token in every layer; the token tree gives slots
/// out and takes them back.
///
/// A slot's numbers must be finite even when nobody sees them any more (hidden keys are weighed by zero), so a
/// decoder whose keys overflow spoils the store; [`Kernels::kv`] makes a clean one.
#[derive(Debug)]
pub struct KvStore {
    pub(super) shape: KvShape,
    pub(super) held: KvBuffers,
}

/// How keys and values are held.
#[derive(Debug)]
pub(super) enum KvBuffers {
    /// For each layer keys and values, each `(capacity, kv_heads, head_dim)`.
    Tensors(Vec<(Tensor, Tensor)>),
    /// Packed for AVX-512.
    #[cfg(target_arch = "x86_64")]
    Blocks(avx512::blocks::KvBlocks),
}

impl Kernels {
    /// An empty store for `capacity` tokens.
    pub fn kv(&self, layers: usize, kv_heads: usize, head_dim: usize, capacity: usize) -> Result<KvStore> {
        let shape = KvShape {
            layers,
            kv_heads,
            head_dim,
            capacity,
            dtype: self.dtype,
        };
        #[cfg(target_arch = "x86_64")]
        if let Some(machine) = self.avx512 {
            let held = KvBuffers::Blocks(avx512::blocks::KvBlocks::new(machine, shape));
            return Ok(KvStore { shape, held });
        }
        let tensor = || Tensor::zeros((capacity, kv_heads, head_dim), self.dtype, &self.device);
        let tensors = (0..layers).map(|_| Ok((tensor()?, tensor()?)));
        Ok(KvStore {
            shape,
            held: KvBuffers::Tensors(tensors.collect::<Result<_>>()?),
        })
    }
}

impl KvStore {
    /// Puts the keys and values of some tokens, each `(rows, kv_heads, head_dim)` or `(rows, kv_heads × head_dim)`,
    /// into `slots`, in row order.
    pub fn write(&mut self, layer: usize, slots: &[SlotSpan], keys: &Tensor, values: &Tensor) -> Result<()> {
        let KvShape {
            layers,
            kv_heads,
            head_dim,
            capacity,
            dtype,
        } = self.shape;
        let rows: usize = slots.iter().map(|span| span.len).sum();
        let highest = slots.iter().map(SlotSpan::end).fold(0, usize::max);
        if layer >= layers || highest > capacity {
            bail!("slot {highest} of layer {layer}: the store has {capacity} slots in {layers} layers");
        }
        for tensor in [keys, values] {
            if tensor.elem_count() != rows * kv_heads * head_dim || tensor.dim(0)? != rows {
                bail!(
                    "keys or values {:?} for {rows} slots of {kv_heads} heads of {head_dim}",
                    tensor.dims()
                );
            }
        }
        match &mut self.held {
            KvBuffers::Tensors(layers) => {
                let (held_keys, held_values) = &layers[layer];
                for (held, new) in [(held_keys, keys), (held_values, values)] {
                    let new = new.reshape((rows, kv_heads, head_dim))?.to_dtype(dtype)?.contiguous()?;
                    let mut row = 0;
                    for span in slots {
                        held.slice_set(&new.narrow(0, row, span.len)?.contiguous()?, 0, span.slot)?;
                        row += span.len;
                    }
                }
                Ok(())
            }
            #[cfg(target_arch = "x86_64")]
            KvBuffers::Blocks(blocks) => {
                let (keys, values) = (CpuRows::of(keys)?, CpuRows::of(values)?);
                let (keys, values) = (keys.lock(), values.lock());
                blocks.write(layer, slots, keys.view()?, values.view()?);
                Ok(())
            }
        }
    }

    /// Number of slots.
    pub fn capacity(&self) -> usize {
        self.shape.capacity
    }

    /// Memory one slot takes over all layers.
    pub fn bytes_per_slot(&self) -> usize {
        #[cfg(target_arch = "x86_64")]
        if let KvBuffers::Blocks(blocks) = &self.held {
            return blocks.bytes_per_slot();
        }
        let KvShape {
            layers,
            kv_heads,
            head_dim,
            dtype,
            ..
        } = self.shape;
        2 * layers * kv_heads * head_dim * dtype.size_in_bytes()
    }
}
