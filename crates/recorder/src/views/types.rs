//! How many events there are of each type, by the dialect that they came in by, and how many came lately.
//!
//! Everything here comes from headers, so a redaction takes nothing away from it. What came lately is
//! kept in slots of ten seconds by the time of recording; slots older than an hour before the newest
//! event go, so that they are few however long the log is.

use std::collections::{BTreeMap, HashMap};

use annals_core::id::Position;
use annals_core::record::HeaderRef;
use annals_core::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::query::{Cursor, ViewPage, page};
use super::{ViewError, Views};

/// The name under which events are counted that came in no foreign format.
pub const NATIVE: &str = "native";

const SLOT_SECONDS: i64 = 10;
const SLOT_MICROS: i64 = SLOT_SECONDS * 1_000_000;
const SLOTS_OF_MINUTE: i64 = 60 / SLOT_SECONDS;
const SLOTS_OF_HOUR: i64 = 3_600 / SLOT_SECONDS;

/// A type of a workspace, with how often it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it; docs/formats/views.md has the rest")]
pub struct TypeCounts {
    pub event_type: String,
    /// By dialect, or [`NATIVE`].
    pub dialects: BTreeMap<String, i64>,
    pub events: i64,
    pub last_at: Timestamp,
    pub last_position: Position,
    /// Recorded in the last sixty seconds, in steps of ten.
    pub events_last_minute: i64,
    pub events_last_hour: i64,
}

/// Which types are wanted.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the route's parameters")]
pub struct TypesQuery {
    pub workspace_id: String,
    pub now: Timestamp,
    pub cursor: Option<Cursor>,
    pub count_max: usize,
}

/// Events of one type, workspace and dialect in a batch.
struct Tally {
    workspace_id: String,
    event_type: String,
    dialect: String,
    event_count: i64,
    first_position: i64,
    last_position: i64,
    last_us: i64,
    /// Events by slot.
    slots: BTreeMap<i64, i64>,
}

impl Tally {
    fn is_of(&self, header: &HeaderRef<'_>) -> bool {
        self.event_type == header.event_type
            && self.workspace_id == header.workspace_id
            && self.dialect == dialect_of(header)
    }

    fn add(&mut self, at_us: i64, position: i64) {
        self.event_count += 1;
        self.last_position = position;
        self.last_us = self.last_us.max(at_us);
        *self.slots.entry(slot_of(at_us)).or_default() += 1;
    }

    fn save(&self, db: &Connection, oldest_slot: i64) -> rusqlite::Result<()> {
        let sql = "INSERT INTO types (id, workspace_id, event_type, dialect, event_count, last_us, \
             last_position) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
             ON CONFLICT (workspace_id, event_type, dialect) DO UPDATE SET \
             event_count = event_count + excluded.event_count, \
             last_us = max(last_us, excluded.last_us), last_position = excluded.last_position";
        db.prepare_cached(sql)?.execute(params![
            self.first_position,
            self.workspace_id,
            self.event_type,
            self.dialect,
            self.event_count,
            self.last_us,
            self.last_position,
        ])?;
        let sql = "INSERT INTO type_slots (slot, workspace_id, event_type, event_count) \
             VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET \
             event_count = event_count + excluded.event_count";
        let mut statement = db.prepare_cached(sql)?;
        for (slot, count) in self.slots.range(oldest_slot..) {
            statement.execute(params![slot, self.workspace_id, self.event_type, count])?;
        }
        Ok(())
    }
}

/// Counts the types of one batch.
#[derive(Default)]
pub(super) struct TypeFold {
    tallies: Vec<Tally>,
    /// By workspace, type and dialect, joined.
    indexes: HashMap<String, usize>,
    /// The index of the last event's tally: neighbours are mostly of one.
    last: usize,
    name: String,
}

impl TypeFold {
    /// Counts one event.
    pub(super) fn apply(&mut self, header: &HeaderRef<'_>) {
        let position = i64::try_from(header.position.get()).unwrap_or(i64::MAX);
        let at_us = header.recorded_at.as_micros();
        if !self.tallies.get(self.last).is_some_and(|tally| tally.is_of(header)) {
            self.last = self.index(header, at_us, position);
        }
        if let Some(tally) = self.tallies.get_mut(self.last) {
            tally.add(at_us, position);
        }
    }

