//! The table as Markdown that also reads well in a terminal.

use std::fmt::Write;

use crate::peer::Wire;
use crate::rounds::{Cell, Row};
use crate::stall::Stalled;
use crate::workload::Workload;

const HEADS: usize = 2;

/// Renders the rows, a legend, and what failed.
pub fn render(rows: &[Row]) -> String {
    let columns: Vec<_> = (0..Workload::ALL.len())
        .filter(|&column| rows.iter().any(|row| !matches!(row.cells[column], Cell::Absent)))
        .collect();
    let mut lines = vec![head(&columns)];
    lines.extend(rows.iter().map(|row| body(row, &columns)));
    let mut text = aligned(&lines);
    text.push_str(
        "\nIn brackets the ratio to `floor`: the median over the rounds, each sample between two of the baseline. \
         Rates: more is better; times: less is better.\n\n",
    );
    for row in rows {
        let _ = writeln!(text, "- `{}`: {}", row.contender.name, row.contender.about);
    }
    for row in rows {
        notes(row, &mut text);
    }
    text
}

fn head(columns: &[usize]) -> Vec<String> {
    let titles = columns.iter().map(|&column| Workload::ALL[column].title().to_owned());
    ["contender".to_owned(), "over".to_owned()].into_iter().chain(titles).collect()
}

fn body(row: &Row, columns: &[usize]) -> Vec<String> {
    let wire = match row.contender.wire {
        Wire::Unix => "unix",
        Wire::WebSocket => "ws",
    };
    let cells = columns.iter().map(|&column| cell(&row.cells[column], Workload::ALL[column]));
    [row.contender.name.to_owned(), wire.to_owned()].into_iter().chain(cells).collect()
}

fn cell(cell: &Cell, workload: Workload) -> String {
    match cell {
        Cell::Absent => "-".into(),
        Cell::Failed(_) => "failed".into(),
        Cell::Bytes(bytes) => format!("{:.1} KB", bytes / 1e3),
        Cell::Stalled(stalled) => stall(stalled),
        Cell::Sampled { value, ratio, .. } if workload.is_rate() => format!("{} ({ratio:.2})", rate(*value)),
        Cell::Sampled { value, ratio, .. } if workload == Workload::ColdStart => {
            format!("{:.1} ({ratio:.2})", value / 1e3)
        }
        Cell::Sampled { value, p99: Some(p99), ratio } if workload == Workload::PingPong => {
            format!("{value:.1} / {p99:.0} ({ratio:.2})")
        }
        Cell::Sampled { value, ratio, .. } => format!("{} ({ratio:.2})", micros(*value)),
    }
}

fn stall(stalled: &Stalled) -> String {
    let beside = stalled.stalled_p99.map_or("no answer".into(), |p99| format!("{p99:.0}"));
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let lost = if stalled.arrived < stalled.sent { ", items lost" } else { "" };
    format!(
        "{:.0} → {beside}, {:.1} + {:.1} MiB{lost}",
        stalled.calm_p99,
        mib(stalled.server_growth),
        mib(stalled.client_growth)
    )
}

fn rate(value: f64) -> String {
    if value >= 1e6 { format!("{:.2}M", value / 1e6) } else { format!("{:.0}k", value / 1e3) }
}

fn micros(value: f64) -> String {
    if value >= 1000.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

fn notes(row: &Row, text: &mut String) {
    for (cell, workload) in row.cells.iter().zip(Workload::ALL) {
        let note = match cell {
            Cell::Failed(why) => why.clone(),
            Cell::Stalled(Stalled { arrived, sent, lost, .. }) if arrived < sent => {
                format!("{arrived} of {sent} items arrived ({})", lost.as_deref().unwrap_or("the stream just ended"))
            }
            _ => continue,
        };
        let _ = writeln!(text, "- `{}`, {workload}: {note}", row.contender.name);
    }
}

fn aligned(lines: &[Vec<String>]) -> String {
    let widths: Vec<_> = (0..lines[0].len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for (number, line) in lines.iter().enumerate() {
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let _ = if column < HEADS { write!(text, "| {cell:<width$} ") } else { write!(text, "| {cell:>width$} ") };
        }
        text.push_str("|\n");
        if number == 0 {
            for (column, width) in widths.iter().enumerate() {
                let _ = write!(text, "|{}{}", "-".repeat(width + 1), if column < HEADS { "-" } else { ":" });
            }
            text.push_str("|\n");
        }
    }
    text
}
