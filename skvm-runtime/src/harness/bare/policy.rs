//! What the agent's tools may do.

use std::collections::BTreeSet;

use skvm_core::artifact::Command;
use skvm_passes::code::shell_commands;

/// What the agent's tools may do. The default keeps an agent from common accidents; it does not hold
/// a malicious program, for which the host needs a sandbox of the system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AgentPolicy {
    /// Which commands `execute_command` runs.
    pub commands: CommandPolicy,
    /// Which addresses `web_fetch` reaches.
    pub addresses: AddressPolicy,
}

/// Which commands run. A command line is parsed as shell; every program in it is judged, also behind
/// `env`, `xargs` and their kind, and inside the text given to `sh -c` and `eval`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandPolicy {
    /// Every command.
    Any,
    /// Every command without these programs. The default, with programs that change the machine or
    /// the user: `sudo`, `su`, `shutdown`, `mkfs` and their kind.
    Without(BTreeSet<String>),
    /// Only these programs, and only where the whole text is understood.
    Only(BTreeSet<String>),
}

const REFUSED: [&str; 16] = [
    "sudo", "su", "doas", "pkexec", "shutdown", "reboot", "halt", "poweroff", "mkfs", "fdisk",
    "mount", "umount", "passwd", "useradd", "chroot", "insmod",
];

impl Default for CommandPolicy {
    fn default() -> Self {
        Self::Without(REFUSED.iter().map(|program| (*program).to_owned()).collect())
    }
}

impl CommandPolicy {
    /// Whether a shell text may run.
    ///
    /// # Errors
    /// Why not, in words for the model.
    pub fn check(&self, text: &str) -> Result<(), String> {
        match self {
            Self::Any => Ok(()),
            Self::Without(refused) => {
                let (programs, _) = programs(text, 0);
                let hit = programs.iter().find(|p| {
                    refused.contains(p.as_str())
                        || p.split_once('.').is_some_and(|(name, _)| refused.contains(name))
                });
                hit.map_or(Ok(()), |program| Err(format!("{program} is not allowed")))
            }
            Self::Only(allowed) => {
                let (programs, understood) = programs(text, 0);
                if let Some(program) = programs.iter().find(|program| !allowed.contains(*program)) {
                    return Err(format!("{program} is not among the allowed programs"));
                }
                if understood {
                    Ok(())
                } else {
                    Err("the command could not be understood as a whole".to_owned())
                }
            }
        }
    }
}

/// How deep `sh -c "sh -c …"` is followed; deeper is not understood.
const MAX_NESTING: usize = 4;

/// The programs of a shell text, and whether all of it was understood.
fn programs(text: &str, nesting: usize) -> (BTreeSet<String>, bool) {
    let shell = shell_commands(text);
    let mut understood = shell.understood && nesting <= MAX_NESTING;
    let mut programs = BTreeSet::new();
    for command in &shell.commands {
        programs.insert(command.program.clone());
        match command.program.as_str() {
            "env" | "xargs" | "nohup" | "time" | "timeout" | "nice" | "exec" | "command"
            | "builtin" | "busybox" | "stdbuf" | "setsid" | "find" | "watch" | "parallel" => {
                programs.extend(wrapped(command));
            }
            "sh" | "bash" | "dash" | "zsh" | "eval" if nesting < MAX_NESTING => {
                for argument in &command.arguments {
                    let (inner, inner_understood) = self::programs(argument, nesting + 1);
                    if command.program == "eval" || command.arguments.iter().any(|a| a == "-c") {
                        programs.extend(inner.into_iter().filter(|name| !name.starts_with('-')));
                        understood &= inner_understood;
                    }
                }
            }
            "sh" | "bash" | "dash" | "zsh" | "eval" => understood = false,
            _ => {}
        }
    }
    (programs, understood)
}

/// Words that a wrapping command may run: all that could be a program's name.
fn wrapped(command: &Command) -> impl Iterator<Item = String> + '_ {
    command
        .arguments
        .iter()
        .map(|argument| argument.rsplit('/').next().unwrap_or(argument))
        .filter(|name| name.bytes().next().is_some_and(|b| b.is_ascii_lowercase()))
        .filter(|name| !name.contains(['=', '*', '$']))
        .map(str::to_owned)
}

/// Which addresses are reached. The default is none but public ones: not this machine, not the local
/// network, not the metadata services of clouds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    allowed: BTreeSet<String>,
    loopback: bool,
}

impl AddressPolicy {
    /// The same policy, which also reaches this `host:port`, whatever it resolves to.
    #[must_use]
    pub fn allowing(mut self, authority: impl Into<String>) -> Self {
        self.allowed.insert(authority.into().to_ascii_lowercase());
        self
    }

    /// The same policy, which also reaches every port of `127.0.0.1`: for probes, whose pages are served there.
    #[must_use]
    pub fn allowing_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Whether a `host:port` is reached whatever it resolves to.
    #[must_use]
    pub fn allows(&self, authority: &str) -> bool {
        (self.loopback && authority.starts_with("127.0.0.1:"))
            || self.allowed.contains(&authority.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_programs_are_found_wherever_they_stand() {
        let policy = CommandPolicy::default();
        for text in [
            "sudo ls",
            "ls && sudo ls",
            "echo $(sudo id)",
            "/usr/bin/sudo ls",
            "env A=1 sudo ls",
            "find . -exec sudo rm {} +",
            "sh -c 'sudo ls'",
            "bash -c \"ls; su\"",
            "eval 'sudo ls'",
            "sudo() { :; }; sudo ls",
            "mkfs.ext4 /dev/sda",
            "if true; then reboot; fi",
        ] {
            assert!(policy.check(text).is_err(), "{text}");
        }
        for text in ["ls -l | sort", "echo sudo", "python3 run.py <<EOF\nsudo\nEOF"] {
            assert_eq!(policy.check(text), Ok(()), "{text}");
        }
    }

    #[test]
    fn an_allow_list_refuses_what_it_cannot_read() {
        let policy = CommandPolicy::Only(["ls", "sort"].map(str::to_owned).into());
        assert_eq!(policy.check("ls | sort"), Ok(()));
        for text in ["ls; cat x", "$TOOL x", "ls | $(echo cat)", "ls 'unclosed", "X=1 cat"] {
            assert!(policy.check(text).is_err(), "{text}");
        }
    }
}
