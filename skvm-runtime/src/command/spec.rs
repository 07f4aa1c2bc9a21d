use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What to run, where, with which input and within which bounds.
///
/// `Debug` shows the arguments, as the system does to its other users; secrets belong into a
/// variable or the standard input, of which only the name and the length are shown.
#[derive(Clone)]
#[must_use]
pub struct CommandSpec {
    pub(super) program: OsString,
    pub(super) args: Vec<OsString>,
    pub(super) cwd: PathBuf,
    pub(super) stdin: Option<Vec<u8>>,
    pub(super) open_stdin: bool,
    pub(super) variables: BTreeMap<OsString, OsString>,
    pub(super) deadline: Duration,
    pub(super) grace: Duration,
    pub(super) output_cap: usize,
}

impl CommandSpec {
    /// The deadline unless another is set: 30 seconds.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(30);
    /// The grace unless another is set: 500 milliseconds.
    pub const DEFAULT_GRACE: Duration = Duration::from_millis(500);
    /// The bytes kept of each stream unless another cap is set: 64 KiB.
    pub const DEFAULT_OUTPUT_CAP: usize = 64 * 1024;

    /// Runs `program` in `cwd`, without arguments and input.
    ///
    /// A program without a path separator is searched in the child's `PATH`; one with a separator
    /// should be absolute, as systems differ in what it is relative to.
    pub fn new(program: impl Into<OsString>, cwd: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            cwd: cwd.into(),
            stdin: None,
            open_stdin: false,
            variables: BTreeMap::new(),
            deadline: Self::DEFAULT_DEADLINE,
            grace: Self::DEFAULT_GRACE,
            output_cap: Self::DEFAULT_OUTPUT_CAP,
        }
    }

    /// Adds one argument, passed as it is.
    pub fn with_arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Adds arguments, passed as they are.
    pub fn with_args<I>(mut self, args: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Feeds bytes to the standard input and closes it after them. Without, it is `/dev/null`.
    ///
    /// A program need not read them; what it left is dropped.
    pub fn with_stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// Leaves the standard input open behind what is fed, for an [attendant](super::Attendant) who answers.
    pub fn with_open_stdin(mut self) -> Self {
        self.open_stdin = true;
        self
    }

    /// Whether anything can come on the standard input.
    pub(super) fn takes_input(&self) -> bool {
        self.stdin.is_some() || self.open_stdin
    }

    /// Sets a variable for this command, over what the runner's environment says.
    pub fn with_variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// How long the program may run. Default: [`CommandSpec::DEFAULT_DEADLINE`].
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How long the program may take to end when asked to, and how long processes that it left
    /// behind may go on writing. With zero the end of its output may be lost. Default:
    /// [`CommandSpec::DEFAULT_GRACE`].
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// How many bytes of each stream are kept. Default: [`CommandSpec::DEFAULT_OUTPUT_CAP`].
    pub fn with_output_cap(mut self, bytes: usize) -> Self {
        self.output_cap = bytes;
        self
    }

    /// The program.
    #[must_use]
    pub fn program(&self) -> &OsStr {
        &self.program
    }

    /// Its arguments.
    #[must_use]
    pub fn args(&self) -> &[OsString] {
        &self.args
    }

    /// Its working directory, as it was given.
    #[must_use]
    pub fn cwd(&self) -> &Path {
        &self.cwd
    }

    /// How long it may run.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.deadline
    }
}

impl fmt::Debug for CommandSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandSpec")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("cwd", &self.cwd)
            .field("stdin_bytes", &self.stdin.as_ref().map(Vec::len))
            .field("open_stdin", &self.open_stdin)
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("deadline", &self.deadline)
            .field("grace", &self.grace)
            .field("output_cap", &self.output_cap)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_names_and_lengths_and_no_secrets() {
        let spec = CommandSpec::new("git", "/work")
            .with_stdin("hunter2")
            .with_variable("GIT_TOKEN", "hunter2");
        let text = format!("{spec:?}");
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("GIT_TOKEN") && text.contains("Some(7)"), "{text}");
    }

    #[test]
    fn the_defaults_are_those_of_the_docs() {
        let spec = CommandSpec::new("true", "/");
        assert_eq!(spec.deadline, Duration::from_secs(30));
        assert_eq!(spec.grace, Duration::from_millis(500));
        assert_eq!(spec.output_cap, 65_536);
    }
}
