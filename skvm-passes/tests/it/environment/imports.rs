//! Imports in Python code.

use skvm_core::artifact::DependencyKind::Python;
use skvm_core::artifact::DependencySource;

use super::{dependencies, expected, fence, fenced, file, lines, only, python, shown};
use crate::samples;

/// The distributions of a script.
fn script(code: &str) -> Vec<String> {
    file(Python, "scripts/run.py", code)
}

#[test]
fn every_form_of_an_import_is_read() {
    let cases: [(&str, &[&str]); 19] = [
        ("import aaa", &["aaa"]),
        ("import aaa as b", &["aaa"]),
        ("import aaa.deep.er as b", &["aaa"]),
        ("import aaa, bbb as c, ccc.d", &["aaa", "bbb", "ccc"]),
        ("from aaa import b as c, d", &["aaa"]),
        ("from aaa.b import *", &["aaa"]),
        ("from aaa import (\n    b,  # one\n    # two\n    c as d,\n)", &["aaa"]),
        ("import aaa, \\\n    bbb", &["aaa", "bbb"]),
        ("x = 1; import aaa; import bbb", &["aaa", "bbb"]),
        ("import os; import aaa # import bbb", &["aaa"]),
        ("if x: import aaa\nelif y: import bbb\nelse: import ccc", &["aaa", "bbb", "ccc"]),
        ("for x in y:\n    import aaa\nelse:\n    import bbb", &["aaa", "bbb"]),
        ("while x:\n    import aaa", &["aaa"]),
        ("def f():\n    def g():\n        import aaa\n    return g", &["aaa"]),
        ("class A:\n    import aaa\n    @x\n    def f(self):\n        import bbb", &["aaa", "bbb"]),
        ("with open(x) as f:\n    import aaa", &["aaa"]),
        (
            "async def f():\n    async with x:\n        import aaa\n    async for y in x: import bbb",
            &["aaa", "bbb"],
        ),
        (
            "match x:\n    case 1:\n        import aaa\n    case _:\n        import bbb",
            &["aaa", "bbb"],
        ),
        (
            "@deco\nclass A:\n    def f(self):\n        if x:\n            from aaa import b",
            &["aaa"],
        ),
    ];
    for (code, names) in cases {
        assert_eq!(fence(Python, "python", code), names, "{code}");
        assert_eq!(script(code), names, "{code}");
        assert_eq!(script(&code.replace('\n', "\r\n")), names, "CRLF {code}");
        assert_eq!(script(&code.replace("    ", "\t")), names, "tabs {code}");
    }
}

#[test]
fn what_only_looks_like_an_import_is_none() {
    for code in [
        "# import aaa",
        "x = 'import aaa'",
        "'''\nimport aaa\n'''",
        "def f():\n    \"\"\"Use it so:\n\n    import aaa\n    from bbb import c\n    \"\"\"",
        "x = f'''\nimport aaa\n{y}\n'''",
        "print('''\nfrom aaa import b\n''')",
        "x = r\"\"\"import aaa\"\"\"",
        "from . import aaa",
        "from .aaa import b",
        "from ...aaa.b import c",
        "from __future__ import annotations",
        "important = 1\nimports = [important]",
        "import os, sys, json as j, xml.etree.ElementTree as ET, concurrent.futures, zoneinfo",
        "import distutils, imp, asyncore, cgi, telnetlib",
        "import _thread, _private",
    ] {
        assert_eq!(fence(Python, "python", code), [""; 0], "{code}");
        assert_eq!(script(&format!("{code}\n")), [""; 0], "{code}");
    }
}

