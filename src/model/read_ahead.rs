//! Layers one after the other: one that is not in place is read and packed while the one before it is at work.

use super::{
    LoadError,
    decoder::Decoder,
    kernels::{Milestone, ReusedPages},
    layer::Layer,
};
use crate::base::waiting::waiting_for;
use std::time::{Duration, Instant};

/// A layer that a GPU has been asked for, and when it has done with it.
struct AskedLayer {
    layer: Layer,
    done: Milestone,
}

impl AskedLayer {
    /// Frees it when the GPU has done with it. To be called by the thread that needs the room: memory is freed in the order of
    /// the calling thread's own stream, and that of the thread that asks is full of later layers' work.
    fn free(self) -> Result<(), LoadError> {
        self.done.wait().map_err(LoadError::tensor("model"))?;
        drop(self.layer);
        Ok(())
    }
}

/// When a layer that is not in place is read and packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LayerReading {
    /// While the one before it is at work.
    Ahead,
    /// When it is needed, so that one is there at a time: for passes that take no time beside reading.
    InTurn,
}

/// Calls `each` with every layer of `decoder` and its number, in order. A layer that is not in place is read and packed as `reading`
/// says.
///
/// # Errors
/// What the source says of a tensor; what `each` returns.
pub(super) fn each_layer<E: From<LoadError>>(
    decoder: &Decoder,
    reading: LayerReading,
    mut each: impl FnMut(usize, &Layer) -> Result<(), E>,
) -> Result<(), E> {
    if let Some(layers) = decoder.placed_layers() {
        let mut layers = layers.iter().enumerate();
        return layers.try_for_each(|(number, layer)| each(number, layer));
    }
    let _reused = ReusedPages::begin();
    decoder.note_read(match reading {
        LayerReading::Ahead => each_read(decoder, each)?,
        LayerReading::InTurn => each_in_turn(decoder, each)?,
    });
    Ok(())
}

/// [`each_layer`] of layers that are not in place, each of which is done before the next one is read. Returns as [`each_read`].
fn each_in_turn<E: From<LoadError>>(
    decoder: &Decoder,
    mut each: impl FnMut(usize, &Layer) -> Result<(), E>,
) -> Result<Duration, E> {
    let layers = decoder.layers();
    let mut took = Duration::ZERO;
    for number in 0..layers {
        let waiting = waiting_for(format!("the weights of layer {} of {layers}", number + 1));
        let begun = Instant::now();
        let (layer, _) = decoder.read_layer(number)?;
        drop(waiting);
        took += begun.elapsed();
        decoder.note_wait(begun.elapsed());
        each(number, &layer)?;
        let (_, kernels) = decoder.stage(number);
        let done = kernels.milestone().map_err(LoadError::tensor("model"))?;
        AskedLayer { layer, done }.free()?;
    }
    Ok(took)
}

/// [`each_layer`] of layers that are not in place. Returns how long all of them took to be read.
///
/// On a CPU `each` returns when a layer is done, on a GPU when it has been asked for: there the next layer is read when the
/// one before that is done. So there are two at any time.
fn each_read<E: From<LoadError>>(
    decoder: &Decoder,
    mut each: impl FnMut(usize, &Layer) -> Result<(), E>,
) -> Result<Duration, E> {
    let layers = decoder.layers();
    let read = |number: usize| -> Result<(Layer, Duration), LoadError> {
        let begun = Instant::now();
        let (layer, _) = decoder.read_layer(number)?;
        Ok((layer, begun.elapsed()))
    };
    let read = &read;
    let mut took = Duration::ZERO;
    std::thread::scope(|scope| {
        let ahead = |number: usize, asked: Option<AskedLayer>| {
            let reading = move || {
                asked.map_or(Ok(()), AskedLayer::free)?;
                read(number)
            };
            (number < layers).then(|| scope.spawn(reading))
        };
        let mut next = ahead(0, None);
        let mut asked: Option<AskedLayer> = None;
        for number in 0..layers {
            let waiting = waiting_for(format!("the weights of layer {} of {layers}", number + 1));
            let waited = Instant::now();
            let (layer, seconds) = match next.take().map(|reading| reading.join()) {
                Some(Ok(layer)) => layer?,
                // It panicked, or was never begun: what is wrong shows again, here.
                Some(Err(_)) | None => read(number)?,
            };
            drop(waiting);
            decoder.note_wait(waited.elapsed());
            took += seconds;
            let (_, kernels) = decoder.stage(number);
            if kernels.device().is_cpu() {
                next = ahead(number + 1, None);
                each(number, &layer)?;
            } else {
                each(number, &layer)?;
                let done = kernels.milestone().map_err(LoadError::tensor("model"))?;
                let before = asked.replace(AskedLayer { layer, done });
                next = ahead(number + 1, before);
            }
        }
        Ok(took)
    })
}
