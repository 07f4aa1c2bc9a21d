//! The database file: opening it, its schema and the versions of that.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, Result, TransactionBehavior, ffi};

use super::super::{Damage, StoreError};
use super::{SqliteOptions, repair};

/// What each version of the schema adds to the one before.
const MIGRATIONS: [&str; 1] = ["
    -- Variants (kind 1) and recorded answers (kind 2).
    CREATE TABLE entry (
        id INTEGER PRIMARY KEY,
        kind INTEGER NOT NULL,
        key BLOB NOT NULL,
        body TEXT NOT NULL,
        digest BLOB NOT NULL,
        used INTEGER NOT NULL,
        UNIQUE (kind, key)
    );
    CREATE INDEX entry_by_use ON entry (used);
    CREATE TABLE trace (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        skill BLOB NOT NULL,
        body TEXT NOT NULL,
        digest BLOB NOT NULL,
        written INTEGER NOT NULL
    );
    CREATE INDEX trace_by_skill ON trace (skill, id);
    CREATE TABLE scope (
        scope BLOB PRIMARY KEY,
        revision INTEGER NOT NULL,
        written INTEGER NOT NULL
    );
    CREATE TABLE record (
        id INTEGER PRIMARY KEY,
        scope BLOB NOT NULL,
        key BLOB NOT NULL,
        revision INTEGER NOT NULL,
        body TEXT,
        digest BLOB NOT NULL,
        UNIQUE (scope, key)
    );
    CREATE UNIQUE INDEX record_by_revision ON record (scope, revision);
    CREATE TABLE quarantine (
        id INTEGER PRIMARY KEY,
        what TEXT NOT NULL,
        reason TEXT NOT NULL,
        body BLOB,
        found INTEGER NOT NULL
    );
"];

/// Marks the file as ours: `SkVM`.
const APPLICATION_ID: i32 = 0x536B_564D;

/// An error of the database, told with what was attempted on which file. One of its structure is noted.
pub(super) fn failed(what: &str, path: &Path, error: rusqlite::Error) -> StoreError {
    let told = format!("{what} in {}", path.display());
    if !is_corrupt(&error) {
        return StoreError::new(told).with_source(error);
    }
    repair::note(path);
    StoreError::damaged(told).with_source(error)
}

/// Whether the file is what is wrong: our statements fit the tables as we made them, and what is in them.
fn is_corrupt(error: &rusqlite::Error) -> bool {
    use rusqlite::Error as E;
    match error {
        E::SqlInputError { .. } | E::InvalidColumnType(..) | E::Utf8Error(..) => true,
        error => error.sqlite_error().is_some_and(|error| {
            matches!(
                error.code,
                ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
                    | ErrorCode::ConstraintViolation
                    | ErrorCode::TypeMismatch
                    | ErrorCode::Unknown
            ) || error.extended_code == ffi::SQLITE_IOERR_SHORT_READ
        }),
    }
}

/// The path as it is from anywhere, through no link, with the folders that lead to it made. What lies beside the
/// database is found by it, so it has to be the same for everybody.
pub(super) fn absolute(path: &Path) -> std::result::Result<PathBuf, StoreError> {
    let refuse = |error| StoreError::new(format!("opening {}", path.display())).with_source(error);
    let path = std::path::absolute(path).map_err(refuse)?;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(path) };
    fs::create_dir_all(folder).map_err(refuse)?;
    match fs::canonicalize(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(fs::canonicalize(folder).map_err(refuse)?.join(name))
        }
        found => found.map_err(refuse),
    }
}

/// The path of a file that belongs to the database.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

pub(super) fn connect(path: &Path, options: SqliteOptions) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(options.busy)?;
    connection.pragma_update(
        None,
        "synchronous",
        if options.outlives_power { "FULL" } else { "NORMAL" },
    )?;
    // What lies in the file is not trusted: no functions in its schema, no pages beyond its end.
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    Ok(connection)
}

/// A database that is open.
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// What was damaged beyond use.
    pub(super) damage: Vec<Damage>,
    /// As long as this is open, nobody puts another database in the place of this one.
    pub(super) in_use: File,
}