    fn index(&mut self, header: &HeaderRef<'_>, at_us: i64, position: i64) -> usize {
        let (workspace_id, event_type) = (header.workspace_id, header.event_type);
        let dialect = dialect_of(header);
        self.name.clear();
        for part in [event_type, dialect, workspace_id] {
            self.name.push_str(part);
            self.name.push('\0');
        }
        if let Some(index) = self.indexes.get(&self.name) {
            return *index;
        }
        self.tallies.push(Tally {
            workspace_id: workspace_id.to_owned(),
            event_type: event_type.to_owned(),
            dialect: dialect.to_owned(),
            event_count: 0,
            first_position: position,
            last_position: position,
            last_us: at_us,
            slots: BTreeMap::new(),
        });
        let index = self.tallies.len() - 1;
        self.indexes.insert(self.name.clone(), index);
        index
    }

    /// Writes the counts and lets slots go that are too old to be asked for.
    pub(super) fn save(self, db: &Connection) -> rusqlite::Result<()> {
        let newest = self.tallies.iter().filter_map(|tally| tally.slots.keys().next_back()).max();
        let Some(newest) = newest else { return Ok(()) };
        let oldest_slot = newest - SLOTS_OF_HOUR;
        self.tallies.iter().try_for_each(|tally| tally.save(db, oldest_slot))?;
        db.prepare_cached("DELETE FROM type_slots WHERE slot < ?1")?.execute([oldest_slot])?;
        Ok(())
    }
}

fn dialect_of<'a>(header: &HeaderRef<'a>) -> &'a str {
    header.origin_dialect.unwrap_or(NATIVE)
}

fn slot_of(at_us: i64) -> i64 {
    at_us.div_euclid(SLOT_MICROS)
}

impl Views {
    /// The types that a workspace has events of, in the order in which they were first seen.
    ///
    /// # Errors
    /// When the database fails.
    pub fn types(&self, query: &TypesQuery) -> Result<ViewPage<TypeCounts>, ViewError> {
        self.shared()?.storage.read(|db| read_types(db, query))
    }

    /// Whether a workspace has events of a type.
    ///
    /// # Errors
    /// When the database fails.
    pub fn has_type(&self, workspace_id: &str, event_type: &str) -> Result<bool, ViewError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM types WHERE workspace_id = ?1 AND event_type = ?2)";
        self.shared()?.storage.read(|db| {
            db.prepare_cached(sql)?.query_row([workspace_id, event_type], |row| row.get(0))
        })
    }
}

fn read_types(
    db: &Connection,
    query: &TypesQuery,
) -> Result<ViewPage<TypeCounts>, rusqlite::Error> {
    let sql = "SELECT event_type, min(id) AS first, sum(event_count), max(last_us), max(last_position), \
         (SELECT coalesce(sum(event_count), 0) FROM type_slots WHERE slot > ?3 \
           AND type_slots.workspace_id = ?1 AND type_slots.event_type = types.event_type), \
         (SELECT coalesce(sum(event_count), 0) FROM type_slots WHERE slot > ?4 \
           AND type_slots.workspace_id = ?1 AND type_slots.event_type = types.event_type) \
         FROM types WHERE workspace_id = ?1 GROUP BY event_type HAVING first > ?2 \
         ORDER BY first LIMIT ?5";
    let after = query.cursor.as_ref().map_or(0, |cursor| cursor.key);
    let now = slot_of(query.now.as_micros());
    let limit = i64::try_from(query.count_max).unwrap_or(i64::MAX - 1) + 1;
    let params =
        params![query.workspace_id, after, now - SLOTS_OF_MINUTE, now - SLOTS_OF_HOUR, limit];
    let mut rows =
        db.prepare_cached(sql)?.query_map(params, read_type)?.collect::<Result<Vec<_>, _>>()?;
    let sql = "SELECT dialect, event_count FROM types WHERE workspace_id = ?1 AND event_type = ?2";
    let mut statement = db.prepare_cached(sql)?;
    for (counts, _) in rows.iter_mut().take(query.count_max) {
        let dialects = statement.query_map([&query.workspace_id, &counts.event_type], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
        counts.dialects = dialects.collect::<Result<_, _>>()?;
    }
    Ok(page(rows, query.count_max))
}

fn read_type(row: &Row<'_>) -> rusqlite::Result<(TypeCounts, Cursor)> {
    let last_position: i64 = row.get(4)?;
    let counts = TypeCounts {
        event_type: row.get(0)?,
        dialects: BTreeMap::new(),
        events: row.get(2)?,
        last_at: Timestamp::from_micros(row.get(3)?),
        last_position: Position(u64::try_from(last_position).unwrap_or(0)),
        events_last_minute: row.get(5)?,
        events_last_hour: row.get(6)?,
    };
    Ok((counts, Cursor { key: row.get(1)?, id: 0 }))
}
