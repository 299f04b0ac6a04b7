//! Where the views lie: one SQLite file, opened, trusted or made anew.
//!
//! The file is trusted only when it belongs to this log, has this version's tables, is not ahead
//! of the log, and was either closed properly or written since the machine started: without syncs
//! a machine that stopped uncleanly may have kept anything.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use annals_core::id::{LogId, Position};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::ViewError;

/// Changes whenever the tables or the folds change, so that older files are made anew.
const FORMAT: &str = "3";
const FILE_NAME: &str = "views.sqlite";
const CLEAN_TO: &str = "clean_to";
const OWES_SCRUB: &str = "owes_scrub";
const SCHEMA: &str = include_str!("schema.sql");

/// The readers' side of the database.
#[derive(Debug)]
pub(super) struct Storage {
    file: PathBuf,
    pool: Mutex<Pool>,
    /// A directory that is only ours and goes away with us.
    temporary: Option<PathBuf>,
}

/// Connections of readers. Owned by its lock.
#[derive(Debug, Default)]
struct Pool {
    idle: Vec<Connection>,
    /// Whether the files are gone. An open connection would go on reading them.
    is_deleted: bool,
}

/// A database that was just opened.
pub(super) struct Opened {
    pub(super) storage: Storage,
    pub(super) writer: Connection,
    pub(super) position: Position,
    pub(super) is_rebuilding: bool,
}

pub(super) fn directory(data_dir: &Path) -> PathBuf {
    data_dir.join("derived").join("views")
}

impl Storage {
    pub(super) fn open(
        data_dir: Option<&Path>,
        log_id: LogId,
        head: Position,
    ) -> Result<Opened, ViewError> {
        let temporary =
            data_dir.is_none().then(|| std::env::temp_dir().join(format!("annals-views-{log_id}")));
        let directory =
            temporary.clone().unwrap_or_else(|| data_dir.map(directory).unwrap_or_default());
        fs::create_dir_all(&directory).map_err(file_error(&directory))?;
        let file = directory.join(FILE_NAME);
        let trusted = file.exists().then(|| trusted_position(&file, log_id, head)).flatten();
        if trusted.is_none() {
            delete(&directory)?;
            fs::create_dir_all(&directory).map_err(file_error(&directory))?;
        }
        let writer = open_writer(&file)?;
        if trusted.is_none() {
            writer.execute_batch(SCHEMA)?;
            set_meta(&writer, "format", FORMAT)?;
            set_meta(&writer, "log_id", &log_id.to_string())?;
            set_meta(&writer, "position", "0")?;
            set_meta(&writer, CLEAN_TO, &head.to_string())?;
        }
        set_meta(&writer, "boot_id", &boot_id().unwrap_or_default())?;
        set_meta(&writer, "closed", "no")?;
        let position = trusted.unwrap_or(Position(0));
        Ok(Opened {
            storage: Self { file, pool: Mutex::default(), temporary },
            writer,
            position,
            is_rebuilding: trusted.is_none() && head > Position(0),
        })
    }

    /// Deletes the files, and lets nobody read them any more.
    ///
    /// INVARIANT (hidden is hidden): a read that is under way gives nothing, either.
    pub(super) fn delete(&self) -> Result<(), ViewError> {
        let mut pool = self.pool();
        pool.is_deleted = true;
        pool.idle.clear();
        drop(pool);
        self.file.parent().map_or(Ok(()), delete)
    }

    /// Takes out of the files whatever was deleted from the tables, and says so in them.
    ///
    /// Deleting with `secure_delete` is not enough: where a page is split, SQLite leaves copies of
    /// moved rows in the free part of the old page. Writing all pages anew leaves only what lives.
    pub(super) fn scrub(&self, writer: &Connection) -> Result<(), ViewError> {
        // The temporary copy goes to a file: in memory it would be as large as the tables.
        writer.pragma_update(None, "temp_store", "FILE")?;
        writer.execute_batch("VACUUM")?;
        empty_wal(writer)?;
        // Without this a machine that stops could come back with pages of before.
        let file = fs::OpenOptions::new().write(true).open(&self.file);
        file.and_then(|file| file.sync_all()).map_err(file_error(&self.file))?;
        set_meta(writer, OWES_SCRUB, "no")?;
        Ok(())
    }

