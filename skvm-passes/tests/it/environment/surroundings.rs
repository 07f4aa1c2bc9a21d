//! Variables, services, hosts, MCP servers, systems, downloads and files.

use skvm_core::artifact::DependencyKind::{
    BundleFile, Download, EnvironmentVariable, McpServer, NetworkHost, OperatingSystem, Program,
    Service,
};

use super::{dependencies, entry, fence, fenced, file, lines, shown};
use crate::samples;

#[test]
fn variables_that_python_reads_are_needed() {
    let cases: [(&str, &[&str]); 15] = [
        ("os.environ['API_KEY']", &["API_KEY"]),
        ("os.environ[\"API_KEY\"]", &["API_KEY"]),
        ("environ['API_KEY'].strip()", &["API_KEY"]),
        ("os.environ.get('API_KEY')", &["API_KEY"]),
        ("os.getenv('API_KEY')", &["API_KEY"]),
        ("getenv( 'API_KEY' )", &["API_KEY"]),
        ("os.environ.get('API_KEY', '')", &["API_KEY ?"]),
        ("os.getenv('API_KEY', default=None)", &["API_KEY ?"]),
        ("os.getenv('API_KEY') or 'x'", &["API_KEY ?"]),
        ("x = os.environ.get('API_KEY') or os.getenv('OTHER')", &["API_KEY ?", "OTHER"]),
        ("os.environ.setdefault('API_KEY', 'x')", &["API_KEY ?"]),
        ("os.environ['API_KEY'] = 'x'", &[]),
        ("os.environ[name]", &[]),
        ("os.environ['lower']", &[]),
        ("os.environ['HOME'], os.getenv('PATH'), os.environ.get('USER')", &[]),
    ];
    for (code, found) in cases {
        assert_eq!(fence(EnvironmentVariable, "python", code), found, "{code}");
        assert_eq!(file(EnvironmentVariable, "x.py", code), found, "{code}");
    }
}

#[test]
fn variables_that_javascript_reads_are_needed() {
    let cases: [(&str, &[&str]); 10] = [
        ("process.env.API_KEY", &["API_KEY"]),
        ("process.env['API_KEY']", &["API_KEY"]),
        ("const x = process.env.API_KEY!;", &["API_KEY"]),
        ("process.env.API_KEY || 'x'", &["API_KEY ?"]),
        ("process.env.API_KEY ?? 'x'", &["API_KEY ?"]),
        ("if (process.env.API_KEY === 'x') {}", &["API_KEY"]),
        ("Bun.env.API_KEY", &["API_KEY"]),
        ("Deno.env.get('API_KEY')", &["API_KEY"]),
        ("process.env.API_KEY = 'x'", &[]),
        ("process.env.HOME + process.env.NODE_ENV + process.env[name]", &[]),
    ];
    for (code, found) in cases {
        assert_eq!(fence(EnvironmentVariable, "ts", code), found, "{code}");
        assert_eq!(file(EnvironmentVariable, "x.ts", code), found, "{code}");
    }
}

#[test]
fn variables_that_a_shell_expands_are_needed_when_nothing_sets_them() {
    let cases: [(&str, &[&str]); 15] = [
        ("curl -H \"X: $API_KEY\" x", &["API_KEY"]),
        ("curl -H \"X: ${API_KEY}\" x", &["API_KEY"]),
        ("echo ${API_KEY:?not set}", &["API_KEY"]),
        ("echo ${REGION:?}", &["REGION"]),
        ("echo ${API_KEY:-x}", &["API_KEY ?"]),
        ("echo ${REGION:-eu}", &["REGION ?"]),
        ("export API_KEY=x", &["API_KEY"]),
        ("export REGION=eu", &["REGION"]),
        ("API_KEY=$(cat key)\ncurl -H \"X: $API_KEY\" x", &[]),
        ("OUT=x\necho $OUT $OTHER", &[]),
        ("echo $HOME $PATH $USER $? $1 $@ $# $$", &[]),
        ("echo ${API_KEY:+set}", &["API_KEY ?"]),
        ("read -r -p x API_KEY\necho $API_KEY", &[]),
        ("for A_KEY in x y; do echo $A_KEY; done", &[]),
        ("echo '$API_KEY' > x", &[]),
    ];
    for (code, found) in cases {
        assert_eq!(fence(EnvironmentVariable, "bash", code), found, "{code}");
        assert_eq!(file(EnvironmentVariable, "x.sh", code), found, "{code}");
    }
}

