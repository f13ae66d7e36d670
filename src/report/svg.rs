//! Pictures as SVG text: a canvas that escapes every word it is given.

use std::fmt::Write as _;

use crate::base::quote;

/// Escapes text for HTML and SVG, in elements and in quoted attributes. What cannot be seen is
/// [written out](quote::lines); XML forbids most of it.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in quote::lines(text).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// Where a word stands relative to its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// It is centred there.
    Middle,
    /// It ends there.
    End,
}

impl Anchor {
    fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// One picture. Lengths are in CSS pixels at natural size; classes are those of `templates/style.css`.
#[derive(Debug, Clone)]
pub struct Picture {
    width: f64,
    height: f64,
    body: String,
}

/// Number of shapes, and of colours. Shape and colour both change from one series to the next; from the seventh on shapes
/// come again, each in the next colour, so that 36 series look different.
pub const SERIES: usize = 6;

impl Picture {
    /// An empty canvas.
    pub fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            body: String::new(),
        }
    }

    /// A word.
    pub fn text(&mut self, (x, y): (f64, f64), anchor: Anchor, class: &str, text: &str) {
        let (anchor, text) = (anchor.word(), escape(text));
        let _ = write!(
            self.body,
            r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" class="{}">{text}</text>"#,
            escape(class)
        );
    }

    /// A word that runs upwards, beginning at the point.
    pub fn text_upwards(&mut self, (x, y): (f64, f64), class: &str, text: &str) {
        let _ = write!(
            self.body,
            r#"<text transform="translate({x:.1} {y:.1}) rotate(-60)" class="{}">{}</text>"#,
            escape(class),
            escape(text)
        );
    }

    /// A straight line.
    pub fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64), class: &str) {
        let _ = write!(
            self.body,
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" class="{}"/>"#,
            escape(class)
        );
    }

    /// A line through points.
    pub fn path(&mut self, points: &[(f64, f64)], class: &str) {
        let steps: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = write!(
            self.body,
            r#"<polyline points="{}" class="{}"/>"#,
            steps.join(" "),
            escape(class)
        );
    }

    /// A rectangle. `heat` between 0 and 1 colours it on the sequential scale.
    pub fn rectangle(&mut self, (x, y): (f64, f64), (w, h): (f64, f64), class: &str, heat: Option<f64>) {
        let style = heat
            .map(|h| format!(r#" style="--h:{:.3}""#, h.clamp(0.0, 1.0)))
            .unwrap_or_default();
        let _ = write!(
            self.body,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{w:.1}" height="{h:.1}" class="{}"{style}/>"#,
            escape(class)
        );
    }

    /// The mark of a series: its own shape in its own colour. What it says when pointed at is `about`.
    pub fn mark(&mut self, series: Mark, (x, y): (f64, f64), about: &str) {
        let title = if about.is_empty() {
            String::new()
        } else {
            format!("<title>{}</title>", escape(about))
        };
        let class = series.class();
        let r = 4.2;
        let polygon = |points: &[(f64, f64)]| {
            let points: Vec<String> = points
                .iter()
                .map(|(dx, dy)| format!("{:.1},{:.1}", x + dx, y + dy))
                .collect();
            format!(
                r#"<polygon points="{}" class="{class}">{title}</polygon>"#,
                points.join(" ")
            )
        };
        self.body += &match series {
            Mark::Series(s) => match s % SERIES {
                0 => format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="{r}" class="{class}">{title}</circle>"#),
                1 => polygon(&[(-r, -r), (r, -r), (r, r), (-r, r)].map(|(a, b)| (a * 0.88, b * 0.88))),
                2 => polygon(&[(0.0, -r * 1.15), (r * 1.1, r * 0.85), (-r * 1.1, r * 0.85)]),
                3 => polygon(&[(0.0, -r), (r, 0.0), (0.0, r), (-r, 0.0)].map(|(a, b)| (a * 1.2, b * 1.2))),
                4 => polygon(&[(0.0, r * 1.15), (r * 1.1, -r * 0.85), (-r * 1.1, -r * 0.85)]),
                _ => polygon(&[
                    (-r, 0.0),
                    (-r / 2.0, -r),
                    (r / 2.0, -r),
                    (r, 0.0),
                    (r / 2.0, r),
                    (-r / 2.0, r),
                ]),
            },
            Mark::Baseline => polygon(&[(-1.2, -5.0), (1.2, -5.0), (1.2, 5.0), (-1.2, 5.0)]),
            Mark::Published => format!(r#"<circle cx="{x:.1}" cy="{y:.1}" r="{r}" class="{class}">{title}</circle>"#),
        };
    }

    /// The finished picture with its name and what it shows in words; `id` is unique within the page.
    pub fn finish(self, id: &str, title: &str, description: &str) -> Drawing {
        Drawing {
            id: id.to_owned(),
            title: title.to_owned(),
            description: description.to_owned(),
            size: (self.width, self.height),
            body: self.body,
            legend: Vec::new(),
        }
    }

    /// What is drawn so far, as SVG elements.
    pub fn body(self) -> String {
        self.body
    }

    /// A picture that only repeats what stands beside it, such as a key: hidden from screen readers.
    pub fn finish_decorative(self) -> String {
        format!(
            r#"<svg viewBox="0 0 {w:.0} {h:.0}" width="{w:.0}" height="{h:.0}" aria-hidden="true">{}</svg>"#,
            self.body,
            w = self.width,
            h = self.height
        )
    }
}

/// A picture with its name and what it shows in words.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// Unique within the page; the file's name without its ending.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// Every figure in words.
    pub description: String,
    /// Natural size in CSS pixels.
    pub size: (f64, f64),
    /// What is drawn, as SVG elements.
    pub body: String,
    /// What marks stand for, where the page says that beside the picture.
    pub legend: Vec<(Mark, String)>,
}

impl Drawing {
    /// The same with a legend in its file.
    pub fn with_legend(self, legend: Vec<(Mark, String)>) -> Self {
        Self { legend, ..self }
    }

    /// The picture within the page, whose style it takes.
    pub fn inline(&self) -> String {
        let (id, width, height) = (escape(&self.id), self.size.0, self.size.1);
        format!(
            concat!(
                r#"<svg viewBox="0 0 {width:.0} {height:.0}" "#,
                r#"width="{width:.0}" height="{height:.0}" role="img" aria-labelledby="{id}-t {id}-d">"#,
                r#"<title id="{id}-t">{title}</title><desc id="{id}-d">{description}</desc>{body}</svg>"#
            ),
            width = width,
            height = height,
            id = id,
            title = escape(&self.title),
            description = escape(&self.description),
            body = self.body
        )
    }
}

/// What a mark stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// A system; its position decides shape and colour.
    Series(usize),
    /// A baseline.
    Baseline,
    /// A published figure.
    Published,
}

