//! The machines that the tests plan for.

use skvm_core::host::{HostFacts, Interpreter, OsFamily, PackageManager};

/// Linux with Python, Node.js and a package manager that takes the superuser, who is not there.
pub(crate) fn linux() -> HostFacts {
    HostFacts::new(OsFamily::Linux, "x86_64")
        .with_python(Interpreter::new("python3", "3.11.7"))
        .with_node(Interpreter::new("node", "20.20.2"))
        .with_manager(PackageManager::Apt)
        .with_manager(PackageManager::Pip)
        .with_manager(PackageManager::Npm)
}

/// The same for the superuser.
pub(crate) fn root() -> HostFacts {
    linux().as_root()
}

pub(crate) fn mac() -> HostFacts {
    HostFacts::new(OsFamily::MacOs, "aarch64")
        .with_python(Interpreter::new("python3", "3.12.1"))
        .with_node(Interpreter::new("node", "22.1.0"))
        .with_manager(PackageManager::Brew)
        .with_manager(PackageManager::Pip)
        .with_manager(PackageManager::Npm)
}

/// Linux for the superuser with every package manager.
pub(crate) fn everything() -> HostFacts {
    PackageManager::ALL.into_iter().fold(root(), HostFacts::with_manager)
}

/// Linux for the superuser with other ways to the same ends: no uv, no apt.
pub(crate) fn plain_root() -> HostFacts {
    let mut host = everything();
    host.managers.remove(&PackageManager::Uv);
    host.managers.remove(&PackageManager::Apt);
    host
}
