//! Commands that install something.

use skvm_core::artifact::DependencyKind::{
    self, Cargo, Gem, Go, NetworkHost, Npm, Program, Python, Runtime, SystemPackage,
};
use skvm_core::artifact::DependencySource;

use super::{dependencies, entry, expected, fence, fenced, file, shell, shown};
use crate::samples;

#[test]
fn every_installer_of_python_distributions_is_understood() {
    let cases: [(&str, &[&str]); 38] = [
        ("pip install aaa bbb==1", &["aaa", "bbb ==1"]),
        ("pip3 install 'aaa>=1,<2' \"bbb[x]\"", &["aaa >=1,<2", "bbb[x]"]),
        ("pip3.11 install aaa", &["aaa"]),
        ("python -m pip install aaa", &["aaa"]),
        ("python3 -m pip install --user aaa", &["aaa"]),
        ("python3.12 -m pip install aaa", &["aaa"]),
        ("py -m pip install aaa", &["aaa"]),
        ("./venv/bin/pip install aaa", &["aaa"]),
        (".venv/bin/python -m pip install aaa", &["aaa"]),
        ("uv pip install aaa", &["aaa"]),
        ("uv pip install --system --python 3.12 aaa", &["aaa"]),
        ("uv add aaa 'bbb>=1'", &["aaa", "bbb >=1"]),
        ("uv add --group dev --index https://e.org/simple aaa", &["aaa"]),
        ("uv add --dev aaa", &["aaa"]),
        ("uv tool install aaa", &["aaa"]),
        ("uv tool install --python 3.12 aaa --with bbb", &["aaa", "bbb"]),
        ("uv tool run aaa --flag x", &["aaa"]),
        ("uv tool run --from aaa tool x", &["aaa"]),
        ("uvx aaa x y", &["aaa"]),
        ("uvx aaa@1.2 x", &["aaa ==1.2"]),
        ("uvx aaa@latest x", &["aaa"]),
        ("uvx --from 'aaa[x]' --with bbb tool", &["aaa[x]", "bbb"]),
        ("uvx --python 3.12 aaa", &["aaa"]),
        ("uvx -p 3.12 --with-requirements r.txt aaa", &["aaa"]),
        ("uvx --with 'bbb[x,y]>=1,<2,ccc' aaa", &["aaa", "bbb[x,y] >=1,<2", "ccc"]),
        ("timeout 60 pip install aaa", &["aaa"]),
        ("uv run --with aaa script.py", &["aaa"]),
        ("uv run --with aaa,bbb --with 'ccc>=1' script.py", &["aaa", "bbb", "ccc >=1"]),
        ("pipx install aaa", &["aaa"]),
        ("pipx run aaa x", &["aaa"]),
        ("pipx run --spec aaa==1 tool", &["aaa ==1"]),
        (
            "pip install aaa>=1.2 bbb<=2 'ccc[x]>=3' ddd[y]>=4",
            &["aaa >=1.2", "bbb <=2", "ccc[x] >=3", "ddd[y] >=4"],
        ),
        ("pip install aaa==1 > log.txt", &["aaa ==1"]),
        ("poetry add aaa", &["aaa"]),
        ("sudo -H pip install aaa", &["aaa"]),
        ("env A=1 pip install aaa", &["aaa"]),
        ("PIP_X=1 pip install aaa", &["aaa"]),
        ("pip install aaa@git+https://e.org/o/aaa", &["aaa @ git+https://e.org/o/aaa"]),
    ];
    for (command, found) in cases {
        assert_eq!(fence(Python, "bash", command), found, "{command}");
    }
}

