//! Rows, and the digest that each of them carries.

use std::sync::Arc;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, Result, params};
use skvm_core::digest::Digest;

use super::super::StoredRecord;

/// What a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Variant,
    Answer,
    Trace,
    Record,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Variant, Self::Answer, Self::Trace, Self::Record];

    /// Its number in the table `entry`.
    fn number(self) -> i64 {
        match self {
            Self::Variant => 1,
            Self::Answer => 2,
            Self::Trace => 3,
            Self::Record => 4,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Variant => "variant",
            Self::Answer => "answer",
            Self::Trace => "trace",
            Self::Record => "record",
        }
    }

    pub(super) fn table(self) -> &'static str {
        match self {
            Self::Variant | Self::Answer => "entry",
            Self::Trace => "trace",
            Self::Record => "record",
        }
    }
}

/// Most traces that are kept of one skill, give or take [`TRIM_EVERY`]; the oldest go first.
const MAX_TRACES: i64 = 1000;
const TRIM_EVERY: u8 = 64;

/// A row as it was read. Nothing in it is believed before it was checked.
#[derive(PartialEq)]
pub(super) struct Row {
    pub(super) id: i64,
    pub(super) kind: Kind,
    /// The scope of a record; of others, empty.
    pub(super) scope: Vec<u8>,
    /// The key, or of a trace the skill.
    pub(super) key: Vec<u8>,
    /// Of a record; of others, 0.
    pub(super) revision: i64,
    /// `None` for a record that was removed.
    pub(super) body: Option<Vec<u8>>,
    digest: Vec<u8>,
}

/// The bytes of a column, whatever a flipped bit made of its type.
fn bytes(value: ValueRef<'_>) -> Option<Vec<u8>> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string().into_bytes()),
        ValueRef::Real(number) => Some(number.to_string().into_bytes()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.to_vec()),
    }
}

fn number(value: ValueRef<'_>) -> i64 {
    value.as_i64().unwrap_or(0)
}

/// What a row carries: the digest of everything in it.
fn digest_of(kind: Kind, scope: &[u8], key: &[u8], revision: i64, body: Option<&[u8]>) -> Digest {
    Digest::builder("skvm/store/row/1")
        .field(kind.name().as_bytes())
        .field(scope)
        .field(key)
        .field(&revision.to_le_bytes())
        .field(&[u8::from(body.is_some())])
        .field(body.unwrap_or_default())
        .finish()
}

impl Row {
    /// A row out of the columns id, scope, key, revision, body, digest.
    fn read(kind: Kind, row: &rusqlite::Row<'_>) -> Result<Self> {
        Ok(Self {
            id: number(row.get_ref(0)?),
            kind,
            scope: bytes(row.get_ref(1)?).unwrap_or_default(),
            key: bytes(row.get_ref(2)?).unwrap_or_default(),
            revision: number(row.get_ref(3)?),
            body: bytes(row.get_ref(4)?),
            digest: bytes(row.get_ref(5)?).unwrap_or_default(),
        })
    }

    /// What people call it.
    pub(super) fn name(&self) -> String {
        let name = self.kind.name();
        let hex = |bytes: &[u8]| <[u8; 32]>::try_from(bytes).map(Digest::from_bytes).ok();
        match hex(&self.key) {
            Some(key) if self.kind != Kind::Trace => format!("{name} {}", key.short()),
            _ => format!("{name} in row {}", self.id),
        }
    }

    /// The body, when the row is what was written; else why not.
    pub(super) fn checked(&self) -> std::result::Result<&str, String> {
        let Self { kind, scope, key, revision, body, .. } = self;
        let digest = digest_of(*kind, scope, key, *revision, body.as_deref());
        if digest.as_bytes() != self.digest.as_slice() {
            return Err("it does not have the digest that it was written with".to_owned());
        }
        let body = body.as_deref().unwrap_or_default();
        str::from_utf8(body).map_err(|error| error.to_string())
    }

    /// A record, when the row is what was written; else why not.
    pub(super) fn checked_record(&self) -> std::result::Result<StoredRecord, String> {
        let body = self.checked()?;
        let key = <[u8; 32]>::try_from(self.key.as_slice()).map(Digest::from_bytes);
        Ok(StoredRecord {
            key: key.map_err(|error| error.to_string())?,
            revision: u64::try_from(self.revision).map_err(|error| error.to_string())?,
            value: self.body.is_some().then(|| Arc::from(body)),
        })
    }

