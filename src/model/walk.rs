//! Passes through the layers, layer by layer: each layer's keys and values are there while it is computed.

use super::{
    LoadError, ModelError,
    decoder::Decoder,
    kernels::KvLayer,
    pass::Pass,
    read_ahead::{LayerReading, each_layer},
};
use candle_core::Tensor;
use rayon::prelude::*;

/// Where the keys and values of a walk lie.
pub(super) enum Stores<'a> {
    /// Layers use those of `work` that [`Decoder::store_of`] says, one after the other. Of each, `pages` (there, in the layer's own store) are kept in `kept`,
    /// which has a store for each layer, or none.
    OneByOne {
        work: &'a mut [KvLayer],
        kept: &'a mut [KvLayer],
        pages: &'a [(usize, usize)],
    },
    /// Each layer has its own.
    Each(&'a mut [KvLayer]),
}

/// Takes `passes` through all layers of `decoder`. Returns for each the normed hidden states of the rows that it wants,
/// `(wanted, hidden)`; nothing where it wants none.
///
/// A row's results depend on its own path only: how rows are cut into passes, and what else is in them, shows in no bit.
pub(super) fn walk(
    decoder: &Decoder,
    passes: &[Pass],
    stores: &mut Stores<'_>,
) -> Result<Vec<Option<Tensor>>, ModelError> {
    let mut hidden: Vec<Option<Tensor>> = if decoder.is_resident() {
        let embed = |pass| decoder.embed(pass).map(Some);
        passes.iter().map(embed).collect::<Result<_, LoadError>>()?
    } else {
        // Rows are read one by one.
        let embed = |pass| {
            let rows = decoder.embed(pass)?;
            let handed = decoder.kernels().hand_over();
            handed
                .map(|()| Some(rows))
                .map_err(LoadError::tensor("model.embed_tokens"))
        };
        passes.par_iter().map(embed).collect::<Result<_, LoadError>>()?
    };
    let reading = match stores {
        Stores::OneByOne { .. } => LayerReading::Ahead,
        // A token of each text.
        Stores::Each(_) => LayerReading::InTurn,
    };
    each_layer(decoder, reading, |number, layer| -> Result<(), ModelError> {
        let kv: &mut KvLayer = match stores {
            Stores::OneByOne { work, .. } => &mut work[decoder.store_of(number)],
            Stores::Each(layers) => &mut layers[number],
        };
        for (pass, hidden) in passes.iter().zip(&mut hidden) {
            if let Some(x) = hidden.take() {
                *hidden = decoder.layer((number, layer), &x, pass, kv)?;
            }
        }
        if let Stores::OneByOne { work, kept, pages } = stores
            && let Some(kept) = kept.get_mut(number)
        {
            kept.copy_from(&work[decoder.store_of(number)], pages)?;
        }
        Ok(())
    })?;
    let finish = |hidden: Option<Tensor>| hidden.map(|x| decoder.finish(&x)).transpose();
    Ok(hidden.into_iter().map(finish).collect::<Result<_, _>>()?)
}