#[test]
fn the_value_of_an_option_is_no_package() {
    for options in [
        "-r requirements.txt",
        "--requirement requirements.txt",
        "-c limits.txt",
        "-t vendor",
        "--target vendor",
        "--index-url https://e.org/simple",
        "-i https://e.org/simple",
        "--extra-index-url https://e.org/simple",
        "-f wheels",
        "--find-links wheels",
        "--python-version 3.11",
        "--platform linux_x86_64",
        "--timeout 60",
        "--retries 5",
        "--proxy proxy",
        "--cache-dir cache",
        "--trusted-host host",
        "--no-binary all",
        "--only-binary all",
        "--prefix dir",
        "--root dir",
        "--progress-bar off",
        "--upgrade-strategy eager",
        "--no-cache-dir --upgrade -U -q --break-system-packages --user --pre",
        "-qr requirements.txt",
        "-Ur requirements.txt",
        "-rrequirements.txt",
        "-e local",
        "--editable local",
    ] {
        for command in [format!("pip install {options} aaa"), format!("pip install aaa {options}")]
        {
            assert_eq!(fence(Python, "bash", &command), ["aaa"], "{command}");
        }
    }
}

#[test]
fn every_installer_of_npm_packages_is_understood() {
    let cases: [(&str, &[&str]); 28] = [
        ("npm install aaa @b/c@^1", &["@b/c ^1", "aaa"]),
        ("npm i -g aaa", &["aaa"]),
        ("npm add aaa@latest", &["aaa"]),
        ("npm install --save-dev aaa@1.2.3", &["aaa 1.2.3"]),
        ("npm install --prefix dir aaa --registry https://e.org", &["aaa"]),
        ("npm install", &[]),
        ("npm ci", &[]),
        ("npm install ./local ../up /abs", &[]),
        ("npm run build", &[]),
        ("npm exec aaa -- x", &["aaa"]),
        ("npm x aaa", &["aaa"]),
        ("npx aaa x", &["aaa"]),
        ("npx -y @a/b@latest x", &["@a/b"]),
        ("npx --yes aaa@2 x y", &["aaa 2"]),
        ("npx -p aaa -p bbb tool x", &["aaa", "bbb"]),
        ("npx --package=aaa tool", &["aaa"]),
        ("pnpm add aaa", &["aaa"]),
        ("pnpm add -D aaa --filter pkg", &["aaa"]),
        ("pnpm dlx aaa x", &["aaa"]),
        ("pnpm install", &[]),
        ("yarn add aaa", &["aaa"]),
        ("yarn global add aaa", &["aaa"]),
        ("yarn dlx aaa", &["aaa"]),
        ("bun add aaa", &["aaa"]),
        ("bun install -g aaa", &["aaa"]),
        ("bunx aaa x", &["aaa"]),
        ("bun x aaa", &["aaa"]),
        ("sudo npm install -g aaa", &["aaa"]),
    ];
    for (command, found) in cases {
        assert_eq!(fence(Npm, "bash", command), found, "{command}");
    }
}

