//! A plot as SVG, with logarithmic axes. Enough for cost against number of rules; a library for plots would be some forty crates.

use std::fmt::{self, Write};

/// Curves over one pair of axes.
#[derive(Clone, Debug)]
pub struct Plot {
    /// What stands above it.
    pub title: String,
    /// What goes to the right.
    pub x: String,
    /// What goes up.
    pub y: String,
    /// What is drawn.
    pub curves: Vec<Curve>,
}

/// Points that are joined.
#[derive(Clone, Debug)]
pub struct Curve {
    /// What it is.
    pub name: String,
    /// How it is drawn.
    pub style: Style,
    /// Its points. Only those with two positive numbers are drawn.
    pub points: Vec<(f64, f64)>,
}

/// How a curve is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A full line with its points.
    Measured,
    /// A dashed line: what it is compared with.
    Floor,
}

impl Plot {
    /// The text of the file.
    #[must_use]
    pub fn svg(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("a string takes anything");
        text
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let points = || self.curves.iter().flat_map(Curve::drawn);
        let (x, y) = (Axis::over(points().map(|(x, _)| x)), Axis::over(points().map(|(_, y)| y)));
        let place = |(a, b): (f64, f64)| (LEFT + x.share(a) * WIDTH, TOP + HEIGHT - y.share(b) * HEIGHT);
        let (width, height) = (LEFT + WIDTH + RIGHT, TOP + HEIGHT + BOTTOM);
        writeln!(
            out,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13">"#
        )?;
        writeln!(out, r#"<rect width="{width}" height="{height}" fill="white"/>"#)?;
        text(out, (SIDE, 26.0), "start", "font-size=\"16\" font-weight=\"bold\"", &self.title)?;
        text(out, (SIDE, 47.0), "start", "fill=\"#555\"", &self.y)?;
        for (axis, is_x) in [(&x, true), (&y, false)] {
            for value in axis.between() {
                let at = place((value, value));
                let (from, to) =
                    if is_x { ((at.0, TOP), (at.0, TOP + HEIGHT)) } else { ((LEFT, at.1), (LEFT + WIDTH, at.1)) };
                line(out, from, to, FINE_GRID)?;
            }
        }
        for power in x.powers() {
            let at = LEFT + x.share(10_f64.powi(power)) * WIDTH;
            line(out, (at, TOP), (at, TOP + HEIGHT), GRID)?;
            text(out, (at, TOP + HEIGHT + 18.0), "middle", "", &label(power))?;
        }
        for power in y.powers() {
            let at = TOP + HEIGHT - y.share(10_f64.powi(power)) * HEIGHT;
            line(out, (LEFT, at), (LEFT + WIDTH, at), GRID)?;
            text(out, (LEFT - 8.0, at + 4.0), "end", "", &label(power))?;
        }
        text(out, (LEFT + WIDTH / 2.0, TOP + HEIGHT + 40.0), "middle", "", &self.x)?;
        let mut curves: Vec<_> = self.curves.iter().zip(COLORS.into_iter().cycle()).collect();
        // Named from above to below, as they end.
        curves.sort_by(|(one, _), (other, _)| other.end().total_cmp(&one.end()));
        for (i, (curve, color)) in curves.into_iter().enumerate() {
            draw(out, curve, color, place)?;
            let at = TOP + 8.0 + 22.0 * i as f64;
            let sample = format!("stroke=\"{color}\" stroke-width=\"2\"{}", dashes(curve.style));
            line(out, (LEFT + WIDTH + 16.0, at), (LEFT + WIDTH + 44.0, at), &sample)?;
            text(out, (LEFT + WIDTH + 52.0, at + 4.0), "start", "", &curve.name)?;
        }
        writeln!(out, "</svg>")
    }
}

impl Curve {
    /// How high its last point is.
    fn end(&self) -> f64 {
        self.drawn().last().map_or(0.0, |(_, y)| y)
    }