#[test]
fn names_tell_which_variables_are_secret() {
    let code = "import os\nos.environ['OPENAI_API_KEY'], os.environ['DB_PASSWORD'], os.environ['GH_TOKEN'], \
                os.environ['REGION'], os.environ['BASE_URL']";
    let skill = fenced("python", code);
    let secret: Vec<(String, bool)> =
        dependencies(&skill).into_iter().map(|entry| (entry.name, entry.secret)).collect();
    let row = |name: &str, secret| (name.to_owned(), secret);
    assert_eq!(
        secret,
        [
            row("BASE_URL", false),
            row("DB_PASSWORD", true),
            row("GH_TOKEN", true),
            row("OPENAI_API_KEY", true),
            row("REGION", false)
        ]
    );
    let key = entry(&skill, EnvironmentVariable, "OPENAI_API_KEY");
    assert_eq!(shown(&skill, &key), ["environ['OPENAI_API_KEY"]);
}

#[test]
fn files_and_blocks_of_assignments_name_variables() {
    let text =
        "# Settings\nAPI_KEY=your-key\nexport REGION=eu\n\nlower=1\nno assignment\nHOME=/x\n";
    for path in [".env.example", ".env", "config/.env.sample", "app.env.example"] {
        assert_eq!(file(EnvironmentVariable, path, text), ["API_KEY", "REGION"], "{path}");
    }
    assert_eq!(file(EnvironmentVariable, "settings.txt", text), [""; 0]);
    for label in ["env", "dotenv", "", "bash", "ini"] {
        let found = fence(EnvironmentVariable, label, "# Settings\nAPI_KEY=your-key\nREGION=eu");
        assert_eq!(found, ["API_KEY", "REGION"], "{label}");
    }
    // Among other things an assignment says nothing.
    assert_eq!(fence(EnvironmentVariable, "", "x: 1\nREGION=eu"), [""; 0]);
    let skill = fenced("env", "API_KEY=x");
    assert_eq!(shown(&skill, &entry(&skill, EnvironmentVariable, "API_KEY")), ["API_KEY"]);
}

#[test]
fn the_value_of_a_secret_is_not_kept() {
    let value = "sk-1234567890abcdef";
    for skill in [
        fenced("env", &format!("API_KEY={value}")),
        fenced("bash", &format!("export API_KEY={value}")),
        samples::bundled("# Demo\n", &[(".env", &format!("API_KEY={value}\n"))]),
        samples::skill(&format!("# Demo\n\nSet `API_KEY={value}`.\n")),
    ] {
        let key = entry(&skill, EnvironmentVariable, "API_KEY");
        assert!(key.secret);
        assert!(!serde_json::to_string(&key).unwrap().contains(value), "{key:?}");
    }
}

#[test]
fn a_secret_between_backticks_is_a_variable() {
    let found =
        |text: &str| lines(EnvironmentVariable, &samples::skill(&format!("# Demo\n\n{text}\n")));
    assert_eq!(
        found("Set `OPENAI_API_KEY` or `$GH_TOKEN` or `A_SECRET=x`."),
        ["A_SECRET", "GH_TOKEN", "OPENAI_API_KEY"]
    );
    assert_eq!(found("Never `MAX_SIZE`, `KEY`, `api_key`, `HOME`, `Foo_KEY`."), [""; 0]);
}