impl Mark {
    /// A system by two of its properties, such as its model (colour) and its method (shape).
    pub fn of_two(colour: usize, shape: usize) -> Self {
        let (colour, shape) = (colour % SERIES, shape % SERIES);
        Self::Series(SERIES * ((colour + SERIES - shape) % SERIES) + shape)
    }

    /// Class of marks and lines.
    pub fn class(self) -> String {
        match self {
            Self::Series(s) => format!("s{}", (s + s / SERIES) % SERIES),
            Self::Baseline => "base".to_owned(),
            Self::Published => "published".to_owned(),
        }
    }
}

/// A linear scale from figures to pixels.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Figures at both ends.
    pub domain: (f64, f64),
    /// Pixels at both ends.
    pub range: (f64, f64),
}

impl Scale {
    /// Where a figure stands; figures beyond the domain stand at its end.
    pub fn at(&self, value: f64) -> f64 {
        let span = self.domain.1 - self.domain.0;
        let share = if span == 0.0 {
            0.5
        } else {
            ((value - self.domain.0) / span).clamp(0.0, 1.0)
        };
        self.range.0 + share * (self.range.1 - self.range.0)
    }

    /// Round figures within the domain, at most `most` of them.
    pub fn ticks(&self, most: usize) -> Vec<f64> {
        let span = self.domain.1 - self.domain.0;
        let steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0];
        let step = steps.into_iter().find(|s| span / s <= most as f64).unwrap_or(1.0);
        let first = (self.domain.0 / step - 1e-9).ceil() as i64;
        let last = (self.domain.1 / step + 1e-9).floor() as i64;
        (first..=last).map(|n| n as f64 * step).collect()
    }
}

/// The smallest range in steps of 5 points that holds all figures, within `bounds`.
pub fn domain(figures: impl Iterator<Item = f64>, bounds: (f64, f64)) -> (f64, f64) {
    let (low, high) = figures.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), f| (l.min(f), h.max(f)));
    if !low.is_finite() || !high.is_finite() {
        return bounds;
    }
    let (low, high) = (
        ((low - 0.005) * 20.0).floor() / 20.0,
        ((high + 0.005) * 20.0).ceil() / 20.0,
    );
    (low.max(bounds.0), high.min(bounds.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_leave_their_element() {
        let mut canvas = Picture::new(10.0, 10.0);
        canvas.text(
            (1.0, 2.0),
            Anchor::Start,
            "t",
            "</text><script>alert('x')</script>\u{0}",
        );
        canvas.mark(Mark::Series(1), (1.0, 1.0), "\"><img src=x onerror=y>");
        let svg = canvas.finish("i\"d", "<b>", "a & b").inline();
        assert!(!svg.contains("<script") && !svg.contains("<img") && !svg.contains('\u{0}'));
        assert!(svg.contains("&lt;/text&gt;&lt;script&gt;alert(&#39;x&#39;)") && svg.contains("a &amp; b"));
        assert!(svg.contains("id=\"i&quot;d-t\""));
    }

    #[test]
    fn many_series_look_different() {
        let look = |s: usize| (s % SERIES, Mark::Series(s).class());
        let looks: std::collections::BTreeSet<_> = (0..36).map(look).collect();
        assert_eq!(looks.len(), 36);
        // The colour is the first's, the shape the second's.
        for (colour, shape) in (0..36).map(|s| (s / SERIES, s % SERIES)) {
            let Mark::Series(s) = Mark::of_two(colour, shape) else {
                panic!("a series");
            };
            assert_eq!(look(s), (shape, format!("s{colour}")));
        }
    }

    #[test]
    fn ticks_are_round_and_few() {
        let scale = Scale {
            domain: (0.45, 0.7),
            range: (0.0, 100.0),
        };
        let ticks: Vec<String> = scale.ticks(6).iter().map(|t| format!("{t:.2}")).collect();
        assert_eq!(ticks, ["0.45", "0.50", "0.55", "0.60", "0.65", "0.70"]);
        assert_eq!(scale.at(0.45), 0.0);
        assert_eq!(scale.at(2.0), 100.0);
        assert_eq!(domain([0.512, 0.63].into_iter(), (0.0, 1.0)), (0.5, 0.65));
    }
}
