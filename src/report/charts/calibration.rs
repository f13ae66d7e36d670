//! Confidence against accuracy.

use super::super::svg::{Anchor, Drawing, Mark, Picture, Scale};
use super::super::words::{people, percent, with_interval};
use crate::metrics::{Bin, Calibration};

const SIZE: f64 = 280.0;

/// A reliability diagram: bins on confidence, their accuracy, and below it how many probes each holds.
pub fn reliability(calibration: &Calibration, series: usize, id: &str, title: &str) -> Drawing {
    let x = Scale {
        domain: (0.0, 1.0),
        range: (36.0, SIZE - 10.0),
    };
    let y = Scale {
        domain: (0.0, 1.0),
        range: (SIZE - 40.0, 10.0),
    };
    let mut canvas = Picture::new(SIZE, SIZE);
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
        .map(|bin| (x.at(bin.confidence), y.at(bin.accuracy.value)))
        .collect();
    canvas.path(&line, &format!("curve {}", mark.class()));
    for (bin, place) in calibration.bins.iter().zip(&line) {
        if let Some((low, high)) = bin.accuracy.ends() {
            let class = format!("interval {}", mark.class());
            canvas.line((place.0, y.at(low)), (place.0, y.at(high)), &class);
        }
        canvas.mark(mark, *place, &about(bin));
    }
    let bins: Vec<String> = calibration.bins.iter().map(about).collect();
    canvas.finish(id, title, &bins.join("; "))
}

/// One bin in words.
fn about(bin: &Bin) -> String {
    format!(
        "confidence {} %, accuracy {} % over {}, {} probes",
        percent(Some(bin.confidence)),
        with_interval(Some(&bin.accuracy)),
        people(bin.accuracy.people),
        bin.probes
    )
}