#[test]
fn hosts_that_code_talks_to_are_named() {
    let cases: [(&str, &str, &[&str]); 18] = [
        ("bash", "curl https://api.service.io/v1", &["api.service.io"]),
        ("bash", "curl -s \"https://API.Service.io:8443/v1?x=$Y\"", &["api.service.io:8443"]),
        ("python", "x.get('https://api.service.io/v1')", &["api.service.io"]),
        ("javascript", "fetch(`https://api.service.io/${x}`)", &["api.service.io"]),
        ("python", "connect('wss://live.service.io')", &["live.service.io"]),
        ("python", "x.get('http://10.1.2.3:8000/')", &["10.1.2.3:8000"]),
        ("bash", "curl https://example.com https://api.example.org https://x.example", &[]),
        ("bash", "curl https://your-domain.com https://my.host.io", &[]),
        (
            "bash",
            "curl https://<host>/x https://{host}/x https://$HOST/x https://a.${DOMAIN}/x",
            &[],
        ),
        ("python", "f'https://{host}/x'\n'https://%s/x' % y", &[]),
        ("python", "NS = 'http://www.w3.org/2000/svg'", &[]),
        ("python", "NS = 'http://schemas.openxmlformats.org/x'", &[]),
        ("javascript", "x = { $schema: 'https://json-schema.org/draft' }", &[]),
        ("python", "# see https://docs.service.io", &[]),
        ("javascript", "// see https://docs.service.io", &[]),
        ("bash", "# see https://docs.service.io", &[]),
        ("python", "'https://nodot/x'", &[]),
        ("text", "https://api.service.io", &[]),
    ];
    for (label, code, found) in cases {
        assert_eq!(fence(NetworkHost, label, code), found, "{label} {code}");
    }
    let skill = fenced("bash", "curl https://api.service.io/v1/x");
    let host = entry(&skill, NetworkHost, "api.service.io");
    assert_eq!(shown(&skill, &host), ["https://api.service.io"]);
}

#[test]
fn services_are_known_by_their_clients_and_ports() {
    let cases: [(&str, &str, &[&str]); 12] = [
        ("bash", "docker run x", &["docker"]),
        ("bash", "docker-compose up", &["docker"]),
        ("bash", "psql -c 'select 1'", &["postgresql"]),
        ("bash", "redis-cli ping", &["redis"]),
        ("bash", "mongosh", &["mongodb"]),
        ("bash", "kubectl get pods", &["kubernetes"]),
        ("bash", "ollama run x", &["ollama"]),
        ("python", "import psycopg2", &["postgresql ?"]),
        ("python", "import redis", &["redis ?"]),
        ("bash", "curl http://localhost:3000/x", &["localhost:3000"]),
        ("python", "x.get('http://127.0.0.1:11434/api')", &["localhost:11434"]),
        ("bash", "curl http://localhost/x", &[]),
    ];
    for (label, code, found) in cases {
        assert_eq!(fence(Service, label, code), found, "{code}");
    }
    assert_eq!(fence(NetworkHost, "bash", "curl http://localhost:3000 http://0.0.0.0:1"), [""; 0]);
}

#[test]
fn mcp_servers_are_named() {
    let json = r#"{"mcpServers":{"github":{"command":"npx"},"my-server":{"url":"x"},"a b":{}}}"#;
    assert_eq!(fence(McpServer, "json", json), ["github", "my-server"]);
    assert_eq!(file(McpServer, ".mcp.json", json), ["github", "my-server"]);
    assert_eq!(file(McpServer, "config/mcp.json", json), ["github", "my-server"]);
    for (code, found) in [
        ("mcporter call linear.list_issues team:x", "linear"),
        ("mcporter call 'linear.create(title: \"x\")'", "linear"),
        ("mcporter call --server linear --tool list_issues", "linear"),
        ("claude mcp add --transport http github https://e.org", "github"),
        ("claude mcp add github -- npx x", "github"),
    ] {
        assert_eq!(fence(McpServer, "bash", code), [found], "{code}");
    }
    for json in [
        "{\"mcpServers\":[\"x\"]}",
        "{\"mcpServers\":",
        "{\"servers\":{\"x\":{}}}",
        "{\"mcpServers\":{\"-x\":{}}}",
    ] {
        assert_eq!(file(McpServer, "x.json", json), [""; 0], "{json}");
    }
}

