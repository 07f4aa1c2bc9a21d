//! What Python's modules are called where they are installed from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use skvm_core::artifact::Import;

use super::super::requirement::{is_distribution, normalised};

/// The top-level modules of the standard library, Python 3.8 to 3.14, without private ones.
static STDLIB: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| include_str!("stdlib.txt").lines().collect());

/// Modules whose distribution has another name: module, distribution, others that provide it as well.
/// Namespaces (`google`, `azure`) are told apart by what lies below them.
static DISTRIBUTIONS: LazyLock<BTreeMap<&str, Distributions>> = LazyLock::new(|| {
    let rows = include_str!("modules.tsv").lines().filter_map(|line| {
        let mut columns = line.split('\t');
        let (module, usual) = (columns.next()?, columns.next()?);
        let others = columns.next().unwrap_or("").split(',').filter(|name| !name.is_empty());
        Some((module, Distributions { usual, others: others.collect() }))
    });
    rows.collect()
});

struct Distributions {
    usual: &'static str,
    others: Vec<&'static str>,
}

/// Packages that several distributions put modules into; by itself none of them is one.
const NAMESPACES: [&str; 9] = [
    "azure",
    "backports",
    "google",
    "google.cloud",
    "jaraco",
    "mpl_toolkits",
    "ruamel",
    "sphinxcontrib",
    "zope",
];

/// Longest name of a module, in bytes, for which a distribution is looked for.
const MAX_MODULE: usize = 200;

/// Modules of distributions of their own name that scripts import most. A bundle's file of such a name
/// is more likely to wrap one than to be one.
const WELL_KNOWN: [&str; 143] = [
    "PIL",
    "PyPDF2",
    "aiofiles",
    "aiohttp",
    "akshare",
    "altair",
    "anthropic",
    "apscheduler",
    "asyncpg",
    "beautifulsoup4",
    "bokeh",
    "boto3",
    "botocore",
    "bs4",
    "celery",
    "chardet",
    "chromadb",
    "click",
    "cohere",
    "colorama",
    "croniter",
    "cryptography",
    "dash",
    "ddgs",
    "docker",
    "docx",
    "dotenv",
    "duckdb",
    "elevenlabs",
    "fastapi",
    "fastmcp",
    "feedparser",
    "flask",
    "folium",
    "garminconnect",
    "geopandas",
    "gradio",
    "gspread",
    "html2text",
    "httpx",
    "huggingface_hub",
    "instructor",
    "jinja2",
    "jsonschema",
    "keyring",
    "kubernetes",
    "langchain",
    "langgraph",
    "litellm",
    "loguru",
    "lxml",
    "markdown",
    "markdownify",
    "markitdown",
    "matplotlib",
    "mcp",
    "mistralai",
    "moviepy",
    "networkx",
    "nltk",
    "notion_client",
    "numpy",
    "ollama",
    "openai",
    "openpyxl",
    "orjson",
    "packaging",
    "pandas",
    "paramiko",
    "pdf2image",
    "pdfminer",
    "pdfplumber",
    "pillow",
    "pinecone",
    "pint",
    "playwright",
    "plotly",
    "polars",
    "pptx",
    "praw",
    "prompt_toolkit",
    "psutil",
    "psycopg",
    "pyarrow",
    "pydantic",
    "pydub",
    "pygments",
    "pymongo",
    "pypdf",
    "pypdfium2",
    "pyperclip",
    "pytesseract",
    "pytest",
    "pytz",
    "qdrant_client",
    "qrcode",
    "redis",
    "regex",
    "reportlab",
    "requests",
    "rich",
    "ruff",
    "scipy",
    "seaborn",
    "selenium",
    "sentence_transformers",
    "shapely",
    "solana",
    "solders",
    "spacy",
    "sqlalchemy",
    "starlette",
    "statsmodels",
    "streamlit",
    "stripe",
    "sympy",
    "tabulate",
    "tenacity",
    "tensorflow",
    "tiktoken",
    "toml",
    "tomli",
    "torch",
    "torchvision",
    "tqdm",
    "trafilatura",
    "transformers",
    "tweepy",
    "twilio",
    "typer",
    "typing_extensions",
    "ujson",
    "urllib3",
    "uvicorn",
    "watchdog",
    "weasyprint",
    "web3",
    "websockets",
    "xlsxwriter",
    "xmltodict",
    "yaml",
    "yfinance",
    "yt_dlp",
];

