//! Scripts that a target is to run, as the trace shows it.

use crate::probe::{Evidence, Mismatch};

/// Wants a call that runs the script, and one that shows what only it prints.
pub(super) fn has_run(
    evidence: &Evidence<'_>,
    script: &str,
    printed: &str,
) -> Result<(), Mismatch> {
    let calls = evidence.calls();
    if !calls.iter().any(|call| call.runs(script)) {
        return Err(format!("no call ran {script}").into());
    }
    if calls.iter().any(|call| call.shows(printed)) {
        Ok(())
    } else {
        Err(format!("no call shows {printed}").into())
    }
}
