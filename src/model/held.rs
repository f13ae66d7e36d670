//! Weights held in memory as their files have them.

use super::{LoadError, ModelConfig, Weight, WeightSource, checkpoint::for_each_tensor};
use rayon::prelude::*;
use std::collections::HashMap;

/// Tensors held in memory as they were read: quantised ones as their blocks.
pub(super) struct HeldWeights(HashMap<String, Weight>);

impl HeldWeights {
    /// Reads all tensors that `config` calls for.
    ///
    /// # Errors
    /// What `source` says of one of them.
    pub fn read(config: &ModelConfig, source: &dyn WeightSource) -> Result<Self, LoadError> {
        let mut wanted: Vec<(String, Vec<usize>)> = Vec::new();
        for_each_tensor(config, |name, shape| wanted.push((name.to_owned(), shape.to_vec())));
        let read = |(name, shape): (String, Vec<usize>)| {
            let weight = source.get(&name, &shape)?;
            Ok((name, weight))
        };
        wanted
            .into_par_iter()
            .map(read)
            .collect::<Result<_, LoadError>>()
            .map(Self)
    }

    /// Memory that they take.
    pub fn bytes(&self) -> u64 {
        self.0.values().map(Weight::bytes).sum()
    }
}

impl WeightSource for HeldWeights {
    fn get(&self, name: &str, _: &[usize]) -> Result<Weight, LoadError> {
        let unread = || LoadError::tensor(name)(candle_core::Error::Msg("was not read".to_owned()));
        self.0.get(name).cloned().ok_or_else(unread)
    }
}