#[test]
fn a_guarded_import_is_optional_when_the_code_goes_on_without_it() {
    let cases: [(&str, &[&str]); 17] = [
        ("try:\n    import aaa\nexcept ImportError:\n    pass", &["aaa ?"]),
        ("try:\n    import aaa\nexcept ModuleNotFoundError as e:\n    aaa = None", &["aaa ?"]),
        ("try:\n    import aaa\nexcept (ImportError, OSError):\n    aaa = None", &["aaa ?"]),
        ("try:\n    import aaa\nexcept Exception:\n    HAS = False", &["aaa ?"]),
        ("try:\n    import aaa\nexcept:\n    HAS = False", &["aaa ?"]),
        ("try:\n    import aaa\nexcept BaseException:\n    HAS = False", &["aaa ?"]),
        ("try:\n    import aaa\nexcept ImportError:\n    import bbb", &["aaa ?", "bbb ?"]),
        (
            "try:\n    from aaa import b\nexcept ImportError:\n    from ccc import b",
            &["aaa ?", "ccc ?"],
        ),
        (
            "try:\n    import tomllib\nexcept ImportError:\n    import tomli as tomllib",
            &["tomli ?"],
        ),
        (
            "try:\n    import aaa\nexcept ImportError:\n    try:\n        import bbb\n    except ImportError:\n        bbb = None",
            &["aaa ?", "bbb ?"],
        ),
        (
            "try:\n    import aaa\nexcept ImportError:\n    aaa = None\nelse:\n    import bbb\nfinally:\n    import ccc",
            &["aaa ?", "bbb", "ccc"],
        ),
        ("try:\n    if x:\n        import aaa\nexcept ImportError:\n    pass", &["aaa ?"]),
        (
            "def f():\n    try:\n        import aaa\n        return True\n    except ImportError:\n        return False",
            &["aaa ?"],
        ),
        ("with contextlib.suppress(ImportError):\n    import aaa\nimport bbb", &["aaa ?", "bbb"]),
        ("if not TYPE_CHECKING:\n    import aaa", &["aaa"]),
        ("if TYPE_CHECKING:\n    import aaa", &["aaa ?"]),
        (
            "if typing.TYPE_CHECKING:\n    from aaa import B\nelse:\n    import bbb",
            &["aaa ?", "bbb"],
        ),
    ];
    for (code, names) in cases {
        assert_eq!(script(&format!("{code}\n")), names, "{code}");
        assert_eq!(fence(Python, "python", code), names, "{code}");
    }
}

#[test]
fn a_guarded_import_is_needed_when_the_code_gives_up_or_installs_it() {
    for handler in [
        "except ImportError:\n    sys.exit(1)",
        "except ImportError:\n    print('pip install aaa')\n    sys.exit('no aaa')",
        "except ImportError:\n    exit(1)",
        "except ImportError as e:\n    raise SystemExit('x') from e",
        "except ImportError:\n    raise",
        "except ImportError:\n    os._exit(2)",
        "except ImportError:\n    if verbose:\n        print('x')\n    raise RuntimeError('x')",
        "except ImportError:\n    subprocess.run([sys.executable, '-m', 'pip', 'install', 'aaa'])\n    import aaa",
        "except ImportError:\n    os.system('pip install aaa')\n    from aaa import b",
        "except ValueError:\n    pass",
        "except (KeyError, OSError) as e:\n    print(e)",
        "finally:\n    pass",
    ] {
        let code = format!("import sys\ntry:\n    import aaa\n{handler}\n");
        assert_eq!(script(&code), ["aaa"], "{code}");
    }
}