    fn drawn(&self) -> impl Iterator<Item = (f64, f64)> {
        self.points.iter().copied().filter(|(x, y)| *x > 0.0 && *y > 0.0)
    }
}

/// From one power of ten to another.
struct Axis {
    first: i32,
    last: i32,
}

impl Axis {
    /// One on which all of these have a place.
    fn over(values: impl Iterator<Item = f64>) -> Self {
        let (mut least, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        values.for_each(|value| (least, most) = (least.min(value), most.max(value)));
        if least > most {
            return Self { first: 0, last: 1 };
        }
        let first = least.log10().floor() as i32;
        Self { first, last: (most.log10().ceil() as i32).max(first + 1) }
    }

    fn powers(&self) -> impl Iterator<Item = i32> {
        self.first..=self.last
    }

    /// Twice and five times each power.
    fn between(&self) -> impl Iterator<Item = f64> {
        (self.first..self.last).flat_map(|power| [2.0, 5.0].map(|times| times * 10_f64.powi(power)))
    }

    /// Where on the axis a value stands: from 0 to 1.
    fn share(&self, value: f64) -> f64 {
        (value.log10() - f64::from(self.first)) / f64::from(self.last - self.first)
    }
}

fn draw(out: &mut String, curve: &Curve, color: &str, place: impl Fn((f64, f64)) -> (f64, f64)) -> fmt::Result {
    let places: Vec<_> = curve.drawn().map(place).collect();
    let path: Vec<_> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let (path, dashes) = (path.join(" "), dashes(curve.style));
    writeln!(out, r#"<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"{dashes}/>"#)?;
    if curve.style == Style::Measured {
        for (x, y) in places {
            writeln!(out, r#"<circle cx="{x:.1}" cy="{y:.1}" r="3.5" fill="{color}"/>"#)?;
        }
    }
    Ok(())
}

fn line(out: &mut String, from: (f64, f64), to: (f64, f64), look: &str) -> fmt::Result {
    let ((x1, y1), (x2, y2)) = (from, to);
    writeln!(out, r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" {look}/>"#)
}

fn text(out: &mut String, (x, y): (f64, f64), anchor: &str, look: &str, text: &str) -> fmt::Result {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    writeln!(out, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" {look}>{text}</text>"#)
}

fn dashes(style: Style) -> &'static str {
    match style {
        Style::Measured => "",
        Style::Floor => " stroke-dasharray=\"6 4\"",
    }
}

fn label(power: i32) -> String {
    match power {
        0..3 => format!("{}", 10_i64.pow(power.unsigned_abs())),
        3..6 => format!("{},000", 10_i64.pow(power.unsigned_abs() - 3)),
        _ => format!("1e{power}"),
    }
}

const SIDE: f64 = 16.0;
const LEFT: f64 = 64.0;
const TOP: f64 = 68.0;
const RIGHT: f64 = 310.0;
const BOTTOM: f64 = 56.0;
const WIDTH: f64 = 620.0;
const HEIGHT: f64 = 400.0;
const GRID: &str = "stroke=\"#ccc\"";
const FINE_GRID: &str = "stroke=\"#eee\"";
/// Told apart also by those who do not see colors as most do (Okabe and Ito).
const COLORS: [&str; 8] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#888888"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundredfold_is_twice_as_far_as_a_tenfold() {
        let axis = Axis::over([10.0, 100_000.0].into_iter());
        assert_eq!((axis.first, axis.last), (1, 5));
        assert_eq!(axis.share(1000.0), 0.5);
    }

    #[test]
    fn all_points_stand_between_the_axes_and_floors_are_dashed() {
        let points = vec![(1.0, 200.0), (1000.0, 3.0), (0.0, 5.0)];
        let curve = Curve { name: "a < b".into(), style: Style::Floor, points };
        let plot = Plot { title: "t".into(), x: "x".into(), y: "y".into(), curves: vec![curve] };
        let svg = plot.svg();
        assert!(svg.contains("<polyline points=\"64.0,") && svg.contains("stroke-dasharray"), "{svg}");
        assert!(svg.contains(" 684.0,"), "{svg}");
        assert!(svg.contains("a &lt; b") && !svg.contains("<circle") && !svg.contains("NaN"), "{svg}");
    }
}
