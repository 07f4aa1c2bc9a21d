//! The binder: from a plan to an environment that is proven to work.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use skvm_core::artifact::{
    Action, ActionKind, ArtifactError, Dependencies, EnvironmentPlan, ManualReason, ManualStep,
};
use skvm_core::harness::PreparedEnvironment;
use skvm_core::host::HostFacts;
use skvm_passes::environment::{PlanOptions, plan};
use skvm_passes::variant::Variant;
use tokio::sync::OnceCell;

use super::check::{Checker, glance};
use super::lock::Lock;
use super::record::Record;
use super::work::Work;
use super::{Consent, PrepareError, host};
use crate::command::{CommandRunner, Environment};

/// Variables that tell installers where packages come from and how they are reached. None of them moves an
/// installation elsewhere: what says where things go (`PIP_TARGET`, `npm_config_prefix`) stays out.
const INSTALLER_VARIABLES: [&str; 41] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "CARGO_HOME",
    "RUSTUP_HOME",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_NO_INDEX",
    "PIP_TRUSTED_HOST",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_PROXY",
    "PIP_CACHE_DIR",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_RETRIES",
    "PIP_CONFIG_FILE",
    "UV_INDEX",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_EXTRA_INDEX_URL",
    "UV_FIND_LINKS",
    "UV_OFFLINE",
    "UV_CACHE_DIR",
    "UV_NATIVE_TLS",
    "UV_HTTP_TIMEOUT",
    "NPM_CONFIG_REGISTRY",
    "npm_config_registry",
    "NPM_CONFIG_CACHE",
    "npm_config_cache",
    "NPM_CONFIG_CAFILE",
    "npm_config_cafile",
];

/// Carries plans out, each in a folder of its own below one root. Cheap to clone; see the
/// [module](super).
#[derive(Debug, Clone)]
pub struct Binder {
    root: PathBuf,
    environment: Environment,
    host: Arc<OnceCell<HostFacts>>,
    options: Option<PlanOptions>,
    deadline: Duration,
}

/// An environment that was set up, now or before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prepared {
    /// What the skill's commands are to see.
    pub environment: PreparedEnvironment,
    /// What was done now; empty when everything was there.
    pub performed: Vec<Performed>,
    /// What is still missing.
    pub open: Vec<Open>,
}

impl Prepared {
    /// Whether nothing is missing that the skill cannot do without.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.open.iter().all(|open| open.optional)
    }
}

/// An action that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Performed {
    /// The action.
    pub action: String,
    /// How long it took, its verification included.
    pub duration: Duration,
}

/// Something that is still missing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Open {
    /// The [ids](skvm_core::artifact::Dependency::id) of the dependencies.
    pub dependencies: Vec<String>,
    /// Why it is missing.
    pub reason: OpenReason,
    /// What to do, in one line.
    pub advice: String,
    /// Whether the skill works without it.
    pub optional: bool,
}

/// Why something is still missing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OpenReason {
    /// It is left to a person.
    Manual(ManualReason),
    /// The consent denied the action.
    Denied(String),
    /// The optional action failed, with the end of its output.
    Failed(String),
}

impl Binder {
    /// Time for everything unless another is set: 15 minutes.
    pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(15 * 60);

