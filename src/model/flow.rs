//! Passes through layers that are spread over several devices: while one device has a pass, the one before it has the next.

use super::{ModelError, decoder::Decoder, kernels::KvLayer, pass::Pass, stage::Stage};
use candle_core::Tensor;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Passes that wait before a stage, at most: enough that none waits for the one before it, and no more memory than that.
const WAITING: usize = 2;

/// A pass on its way: its number, and its rows' hidden states.
type OnItsWay = (usize, Tensor);

/// Takes `passes` through all layers, each stage at work on its own pass. `stores` has one for each layer; of each, `pages`
/// (there, in the layer's own store) are kept in `kept`, which has a store for each layer, or none. Returns what
/// [`walk`](super::walk::walk) does, bit by bit.
pub(super) fn flow(
    decoder: &Decoder,
    passes: &[Pass],
    stores: &mut [KvLayer],
    (kept, pages): (&mut [KvLayer], &[(usize, usize)]),
) -> Result<Vec<Option<Tensor>>, ModelError> {
    let mut hidden: Vec<Option<Tensor>> = passes.iter().map(|_| None).collect();
    // What passes see was put on the devices by this thread.
    decoder
        .stages()
        .iter()
        .try_for_each(|stage| stage.kernels.hand_over())?;
    std::thread::scope(|scope| {
        let (first, mut waiting) = sync_channel(WAITING);
        let mut at_work = vec![scope.spawn(move || enter(decoder, passes, &first))];
        let mut rest = &mut *stores;
        for stage in decoder.stages() {
            let (own, others) = rest.split_at_mut(stage.layers.len());
            rest = others;
            let (to, next) = sync_channel(WAITING);
            let from = std::mem::replace(&mut waiting, next);
            at_work.push(scope.spawn(move || run(stage, decoder, passes, own, (from, to))));
        }
        let finished = waiting.into_iter().try_for_each(|(number, x)| {
            hidden[number] = Some(decoder.finish(&x)?);
            Ok(())
        });
        let ended = at_work.into_iter().map(|stage| match stage.join() {
            Ok(ended) => ended,
            Err(_) => Err(candle_core::Error::Msg("a stage of layers came to a sudden end".to_owned()).into()),
        });
        ended.chain([finished]).collect::<Result<(), ModelError>>()
    })?;
    for (kept, own) in kept.iter_mut().zip(stores) {
        kept.copy_from(own, pages)?;
    }
    Ok(hidden)
}

/// Sends what passes enter the first layer as.
fn enter(decoder: &Decoder, passes: &[Pass], to: &SyncSender<OnItsWay>) -> Result<(), ModelError> {
    for (number, pass) in passes.iter().enumerate() {
        let x = decoder.embed(pass)?;
        decoder.kernels().hand_over()?;
        if to.send((number, x)).is_err() {
            break;
        }
    }
    Ok(())
}

/// Takes passes through a stage's layers, whose keys and values lie in `stores`, and hands them on. It ends where
/// nobody takes them any more.
fn run(
    stage: &Stage,
    decoder: &Decoder,
    passes: &[Pass],
    stores: &mut [KvLayer],
    (from, to): (Receiver<OnItsWay>, SyncSender<OnItsWay>),
) -> Result<(), ModelError> {
    for (number, x) in from {
        let mut x = Some(x);
        for (layer, kv) in stage.layers.clone().zip(&mut *stores) {
            let Some(entering) = x.take() else { break };
            x = decoder.placed_layer(layer, &entering, &passes[number], kv)?;
        }
        let Some(x) = x else { continue };
        stage.kernels.hand_over()?;
        if to.send((number, x)).is_err() {
            break;
        }
    }
    Ok(())
}
