use std::fmt::Write as _;

use super::axis::{Axis, count, seconds};
use super::{Chart, Line, Picture};

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 290.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 48.0;
const HEADER: f64 = 66.0;

/// Colours that differ in brightness too, so that they can be told apart without seeing colours; for light and dark pages.
const STYLE: &str = "\
svg{background:#fff;color:#1f2937;font:12px Inter,system-ui,sans-serif}\
text{fill:currentColor}.title{font-size:15px;font-weight:600}.name{font-weight:600}\
.grid{stroke:#e5e7eb}.frame{stroke:#9ca3af;fill:none}.line{fill:none;stroke-width:2}.dashed{stroke-dasharray:5 4;stroke-width:1.5}\
.c0{--c:#4f46e5}.c1{--c:#b45309}.c2{--c:#047857}.c3{--c:#be185d}\
.line{stroke:var(--c)}.dot{fill:var(--c)}\
@media(prefers-color-scheme:dark){svg{background:#111827;color:#e5e7eb}.grid{stroke:#374151}.frame{stroke:#6b7280}\
.c0{--c:#a5b4fc}.c1{--c:#fbbf24}.c2{--c:#34d399}.c3{--c:#f9a8d4}}";

/// The picture as an SVG document.
pub fn render(picture: &Picture) -> String {
    let columns = picture.columns.max(1);
    let rows = picture.charts.len().div_ceil(columns);
    let (width, height) = (WIDTH * columns as f64, HEADER + HEIGHT * rows as f64);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" role=\"img\">\n\
         <title>{0}</title>\n<style>{STYLE}</style>\n<text class=\"title\" x=\"16\" y=\"26\">{0}</text>\n",
        escape(&picture.title)
    );
    legend(&mut svg, &picture.charts);
    for (index, chart) in picture.charts.iter().enumerate() {
        let x = WIDTH * (index % columns) as f64;
        let y = HEADER + HEIGHT * (index / columns) as f64;
        let _ = writeln!(svg, "<g transform=\"translate({x:.0} {y:.0})\">");
        draw(&mut svg, chart);
        svg.push_str("</g>\n");
    }
    svg.push_str("</svg>\n");
    svg
}

/// Each name once, whichever charts have it.
fn legend(svg: &mut String, charts: &[Chart]) {
    let mut named: Vec<&Line> = Vec::new();
    for line in charts.iter().flat_map(|chart| &chart.lines) {
        if !named.iter().any(|known| known.name == line.name) {
            named.push(line);
        }
    }
    let mut x = 16.0;
    for line in named {
        let class = class(line);
        let _ = writeln!(
            svg,
            "<g class=\"c{}\"><path class=\"{class}\" d=\"M{x:.0} 46h26\"/><text x=\"{:.0}\" y=\"50\">{}</text></g>",
            line.colour,
            x + 32.0,
            escape(&line.name)
        );
        x += 52.0 + 6.6 * line.name.chars().count() as f64;
    }
}

fn draw(svg: &mut String, chart: &Chart) {
    let points = || chart.lines.iter().flat_map(|line| &line.points);
    let across = Axis::holding(points().map(|point| point.0));
    let up = Axis::holding(points().map(|point| point.1));
    let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
    let x = |value| LEFT + (right - LEFT) * across.place(value);
    let y = |value| bottom - (bottom - TOP) * up.place(value);
    let _ = writeln!(
        svg,
        "<text class=\"name\" x=\"{LEFT}\" y=\"22\">{}</text>",
        escape(&chart.title)
    );
    for tick in across.ticks() {
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{0:.1} {TOP}V{bottom}\"/><text x=\"{0:.1}\" y=\"{1}\" text-anchor=\"middle\">{2}</text>",
            x(tick),
            bottom + 16.0,
            count(tick)
        );
    }
    for tick in up.ticks() {
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{LEFT} {0:.1}H{right}\"/><text x=\"{1}\" y=\"{2:.1}\" text-anchor=\"end\">{3}</text>",
            y(tick),
            LEFT - 6.0,
            y(tick) + 4.0,
            seconds(tick)
        );
    }
    let _ = writeln!(
        svg,
        "<path class=\"frame\" d=\"M{LEFT} {TOP}V{bottom}H{right}\"/>\
         <text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">{}</text>\
         <text x=\"{right}\" y=\"22\" text-anchor=\"end\">{}</text>",
        f64::midpoint(LEFT, right),
        HEIGHT - 12.0,
        escape(&chart.x),
        escape(&chart.y)
    );
    for line in &chart.lines {
        let _ = write!(
            svg,
            "<g class=\"c{}\"><path class=\"{}\" d=\"",
            line.colour,
            class(line)
        );
        for (index, point) in line.points.iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            let _ = write!(svg, "{command}{:.1} {:.1}", x(point.0), y(point.1));
        }
        svg.push_str("\"/>");
        if !line.dashed {
            for point in &line.points {
                let _ = write!(
                    svg,
                    "<circle class=\"dot\" r=\"3\" cx=\"{:.1}\" cy=\"{:.1}\"/>",
                    x(point.0),
                    y(point.1)
                );
            }
        }
        svg.push_str("</g>\n");
    }
}

fn class(line: &Line) -> &'static str {
    if line.dashed { "line dashed" } else { "line" }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_drawn_and_named_once() {
        let line = |name: &str, colour, points| Line {
            name: name.to_owned(),
            colour,
            dashed: colour == 1,
            points,
        };
        let chart = Chart {
            title: "a < b".to_owned(),
            x: "users".to_owned(),
            y: "latency".to_owned(),
            lines: vec![
                line("p95 & more", 0, vec![(1e3, 0.001), (1e6, 0.002)]),
                line("p50", 1, vec![(1e3, 0.000_5), (1e6, 0.001)]),
            ],
        };
        let svg = render(&Picture {
            title: "T".to_owned(),
            charts: vec![chart.clone(), chart],
            columns: 2,
        });
        assert_eq!(svg.matches("p95 &amp; more").count(), 1);
        assert_eq!(svg.matches("a &lt; b").count(), 2);
        assert_eq!(svg.matches("<circle").count(), 4);
        assert!(
            svg.contains("prefers-color-scheme:dark") && svg.contains("viewBox=\"0 0 880 356\"")
        );
        // It is XML: every tag that is opened is closed.
        let opened = svg.matches("<g").count();
        assert_eq!(opened, svg.matches("</g>").count());
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
