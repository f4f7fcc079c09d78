//! Growth curves, as text and as SVG: how many times as long something takes among n as alone, both axes logarithmic.

use std::fmt::Write as _;

use crate::figure::{Figure, Figures, Unit};

/// One curve: a name, and (n, times) in ascending order.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Curve {
    name: String,
    points: Vec<(f64, f64)>,
}

/// The curves of rows 13 and 14: figures whose names say how many there were by `10^`.
pub(crate) fn curves(figures: &Figures) -> Vec<Curve> {
    let mut curves: Vec<Curve> = Vec::new();
    for figure in figures.of_row(13).chain(figures.of_row(14)).filter(|figure| figure.unit == Unit::Times) {
        let Some((name, n)) = split(figure) else { continue };
        let point = (n, figure.median());
        match curves.iter_mut().find(|curve| curve.name == name) {
            Some(curve) => curve.points.push(point),
            None => curves.push(Curve { name, points: vec![point] }),
        }
    }
    curves
}

fn split(figure: &Figure) -> Option<(String, f64)> {
    let (before, after) = figure.what.split_once("10^")?;
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    let n = 10f64.powi(digits.parse().ok()?);
    Some((format!("{}: {before}n{}", figure.subject, &after[digits.len()..]), n))
}

/// Columns of the widest bar.
const WIDTH: f64 = 50.0;
/// The times that fill it: what the worst peer was seen to take.
const MOST: f64 = 3000.0;

/// Bars, logarithmic: none at 1, full at 3,000 times.
pub(crate) fn text(curves: &[Curve]) -> String {
    let mut out = String::new();
    for curve in curves {
        let _ = writeln!(out, "\n{}", curve.name);
        for (n, times) in &curve.points {
            let bar = "▇".repeat((WIDTH * times.max(1.0).ln() / MOST.ln()).min(WIDTH).round() as usize);
            let _ = writeln!(out, "  10^{:<2.0}× {:<9} ▏{bar}", n.log10(), super::number(*times));
        }
    }
    out
}

const COLOURS: [&str; 8] = ["#0b6", "#06c", "#c60", "#a0a", "#c22", "#888", "#660", "#066"];
const LEFT: f64 = 60.0;
const TOP: f64 = 20.0;
const ACROSS: f64 = 420.0;
const DOWN: f64 = 320.0;

/// A picture of all of them.
pub(crate) fn svg(curves: &[Curve]) -> String {
    let x = |n: f64| LEFT + (n.log10() - 2.5) / 4.0 * ACROSS;
    let y = |times: f64| TOP + DOWN - times.max(0.8).log10().min(4.0) / 4.0 * (DOWN - 20.0);
    let mut out = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"860\" height=\"390\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
    );
    for power in 0..=4 {
        let at = y(10f64.powi(power));
        let _ = writeln!(
            out,
            "<path d=\"M{LEFT} {at:.1}h{ACROSS}\" stroke=\"#ddd\"/><text x=\"20\" y=\"{:.1}\">×{}</text>",
            at + 4.0,
            10u32.pow(power as u32)
        );
    }
    for power in 3..=6 {
        let _ = writeln!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">10^{power}</text>",
            x(10f64.powi(power)),
            TOP + DOWN + 20.0
        );
    }
    for (at, curve) in curves.iter().enumerate() {
        let colour = COLOURS[at % COLOURS.len()];
        let points: Vec<String> = curve.points.iter().map(|(n, times)| format!("{:.1},{:.1}", x(*n), y(*times))).collect();
        let _ = writeln!(out, "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>", points.join(" "));
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" fill=\"{colour}\">{}</text>",
            LEFT + ACROSS + 15.0,
            TOP + 16.0 * (at as f64 + 1.0),
            curve.name
        );
    }
    out.push_str("</svg>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Sample;

    #[test]
    fn figures_that_differ_in_n_alone_make_a_curve() {
        let mut figures = Figures::default();
        for (power, times) in [(3, 1.0), (4, 30.0)] {
            figures.add(Sample::new(13, format!("bulk beside 10^{power} idle"), "smoltcp 0.14", Unit::Times, times));
        }
        let curves = curves(&figures);
        assert_eq!(curves[0].points, [(1e3, 1.0), (1e4, 30.0)]);
        assert_eq!(curves[0].name, "smoltcp 0.14: bulk beside n idle");
        assert!(text(&curves).contains("10^4"));
        assert!(svg(&curves).contains("polyline"));
    }
}