#[test]
fn every_installer_of_programs_is_understood() {
    let cases: [(&str, DependencyKind, &[&str]); 27] = [
        ("brew install jq ripgrep", Program, &["jq", "rg"]),
        ("brew install --cask tool", Program, &["tool"]),
        ("brew install a/tap/tool", Program, &["tool"]),
        ("brew install tool@3", Program, &["tool"]),
        ("brew install node python@3.12", Runtime, &["node", "python"]),
        ("brew tap a/tap", Program, &["brew"]),
        ("apt install jq", Program, &["jq"]),
        (
            "sudo apt-get update && sudo apt-get install -y --no-install-recommends jq",
            Program,
            &["apt-get", "jq"],
        ),
        ("apt-get -y install -t stable jq", Program, &["jq"]),
        ("sudo DEBIAN_FRONTEND=x apt-get install -qq jq", Program, &["jq"]),
        ("apt-get install jq=1.6", Program, &["jq"]),
        ("gem install tool:1.2", Gem, &["tool 1.2"]),
        ("apt install poppler-utils", SystemPackage, &["poppler-utils"]),
        ("apt install libmagic-dev fonts-noto", SystemPackage, &["fonts-noto", "libmagic-dev"]),
        ("apt install python3", Runtime, &["python"]),
        ("dnf install -y jq", Program, &["jq"]),
        ("sudo yum install jq", Program, &["jq"]),
        ("apk add --no-cache jq", Program, &["jq"]),
        ("go install github.com/o/tool@latest", Go, &["github.com/o/tool"]),
        (
            "go install -ldflags -s github.com/o/r/cmd/tool@v1.2.3",
            Go,
            &["github.com/o/r/cmd/tool v1.2.3"],
        ),
        ("go install ./...", Go, &[]),
        ("cargo install ripgrep --locked", Cargo, &["ripgrep"]),
        ("cargo install --version 1.2 tool -j 4", Cargo, &["tool 1.2"]),
        ("cargo install tool@1.2 --features x", Cargo, &["tool 1.2"]),
        ("cargo install --git https://e.org/o/tool tool", Cargo, &[]),
        ("gem install tool -v 1.2 other", Gem, &["other 1.2", "tool 1.2"]),
        ("sudo gem install --no-document tool", Gem, &["tool"]),
    ];
    for (command, kind, found) in cases {
        assert_eq!(fence(kind, "bash", command), found, "{command}");
    }
}

#[test]
fn an_installer_is_no_program_that_is_needed() {
    for command in ["brew install jq", "apt-get install -y jq", "dnf install jq", "apk add jq"] {
        assert_eq!(shell(command), expected(&[(Program, "jq")]), "{command}");
    }
    for command in ["uv pip install aaa", "pipx install aaa", "poetry add aaa"] {
        assert_eq!(shell(command), expected(&[(Python, "aaa")]), "{command}");
    }
    assert_eq!(shell("uvx aaa"), expected(&[(Python, "aaa"), (Program, "uvx")]));
}

#[test]
fn what_a_go_module_a_crate_and_a_gem_bring_is_known() {
    let provides = |command, kind, name| entry(&fenced("bash", command), kind, name).provides;
    assert_eq!(provides("go install e.org/o/tool/v2@latest", Go, "e.org/o/tool/v2"), ["tool"]);
    assert_eq!(
        provides("go install e.org/o/r/cmd/tool@latest", Go, "e.org/o/r/cmd/tool"),
        ["tool"]
    );
    assert_eq!(provides("cargo install tool", Cargo, "tool"), ["tool"]);
    assert_eq!(provides("gem install tool", Gem, "tool"), ["tool"]);
    let skill = fenced("bash", "go install e.org/o/tool@latest\ntool x");
    assert_eq!(entry(&skill, Program, "tool").packages[0].name, "e.org/o/tool");
}

#[test]
fn install_lines_stand_anywhere_that_commands_do() {
    for code in [
        "if ! command -v x; then pip install aaa; fi",
        "python3 -c 'import aaa' || pip install aaa",
        "(cd x && pip install aaa)",
        "pip install \\\n  aaa",
        "$ pip install aaa",
        "f() {\n  pip install aaa\n}\nf",
        "x=$(pip install aaa)",
        "pip install aaa 2>&1 | tail -1",
        "pip install aaa > /dev/null",
        "pip install aaa # bbb ccc",
    ] {
        assert_eq!(fence(Python, "bash", code), ["aaa"], "{code}");
        assert_eq!(file(Python, "setup.sh", &format!("{code}\n")), ["aaa"], "{code}");
    }
    let skill = samples::skill("# Demo\n\nRun `pip install aaa` first.\n");
    let aaa = entry(&skill, Python, "aaa");
    assert_eq!(shown(&skill, &aaa), ["pip install aaa"]);
    assert_eq!(aaa.evidence[0].source, DependencySource::InstallCommand);
}

