//! Which modules are the skill's own, and which distribution provides the others.

use skvm_core::artifact::DependencyKind::{Python, Runtime};

use super::{expected, fence, file, lines, names};
use crate::samples;

#[test]
fn modules_around_a_script_are_the_skills_own() {
    let cases: [(&str, &str, &[&str]); 11] = [
        // What is imported, where from, and the files of the bundle.
        ("import helper", "scripts/run.py", &["scripts/helper.py"]),
        ("from helper import x", "scripts/run.py", &["helper.py"]),
        ("import helper", "run.py", &["helper.py"]),
        ("import pkg.deep", "scripts/run.py", &["scripts/pkg/__init__.py", "scripts/pkg/deep.py"]),
        ("import pkg", "run.py", &["pkg/__init__.py"]),
        ("from pkg import deep", "run.py", &["pkg/deep.py"]),
        ("from pkg.sub import deep", "run.py", &["pkg/sub/deep.py"]),
        ("from scripts.deep import x", "tests/run.py", &["scripts/deep.py"]),
        ("import far_away", "scripts/run.py", &["lib/python/far_away.py"]),
        ("import pkg", "tests/run.py", &["src/pkg/__init__.py"]),
        ("from src.x import y", "run.py", &["tools/x.py"]),
    ];
    for (code, path, others) in cases {
        let mut files: Vec<(&str, &str)> = others.iter().map(|path| (*path, "")).collect();
        let code = format!("{code}\nimport aaa\n");
        files.push((path, &code));
        let skill = samples::bundled("# Demo\n", &files);
        assert_eq!(lines(Python, &skill), ["aaa"], "{code} of {path} beside {others:?}");
    }
}

#[test]
fn a_file_elsewhere_with_the_name_of_a_well_known_module_is_not_that_module() {
    let skill = samples::bundled(
        "# Demo\n",
        &[("scripts/run.py", "import requests\n"), ("adapters/requests.py", "import requests\n")],
    );
    assert_eq!(lines(Python, &skill), ["requests"]);
}

#[test]
fn a_script_does_not_import_itself() {
    assert_eq!(file(Python, "requests.py", "import requests\n"), ["requests"]);
    assert_eq!(file(Python, "scripts/yaml.py", "import yaml\n"), ["pyyaml"]);
}

#[test]
fn what_is_declared_is_not_the_skills_own_for_its_name() {
    let skill = samples::bundled(
        "# Demo\n",
        &[
            ("scripts/run.py", "import special\n"),
            ("wrappers/special.py", "x = 1\n"),
            ("requirements.txt", "special>=1\n"),
        ],
    );
    assert_eq!(lines(Python, &skill), ["special >=1"]);
    assert_eq!(super::entry(&skill, Python, "special").provides, ["special"]);
}

#[test]
fn the_skills_own_package_is_no_dependency() {
    let toml = "[project]\nname = \"My-Tool\"\ndependencies = [\"aaa\", \"my_tool[x]\"]\n";
    let skill = samples::bundled(
        "# Demo\n\n```bash\npip install my-tool\n```\n\n```python\nimport my_tool\n```\n",
        &[("pyproject.toml", toml), ("src/my_tool/__init__.py", "")],
    );
    assert_eq!(lines(Python, &skill), ["aaa"]);
    // A skill that is a package itself.
    let skill = samples::bundled("# Demo\n", &[("__init__.py", ""), ("run.py", "import aaa\n")]);
    assert_eq!(lines(Python, &skill), ["aaa"]);
}

#[test]
fn modules_whose_distribution_has_another_name_are_known() {
    let cases = [
        ("yaml", "pyyaml"),
        ("cv2", "opencv-python"),
        ("PIL", "pillow"),
        ("bs4", "beautifulsoup4"),
        ("docx", "python-docx"),
        ("pptx", "python-pptx"),
        ("sklearn", "scikit-learn"),
        ("skimage", "scikit-image"),
        ("dotenv", "python-dotenv"),
        ("dateutil", "python-dateutil"),
        ("fitz", "pymupdf"),
        ("jwt", "pyjwt"),
        ("Crypto.Cipher", "pycryptodome"),
        ("OpenSSL", "pyopenssl"),
        ("serial", "pyserial"),
        ("usb", "pyusb"),
        ("magic", "python-magic"),
        ("slugify", "python-slugify"),
        ("git", "gitpython"),
        ("github", "pygithub"),
        ("telegram", "python-telegram-bot"),
        ("discord", "discord-py"),
        ("psycopg2", "psycopg2-binary"),
        ("MySQLdb", "mysqlclient"),
        ("win32com.client", "pywin32"),
        ("pkg_resources", "setuptools"),
        ("attr", "attrs"),
        ("grpc", "grpcio"),
        ("gi.repository", "pygobject"),
        ("wx", "wxpython"),
        ("zmq", "pyzmq"),
        ("nacl", "pynacl"),
        ("markdown", "markdown"),
        ("faiss", "faiss-cpu"),
        ("whisper", "openai-whisper"),
        ("googleapiclient.discovery", "google-api-python-client"),
        ("fpdf", "fpdf2"),
        ("Levenshtein", "levenshtein"),
        ("ruamel.yaml", "ruamel-yaml"),
        ("mpl_toolkits.mplot3d", "matplotlib"),
    ];
    for (module, distribution) in cases {
        let code = format!("import {module}");
        assert_eq!(fence(Python, "python", &code), [distribution], "{module}");
    }
}

