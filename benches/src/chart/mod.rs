//! Curves as SVG: small, without scripts, and readable on light and on dark pages.

mod axis;
mod svg;

pub use svg::render;

/// A picture of several charts with the same lines.
#[derive(Debug, Clone)]
pub struct Picture {
    /// What it shows.
    pub title: String,
    /// The charts, row by row.
    pub charts: Vec<Chart>,
    /// How many stand side by side.
    pub columns: usize,
}

/// One chart. Both axes are logarithmic.
#[derive(Debug, Clone)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// What is from left to right.
    pub x: String,
    /// What is from bottom to top, in seconds.
    pub y: String,
    /// The lines.
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Debug, Clone)]
pub struct Line {
    /// What the legend calls it.
    pub name: String,
    /// Which colour it has, counted from 0.
    pub colour: usize,
    /// Whether it is dashed.
    pub dashed: bool,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}