    /// A variant or an answer, and when it was used last.
    pub(super) fn by_key(db: &Connection, kind: Kind, key: Digest) -> Result<Option<(Self, u64)>> {
        let sql =
            "SELECT id, x'', key, 0, body, digest, used FROM entry WHERE kind = ?1 AND key = ?2";
        let mut query = db.prepare_cached(sql)?;
        let found = query.query_row(params![kind.number(), key.as_bytes()], |row| {
            let used = u64::try_from(number(row.get_ref(6)?)).unwrap_or(0);
            Ok((Self::read(kind, row)?, used))
        });
        found.optional()
    }

    /// Writes a variant or an answer; one that is there is replaced.
    pub(super) fn put(
        db: &Connection,
        kind: Kind,
        key: Digest,
        body: &str,
        now: u64,
    ) -> Result<()> {
        let digest = digest_of(kind, &[], key.as_bytes(), 0, Some(body.as_bytes()));
        let sql = "INSERT INTO entry (kind, key, body, digest, used) VALUES (?1, ?2, ?3, ?4, ?5) \
                   ON CONFLICT (kind, key) DO UPDATE SET \
                   body = excluded.body, digest = excluded.digest, used = excluded.used";
        let values = params![kind.number(), key.as_bytes(), body, digest.as_bytes(), signed(now)];
        db.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    /// Notes that a variant or an answer was used.
    pub(super) fn touch(db: &Connection, kind: Kind, key: Digest, now: u64) -> Result<()> {
        let sql = "UPDATE entry SET used = ?3 WHERE kind = ?1 AND key = ?2";
        db.prepare_cached(sql)?.execute(params![kind.number(), key.as_bytes(), signed(now)])?;
        Ok(())
    }

    pub(super) fn append_trace(db: &Connection, skill: Digest, body: &str, now: u64) -> Result<()> {
        let digest = digest_of(Kind::Trace, &[], skill.as_bytes(), 0, Some(body.as_bytes()));
        let sql = "INSERT INTO trace (skill, body, digest, written) VALUES (?1, ?2, ?3, ?4)";
        let values = params![skill.as_bytes(), body, digest.as_bytes(), signed(now)];
        db.prepare_cached(sql)?.execute(values)?;
        // By chance, so that every skill has its turn.
        if digest.as_bytes()[0].is_multiple_of(TRIM_EVERY) {
            let sql = "DELETE FROM trace WHERE skill = ?1 AND id <= (SELECT id FROM trace \
                       WHERE skill = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)";
            db.prepare_cached(sql)?.execute(params![skill.as_bytes(), MAX_TRACES])?;
        }
        Ok(())
    }

    /// The traces of a skill, oldest first.
    pub(super) fn traces(db: &Connection, skill: Digest) -> Result<Vec<Self>> {
        let sql = "SELECT id, x'', skill, 0, body, digest FROM trace WHERE skill = ?1 ORDER BY id";
        let mut query = db.prepare_cached(sql)?;
        let rows =
            query.query_map(params![skill.as_bytes()], |row| Self::read(Kind::Trace, row))?;
        rows.collect()
    }

    /// The records of a scope that were written after a revision, in their order.
    pub(super) fn records(db: &Connection, scope: Digest, since: u64) -> Result<Vec<Self>> {
        let sql = "SELECT id, scope, key, revision, body, digest FROM record \
                   WHERE scope = ?1 AND revision > ?2 ORDER BY revision";
        let mut query = db.prepare_cached(sql)?;
        let values = params![scope.as_bytes(), signed(since)];
        query.query_map(values, |row| Self::read(Kind::Record, row))?.collect()
    }

    /// A record, wherever in its scope it stands.
    pub(super) fn record(db: &Connection, scope: Digest, key: Digest) -> Result<Option<Self>> {
        let sql = "SELECT id, scope, key, revision, body, digest FROM record \
                   WHERE scope = ?1 AND key = ?2";
        let mut query = db.prepare_cached(sql)?;
        let values = params![scope.as_bytes(), key.as_bytes()];
        query.query_row(values, |row| Self::read(Kind::Record, row)).optional()
    }

    /// The rows of a kind as they lie in the table, whatever an index says.
    fn table(kind: Kind) -> &'static str {
        match kind {
            Kind::Variant | Kind::Answer => {
                "SELECT id, x'', key, 0, body, digest FROM entry NOT INDEXED WHERE kind = ?1"
            }
            Kind::Trace => {
                "SELECT id, x'', skill, 0, body, digest FROM trace NOT INDEXED WHERE ?1 > 0"
            }
            Kind::Record => {
                "SELECT id, scope, key, revision, body, digest FROM record NOT INDEXED WHERE ?1 > 0"
            }
        }
    }

