//! What the processes of a sidecar use, from what the system tells of them; on Linux. Looked at only while somebody wants to
//! know.

use std::collections::HashMap;
use std::time::Duration;

use sixframe_supervisor::ProcessId;
use tokio::time::Instant;

use super::api::Usage;

/// How often it is looked at.
pub(crate) const INTERVAL: Duration = Duration::from_secs(2);

/// What the processes of all sidecars had used when they were last looked at.
#[derive(Default)]
pub(crate) struct Meter {
    /// Time on processors, by process.
    used: HashMap<ProcessId, Duration>,
    at: Option<Instant>,
}

impl Meter {
    /// Looks at these groups of processes: what each uses, where the system tells. The first look knows of no time.
    pub(crate) fn look(&mut self, groups: &[(String, Vec<ProcessId>)]) -> HashMap<String, Usage> {
        let now = Instant::now();
        let passed = self.at.replace(now).map(|before| now.duration_since(before));
        let before = std::mem::take(&mut self.used);
        let mut found = HashMap::new();
        for (name, processes) in groups {
            let mut total = (Duration::ZERO, 0, 0);
            for process in processes {
                let Some((time, memory)) = of_process(process.pid) else { continue };
                let earlier =
                    before.get(process).copied().unwrap_or(if passed.is_some() { Duration::ZERO } else { time });
                total = (total.0 + time.saturating_sub(earlier), total.1 + memory, total.2 + 1);
                self.used.insert(*process, time);
            }
            let (time, memory_bytes, processes) = total;
            if processes == 0 {
                continue;
            }
            let share = passed
                .filter(|passed| !passed.is_zero())
                .map_or(0.0, |passed| time.as_secs_f64() / passed.as_secs_f64());
            let cpu_percent = (share * 1000.0).round() / 10.0;
            found.insert(name.clone(), Usage { cpu_percent, memory_bytes, processes });
        }
        found
    }
}

/// Time on processors, and resident memory in bytes.
#[cfg(target_os = "linux")]
fn of_process(pid: u32) -> Option<(Duration, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let ticks = number(11)? + number(12)?;
    let second = rustix::param::clock_ticks_per_second().max(1);
    Some((Duration::from_secs_f64(ticks as f64 / second as f64), number(21)? * rustix::param::page_size() as u64))
}

#[cfg(not(target_os = "linux"))]
fn of_process(_pid: u32) -> Option<(Duration, u64)> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory_and_one_that_is_not_there_nothing() {
        let here = ProcessId { pid: std::process::id(), started: 0 };
        let nobody = ProcessId { pid: u32::MAX, started: 0 };
        let groups = [("here".to_owned(), vec![here, nobody]), ("nobody".to_owned(), vec![nobody])];
        let mut meter = Meter::default();
        let first = meter.look(&groups);
        assert_eq!(first["here"].processes, 1);
        assert!(first["here"].memory_bytes > 100_000 && first["here"].cpu_percent == 0.0);
        assert!(!first.contains_key("nobody"));
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(100) {}
        assert!(meter.look(&groups)["here"].cpu_percent > 0.0);
    }
}
