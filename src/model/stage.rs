//! The devices that a decoder's layers are spread over.

use super::kernels::Kernels;
use std::ops::Range;

/// Layers that one device has.
#[derive(Debug)]
pub(super) struct Stage {
    pub kernels: Kernels,
    pub layers: Range<usize>,
}

impl Stage {
    /// `layers` layers over devices, about as many each, in order. None goes without where there are enough.
    pub fn over(kernels: &[Kernels], layers: usize) -> Vec<Self> {
        let count = kernels.len().max(1);
        let stage = |(number, kernels): (usize, &Kernels)| Self {
            kernels: kernels.clone(),
            layers: layers * number / count..layers * (number + 1) / count,
        };
        kernels.iter().enumerate().map(stage).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::DType;

    #[test]
    fn layers_are_cut_in_order_and_about_evenly() {
        let kernels = Kernels::with(super::super::Backend::Portable, DType::F32).unwrap();
        let cuts = |devices: usize, layers| -> Vec<Range<usize>> {
            let stages = Stage::over(&vec![kernels.clone(); devices], layers);
            stages.into_iter().map(|stage| stage.layers).collect()
        };
        assert_eq!(cuts(1, 5), vec![0..5; 1]);
        assert_eq!(cuts(3, 8), [0..2, 2..5, 5..8]);
        assert_eq!(cuts(2, 2), [0..1, 1..2]);
    }
}