#[test]
fn namespaces_are_told_apart_by_what_lies_below_them() {
    let cases: [(&str, &[&str]); 14] = [
        ("from google.cloud import storage", &["google-cloud-storage"]),
        (
            "from google.cloud import storage, bigquery as b",
            &["google-cloud-bigquery", "google-cloud-storage"],
        ),
        ("from google.cloud.storage import Client", &["google-cloud-storage"]),
        ("from google import genai", &["google-genai"]),
        ("import google.generativeai as genai", &["google-generativeai"]),
        ("from google.oauth2 import service_account", &["google-auth"]),
        ("from google.auth.transport.requests import Request", &["google-auth"]),
        ("from google.protobuf import message", &["protobuf"]),
        ("from azure.identity import DefaultAzureCredential", &["azure-identity"]),
        ("from azure.storage.blob import BlobClient", &["azure-storage-blob"]),
        ("from google.cloud import storage_v2", &["google-cloud-storage"]),
        ("import google.cloud.unheard_v1beta2.types", &["google-cloud-unheard"]),
        ("import google", &[]),
        ("import azure\nfrom google.cloud import *", &[]),
    ];
    for (code, names) in cases {
        assert_eq!(fence(Python, "python", code), names, "{code}");
    }
}

#[test]
fn a_declared_distribution_that_provides_the_module_wins() {
    let cases = [
        ("import cv2", "opencv-python-headless==4.9.0.80", "opencv-python-headless ==4.9.0.80"),
        ("import cv2", "opencv_contrib_python", "opencv_contrib_python"),
        ("import psycopg2", "psycopg2", "psycopg2"),
        ("import fitz", "PyMuPDF>=1.24", "PyMuPDF >=1.24"),
        ("import yaml", "PyYAML", "PyYAML"),
        ("import faiss", "faiss-gpu", "faiss-gpu"),
        ("import docx", "python_docx>=1", "python_docx >=1"),
        ("from azure.ai.unheard import x", "azure-ai-unheard", "azure-ai-unheard"),
        ("from google.cloud import unheard", "google-cloud-unheard", "google-cloud-unheard"),
        ("import someapi", "someapi-sdk", "someapi-sdk"),
        ("import some_api", "Some.API", "Some.API"),
    ];
    for (code, declared, line) in cases {
        let files = [("run.py", code), ("requirements.txt", declared)];
        let skill = samples::bundled("# Demo\n", &files);
        assert_eq!(lines(Python, &skill), [line], "{code} {declared}");
        // The place of the declaration does not matter.
        let install = format!("# Demo\n\n```bash\npip install '{declared}'\n```\n");
        let skill = samples::bundled(&install, &[("run.py", code)]);
        assert_eq!(lines(Python, &skill), [line], "{code} {declared}");
    }
}

#[test]
fn modules_of_the_skill_itself_are_no_dependencies() {
    let skill = samples::bundled(
        "# Demo\n\n```python\nimport helper\nimport pkg.deep\nfrom scripts import other\n```\n",
        &[
            ("scripts/helper.py", "import pkg\n"),
            ("lib/pkg/deep.py", ""),
            ("lib/pkg/__init__.py", ""),
        ],
    );
    let found = names(&skill);
    assert_eq!(found, expected(&[(Runtime, "python")]), "only the interpreter of the scripts");
}

#[test]
fn a_declared_name_wins_over_an_inferred_one() {
    let skill = samples::bundled(
        "# Demo\n\n```python\nimport fitz\n```\n",
        &[("requirements.txt", "fitz\n")],
    );
    assert_eq!(names(&skill), expected(&[(Python, "fitz")]));
}
