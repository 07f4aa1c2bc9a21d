//! Processes that a program started and left its group with: commands that it put into sessions of their own.
//!
//! Every process below a run inherits a variable that names the run's sandbox. Where the system shows the variables of
//! processes (Linux), what still has it when the run is over is ended. Elsewhere such processes live on.

#[cfg(target_os = "linux")]
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The variable that names the sandbox.
pub(super) const MARK: &str = "SKVM_RUN";

/// Ends what is left of a run when it is dropped.
pub(super) struct EndsLeftovers(pub(super) PathBuf);

impl Drop for EndsLeftovers {
    fn drop(&mut self) {
        end(&self.0);
    }
}

/// Ends what is left of a run. Gives how many processes that were.
#[cfg(target_os = "linux")]
pub(super) fn end(sandbox: &Path) -> usize {
    use rustix::process::{Pid, Signal, kill_process};

    let mut mark = OsString::from(MARK);
    mark.push("=");
    mark.push(sandbox);
    let mark = mark.into_encoded_bytes();
    let mut ended = 0;
    // One that starts another while it is looked for leaves that for the next look.
    for _ in 0..MAX_LOOKS {
        let found = marked(&mark);
        if found.is_empty() {
            break;
        }
        for pid in found.iter().filter_map(|pid| Pid::from_raw(*pid)) {
            ended += usize::from(kill_process(pid, Signal::KILL).is_ok());
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    ended
}

/// How often it is looked for processes.
#[cfg(target_os = "linux")]
const MAX_LOOKS: usize = 10;

/// The processes whose variables hold a mark. Those of others cannot be read.
#[cfg(target_os = "linux")]
fn marked(mark: &[u8]) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.filter_map(Result::ok).filter_map(|entry| {
        let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
        // One that has ended and was not waited for has none.
        let variables = std::fs::read(entry.path().join("environ")).ok()?;
        variables.split(|byte| *byte == 0).any(|variable| variable == mark).then_some(pid)
    });
    pids.collect()
}

/// The system shows no variables of processes.
#[cfg(not(target_os = "linux"))]
pub(super) fn end(_: &Path) -> usize {
    0
}