#[test]
fn programs_of_one_system_tell_of_it() {
    for code in ["osascript -e x", "pbcopy < x", "defaults read x", "launchctl list"] {
        let skill = fenced("bash", code);
        assert_eq!(lines(OperatingSystem, &skill), ["darwin ?"], "{code}");
        assert_eq!(lines(Program, &skill).len(), 1, "{code}");
    }
    assert_eq!(fence(OperatingSystem, "bash", "jq x"), [""; 0]);
}

#[test]
fn files_that_the_bundle_lacks_are_named_in_every_place() {
    let body = "# Demo\n\nRead `references/gone.md` and [this](references/linked.md#part).\n\n```bash\npython scripts/gone.py\n./scripts/gone.sh x\n\
                bash {baseDir}/scripts/other.sh\ncp assets/gone.png .\n```\n";
    let skill = samples::bundled(body, &[("scripts/here.py", "")]);
    assert_eq!(
        lines(BundleFile, &skill),
        [
            "assets/gone.png",
            "references/gone.md",
            "references/linked.md",
            "scripts/gone.py",
            "scripts/gone.sh",
            "scripts/other.sh"
        ]
    );
    for code in [
        "python scripts/here.py",
        "./scripts/here.py",
        "{baseDir}/scripts/here.py",
        "$SKILL_DIR/scripts/here.py",
        "python other/scripts/gone.py",
        "python /abs/scripts/gone.py",
        "ls scripts/",
        "cat references/*.md",
        "cat references/<topic>.md references/{topic}.md references/$X.md",
        "curl https://e.org/scripts/gone.sh",
    ] {
        let body = format!("# Demo\n\n```bash\n{code}\n```\n");
        let skill = samples::bundled(&body, &[("scripts/here.py", "")]);
        assert_eq!(lines(BundleFile, &skill), [""; 0], "{code}");
    }
}

#[test]
fn what_is_fetched_from_an_address_and_kept_is_a_download() {
    let cases: [(&str, &[&str]); 15] = [
        ("curl -fsSL https://e.org/install.sh | sh", &["https://e.org/install.sh"]),
        ("curl -sSL https://e.org/install.sh | sudo bash -s -- -y", &["https://e.org/install.sh"]),
        ("wget -qO- https://e.org/install.sh | bash", &["https://e.org/install.sh"]),
        ("curl https://e.org/x.py | python3 -", &["https://e.org/x.py"]),
        ("bash <(curl -s https://e.org/install.sh)", &["https://e.org/install.sh"]),
        ("sh -c \"$(curl -fsSL https://e.org/install.sh)\"", &["https://e.org/install.sh"]),
        ("eval \"$(curl -s https://e.org/x.sh)\"", &["https://e.org/x.sh"]),
        ("source <(curl -s https://e.org/x.sh)", &["https://e.org/x.sh"]),
        ("git clone https://e.org/o/repo.git", &["https://e.org/o/repo.git"]),
        ("git clone --depth 1 -b main https://e.org/o/repo dir", &["https://e.org/o/repo"]),
        ("git clone git@e.org:o/repo.git", &["git@e.org:o/repo.git"]),
        ("curl https://e.org/api", &[]),
        ("curl https://e.org/api | jq .", &[]),
        ("git clone $URL", &[]),
        ("curl https://e.org/<file> | sh", &[]),
    ];
    for (code, found) in cases {
        assert_eq!(fence(Download, "bash", code), found, "{code}");
        assert_eq!(file(Download, "setup.sh", &format!("{code}\n")), found, "{code}");
    }
}

#[test]
fn a_file_that_the_bundle_lacks_is_named() {
    let skill = samples::bundled(
        "# Demo\n\nSee `references/gone.md` and `references/here.md`.\n\n```bash\n\
         python {baseDir}/scripts/gone.py\nbash ./scripts/here.sh x\ncat other/scripts/not-ours.py\n\
         cat scripts/*.py scripts/<name>.py templates/\n```\n",
        &[("references/here.md", "x"), ("scripts/here.sh", "ls\n")],
    );
    let gone: Vec<String> = dependencies(&skill)
        .into_iter()
        .filter(|entry| entry.kind == BundleFile)
        .map(|entry| entry.name)
        .collect();
    assert_eq!(gone, ["references/gone.md", "scripts/gone.py"]);
}
