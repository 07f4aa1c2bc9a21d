//! What the machine tells of itself.

use std::fs;

/// One look at the machine. What is not known is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Sample {
    /// The share of time in which some task waited for a CPU, 0 to 1.
    pub cpu_pressure: Option<f64>,
    /// The share of memory that is left, 0 to 1.
    pub memory_left: Option<f64>,
    /// The share of open files that is left to this process, 0 to 1.
    pub files_left: Option<f64>,
}

/// Where samples come from: the machine, or a test.
///
/// ```
/// use skvm_runtime::scheduler::{Sample, Signals};
///
/// /// A machine that is always at rest.
/// struct Calm;
///
/// impl Signals for Calm {
///     fn sample(&self) -> Sample {
///         Sample { cpu_pressure: Some(0.0), memory_left: Some(1.0), files_left: Some(1.0) }
///     }
/// }
///
/// let signals: Box<dyn Signals> = Box::new(Calm);
/// # drop(signals);
/// ```
pub trait Signals: Send + Sync {
    /// Looks at the machine. Called a few times a second at most.
    fn sample(&self) -> Sample;
}

const _: fn(&dyn Signals) = |_| {};

/// This machine, as far as `/proc` and the control group tell: pressure (or load where there is none), memory,
/// open files. On systems without `/proc` nothing is known.
#[derive(Debug, Clone, Copy, Default)]
pub struct HostSignals;

impl Signals for HostSignals {
    fn sample(&self) -> Sample {
        Sample {
            cpu_pressure: cpu_pressure(),
            memory_left: cgroup_memory_left().or_else(memory_left),
            files_left: files_left(),
        }
    }
}

/// The pressure of the control group, else of the machine, else how far the load lies above the cores.
fn cpu_pressure() -> Option<f64> {
    let of_file = |path| {
        let text = fs::read_to_string(path).ok()?;
        let some = text.lines().find(|line| line.starts_with("some"))?;
        let average = some.split(' ').find_map(|word| word.strip_prefix("avg10="))?;
        Some(average.parse::<f64>().ok()? / 100.0)
    };
    let load = || {
        let text = fs::read_to_string("/proc/loadavg").ok()?;
        let load: f64 = text.split(' ').next()?.parse().ok()?;
        let cores = std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
        Some(((load - cores) / cores).clamp(0.0, 1.0))
    };
    of_file("/sys/fs/cgroup/cpu.pressure").or_else(|| of_file("/proc/pressure/cpu")).or_else(load)
}

fn cgroup_memory_left() -> Option<f64> {
    let number = |path| fs::read_to_string(path).ok()?.trim().parse::<f64>().ok();
    let most = number("/sys/fs/cgroup/memory.max")?;
    let used = number("/sys/fs/cgroup/memory.current")?;
    Some((1.0 - used / most).clamp(0.0, 1.0))
}

fn memory_left() -> Option<f64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let field = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    Some((field("MemAvailable:")? / field("MemTotal:")?).clamp(0.0, 1.0))
}

#[cfg(unix)]
fn files_left() -> Option<f64> {
    let open = fs::read_dir("/proc/self/fd").ok()?.count() as f64;
    let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current? as f64;
    Some((1.0 - open / most).clamp(0.0, 1.0))
}

#[cfg(not(unix))]
fn files_left() -> Option<f64> {
    None
}