    /// A binder that keeps its environments below `root`, which it creates when it needs it. Checks see this
    /// process's plain variables; installers see those as well that say where packages come from.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        // Commands run in other folders than this process.
        let root = std::path::absolute(&root).unwrap_or(root);
        Self {
            root,
            environment: Environment::from_host(),
            host: Arc::default(),
            options: None,
            deadline: Self::DEFAULT_DEADLINE,
        }
    }

    /// The same binder, whose commands see another environment.
    #[must_use]
    pub fn with_environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self.host = Arc::default();
        self
    }

    /// The same binder for a machine that is known, so that it need not be looked at.
    #[must_use]
    pub fn with_host(mut self, host: HostFacts) -> Self {
        self.host = Arc::new(OnceCell::new_with(Some(host)));
        self
    }

    /// The same binder, which makes its plans with these options, whatever a variant brings.
    #[must_use]
    pub fn with_options(mut self, options: PlanOptions) -> Self {
        self.options = Some(options);
        self
    }

    /// The same binder with another time for everything, the consent included.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// The facts of this machine, found out once.
    pub async fn host(&self) -> &HostFacts {
        self.host.get_or_init(|| host::probe_host(&self.environment)).await
    }

    /// The plan for a variant on this machine: the variant's own when it was compiled for this machine,
    /// else one made now out of its dependencies. A variant without dependencies needs nothing.
    ///
    /// # Errors
    /// [`ArtifactError`] when the variant's artifacts are not what their keys say.
    pub async fn plan(&self, variant: &Variant) -> Result<EnvironmentPlan, ArtifactError> {
        let host = self.host().await;
        let artifacts = variant.artifacts();
        if self.options.is_none()
            && let Some(plan) = artifacts.get::<EnvironmentPlan>()?
            && plan.host == *host
        {
            return Ok(EnvironmentPlan::clone(&plan));
        }
        let dependencies = artifacts.get::<Dependencies>()?.unwrap_or_default();
        let options = self.options.clone().unwrap_or_default();
        Ok(plan(&dependencies, host, &options))
    }

    /// The folder of a plan's environment.
    #[must_use]
    pub fn folder(&self, plan: &EnvironmentPlan) -> PathBuf {
        let name: String = plan.digest().to_string().chars().take(32).collect();
        self.root.join(name)
    }

    /// Checks what is missing, asks, installs, verifies, and records the fact. When it was done before
    /// nothing is started at all.
    ///
    /// # Errors
    /// [`PrepareError`]. Of an environment that was begun nothing is left then; one that was there before keeps
    /// what was recorded of it, and the rest is made again. What is denied, optional or left to a person is no
    /// error: [`Prepared::open`] tells of it.
    pub async fn prepare(
        &self,
        plan: &EnvironmentPlan,
        consent: &dyn Consent,
    ) -> Result<Prepared, PrepareError> {
        let work = Work::default();
        let deadline = self.deadline;
        match tokio::time::timeout(deadline, self.prepare_now(plan, consent, &work)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(PrepareError::Deadline { deadline, action: work.current() }),
        }
    }

    /// Throws a plan's environment away; the next call makes it anew.
    ///
    /// # Errors
    /// [`PrepareError`] when it cannot be removed, or somebody is preparing it.
    pub async fn remove(&self, plan: &EnvironmentPlan) -> Result<(), PrepareError> {
        let folder = self.folder(plan);
        if !folder.exists() {
            return Ok(());
        }
        let _lock = self.lock(&folder).await?;
        fs::remove_dir_all(&folder).map_err(|source| PrepareError::Folder { path: folder, source })
    }

    async fn prepare_now(
        &self,
        plan: &EnvironmentPlan,
        consent: &dyn Consent,
        work: &Work,
    ) -> Result<Prepared, PrepareError> {
        let folder = self.folder(plan);
        let digest = plan.digest();
        if plan.actions.is_empty() {
            return Ok(self.told(plan, &folder, Record::new(digest), Vec::new()));
        }
        if let Some(record) = Record::read(&folder, digest)
            && self.is_ready(plan, &folder, &record)
        {
            return Ok(self.told(plan, &folder, record, Vec::new()));
        }
        work.enter_waiting();
        let _lock = self.lock(&folder).await?;
        let (record, draft) = match Record::read(&folder, digest) {
            // Somebody else did it meanwhile, or it was done in part.
            Some(record) => (record, None),
            None => (Record::new(digest), Some(Draft::begin(&folder)?)),
        };
        let in_folder = |source| PrepareError::Folder { path: folder.clone(), source };
        write_hooks(plan, &folder).map_err(in_folder)?;
        // What is checked is found as the skill's commands will find it. What installs is found as the host
        // has it: nothing that was just installed takes the place of an installer.
        let environment = self.environment.clone().with_prepared(&seen(plan, &folder));
        let runner = |environment| {
            CommandRunner::new(environment, [&self.root]).map_err(PrepareError::Runner)
        };
        let (checks, installs) = (runner(environment.clone())?, runner(self.installers())?);
        let checker = Checker { environment: &environment, runner: &checks, folder: &folder };
        let ((record, denied), performed) =
            work.carry_out(plan, consent, (&checker, &installs), record).await?;
        if record.is_empty() {
            // Nothing was there and nothing was allowed: the draft goes.
            return Ok(self.told(plan, &folder, record, denied));
        }
        record.write(&folder).map_err(in_folder)?;
        if let Some(draft) = draft {
            draft.keep();
        }
        let mut prepared = self.told(plan, &folder, record, denied);
        prepared.performed = performed;
        Ok(prepared)
    }

    /// What installers see.
    fn installers(&self) -> Environment {
        let plain = self.environment.clone();
        INSTALLER_VARIABLES.into_iter().fold(plain, Environment::allow)
    }

    async fn lock(&self, folder: &Path) -> Result<Lock, PrepareError> {
        let failed = |source| PrepareError::Folder { path: self.root.clone(), source };
        make_private(&self.root).and_then(|()| check_owner(&self.root)).map_err(failed)?;
        // Less than the deadline for everything, so that it is told what was waited for.
        Lock::take(&folder.with_extension("lock"), self.deadline.mul_f64(0.9)).await
    }

    /// Whether everything that can be done has been done and is still there, as far as a glance tells.
    fn is_ready(&self, plan: &EnvironmentPlan, folder: &Path, record: &Record) -> bool {
        let environment = self.environment.clone().with_prepared(&seen(plan, folder));
        let is_there = |action: &Action| {
            let looks = action.check.iter().map(|check| glance(check, &environment, folder));
            looks.into_iter().all(|holds| holds != Some(false))
        };
        plan.actions.iter().all(|action| {
            let is_done = record.done.contains(&action.id);
            (is_done && is_there(action))
                || record.failed.contains_key(&action.id)
                || (!is_done && plan.is_preparation(&action.id))
        })
    }

    /// What there is and what is open, by the record and a glance at what is left to a person.
    fn told(
        &self,
        plan: &EnvironmentPlan,
        folder: &Path,
        record: Record,
        mut open: Vec<Open>,
    ) -> Prepared {
        for (id, output) in &record.failed {
            let Some(action) = plan.action(id) else { continue };
            open.push(Open {
                dependencies: action.dependencies.clone(),
                reason: OpenReason::Failed(output.clone()),
                advice: super::advice::advice(output, false),
                optional: true,
            });
        }
        let seen = seen(plan, folder);
        let environment = self.environment.clone().with_prepared(&seen);
        let is_met = |step: &ManualStep| {
            step.check.as_ref().and_then(|check| glance(check, &environment, folder)) == Some(true)
        };
        open.extend(plan.manual.iter().filter(|step| !is_met(step)).map(|step| Open {
            dependencies: vec![step.dependency.clone()],
            reason: OpenReason::Manual(step.reason),
            advice: step.advice.clone(),
            optional: step.optional,
        }));
        Prepared { environment: seen, performed: Vec::new(), open }
    }
}

