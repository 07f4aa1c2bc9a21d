use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use skvm_core::harness::PreparedEnvironment;
use skvm_core::host::is_secret_name;

use super::CommandError;

/// The variables that a child process sees: an allow-list of the host's, and those set for it.
///
/// ```
/// use skvm_runtime::command::Environment;
///
/// let environment = Environment::from_host()
///     .allow_prefix("GIT_") // but not GIT_TOKEN: it looks like a secret
///     .allow("MODEL_API_KEY") // named, so it is taken over
///     .with_variable("PYTHONUTF8", "1")
///     .with_path_entry("/opt/skill/bin");
/// # drop(environment);
/// ```
///
/// `Debug` shows names, never values.
#[derive(Clone)]
#[must_use]
pub struct Environment {
    host: Arc<BTreeMap<OsString, OsString>>,
    allowed: BTreeSet<OsString>,
    prefixes: BTreeSet<OsString>,
    set: BTreeMap<OsString, OsString>,
    path_front: Vec<PathBuf>,
}

impl Environment {
    /// The variables that are taken over unless [`Environment::deny`] says otherwise.
    pub const DEFAULT_VARIABLES: [&str; 11] = [
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "LC_CTYPE",
        "TERM",
        "TZ",
        "TMPDIR",
        "USER",
        "SHELL",
        "SYSTEMROOT",
    ];

    /// The variables of this process as they are now, under the default allow-list.
    pub fn from_host() -> Self {
        Self::from_variables(std::env::vars_os())
    }

    /// The given variables in place of the host's, under the default allow-list.
    pub fn from_variables<K, V>(host: impl IntoIterator<Item = (K, V)>) -> Self
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let host = host.into_iter().map(|(name, value)| (key(name.into()), value.into()));
        Self {
            host: Arc::new(host.collect()),
            allowed: Self::DEFAULT_VARIABLES.into_iter().map(OsString::from).collect(),
            prefixes: BTreeSet::new(),
            set: BTreeMap::new(),
            path_front: Vec::new(),
        }
    }

    /// Takes over the host's variable of that name, also when it looks like a secret.
    pub fn allow(mut self, name: impl Into<OsString>) -> Self {
        self.allowed.insert(key(name.into()));
        self
    }

    /// Takes over the host's variables whose names begin so. Those that look like secrets (`KEY`,
    /// `TOKEN`, `SECRET`, `PASSWORD`, `CREDENTIAL` and the like in the name) are left out; name
    /// them in [`Environment::allow`].
    pub fn allow_prefix(mut self, prefix: impl Into<OsString>) -> Self {
        self.prefixes.insert(key(prefix.into()));
        self
    }

    /// Takes a name off the allow-list. A prefix may still cover it.
    pub fn deny(mut self, name: impl Into<OsString>) -> Self {
        self.allowed.remove(&key(name.into()));
        self
    }

    /// Sets a variable, over the host's of the same name.
    pub fn with_variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.set.insert(key(name.into()), value.into());
        self
    }

    /// Puts a folder in front of `PATH`, behind those that were put there before. It should be
    /// absolute: others are relative to the child's working directory.
    pub fn with_path_entry(mut self, folder: impl Into<PathBuf>) -> Self {
        self.path_front.push(folder.into());
        self
    }

    /// Adds what was set up for a skill: its folders in front of `PATH`, its variables over others.
    pub fn with_prepared(mut self, prepared: &PreparedEnvironment) -> Self {
        for folder in &prepared.path {
            self = self.with_path_entry(folder);
        }
        for (name, value) in &prepared.variables {
            // Options add up; what the host set on purpose stays.
            let known = self.set.get(OsStr::new(name)).filter(|_| name == "NODE_OPTIONS").cloned();
            let value = match known {
                Some(mut known) => {
                    known.push(" ");
                    known.push(value);
                    known
                }
                None => value.into(),
            };
            self = self.with_variable(name, value);
        }
        self
    }

    /// Whether the host has a variable of that name, taken over or not, and it is not empty.
    #[must_use]
    pub fn host_has(&self, name: impl Into<OsString>) -> bool {
        let name = key(name.into());
        self.set.get(&name).or_else(|| self.host.get(&name)).is_some_and(|value| !value.is_empty())
    }

    /// The program that a child would find by this name; `None` when there is none. A name with a
    /// separator is a path.
    #[must_use]
    pub fn find_program(&self, name: &str) -> Option<PathBuf> {
        if name.contains(std::path::is_separator) {
            return Some(PathBuf::from(name)).filter(|path| is_executable(path));
        }
        let variables = self.resolve(&BTreeMap::new()).ok()?;
        let path = variables.get(OsStr::new("PATH"))?;
        let suffix = std::env::consts::EXE_SUFFIX;
        std::env::split_paths(path)
            .flat_map(|folder| [folder.join(name), folder.join(format!("{name}{suffix}"))])
            .find(|path| is_executable(path))
    }

    /// The `PATH` of a child.
    #[cfg(feature = "harness-cli")]
    pub(crate) fn search_path(&self) -> Option<OsString> {
        self.resolve(&BTreeMap::new()).ok()?.remove(OsStr::new("PATH"))
    }

    /// All variables of a child, with `additions` over the rest.
    ///
    /// # Errors
    /// [`CommandError::VariableName`] and [`CommandError::PathEntries`].
    pub(super) fn resolve(
        &self,
        additions: &BTreeMap<OsString, OsString>,
    ) -> Result<BTreeMap<OsString, OsString>, CommandError> {
        let mut variables: BTreeMap<OsString, OsString> =
            self.taken_over().map(|(name, value)| (name.clone(), value.clone())).collect();
        for (name, value) in self.set.iter().chain(additions) {
            if !is_name(name) {
                return Err(CommandError::VariableName { name: name.clone() });
            }
            variables.insert(key(name.clone()), value.clone());
        }
        if !self.path_front.is_empty() {
            let path = self.path(variables.get(OsStr::new("PATH")))?;
            variables.insert(OsString::from("PATH"), path);
        }
        Ok(variables)
    }

    fn path(&self, rest: Option<&OsString>) -> Result<OsString, CommandError> {
        let rest = rest.into_iter().flat_map(std::env::split_paths);
        std::env::join_paths(self.path_front.iter().cloned().chain(rest)).map_err(|source| {
            CommandError::PathEntries { entries: self.path_front.clone(), source }
        })
    }

    fn taken_over(&self) -> impl Iterator<Item = (&OsString, &OsString)> {
        self.host.iter().filter(|(name, _)| self.allowed.contains(*name) || self.covers(name))
    }

    fn covers(&self, name: &OsStr) -> bool {
        let begins =
            |prefix: &OsString| name.as_encoded_bytes().starts_with(prefix.as_encoded_bytes());
        self.prefixes.iter().any(begins)
            && is_name(name)
            && !is_secret_name(&name.to_string_lossy())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("taken_over", &self.taken_over().map(|(name, _)| name).collect::<Vec<_>>())
            .field("set", &self.set.keys().collect::<Vec<_>>())
            .field("path_front", &self.path_front)
            .finish_non_exhaustive()
    }
}