/// What provides an imported module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Provider {
    pub(in super::super) distribution: String,
    /// The module, as far as it tells the distribution.
    pub(in super::super) module: String,
    /// Whether the distribution is declared or known to provide the module, rather than taken to have
    /// its name.
    pub(in super::super) is_known: bool,
}

/// Whether a dotted module name belongs to the standard library.
#[must_use]
pub(crate) fn is_stdlib(module: &str) -> bool {
    let top = module.split('.').next().unwrap_or(module);
    top.starts_with('_') || STDLIB.contains(top)
}

/// Whether a module is known to be somebody's distribution.
pub(in super::super) fn is_well_known(module: &str) -> bool {
    WELL_KNOWN.binary_search(&module).is_ok()
}

/// Gives the name under which a distribution is declared, by its normalised name.
pub(in super::super) type Declared<'d> = &'d dyn Fn(&str) -> Option<String>;

/// What provides the modules of an import. A distribution that the skill declares wins over the table;
/// a bare namespace is provided by nothing.
pub(in super::super) fn providers(import: &Import, declared: Declared<'_>) -> Vec<Provider> {
    let module = import.module.as_str();
    // `from google.cloud import storage` takes modules out of a namespace.
    let modules = match NAMESPACES.binary_search(&module) {
        Ok(_) => import.names.iter().map(|name| format!("{module}.{name}")).collect(),
        Err(_) => vec![module.to_owned()],
    };
    let mut providers: Vec<Provider> = Vec::new();
    for module in modules {
        let Some(distribution) = distribution(&module, declared) else {
            continue;
        };
        let is_known = known_prefix(&module).is_some()
            || is_well_known(module.split('.').next().unwrap_or(&module))
            || declared(&normalised(&distribution)).is_some();
        let module = telling_part(&module);
        if !providers.iter().any(|known| known.module == module) {
            providers.push(Provider { distribution, module, is_known });
        }
    }
    providers
}

/// The part of a module's name that is looked up: the top, or as much as a namespace takes.
pub(in super::super) fn telling_part(module: &str) -> String {
    if let Some(known) = known_prefix(module).filter(|known| known.contains('.')) {
        return known.to_owned();
    }
    let parts: Vec<&str> = module.split('.').collect();
    let depth = (1..parts.len())
        .take_while(|depth| NAMESPACES.binary_search(&&*parts[..*depth].join(".")).is_ok())
        .count();
    parts[..=depth.min(parts.len() - 1)].join(".")
}

/// `google.cloud.tasks` of `google.cloud.tasks_v2beta3`.
fn without_version(module: &str) -> Option<String> {
    let (name, version) = module.rsplit_once("_v")?;
    let is_version = version.starts_with(|c: char| c.is_ascii_digit())
        && version.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    is_version.then(|| name.to_owned())
}

/// The longest prefix of a module that the table has.
fn known_prefix(module: &str) -> Option<&'static str> {
    let mut name = module;
    loop {
        if let Some((known, _)) = DISTRIBUTIONS.get_key_value(name) {
            return Some(known);
        }
        name = name.rsplit_once('.')?.0;
    }
}

