//! A picture as a file that stands alone.

use std::fmt::Write as _;

use super::style::STYLE;
use super::svg::{Anchor, Drawing, Mark, Picture, escape};
use super::table::folded;

/// Where a report's pictures lie, beside its page.
pub const FOLDER: &str = "figures";

/// Room around a picture in a file, height of a line of its title, and of an entry of its legend, in pixels.
const MARGIN: f64 = 14.0;
const TITLE: f64 = 18.0;
const ENTRY: f64 = 18.0;

/// Width of a letter of the title, roughly.
const LETTER: f64 = 7.4;

impl Drawing {
    /// A file that stands alone: light, with its title and legend, and no style that a program other than a browser might
    /// not know.
    pub fn file(&self) -> String {
        let letters = ((self.size.0 / LETTER) as usize).max(20);
        let title = folded(&self.title, letters);
        let top = MARGIN + TITLE * title.len() as f64 + 8.0;
        let height = top + self.size.1 + ENTRY * self.legend.len() as f64 + MARGIN;
        let width = self.size.0 + 2.0 * MARGIN;
        let mut around = Picture::new(width, height);
        for (at, line) in title.iter().enumerate() {
            let place = (MARGIN, MARGIN + TITLE * (at as f64 + 0.7));
            around.text(place, Anchor::Start, "t heading", line);
        }
        for (at, (mark, label)) in self.legend.iter().enumerate() {
            let y = top + self.size.1 + ENTRY * (at as f64 + 0.5);
            if !matches!(mark, Mark::Published) {
                let class = format!("interval {}", mark.class());
                around.line((MARGIN, y), (MARGIN + 20.0, y), &class);
            }
            around.mark(*mark, (MARGIN + 10.0, y), "");
            around.text((MARGIN + 28.0, y + 4.0), Anchor::Start, "t", label);
        }
        let (title, description) = (escape(&self.title), escape(&self.description));
        let (style, around, body) = (style(), around.body(), plain(&self.body));
        format!(
            concat!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" ",
                "width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">\n",
                "{signature}\n<title>{title}</title>\n<desc>{description}</desc>\n<style>{style}</style>\n",
                "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{around}\n",
                "<g transform=\"translate({margin:.0} {top:.0})\">{body}</g>\n</svg>\n"
            ),
            width = width,
            height = height,
            signature = SIGNATURE,
            title = title,
            description = description,
            style = style,
            around = around,
            margin = MARGIN,
            top = top,
            body = body,
        )
    }
}

/// A picture's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FigureFile {
    /// Its name, without ending.
    pub name: String,
    /// The SVG.
    pub text: String,
}

/// Whether a report gives a picture this name.
pub fn is_figure_name(name: &str) -> bool {
    const NAMES: [&str; 7] = ["headline", "curve", "lift", "group", "calibration", "transfer", "pair"];
    let numbered = name.rsplit_once('-');
    let numbered = numbered.filter(|(_, number)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
    NAMES.contains(&numbered.map_or(name, |(name, _)| name))
}

/// Whether a report wrote a picture's file.
pub fn is_figure(text: &str) -> bool {
    text.contains(SIGNATURE)
}

/// What tells a report's picture from anybody else's.
const SIGNATURE: &str = "<!-- a figure of an indieval report -->";

/// The rules of the page's style that are about pictures, with the light colours in place of their names.
fn style() -> String {
    let colours: Vec<(&str, &str)> = palette();
    let rules = STYLE.lines().filter(|line| line.starts_with("svg "));
    // Shares are coloured one by one below: mixed colours are known to few programs.
    let rules = rules.filter(|rule| !rule.contains("color-mix"));
    let mut style = rules.collect::<Vec<_>>().join("\n");
    for (name, colour) in colours {
        style = style.replace(&format!("var({name})"), colour);
    }
    style + "\nsvg .heading { font-size: 14px; font-weight: 600; }"
}

/// Names of the light colours and fonts, and what they are.
fn palette() -> Vec<(&'static str, &'static str)> {
    let light = STYLE.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
    let said = light.map_or("", |(light, _)| light).split(';');
    let pairs = said.filter_map(|pair| pair.trim().split_once(':'));
    let mut pairs: Vec<(&str, &str)> = pairs.map(|(name, value)| (name.trim(), value.trim())).collect();
    // A file's paper is white, so that it fits any other.
    pairs
        .iter_mut()
        .filter(|pair| pair.0 == "--paper")
        .for_each(|pair| pair.1 = "#ffffff");
    pairs
}

/// A body whose squares have the colour of their share, mixed here.
fn plain(body: &str) -> String {
    const HEAT: &str = " style=\"--h:";
    let colour = |name: &str| {
        palette()
            .into_iter()
            .find(|pair| pair.0 == name)
            .map_or("#ffffff", |pair| pair.1)
    };
    let (cold, hot) = (colour("--cold"), colour("--hot"));
    let mut out = String::with_capacity(body.len());
    let mut pieces = body.split(HEAT);
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (share, rest) = piece.split_once('"').unwrap_or(("0", piece));
        let share = share.parse().unwrap_or(0.0);
        let _ = write!(out, " fill=\"{}\"{rest}", mixed(cold, hot, share));
    }
    out
}