fn is_executable(path: &Path) -> bool {
    let Ok(metadata) = path.metadata() else { return false };
    #[cfg(unix)]
    if std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 == 0 {
        return false;
    }
    metadata.is_file()
}

/// The name under which a variable is kept: Windows does not tell `Path` from `PATH`.
fn key(name: OsString) -> OsString {
    if cfg!(windows) { name.to_ascii_uppercase() } else { name }
}

/// Whether the system can take the name: it would read one with `=` as another variable's.
fn is_name(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    !bytes.is_empty() && !bytes.iter().any(|byte| matches!(byte, b'=' | 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(environment: &Environment) -> Vec<(String, String)> {
        let text = |text: OsString| text.into_string().unwrap();
        let variables = environment.resolve(&BTreeMap::new()).unwrap();
        variables.into_iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    const HOST: [(&str, &str); 6] = [
        ("HOME", "/home/a"),
        ("APP_API_KEY", "hunter2"),
        ("APP_MODE", "fast"),
        ("app_password", "hunter2"),
        ("AWS_SECRET_ACCESS_KEY", "hunter2"),
        ("OTHER", "x"),
    ];

    #[test]
    fn only_the_allow_list_is_taken_over() {
        let environment = Environment::from_variables(HOST);
        assert_eq!(resolved(&environment), pairs(&[("HOME", "/home/a")]));
        let environment = environment.deny("HOME").allow("OTHER");
        assert_eq!(resolved(&environment), pairs(&[("OTHER", "x")]));
    }

    #[test]
    fn a_prefix_leaves_secrets_out_and_a_name_does_not() {
        let all = Environment::from_variables(HOST).allow_prefix("");
        let open = pairs(&[("APP_MODE", "fast"), ("HOME", "/home/a"), ("OTHER", "x")]);
        assert_eq!(resolved(&all), open);
        let named = Environment::from_variables(HOST).deny("HOME").allow("APP_API_KEY");
        assert_eq!(resolved(&named), pairs(&[("APP_API_KEY", "hunter2")]));
    }

    #[test]
    fn what_is_set_wins_and_additions_win_over_it() {
        let environment = Environment::from_variables(HOST).with_variable("HOME", "/set");
        assert_eq!(resolved(&environment), pairs(&[("HOME", "/set")]));
        let additions = BTreeMap::from([(OsString::from("HOME"), OsString::from("/added"))]);
        let variables = environment.resolve(&additions).unwrap();
        assert_eq!(variables.get(OsStr::new("HOME")), Some(&OsString::from("/added")));
    }

    #[test]
    fn debug_shows_no_values() {
        let environment = Environment::from_variables(HOST)
            .allow("APP_API_KEY")
            .with_variable("DB_PASSWORD", "hunter2");
        let text = format!("{environment:?}");
        assert!(!text.contains("hunter2") && !text.contains("/home/a"), "{text}");
        assert!(text.contains("APP_API_KEY") && text.contains("DB_PASSWORD"), "{text}");
        assert!(!text.contains("AWS_SECRET_ACCESS_KEY"), "{text}");
    }

    #[test]
    fn names_that_are_none_are_refused() {
        for name in ["", "A=B", "LD_PRELOAD=x", "A\0"] {
            let environment = Environment::from_variables(HOST).with_variable(name, "x");
            let error = environment.resolve(&BTreeMap::new()).unwrap_err();
            assert!(matches!(error, CommandError::VariableName { .. }), "{name:?}: {error:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn path_entries_come_first_in_their_order() {
        let host = [("PATH", "/usr/bin:/bin")];
        let environment =
            Environment::from_variables(host).with_path_entry("/a").with_path_entry("/b");
        assert_eq!(resolved(&environment), pairs(&[("PATH", "/a:/b:/usr/bin:/bin")]));
        let error = environment.with_path_entry("/c:/d").resolve(&BTreeMap::new()).unwrap_err();
        assert!(matches!(error, CommandError::PathEntries { .. }), "{error:?}");
        assert!(std::error::Error::source(&error).is_some());
    }
}