/// Opens or makes the database and brings it to this version.
pub(super) fn open(path: &Path, options: SqliteOptions) -> std::result::Result<Opened, StoreError> {
    let leases = beside(path, "-leases");
    let refuse = |error| StoreError::new(format!("opening {}", path.display())).with_source(error);
    fs::create_dir_all(&leases).map_err(refuse)?;
    // Nobody else makes, changes or replaces the file meanwhile.
    let mut alone = lock(&leases.join("open"), options.busy).map_err(refuse)?;
    // Something stands in it once the database was found to be ours.
    let was_ours = alone.metadata().map_err(refuse)?.len() > 0;
    let in_use = lock_file(&leases.join("users")).map_err(refuse)?;
    let mut prepared = prepare(path, options);
    if was_ours && repair::is_noted(path) && in_use.try_lock().is_ok() {
        prepared = prepared.and_then(|connection| Ok(check(&connection).map(|()| connection)?));
        if prepared.is_ok() {
            repair::forget(path);
        }
    }
    let (connection, damage) = match prepared {
        Ok(connection) => (connection, Vec::new()),
        Err(Refusal::Damaged(error)) if was_ours => replace(path, options, &error)?,
        Err(refusal) => return Err(refusal.told(path)),
    };
    if !was_ours {
        alone.write_all(b"SkVM\n").map_err(refuse)?;
    }
    in_use.unlock().map_err(refuse)?;
    in_use.try_lock_shared().map_err(|error| refuse(error.into()))?;
    Ok(Opened { connection, damage, in_use })
}

/// Puts a new database in the place of a damaged one, with what can be read of that.
fn replace(
    path: &Path,
    options: SqliteOptions,
    error: &rusqlite::Error,
) -> std::result::Result<(Connection, Vec<Damage>), StoreError> {
    let refuse = |error| StoreError::new(format!("opening {}", path.display())).with_source(error);
    let kept = repair::set_aside(path).map_err(refuse)?;
    let mut connection = prepare(path, options).map_err(|refusal| refusal.told(path))?;
    let rescue = connect(&kept, options).and_then(|from| repair::rescue(&from, &mut connection));
    let damage = Damage {
        what: format!("the database {}", path.display()),
        reason: error.to_string(),
        kept: Some(kept.display().to_string()),
    };
    tracing::warn!(%damage, rescued = rescue.is_ok(), "a new store was begun");
    repair::forget(path);
    Ok((connection, Vec::from([damage])))
}

/// Looks at the structure; what is wrong with it is the error. Takes as long as reading the file.
fn check(db: &Connection) -> Result<()> {
    let found: String = db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    let expected = Connection::open_in_memory()?;
    expected.execute_batch(&MIGRATIONS.concat())?;
    let wrong = if found != "ok" {
        found
    } else if schema(db)? != schema(&expected)? {
        "the tables are not as they were made".to_owned()
    } else {
        return Ok(());
    };
    Err(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), Some(wrong)))
}

/// What tables and indices there are, and how they were made.
fn schema(db: &Connection) -> Result<Vec<(String, String)>> {
    let mut query = db.prepare("SELECT name, ifnull(sql, '') FROM sqlite_schema ORDER BY name")?;
    let words = |sql: String| sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let rows = query.query_map([], |row| Ok((row.get(0)?, words(row.get(1)?))))?;
    rows.collect()
}

fn lock_file(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// Waits for a lock on a file, for a while.
fn lock(path: &Path, patience: Duration) -> std::io::Result<File> {
    let file = lock_file(path)?;
    let started = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if started.elapsed() >= patience => {
                let told = "another process has held it for too long";
                return Err(std::io::Error::new(std::io::ErrorKind::TimedOut, told));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// Why a file cannot be used.
enum Refusal {
    /// It is destroyed.
    Damaged(rusqlite::Error),
    Failed(rusqlite::Error),
    /// It is whole and not for us.
    Foreign(String),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        if is_corrupt(&error) { Self::Damaged(error) } else { Self::Failed(error) }
    }
}

impl Refusal {
    fn told(self, path: &Path) -> StoreError {
        match self {
            Self::Damaged(error) | Self::Failed(error) => failed("opening the store", path, error),
            Self::Foreign(what) => StoreError::new(format!("opening {}: {what}", path.display())),
        }
    }
}

fn prepare(path: &Path, options: SqliteOptions) -> std::result::Result<Connection, Refusal> {
    let mut connection = connect(path, options)?;
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) = (number("application_id")?, number("user_version")?);
    let objects: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != APPLICATION_ID && (application != 0 || version != 0 || objects != 0) {
        return Err(Refusal::Foreign("it is a database of something else".to_owned()));
    }
    let current = i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX);
    if version > current {
        return Err(Refusal::Foreign(format!(
            "it has version {version}, made by a newer SkVM; this one knows {current}"
        )));
    }
    if objects == 0 {
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    if application == APPLICATION_ID && version == current {
        return Ok(connection);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known = usize::try_from(version).unwrap_or(0);
    for migration in MIGRATIONS.iter().skip(known) {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", current)?;
    transaction.commit()?;
    Ok(connection)
}
