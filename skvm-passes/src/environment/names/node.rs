//! What JavaScript's modules are called where they are installed from.

/// The modules of Node.js, by the first part of their names.
const BUILTINS: [&str; 42] = [
    "assert",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "domain",
    "events",
    "fs",
    "http",
    "http2",
    "https",
    "inspector",
    "module",
    "net",
    "os",
    "path",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "repl",
    "stream",
    "string_decoder",
    "sys",
    "timers",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

/// The npm package of a module specifier, and the version where the specifier tells one; `None` for
/// paths, addresses, and modules of the runtime.
pub(in super::super) fn package(specifier: &str) -> Option<(&str, Option<&str>)> {
    let (specifier, of_npm) = match specifier.strip_prefix("npm:") {
        Some(rest) => (rest.trim_start_matches('/'), true),
        None => (specifier, false),
    };
    // `node:fs`, `bun:test`, `jsr:@x/y`, `https://…`, `virtual:x`
    if specifier.contains(':') || specifier.starts_with(['.', '/', '#', '~', '$']) {
        return None;
    }
    let mut parts = specifier.splitn(3, '/');
    let first = parts.next()?;
    let name = match (first.strip_prefix('@'), parts.next()) {
        // `@/components`: an alias for a folder.
        (Some(""), _) | (Some(_), None) => return None,
        (Some(_), Some(second)) => specifier.get(..first.len() + 1 + second.len())?,
        (None, _) => first,
    };
    let version = name.char_indices().skip(1).find(|(_, c)| *c == '@').map(|(at, _)| at);
    let (name, version) = match version {
        Some(at) => (name.get(..at)?, name.get(at + 1..)),
        None => (name, None),
    };
    let is_builtin =
        !of_npm && (BUILTINS.binary_search(&name).is_ok() || matches!(name, "bun" | "deno"));
    (!is_builtin && super::super::requirement::is_npm_name(name)).then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_for_the_search() {
        assert!(BUILTINS.is_sorted());
    }

    #[test]
    fn specifiers_name_packages() {
        let cases = [
            ("commander", Some(("commander", None))),
            ("lodash/fp", Some(("lodash", None))),
            ("@scope/name/deep/x.js", Some(("@scope/name", None))),
            ("npm:chalk@5", Some(("chalk", Some("5")))),
            ("npm:@a/b@^1/x", Some(("@a/b", Some("^1")))),
            ("fs", None),
            ("fs/promises", None),
            ("node:fs", None),
            ("bun:sqlite", None),
            ("./x", None),
            ("@/x", None),
            ("~/x", None),
            ("#internal", None),
            ("https://e.org/x.js", None),
            ("$(id)", None),
            ("a; rm -rf ~", None),
            ("--registry", None),
        ];
        for (specifier, expected) in cases {
            assert_eq!(package(specifier), expected, "{specifier}");
        }
    }
}
