//! What is not what was written is set aside.

use rusqlite::{Connection, Result, params};
use skvm_core::digest::Digest;

use super::super::Damage;
use super::super::collection::unix_millis;
use super::row::{Kind, Row, next_revision, signed, write_record};

/// Moves rows to where they are not read from. Those that somebody else has moved or replaced meanwhile stay.
pub(super) fn set_aside(db: &Connection, rows: Vec<(Row, String)>) -> Result<Vec<Damage>> {
    let mut found = Vec::with_capacity(rows.len());
    for (row, reason) in rows {
        found.extend(set_one_aside(db, &row, reason)?);
    }
    Ok(found)
}

/// Sets a record aside if it is damaged.
pub(super) fn set_record_aside(db: &Connection, scope: Digest, key: Digest) -> Result<Vec<Damage>> {
    let row = Row::record(db, scope, key)?;
    let damaged = row.and_then(|row| row.checked_record().err().map(|reason| (row, reason)));
    set_aside(db, damaged.into_iter().collect())
}

fn set_one_aside(db: &Connection, row: &Row, reason: String) -> Result<Option<Damage>> {
    // Only what was seen: the same row may have been written anew meanwhile.
    if !row.is_still_there(db)? {
        return Ok(None);
    }
    let now = unix_millis();
    db.execute(&format!("DELETE FROM {} WHERE id = ?1", row.kind.table()), params![row.id])?;
    let (name, body) = (row.name(), row.body.as_deref());
    let sql = "INSERT INTO quarantine (what, reason, body, found) VALUES (?1, ?2, ?3, ?4)";
    db.execute(sql, params![name, reason, body, signed(now)])?;
    let kept = format!("row {} of the table quarantine", db.last_insert_rowid());
    if row.kind == Kind::Record {
        // It counts as removed, so that who has seen it learns of that.
        let revision = next_revision(db, &row.scope, now)?;
        write_record(db, &row.scope, &row.key, revision, None)?;
    }
    Ok(Some(Damage { what: name, reason, kept: Some(kept) }))
}

/// What was set aside, oldest first.
pub(super) fn list(db: &Connection) -> Result<Vec<Damage>> {
    let mut query = db.prepare("SELECT id, what, reason FROM quarantine ORDER BY id")?;
    let rows = query.query_map([], |row| {
        let id: i64 = row.get(0)?;
        let kept = Some(format!("row {id} of the table quarantine"));
        Ok(Damage { what: row.get(1)?, reason: row.get(2)?, kept })
    })?;
    rows.collect()
}

/// Looks at the structure and at every row, and sets aside what is damaged.
pub(super) fn sweep(db: &Connection) -> Result<Vec<Damage>> {
    let mut found = Vec::new();
    let mut query = db.prepare("PRAGMA integrity_check(20)")?;
    let lines: Vec<String> = query.query_map([], |row| row.get(0))?.collect::<Result<_>>()?;
    for reason in lines.into_iter().filter(|line| line != "ok") {
        found.push(Damage { what: "the structure of the database".to_owned(), reason, kept: None });
    }
    for kind in Kind::ALL {
        let mut damaged = Vec::new();
        Row::for_each(db, kind, |row| {
            if let Err(reason) = row.checked() {
                damaged.push((row, reason));
            }
        })?;
        found.extend(set_aside(db, damaged)?);
    }
    Ok(found)
}