/// A colour between two, as `color-mix(in oklab, ...)` has it (Björn Ottosson, "A perceptual color space for image
/// processing", 2020).
fn mixed(cold: &str, hot: &str, share: f64) -> String {
    let (cold, hot) = (oklab(cold), oklab(hot));
    let mix = |at: usize| cold[at] + share * (hot[at] - cold[at]);
    let (l, a, b) = (mix(0), mix(1), mix(2));
    let cube = |x: f64| x * x * x;
    let long = cube(l + 0.396_337_777_4 * a + 0.215_803_757_3 * b);
    let medium = cube(l - 0.105_561_345_8 * a - 0.063_854_172_8 * b);
    let short = cube(l - 0.089_484_177_5 * a - 1.291_485_548_0 * b);
    let linear = [
        4.076_741_662_1 * long - 3.307_711_591_3 * medium + 0.230_969_929_2 * short,
        -1.268_438_004_6 * long + 2.609_757_401_1 * medium - 0.341_319_396_5 * short,
        -0.004_196_086_3 * long - 0.703_418_614_7 * medium + 1.707_614_701_0 * short,
    ];
    let byte = |x: f64| {
        let x = x.clamp(0.0, 1.0);
        let x = if x <= 0.003_130_8 {
            12.92 * x
        } else {
            1.055 * x.powf(1.0 / 2.4) - 0.055
        };
        (255.0 * x).round() as u8
    };
    let [r, g, b] = linear.map(byte);
    format!("#{r:02x}{g:02x}{b:02x}")
}

/// A colour such as `#58a5d3` as lightness and two axes.
fn oklab(colour: &str) -> [f64; 3] {
    let channel = |at: usize| {
        let byte = colour.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        let x = f64::from(byte.unwrap_or(0)) / 255.0;
        if x <= 0.040_45 {
            x / 12.92
        } else {
            ((x + 0.055) / 1.055).powf(2.4)
        }
    };
    let [r, g, b] = [1, 3, 5].map(channel);
    let long = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
    let medium = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
    let short = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
    [
        0.210_454_255_3 * long + 0.793_617_785_0 * medium - 0.004_072_046_8 * short,
        1.977_998_495_1 * long - 2.428_592_205_0 * medium + 0.450_593_709_9 * short,
        0.025_904_037_1 * long + 0.782_771_766_2 * medium - 0.808_675_766_0 * short,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_stands_alone() {
        let mut canvas = Picture::new(100.0, 50.0);
        canvas.rectangle((0.0, 0.0), (10.0, 10.0), "heat", Some(0.5));
        canvas.mark(Mark::Series(2), (5.0, 5.0), "");
        let drawing = canvas
            .finish("x", "A <title>", "1; 2")
            .with_legend(vec![(Mark::Series(2), "a & b".to_owned())]);
        let file = drawing.file();
        assert!(file.starts_with("<?xml") && file.contains("xmlns=\"http://www.w3.org/2000/svg\""));
        for absent in ["var(", "color-mix", "--h", "aria-labelledby"] {
            assert!(!file.contains(absent), "{absent}: {file}");
        }
        for present in ["A &lt;title&gt;", "a &amp; b", "#00835f", "fill=\"#ffffff\"", SIGNATURE] {
            assert!(file.contains(present), "{present}: {file}");
        }
        // Half way between #f7f5ef and #58a5d3, as Chromium draws it.
        assert!(file.contains("fill=\"#aacde2\""), "{file}");
    }

    #[test]
    fn mixing_keeps_the_ends() {
        for share in ["#f7f5ef", "#58a5d3", "#000000", "#ffffff"] {
            assert_eq!(mixed(share, "#123456", 0.0), share);
            assert_eq!(mixed("#123456", share, 1.0), share);
        }
    }
}
