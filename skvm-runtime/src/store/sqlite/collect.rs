//! Garbage collection.

use std::collections::BTreeSet;

use rusqlite::{Connection, Result, params};
use skvm_core::digest::Digest;

use super::super::{Collected, Keep, StoreLimits};
use super::row::signed;

pub(super) fn collect(
    db: &Connection,
    limits: &StoreLimits,
    keep: &Keep,
    now: u64,
) -> Result<Collected> {
    let mut collected = Collected::default();
    note_kept(db, "kept_variant", &keep.variants)?;
    note_kept(db, "kept_scope", &keep.scopes)?;
    if let Some(age) = limits.age {
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        remove_unused_since(db, signed(now.saturating_sub(age)), &mut collected)?;
    }
    collected.bytes_left = bytes(db)?;
    if let Some(bytes) = limits.bytes {
        remove_beyond(db, bytes, &mut collected)?;
    }
    db.execute_batch("DROP TABLE temp.kept_variant; DROP TABLE temp.kept_scope")?;
    Ok(collected)
}

/// A table of what is to be kept, for as long as the transaction lasts.
fn note_kept(db: &Connection, table: &str, keys: &BTreeSet<Digest>) -> Result<()> {
    db.execute_batch(&format!("CREATE TEMP TABLE {table} (key BLOB PRIMARY KEY)"))?;
    let mut insert = db.prepare(&format!("INSERT INTO temp.{table} VALUES (?1)"))?;
    for key in keys {
        insert.execute(params![key.as_bytes()])?;
    }
    Ok(())
}

fn remove_unused_since(db: &Connection, limit: i64, collected: &mut Collected) -> Result<()> {
    let remove = |sql: &str| db.execute(sql, params![limit]).map(|count| count as u64);
    collected.variants += remove(
        "DELETE FROM entry WHERE kind = 1 AND used <= ?1 AND key NOT IN (SELECT key FROM temp.kept_variant)",
    )?;
    collected.answers += remove("DELETE FROM entry WHERE kind = 2 AND used <= ?1")?;
    collected.traces += remove("DELETE FROM trace WHERE written <= ?1")?;
    // The scope stays, so that its revisions go on growing.
    collected.records += remove(
        "DELETE FROM record WHERE scope IN (SELECT scope FROM scope WHERE written <= ?1) \
         AND scope NOT IN (SELECT key FROM temp.kept_scope)",
    )?;
    remove("DELETE FROM quarantine WHERE found <= ?1")?;
    Ok(())
}

fn bytes(db: &Connection) -> Result<u64> {
    let sql = "SELECT (SELECT ifnull(sum(length(CAST(body AS BLOB))), 0) FROM entry) \
               + (SELECT ifnull(sum(length(CAST(body AS BLOB))), 0) FROM trace)";
    let bytes: i64 = db.query_row(sql, [], |row| row.get(0))?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// Removes the longest unused until the rest fits.
fn remove_beyond(db: &Connection, bytes: u64, collected: &mut Collected) -> Result<()> {
    let sql = "SELECT kind, id, length(CAST(body AS BLOB)) FROM ( \
                   SELECT kind, id, body, used FROM entry \
                   WHERE kind = 2 OR key NOT IN (SELECT key FROM temp.kept_variant) \
                   UNION ALL SELECT 3, id, body, written FROM trace) ORDER BY used, id";
    let mut query = db.prepare(sql)?;
    let mut rows = query.query([])?;
    let mut removed = Vec::new();
    while collected.bytes_left > bytes
        && let Some(row) = rows.next()?
    {
        let (kind, id, size): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        collected.bytes_left =
            collected.bytes_left.saturating_sub(u64::try_from(size).unwrap_or(0));
        removed.push((kind, id));
    }
    drop(rows);
    for (kind, id) in removed {
        let (count, sql) = match kind {
            1 => (&mut collected.variants, "DELETE FROM entry WHERE id = ?1"),
            2 => (&mut collected.answers, "DELETE FROM entry WHERE id = ?1"),
            _ => (&mut collected.traces, "DELETE FROM trace WHERE id = ?1"),
        };
        *count += db.prepare_cached(sql)?.execute(params![id])? as u64;
    }
    Ok(())
}