#[test]
fn conditions_on_the_platform_and_on_python_become_markers() {
    let cases: [(&str, &[&str]); 16] = [
        ("if sys.platform == 'win32':\n    import aaa", &["aaa ; sys_platform == \"win32\""]),
        (
            "if sys.platform == 'win32':\n    import aaa\nelse:\n    import bbb",
            &["aaa ; sys_platform == \"win32\"", "bbb ; sys_platform != \"win32\""],
        ),
        (
            "if sys.platform == 'win32':\n    import aaa\nelif sys.platform == 'darwin':\n    import bbb",
            &[
                "aaa ; sys_platform == \"win32\"",
                "bbb ; sys_platform != \"win32\" and sys_platform == \"darwin\"",
            ],
        ),
        ("if sys.version_info[0] == 3:\n    import aaa", &["aaa ; python_version == \"3.*\""]),
        ("if sys.version_info > (3, 8):\n    import aaa", &["aaa ; python_version >= \"3.8\""]),
        ("if os.name == \"nt\":\n    import aaa", &["aaa ; os_name == \"nt\""]),
        (
            "if platform.system() == 'Darwin':\n    import aaa",
            &["aaa ; platform_system == \"Darwin\""],
        ),
        (
            "if sys.platform.startswith('linux'):\n    import aaa",
            &["aaa ; sys_platform == \"linux\""],
        ),
        (
            "if sys.version_info >= (3, 11):\n    import tomllib\nelse:\n    import tomli as tomllib",
            &["tomli ; python_version < \"3.11\""],
        ),
        ("if sys.version_info < (3, 9):\n    import aaa", &["aaa ; python_version < \"3.9\""]),
        (
            "if sys.version_info[:2] <= (3, 8):\n    import aaa",
            &["aaa ; python_version <= \"3.8\""],
        ),
        (
            "if os.name == 'nt':\n    if sys.version_info < (3, 9):\n        import aaa",
            &["aaa ; os_name == \"nt\" and python_version < \"3.9\""],
        ),
        ("if os.name == 'nt':\n    def f():\n        import aaa", &["aaa ; os_name == \"nt\""]),
        (
            "if os.name == 'nt':\n    try:\n        import aaa\n    except ImportError:\n        pass",
            &["aaa ; os_name == \"nt\" ?"],
        ),
        ("if verbose:\n    import aaa", &["aaa"]),
        (
            "if sys.platform == 'win32' and fast:\n    import aaa\nelse:\n    import bbb",
            &["aaa", "bbb"],
        ),
    ];
    for (code, names) in cases {
        assert_eq!(script(&format!("{code}\n")), names, "{code}");
    }
}

#[test]
fn a_module_that_one_place_needs_everywhere_has_no_marker() {
    let code = "if os.name == 'nt':\n    import aaa\n";
    assert_eq!(script(&format!("{code}import aaa\n")), ["aaa"]);
    let other = "if os.name == 'java':\n    import aaa\n";
    assert_eq!(
        script(&format!("{code}{other}")),
        ["aaa ; (os_name == \"java\") or (os_name == \"nt\")"]
    );
}

#[test]
fn code_with_errors_still_gives_its_imports() {
    for code in [
        "import aaa\ndef f(:\n    pass\n",
        "import aaa\nprint 'python 2'\n",
        "def f(\n\nimport aaa\n",
        "import aaa\nx = [1, 2\n",
        "x = = 1\nimport aaa\n",
        "import aaa\n```\n~~~\n",
        "...\nimport aaa\n<your code here>\n",
        ">>> x\nimport aaa\n",
    ] {
        assert_eq!(script(code), ["aaa"], "{code}");
    }
}

#[test]
fn letters_beyond_ascii_move_no_span() {
    let code =
        "\u{feff}# 导入数据 ü\nx = '数据'\nimport aaa  # 数据\ndef 函数():\n    import bbb\n";
    assert_eq!(script(code), ["aaa", "bbb"]);
    let skill = samples::bundled("# 数据\n", &[("数据.py", code)]);
    let entries = dependencies(&skill);
    let shown: Vec<&str> = entries[..2].iter().flat_map(|entry| shown(&skill, entry)).collect();
    assert_eq!(shown, ["import aaa", "import bbb"]);
    assert_eq!(fence(Python, "python", "# 导入\nimport aaa"), ["aaa"]);
}

#[test]
fn a_module_name_that_no_distribution_can_have_is_not_taken() {
    for code in ["import 数据", "import ünïcode", "from 数据.x import y"] {
        assert_eq!(script(&format!("{code}\n")), [""; 0], "{code}");
    }
}

#[test]
fn what_the_reader_is_to_fill_in_is_no_module() {
    for code in ["import <module>", "from <your package> import x"] {
        assert_eq!(fence(Python, "python", code), [""; 0], "{code}");
    }
}