#[test]
fn what_the_reader_is_to_fill_in_is_not_installed() {
    for command in [
        "pip install <package>",
        "pip install {package}",
        "pip install package-name",
        "pip install your-package",
        "pip install $PACKAGE",
        "pip install ${PACKAGE}",
        "pip install \"$PACKAGE\"",
        "pip install ...",
        "pip install YOUR_PACKAGE",
        "npm install <package>",
        "npm install package-name",
        "npx <tool>",
        "brew install <formula>",
        "brew install PACKAGE",
        "apt install $PACKAGES",
        "cargo install <crate>",
        "go install <module>@latest",
        "gem install <gem>",
        "uvx <tool>",
    ] {
        let found = shell(command);
        let is_tool = |(kind, _): &(DependencyKind, String)| matches!(kind, Runtime | Program);
        assert!(found.iter().all(is_tool), "{command}: {found:?}");
        assert!(
            found.iter().all(|(_, name)| ["python", "node", "uvx"].contains(&name.as_str())),
            "{command}: {found:?}"
        );
    }
}

#[test]
fn hostile_words_are_not_installed() {
    for word in [
        "'a; rm -rf ~'",
        "'$(id)'",
        "'a`id`'",
        "--index-url=https://e.org",
        "'a b'",
        "'../../etc'",
        "'-rf'",
        "'--x'",
        "'a&&b'",
        "'a|b'",
        "'@'",
        "''",
    ] {
        for install in [
            "pip install",
            "uvx",
            "uv add",
            "npm install",
            "npx",
            "brew install",
            "apt install",
            "cargo install",
            "go install",
            "gem install",
        ] {
            let found = dependencies(&fenced("bash", &format!("{install} {word}")));
            for entry in found.iter().filter(|entry| entry.kind != NetworkHost) {
                assert!(
                    ["python", "node", "uvx"].contains(&entry.name.as_str()),
                    "{install} {word}: {entry:?}"
                );
            }
        }
    }
}

#[test]
fn install_commands_declare_what_they_install() {
    let python = (Runtime, "python");
    let node = (Runtime, "node");
    let cases: [(&str, &[(DependencyKind, &str)]); 17] = [
        ("pip install requests", &[(Python, "requests"), python]),
        ("pip3 install -U 'a>=1' \"b[c]\"", &[(Python, "a"), (Python, "b"), python]),
        ("python -m pip install x", &[(Python, "x"), python]),
        ("sudo pip install x", &[(Python, "x"), python]),
        ("uv pip install x && uv tool install y", &[(Python, "x"), (Python, "y")]),
        ("uv add x", &[(Python, "x")]),
        ("pipx install x", &[(Python, "x")]),
        ("pip install -r requirements.txt", &[python]),
        ("pip install -e . ./local /abs $X <name> {name} package-name", &[python]),
        (
            "pip install git+https://e.org/o/repo.git",
            &[(Python, "repo"), python, (NetworkHost, "e.org")],
        ),
        (
            "pip install --index-url https://e.org/simple x",
            &[(Python, "x"), python, (NetworkHost, "e.org")],
        ),
        ("pip uninstall x", &[python]),
        ("npm install -g @a/b@^1 c", &[(Npm, "@a/b"), (Npm, "c"), node]),
        ("yarn add c", &[(Npm, "c")]),
        ("brew install jq", &[(Program, "jq")]),
        ("sudo apt-get install -y jq ffmpeg", &[(Program, "ffmpeg"), (Program, "jq")]),
        ("brew install a/tap/tool", &[(Program, "tool")]),
    ];
    for (command, names) in cases {
        assert_eq!(shell(command), expected(names), "{command}");
    }
    let skill = samples::skill("# Demo\n\n```bash\nbrew install jq # later\n```\n");
    let jq = dependencies(&skill).into_iter().find(|entry| entry.name == "jq").unwrap();
    assert_eq!(jq.evidence[0].source, DependencySource::InstallCommand);
    assert_eq!(jq.evidence[0].span.unwrap().text(skill.source()), "brew install jq");
}
