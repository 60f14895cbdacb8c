//! The order of the samples: in each round every contender between two samples of the baseline.

use anyhow::{Context, Result, ensure};

use crate::contenders::{self, BASELINE};
use crate::driver::{Finding, Order};
use crate::peer::Contender;
use crate::placement::Placement;
use crate::process::Pair;
use crate::stall::Stalled;
use crate::workload::Workload;

/// How long to measure, and what.
pub struct Plan {
    rounds: usize,
    sample_millis: u64,
    stalled_items: u64,
    stall_millis: u64,
    idle_connections: u64,
    placement: Placement,
    only: Vec<String>,
}

impl Plan {
    pub fn new(quick: bool, rounds: Option<usize>, placement: Placement, only: Vec<String>) -> Result<Self> {
        for name in &only {
            let (contender, workload) = name.split_once('/').unwrap_or((name, name));
            let known = contenders::find(contender).is_ok() as u8 + workload.parse::<Workload>().is_ok() as u8;
            ensure!(known == 1 + name.contains('/') as u8, "--only {name}: run `list` for the names");
        }
        Ok(Self {
            rounds: rounds.unwrap_or(if quick { 3 } else { 9 }).max(1),
            sample_millis: if quick { 30 } else { 60 },
            stalled_items: if quick { 100_000 } else { 1_000_000 },
            stall_millis: if quick { 500 } else { 3000 },
            idle_connections: if quick { 1000 } else { 9900 },
            placement,
            only,
        })
    }

    pub fn placement(&self) -> Placement {
        self.placement
    }

    /// Whether `--only` admits the pair. Contenders and workloads restrict each other; no name admits all.
    fn wants(&self, contender: &Contender, workload: Workload) -> bool {
        let pairs = || self.only.iter().filter_map(|name| name.split_once('/'));
        let named = |kind: fn(&str) -> bool, name: &str| {
            let mut names = self.only.iter().filter(|name| kind(name)).peekable();
            names.peek().is_none() || names.any(|other| other == name)
        };
        if pairs().next().is_some() {
            return pairs().any(|pair| pair == (contender.name, workload.name()));
        }
        named(|name| contenders::find(name).is_ok(), contender.name)
            && named(|name| name.parse::<Workload>().is_ok(), workload.name())
    }
}

/// One row of the table.
pub struct Row {
    pub contender: &'static Contender,
    pub cells: Vec<Cell>,
}

/// What is known of one contender under one workload.
pub enum Cell {
    /// Not asked for, or not something that the contender does.
    Absent,
    /// Medians over the rounds; the ratio is that of each sample to its two neighbours. `p99` only for times.
    Sampled {
        value: f64,
        p99: Option<f64>,
        ratio: f64,
    },
    Stalled(Stalled),
    Bytes(f64),
    Failed(String),
}

pub fn run(plan: &Plan) -> Result<Vec<Row>> {
    let mut rows: Vec<_> = contenders::ALL.iter().map(|contender| Row { contender, cells: Vec::new() }).collect();
    for workload in Workload::ALL {
        let wanted = |contender: &Contender| contender.workloads.contains(&workload) && plan.wants(contender, workload);
        let asked: Vec<_> = contenders::ALL.iter().filter(|contender| wanted(contender)).collect();
        let cells = if workload.in_rounds() {
            sampled(&asked, workload, plan)?
        } else {
            asked.iter().map(|contender| once(contender, workload, plan)).collect::<Result<_>>()?
        };
        let mut cells = cells.into_iter();
        for row in &mut rows {
            let cell = if wanted(row.contender) { cells.next() } else { None };
            row.cells.push(cell.unwrap_or(Cell::Absent));
        }
    }
    rows.retain(|row| row.cells.iter().any(|cell| !matches!(cell, Cell::Absent)));
    Ok(rows)
}

/// A contender's processes and what they have shown so far.
struct Lane {
    pair: Pair,
    samples: Vec<(Finding, f64)>,
    failure: Option<String>,
}

fn sampled(asked: &[&Contender], workload: Workload, plan: &Plan) -> Result<Vec<Cell>> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let order = Order::Sample { workload, millis: plan.sample_millis };
    let mut baseline = start(contenders::find(BASELINE)?, plan)?;
    let mut lanes = asked
        .iter()
        .map(|contender| Ok(Lane { pair: start(contender, plan)?, samples: Vec::new(), failure: None }))
        .collect::<Result<Vec<_>>>()?;
    // The first round only warms up.
    for round in 0..=plan.rounds {
        eprint!("\r{workload}: round {round} of {} ", plan.rounds);
        let mut before = figure(&baseline.order(&order)).context("the baseline failed")?;
        for lane in &mut lanes {
            if lane.failure.is_some() {
                continue;
            }
            let finding = lane.pair.order(&order);
            let after = figure(&baseline.order(&order)).context("the baseline failed")?;
            match figure(&finding) {
                Ok(value) if round > 0 => lane.samples.push((finding, value / ((before + after) / 2.0))),
                Ok(_) => {}
                Err(error) => lane.failure = Some(format!("{error:#}")),
            }
            before = after;
        }
    }
    eprintln!();
    lanes.into_iter().map(Lane::cell).collect()
}

impl Lane {
    fn cell(self) -> Result<Cell> {
        if let Some(failure) = self.failure {
            return Ok(Cell::Failed(failure));
        }
        let values = self.samples.iter().map(|(finding, _)| figure(finding)).collect::<Result<Vec<_>>>()?;
        let p99s: Vec<_> = self.samples.iter().filter_map(|(finding, _)| p99(finding)).collect();
        Ok(Cell::Sampled {
            value: median(values).context("no sample")?,
            p99: median(p99s),
            ratio: median(self.samples.iter().map(|(_, ratio)| *ratio).collect()).context("no sample")?,
        })
    }
}

fn once(contender: &Contender, workload: Workload, plan: &Plan) -> Result<Cell> {
    eprintln!("{workload}: {}", contender.name);
    let mut pair = start(contender, plan)?;
    let server = pair.server_pid();
    let order = match workload {
        Workload::Idle => Order::Idle { connections: plan.idle_connections, server },
        _ => Order::Stall { items: plan.stalled_items, millis: plan.stall_millis, server },
    };
    Ok(match pair.order(&order) {
        Finding::Stalled(stalled) => Cell::Stalled(stalled),
        Finding::Bytes(bytes) => Cell::Bytes(bytes),
        Finding::Failed(why) => Cell::Failed(why),
        Finding::Times { .. } | Finding::Rate(_) => Cell::Failed("an unexpected kind of result".into()),
    })
}

fn start(contender: &Contender, plan: &Plan) -> Result<Pair> {
    Pair::start(contender.name, contender.upstream, plan.placement)
}

/// The number by which a sample is compared.
fn figure(finding: &Finding) -> Result<f64> {
    match finding {
        Finding::Times { p50, .. } => Ok(*p50),
        Finding::Rate(rate) | Finding::Bytes(rate) => Ok(*rate),
        Finding::Stalled(_) => anyhow::bail!("a stall is no sample"),
        Finding::Failed(why) => anyhow::bail!("{why}"),
    }
}

fn p99(finding: &Finding) -> Option<f64> {
    match finding {
        Finding::Times { p99, .. } => Some(*p99),
        Finding::Rate(_) | Finding::Bytes(_) | Finding::Stalled(_) | Finding::Failed(_) => None,
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}