    /// All rows of a kind, one by one.
    pub(super) fn for_each(db: &Connection, kind: Kind, mut look: impl FnMut(Self)) -> Result<()> {
        let mut query = db.prepare(Self::table(kind))?;
        let mut rows = query.query(params![kind.number()])?;
        while let Some(row) = rows.next()? {
            look(Self::read(kind, row)?);
        }
        Ok(())
    }

    /// Whether the row still is as it was read.
    pub(super) fn is_still_there(&self, db: &Connection) -> Result<bool> {
        let sql = format!("{} AND id = ?2", Self::table(self.kind));
        let mut query = db.prepare_cached(&sql)?;
        let values = params![self.kind.number(), self.id];
        let there = query.query_row(values, |row| Self::read(self.kind, row)).optional()?;
        Ok(there.is_some_and(|there| there == *self))
    }

    /// Writes the row into another database, if it is what was written.
    pub(super) fn restore(&self, db: &Connection, now: u64) -> Result<()> {
        let Ok(body) = self.checked() else { return Ok(()) };
        let Ok(key) = <[u8; 32]>::try_from(self.key.as_slice()).map(Digest::from_bytes) else {
            return Ok(());
        };
        match self.kind {
            Kind::Variant | Kind::Answer => Self::put(db, self.kind, key, body, now),
            Kind::Trace => Self::append_trace(db, key, body, now),
            Kind::Record => {
                let value = self.body.is_some().then_some(body);
                write_record(db, &self.scope, &self.key, self.revision, value)?;
                note_revision(db, &self.scope, self.revision, now)
            }
        }
    }
}

/// Writes or removes a record if its revision is the expected one.
pub(super) fn swap_record(
    db: &Connection,
    scope: Digest,
    key: Digest,
    expected: u64,
    value: Option<&str>,
    now: u64,
) -> Result<Option<u64>> {
    let (scope, key) = (scope.as_bytes().as_slice(), key.as_bytes().as_slice());
    let sql = "SELECT revision FROM record WHERE scope = ?1 AND key = ?2";
    let current =
        db.prepare_cached(sql)?.query_row(params![scope, key], |row| Ok(number(row.get_ref(0)?)));
    if current.optional()?.unwrap_or(0) != signed(expected) {
        return Ok(None);
    }
    let revision = next_revision(db, scope, now)?;
    write_record(db, scope, key, revision, value)?;
    Ok(Some(u64::try_from(revision).unwrap_or(0)))
}

pub(super) fn write_record(
    db: &Connection,
    scope: &[u8],
    key: &[u8],
    revision: i64,
    value: Option<&str>,
) -> Result<()> {
    let digest = digest_of(Kind::Record, scope, key, revision, value.map(str::as_bytes));
    let sql = "INSERT INTO record (scope, key, revision, body, digest) VALUES (?1, ?2, ?3, ?4, ?5) \
               ON CONFLICT (scope, key) DO UPDATE SET \
               revision = excluded.revision, body = excluded.body, digest = excluded.digest";
    db.prepare_cached(sql)?.execute(params![scope, key, revision, value, digest.as_bytes()])?;
    Ok(())
}

/// The next revision of a scope: above all that it ever had.
pub(super) fn next_revision(db: &Connection, scope: &[u8], now: u64) -> Result<i64> {
    let sql = "INSERT INTO scope (scope, revision, written) VALUES (?1, 1, ?2) \
               ON CONFLICT (scope) DO UPDATE SET written = excluded.written, revision = 1 + \
               max(revision, (SELECT ifnull(max(revision), 0) FROM record WHERE scope = ?1)) \
               RETURNING revision";
    db.prepare_cached(sql)?.query_row(params![scope, signed(now)], |row| row.get(0))
}

/// Lets the revisions of a scope go on from one that it had.
fn note_revision(db: &Connection, scope: &[u8], revision: i64, now: u64) -> Result<()> {
    let sql = "INSERT INTO scope (scope, revision, written) VALUES (?1, ?2, ?3) \
               ON CONFLICT (scope) DO UPDATE SET revision = max(revision, excluded.revision)";
    db.prepare_cached(sql)?.execute(params![scope, revision, signed(now)])?;
    Ok(())
}

/// SQLite counts with a sign.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