    /// Runs a read with a connection of the pool.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, rusqlite::Error>,
    ) -> Result<T, ViewError> {
        let connection = match self.idle_connection()? {
            Some(connection) => connection,
            None => open_reader(&self.file)?,
        };
        let result = read(&connection);
        let mut pool = self.pool();
        if pool.is_deleted {
            return Err(ViewError::Deleted);
        }
        pool.idle.push(connection);
        drop(pool);
        Ok(result?)
    }

    fn idle_connection(&self) -> Result<Option<Connection>, ViewError> {
        let mut pool = self.pool();
        if pool.is_deleted { Err(ViewError::Deleted) } else { Ok(pool.idle.pop()) }
    }

    fn pool(&self) -> MutexGuard<'_, Pool> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Storage {
    fn drop(&mut self) {
        if let Some(directory) = &self.temporary {
            // What is left behind in a temporary directory harms nobody.
            let _ = fs::remove_dir_all(directory);
        }
    }
}

/// Deletes the views' directory with everything in it.
pub(super) fn delete(directory: &Path) -> Result<(), ViewError> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(file_error(directory)(error))
        }
        _ => Ok(()),
    }
}

/// Moves everything from the write-ahead log to the tables and empties it.
fn empty_wal(writer: &Connection) -> Result<(), rusqlite::Error> {
    /// Each attempt waits as long as the connection's time-out for readers to finish.
    const ATTEMPTS_MAX: usize = 12;
    for _ in 0..ATTEMPTS_MAX {
        let is_busy: bool =
            writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if !is_busy {
            return Ok(());
        }
    }
    let busy = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
    Err(rusqlite::Error::SqliteFailure(busy, Some("readers hold the views' old pages".to_owned())))
}

/// Whether views that nobody folds hold nothing that redactions up to a position took away.
pub(super) fn has_passed(directory: &Path, redaction: Position) -> bool {
    let file = directory.join(FILE_NAME);
    if !directory.exists() || redaction == Position(0) {
        return true;
    }
    let Ok(connection) = open_reader(&file) else { return false };
    let reached = meta(&connection, "position").and_then(|text| text.parse().ok()).map(Position);
    !owes_scrub(&connection) && reached.is_some_and(|reached| reached >= redaction)
}

/// Notes that rows were deleted whose bytes are still in the files.
pub(super) fn owe_scrub(writer: &Connection) -> Result<(), rusqlite::Error> {
    set_meta(writer, OWES_SCRUB, "yes")
}

/// Whether rows were deleted whose bytes may still be in the files.
pub(super) fn owes_scrub(connection: &Connection) -> bool {
    meta(connection, OWES_SCRUB).as_deref() == Some("yes")
}

/// The head when the tables were made: redactions up to it were known before anything was folded.
pub(super) fn clean_to(connection: &Connection) -> Position {
    let text = meta(connection, CLEAN_TO).and_then(|text| text.parse().ok());
    Position(text.unwrap_or(0))
}

/// Notes that everything was written properly.
pub(super) fn mark_closed(writer: &Connection) -> Result<(), rusqlite::Error> {
    set_meta(writer, "closed", "yes")?;
    writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

pub(super) fn set_meta(
    writer: &Connection,
    name: &str,
    value: &str,
) -> Result<(), rusqlite::Error> {
    let mut statement =
        writer.prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")?;
    statement.execute((name, value)).map(|_| ())
}

fn meta(connection: &Connection, name: &str) -> Option<String> {
    connection
        .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .ok()
        .flatten()
}

/// How far an existing file may be believed; none when it is to be made anew.
fn trusted_position(file: &Path, log_id: LogId, head: Position) -> Option<Position> {
    let connection = open_reader(file).ok()?;
    let is_ours = meta(&connection, "format").as_deref() == Some(FORMAT)
        && meta(&connection, "log_id") == Some(log_id.to_string());
    let was_closed = meta(&connection, "closed").as_deref() == Some("yes");
    let same_boot = boot_id().is_some_and(|boot| meta(&connection, "boot_id") == Some(boot));
    let position = Position(meta(&connection, "position")?.parse().ok()?);
    (is_ours && (was_closed || same_boot) && position <= head).then_some(position)
}

/// What tells one start of the machine from the next; none where nothing does.
fn boot_id() -> Option<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

fn open_writer(file: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "cache_size", -8_192)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn open_reader(file: &Path) -> Result<Connection, rusqlite::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    connection.pragma_update(None, "cache_size", -2_048)?;
    Ok(connection)
}

fn file_error(file: &Path) -> impl FnOnce(std::io::Error) -> ViewError {
    let file = file.to_owned();
    move |source| ViewError::File { file, source }
}