#[test]
fn only_python_blocks_are_read_for_python() {
    for label in ["", "text", "bash", "javascript", "yaml", "toml"] {
        assert_eq!(fence(Python, label, "import aaa\nimport bbb"), [""; 0], "{label}");
    }
    for label in ["python", "py", "python3", "Python", "python title=\"x.py\""] {
        assert_eq!(fence(Python, label, "import aaa"), ["aaa"], "{label}");
    }
    for path in ["tool", "bin/tool"] {
        assert_eq!(file(Python, path, "#!/usr/bin/env python3\nimport aaa\n"), ["aaa"], "{path}");
    }
    assert_eq!(file(Python, "notes.txt", "import aaa\n"), [""; 0]);
}

#[test]
fn every_place_that_imports_a_module_is_kept() {
    let skill = samples::bundled(
        "# Demo\n\n```python\nimport aaa.x\n```\n\n```python\nfrom aaa import b\n```\n",
        &[("a.py", "import aaa\n"), ("b.py", "x = 1\nimport os, aaa\n")],
    );
    let entry = dependencies(&skill).remove(0);
    assert_eq!(
        shown(&skill, &entry),
        ["import aaa.x", "from aaa import b", "import aaa", "import os, aaa"]
    );
    assert!(entry.evidence.iter().all(|at| at.source == DependencySource::Import));
    assert_eq!(entry.provides, ["aaa"]);
}

#[test]
fn a_name_that_is_guessed_is_less_sure_than_one_that_is_known() {
    let confidence = |code| only(&fenced("python", code)).confidence;
    assert!(confidence("import unheard_of") < confidence("import requests"));
    assert!(confidence("import unheard_of") < confidence("import yaml"));
    assert_eq!(lines(Python, &fenced("python", "import unheard_of")), ["unheard-of"]);
}

#[test]
fn imports_are_distributions_and_the_standard_library_is_not() {
    let cases: [(&str, &[(_, &str)]); 9] = [
        ("import requests", &[(Python, "requests")]),
        ("import yaml, cv2", &[(Python, "opencv-python"), (Python, "pyyaml")]),
        ("from PIL import Image", &[(Python, "pillow")]),
        ("from google.cloud import storage", &[(Python, "google-cloud-storage")]),
        ("import google.cloud.storage", &[(Python, "google-cloud-storage")]),
        ("import os.path, json, _thread, tomllib", &[]),
        ("from __future__ import annotations", &[]),
        ("from . import x", &[]),
        ("import some_thing.deep", &[(Python, "some-thing")]),
    ];
    for (code, names) in cases {
        assert_eq!(python(code), expected(names), "{code}");
    }
}

#[test]
fn the_evidence_of_an_import_lies_where_the_import_does() {
    let body = "- x\n\n  ```python\n  import csv\n  import requests\n  ```\n";
    for body in [body.to_owned(), body.replace('\n', "\r\n")] {
        let skill = samples::skill(&body);
        let entry = only(&skill);
        assert_eq!(entry.provides, ["requests"]);
        assert_eq!(entry.evidence[0].source, DependencySource::Import);
        assert_eq!(entry.evidence[0].span.unwrap().text(skill.source()), "import requests");
    }
    let script = "import os\nimport requests\n";
    let skill = samples::bundled("# Demo\n", &[("scripts/x.py", script)]);
    let entry = dependencies(&skill).remove(0);
    assert_eq!(entry.evidence[0].file.as_deref(), Some("scripts/x.py"));
    assert_eq!(entry.evidence[0].span.unwrap().text(script), "import requests");
}

#[test]
fn what_one_place_needs_is_needed() {
    let guarded = "try:\n    import rich\nexcept ImportError:\n    rich = None\n";
    let optional =
        |code: &str| only(&samples::skill(&format!("# Demo\n\n```python\n{code}```\n"))).optional;
    assert!(optional(guarded));
    assert!(!optional("import rich\n"));
    assert!(!optional(&format!("{guarded}import rich\n")));
    assert!(!optional(&format!("import rich\n{guarded}")));
}
