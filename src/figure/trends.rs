//! Curves over time as one SVG, one below the other: means, the span between lowest and highest, and the limit.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use plotters::prelude::*;

use super::{Area, DIM, FigureError, PER_MM, WIDTH_MM, font, mm, write, wrong};
use crate::model::paper::{Plot, PlotPoint};

/// Height of the title in mm.
const TITLE_MM: u32 = 14;
/// Height of a curve in mm.
const CURVE_MM: u32 = 52;
const LINE: RGBColor = RGBColor(0x0b, 0x3d, 0x66);
const BAND: RGBColor = RGBColor(0xc9, 0xdb, 0xea);
const LIMIT: RGBColor = RGBColor(0xa8, 0x1e, 0x1e);

/// Draws the curves.
///
/// # Errors
/// None is known: drawing into memory does not fail.
pub fn trends(title: &str, plots: &[Plot], zone: &TimeZone) -> Result<String, FigureError> {
    let height_mm = TITLE_MM + CURVE_MM * plots.len().max(1) as u32;
    let (w, h) = (WIDTH_MM * PER_MM, height_mm * PER_MM);
    let mut text = String::new();
    {
        let root = SVGBackend::with_string(&mut text, (w, h)).into_drawing_area();
        root.fill(&WHITE).map_err(wrong)?;
        let (head, body) = root.split_vertically(TITLE_MM * PER_MM);
        write(&head, title, (mm(4.0), mm(4.0)), &font(4.6, BLACK))?;
        for (area, plot) in body.split_evenly((plots.len().max(1), 1)).iter().zip(plots) {
            curve(area, plot, zone)?;
        }
        root.present().map_err(wrong)?;
    }
    let was = format!("<svg width=\"{w}\" height=\"{h}\"");
    Ok(text.replacen(&was, &format!("<svg width=\"{WIDTH_MM}mm\" height=\"{height_mm}mm\""), 1))
}

fn curve(area: &Area<'_>, plot: &Plot, zone: &TimeZone) -> Result<(), FigureError> {
    let fits = |p: &&PlotPoint| [p.least, p.mean, p.most].iter().all(|v| v.is_finite() && v.abs() < 1e15);
    let points: Vec<PlotPoint> = plot.points.iter().filter(fits).copied().collect();
    let limit = plot.limit.filter(|l| l.is_finite() && l.abs() < 1e15);
    let values = || points.iter().flat_map(|p| [p.least, p.most]).chain(limit);
    let (mut low, mut high) = (values().fold(0.0, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
    if high <= low {
        (low, high) = (low - 0.5, low + 1.0);
    }
    let unit = if plot.unit.is_empty() { String::new() } else { format!(" ({})", plot.unit) };
    write(area, &format!("{}{unit}", plot.title), (mm(4.0), mm(1.0)), &font(3.6, BLACK))?;
    let to = plot.to.max(plot.from.saturating_add(1));
    let mut chart = ChartBuilder::on(area)
        .margin_top(mm(7.0))
        .margin_right(mm(4.0))
        .x_label_area_size(mm(7.0))
        .y_label_area_size(mm(18.0))
        .build_cartesian_2d(plot.from..to, low..high * 1.05)
        .map_err(wrong)?;
    let day = |t: &i64| {
        Timestamp::from_second(*t)
            .map_or_else(|_| String::new(), |t| t.to_zoned(zone.clone()).strftime("%d %b").to_string())
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .y_labels(5)
        .x_labels(8)
        .x_label_formatter(&day)
        .label_style(font(2.8, DIM))
        .draw()
        .map_err(wrong)?;
    for run in points.chunk_by(|a, b| b.at.saturating_sub(a.at) <= plot.step_s.max(1).saturating_mul(3) / 2) {
        let up = run.iter().map(|p| (p.at, p.most));
        let band: Vec<(i64, f64)> = up.chain(run.iter().rev().map(|p| (p.at, p.least))).collect();
        chart.draw_series(std::iter::once(Polygon::new(band, BAND.filled()))).map_err(wrong)?;
        chart.draw_series(LineSeries::new(run.iter().map(|p| (p.at, p.mean)), LINE.stroke_width(8))).map_err(wrong)?;
    }
    if let Some(limit) = limit {
        let line = LineSeries::new([(plot.from, limit), (to, limit)], LIMIT.stroke_width(7));
        chart.draw_series(line).map_err(wrong)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_curve_is_drawn_and_bad_values_are_left_out() {
        let point = |at: i64, v: f64| PlotPoint { at: at * 3600, least: v - 1.0, mean: v, most: v + 1.0 };
        let plot = |title: &str, points| Plot {
            title: title.into(),
            unit: "%".into(),
            from: 0,
            to: 86_400,
            points,
            step_s: 3600,
            limit: Some(70.0),
        };
        let plots = [
            plot("CPU", vec![point(0, 10.0), point(1, 20.0), point(9, f64::NAN), point(10, 5.0)]),
            plot("none", Vec::new()),
        ];
        let got = trends("BF2 <week>", &plots, &TimeZone::UTC).unwrap();
        for word in ["BF2 &lt;week&gt;", "CPU (%)", "none (%)", "<polygon"] {
            assert!(got.contains(word), "{word}");
        }
        assert!(!got.contains("NaN") && trends("x", &[], &TimeZone::UTC).is_ok());
    }
}