/// What commands see of an environment in `folder`.
fn seen(plan: &EnvironmentPlan, folder: &Path) -> PreparedEnvironment {
    let mut variables = BTreeMap::new();
    if !plan.has_own_environment() {
        return PreparedEnvironment { path: Vec::new(), variables };
    }
    let mut set = |name: &str, path: PathBuf| {
        if path.exists() {
            variables.insert(name.to_owned(), path.to_string_lossy().into_owned());
        }
    };
    set("VIRTUAL_ENV", folder.join("python"));
    set("NODE_PATH", folder.join("npm/node_modules"));
    set("GEM_PATH", folder.join("gems"));
    let hooks = folder.join(NODE_HOOKS);
    // Node.js refuses the address of a module below a folder with a backslash in its name.
    if hooks.exists() && !folder.as_os_str().as_encoded_bytes().contains(&b'\\') {
        variables.insert("NODE_OPTIONS".to_owned(), format!("--import={}", file_address(&hooks)));
    }
    let path = plan.path_entries().into_iter().map(|entry| folder.join(entry)).collect();
    PreparedEnvironment { path, variables }
}

/// The address of a file, in characters that neither Node.js's options nor addresses read.
fn file_address(path: &Path) -> String {
    let mut address = "file://".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' | b'~' => {
                address.push(char::from(*byte));
            }
            byte => address.push_str(&format!("%{byte:02X}")),
        }
    }
    address
}

/// `NODE_PATH` serves `require` alone. This lets `import` find the environment's packages too.
const NODE_HOOKS: &str = "npm/skvm-resolve.mjs";

/// Since when Node.js has what the hooks use: major and minor version.
const HOOKS_SINCE: (u64, u64) = (20, 6);

const NODE_REGISTER: &str = "\
import { register } from 'node:module';
register('./skvm-resolve-hook.mjs', import.meta.url);
";

const NODE_RESOLVE: &str = "\
// Looks for packages beside this file when they are not found from where they are imported.
export async function resolve(specifier, context, next) {
  try {
    return await next(specifier, context);
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || /^([./]|[a-z]+:)/.test(specifier)) throw error;
    return next(specifier, { ...context, parentURL: import.meta.url });
  }
}
";

fn write_hooks(plan: &EnvironmentPlan, folder: &Path) -> io::Result<()> {
    let has_packages = plan.actions.iter().any(|action| action.kind == ActionKind::NpmPackages);
    let knows_hooks = plan.host.node.as_ref().is_some_and(|node| {
        let mut numbers = node.version.split('.').map_while(|part| part.parse::<u64>().ok());
        (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= HOOKS_SINCE
    });
    if !has_packages || !knows_hooks {
        return Ok(());
    }
    fs::create_dir_all(folder.join("npm"))?;
    fs::write(folder.join("npm/skvm-resolve-hook.mjs"), NODE_RESOLVE)?;
    fs::write(folder.join(NODE_HOOKS), NODE_REGISTER)
}

/// A folder that is removed again unless it is kept.
#[derive(Debug)]
struct Draft {
    folder: PathBuf,
    kept: bool,
}

impl Draft {
    /// An empty folder; what a killed process left there goes.
    fn begin(folder: &Path) -> Result<Self, PrepareError> {
        let failed = |source| PrepareError::Folder { path: folder.to_owned(), source };
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(failed)?;
        }
        make_private(folder).map_err(failed)?;
        Ok(Self { folder: folder.to_owned(), kept: false })
    }

    fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Programs that were just killed may still be writing for a moment.
        for _ in 0..20 {
            if self.kept || !self.folder.exists() || fs::remove_dir_all(&self.folder).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        tracing::warn!(folder = %self.folder.display(), "an unfinished environment could not be removed");
    }
}

/// Makes a folder that only its owner can look into.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Refuses a folder that somebody else could put things into.
#[cfg(unix)]
fn check_owner(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = fs::metadata(folder)?;
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
    if is_own && metadata.mode() & 0o022 == 0 {
        return Ok(());
    }
    let what = "the folder belongs to somebody else, or others may write to it";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, what))
}

#[cfg(not(unix))]
fn check_owner(_folder: &Path) -> io::Result<()> {
    Ok(())
}
