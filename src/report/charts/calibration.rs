//! Confidence against accuracy.

use super::super::svg::{Anchor, Canvas, Mark, Scale};
use super::super::words::percent;
use crate::metrics::Calibration;

const SIZE: f64 = 280.0;

/// A reliability diagram: bins on confidence, their accuracy, and below it how many probes each holds.
pub fn reliability(calibration: &Calibration, series: usize, id: &str, title: &str) -> String {
    let x = Scale {
        domain: (0.0, 1.0),
        range: (36.0, SIZE - 10.0),
    };
    let y = Scale {
        domain: (0.0, 1.0),
        range: (SIZE - 40.0, 10.0),
    };
    let mut canvas = Canvas::new(SIZE, SIZE);
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        canvas.line((x.range.0, y.at(tick)), (x.range.1, y.at(tick)), "grid");
        canvas.text(
            (30.0, y.at(tick) + 4.0),
            Anchor::End,
            "m tick",
            &format!("{:.0}", 100.0 * tick),
        );
        canvas.text(
            (x.at(tick), SIZE - 23.0),
            Anchor::Middle,
            "m tick",
            &format!("{:.0}", 100.0 * tick),
        );
    }
    canvas.text(
        ((x.range.0 + x.range.1) / 2.0, SIZE - 6.0),
        Anchor::Middle,
        "m tick",
        "confidence, %",
    );
    canvas.line((x.at(0.0), y.at(0.0)), (x.at(1.0), y.at(1.0)), "ref");
    let most = calibration.bins.iter().map(|bin| bin.probes).max().unwrap_or(1) as f64;
    let mark = Mark::Series(series);
    for bin in &calibration.bins {
        let height = 46.0 * bin.probes as f64 / most;
        let left = x.at(bin.low) + 1.0;
        let size = (x.at(bin.high) - x.at(bin.low) - 2.0, height);
        canvas.rectangle((left, y.at(0.0) - height), size, "count", None);
    }
    let line: Vec<(f64, f64)> = calibration
        .bins
        .iter()
        .map(|bin| (x.at(bin.confidence), y.at(bin.accuracy)))
        .collect();
    canvas.path(&line, &format!("curve {}", mark.class()));
    for (bin, place) in calibration.bins.iter().zip(&line) {
        // Twice the binomial standard error: how far a bin this small strays by chance.
        let stray = 1.96 * (bin.accuracy * (1.0 - bin.accuracy) / bin.probes.max(1) as f64).sqrt();
        let ends = (
            (place.0, y.at(bin.accuracy - stray)),
            (place.0, y.at(bin.accuracy + stray)),
        );
        canvas.line(ends.0, ends.1, &format!("interval {}", mark.class()));
        let about = format!(
            "{} probes, confidence {} %, accuracy {} %",
            bin.probes,
            percent(Some(bin.confidence)),
            percent(Some(bin.accuracy))
        );
        canvas.mark(mark, *place, &about);
    }
    let bins: Vec<String> = calibration
        .bins
        .iter()
        .map(|b| {
            let (confidence, accuracy) = (percent(Some(b.confidence)), percent(Some(b.accuracy)));
            format!("confidence {confidence} %, accuracy {accuracy} %, {} probes", b.probes)
        })
        .collect();
    canvas.finish(id, title, &bins.join("; "))
}