/// The distribution that provides a module. Of those that are declared one that can provide it; else
/// what the table says of the longest prefix; else the top-level name with hyphens. `None` for a bare
/// namespace.
pub(in super::super) fn distribution(module: &str, declared: Declared<'_>) -> Option<String> {
    if module.len() > MAX_MODULE {
        return None;
    }
    let known = known_prefix(module).and_then(|prefix| DISTRIBUTIONS.get(prefix));
    let unversioned = (known.is_none() && module.starts_with("google."))
        .then(|| without_version(&telling_part(module)))
        .flatten();
    if let Some(unversioned) = unversioned {
        return distribution(&unversioned, declared);
    }
    let top = module.split('.').next().unwrap_or(module);
    let in_namespace = NAMESPACES.binary_search(&top).is_ok();
    let mut able: Vec<String> = Vec::new();
    if let Some(known) = known {
        able.push(normalised(known.usual));
        able.extend(known.others.iter().map(|name| normalised(name)));
    }
    if in_namespace {
        // `google.cloud.storage.blob` is of `google-cloud-storage`, if of anything.
        let whole = normalised(module);
        able.extend(
            whole
                .match_indices('-')
                .filter_map(|(at, _)| whole.get(..at))
                .map(str::to_owned)
                .filter(|name| name.contains('-')),
        );
        able.push(whole);
    } else {
        let name = normalised(top);
        able.extend([
            format!("python-{name}"),
            format!("{name}-python"),
            format!("py{name}"),
            format!("py-{name}"),
            format!("{name}-py"),
            format!("{name}-sdk"),
            format!("{name}-api"),
            format!("{name}-client"),
        ]);
        able.insert(0, name);
    }
    if let Some(declared) = able.iter().find_map(|able| declared(able)) {
        return Some(declared);
    }
    let inferred = match known {
        Some(known) => Some(known.usual.to_owned()),
        None if in_namespace => {
            let part = telling_part(module);
            let is_bare = NAMESPACES.binary_search(&part.as_str()).is_ok();
            (!is_bare && part != top).then(|| part.replace(['.', '_'], "-"))
        }
        None => Some(top.replace('_', "-")),
    };
    // `_private` and `naïve` are names of modules and of no distribution.
    inferred.filter(|name| is_distribution(name))
}

/// The service that a module is a client of.
pub(in super::super) fn service(module: &str) -> Option<&'static str> {
    Some(match module {
        "psycopg" | "psycopg2" | "asyncpg" | "pg" => "postgresql",
        "redis" | "ioredis" => "redis",
        "pymongo" | "motor" | "mongodb" | "mongoose" => "mongodb",
        "pymysql" | "MySQLdb" | "mysql" | "mysql2" => "mysql",
        "docker" | "dockerode" => "docker",
        "ollama" => "ollama",
        "elasticsearch" => "elasticsearch",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(module: &str, declared: &[&'static str]) -> Option<String> {
        let known =
            |name: &str| declared.iter().find(|d| normalised(d) == name).map(|d| (*d).to_owned());
        distribution(module, &known)
    }

    #[test]
    fn the_tables_are_sorted_for_the_search() {
        assert!(STDLIB.len() > 200);
        assert!(NAMESPACES.is_sorted());
        assert!(WELL_KNOWN.is_sorted());
        let lines: Vec<&str> = include_str!("modules.tsv").lines().collect();
        assert!(lines.is_sorted() && lines.len() > 60);
        assert_eq!(lines.len(), DISTRIBUTIONS.len(), "a module stands there once");
        assert!(lines.iter().all(|line| line.split('\t').count() == 3));
    }

    #[test]
    fn modules_find_their_distributions() {
        let cases = [
            ("yaml", Some("pyyaml")),
            ("PIL.Image", Some("pillow")),
            ("google.cloud.storage.blob", Some("google-cloud-storage")),
            ("google.cloud.unheard_of", Some("google-cloud-unheard-of")),
            ("google.cloud.storage_v2.types", Some("google-cloud-storage")),
            ("google.cloud.unheard_of_v1beta1", Some("google-cloud-unheard-of")),
            ("google", None),
            ("google.cloud", None),
            ("azure.unheard.of", Some("azure-unheard")),
            ("faster_whisper", Some("faster-whisper")),
            ("some_package.sub", Some("some-package")),
            ("数据", None),
            ("trailing_", None),
        ];
        for (module, expected) in cases {
            assert_eq!(of(module, &[]).as_deref(), expected, "{module}");
        }
        assert!(is_stdlib("os.path"));
        assert!(!is_stdlib("requests"));
    }

    #[test]
    fn a_declared_distribution_that_can_provide_a_module_does() {
        let cases: [(&str, &[&'static str], &str); 7] = [
            ("fitz", &["fitz"], "fitz"),
            ("fitz", &["pymupdf"], "pymupdf"),
            ("azure.ai.unheard", &["azure-ai-unheard", "azure-ai"], "azure-ai"),
            ("google.cloud.unheard", &["google-cloud-unheard"], "google-cloud-unheard"),
            ("someapi", &["python-someapi"], "python-someapi"),
            ("someapi", &["other"], "someapi"),
            ("some_api", &["Some.API"], "Some.API"),
        ];
        for (module, declared, expected) in cases {
            assert_eq!(of(module, declared).as_deref(), Some(expected), "{module} {declared:?}");
        }
    }
}
