//! Where a step of the outbox reads and writes: on a connection, in a transaction; or for a transaction that is made
//! elsewhere, later, if what was read is still so.

use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

use crate::commit::{End, Latest, Write, Writes, in_transaction};
use crate::error::Error;
use crate::rows::one;
use crate::statements::{BEGIN_WRITE, Statement};

/// A step of the outbox that isn't made yet: what it answers and writes, and on what condition.
///
/// Make it in one transaction in which each of its [`reads`](Self::reads) has the same answer as here; then all of its
/// [`writes`](Self::writes), in their order, and nothing else. If one has another answer, decide again. A step that writes
/// nothing is made already.
#[derive(Clone, Debug)]
#[must_use = "nothing is written until somebody makes the transaction"]
pub struct Optimistic<T> {
    /// What whoever asked is told, once it is written.
    pub answer: T,
    /// What was read and decided it.
    pub reads: Vec<Read>,
    /// What is to be written.
    pub writes: Vec<Write>,
}

/// A query, and what it said.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// Its text, which brings one row at most. `?1` is the first of the values.
    pub text: &'static str,
    /// The values that are bound to it, in order.
    pub values: Vec<Value>,
    /// The columns of the row; all of them null if there was none.
    pub answer: Vec<Value>,
}

/// A step is written once, for both: it reads, and then it writes. What it has written it doesn't read again, as that is
/// perhaps not there yet.
pub(crate) trait Reads: Writes {
    /// The row of a query that has one at most, on which it depends what is written.
    fn read<T>(
        &mut self,
        statement: &'static Statement,
        cells: &[ValueRef<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error>;

    /// For what is looked for, and read again once it is found.
    fn connection(&self) -> &Connection;
}

/// Takes a step, in a transaction of its own.
pub(super) fn make<T>(
    connection: &Connection,
    step: impl FnOnce(&mut Latest<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    in_transaction(connection, &BEGIN_WRITE, |connection| {
        Ok((step(&mut Latest::of(connection))?, End::Commit))
    })
}

impl Reads for Latest<'_> {
    fn read<T>(
        &mut self,
        statement: &'static Statement,
        cells: &[ValueRef<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        one(self.connection, statement, bound(cells), read)
    }

    fn connection(&self) -> &Connection {
        self.connection
    }
}

/// Notes what a step reads and writes.
pub(crate) struct Notes<'c> {
    connection: &'c Connection,
    reads: Vec<Read>,
    writes: Vec<Write>,
}

impl<'c> Notes<'c> {
    /// Takes a step, without writing anything.
    pub(crate) fn of<T>(
        connection: &'c Connection,
        step: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<Optimistic<T>, Error> {
        let mut notes = Self {
            connection,
            reads: Vec::new(),
            writes: Vec::new(),
        };
        let answer = step(&mut notes)?;
        let Self { reads, writes, .. } = notes;
        Ok(Optimistic {
            answer,
            reads,
            writes,
        })
    }
}

impl Writes for Notes<'_> {
    fn write<'a>(
        &mut self,
        statement: &'static Statement,
        cells: impl IntoIterator<Item = ValueRef<'a>>,
    ) -> Result<usize, Error> {
        self.writes.write(statement, cells)
    }
}

impl Reads for Notes<'_> {
    fn read<T>(
        &mut self,
        statement: &'static Statement,
        cells: &[ValueRef<'_>],
        read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let mut prepared = self.connection.prepare_cached(statement.text())?;
        let width = prepared.column_count();
        let mut rows = prepared.query(bound(cells))?;
        let row = rows.next()?;
        let answer = match row {
            Some(row) => (0..width)
                .map(|index| row.get(index))
                .collect::<Result<_, _>>()?,
            None => vec![Value::Null; width],
        };
        let found = row.map(read).transpose()?;
        let values = cells.iter().map(|cell| Value::try_from(*cell));
        let values = values.collect::<Result<_, _>>();
        self.reads.push(Read {
            text: statement.text(),
            values: values.map_err(rusqlite::Error::from)?,
            answer,
        });
        Ok(found)
    }

    fn connection(&self) -> &Connection {
        self.connection
    }
}

fn bound<'a>(cells: &'a [ValueRef<'a>]) -> impl rusqlite::Params + 'a {
    params_from_iter(cells.iter().map(|cell| ToSqlOutput::Borrowed(*cell)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statements::tests::made;
    use crate::statements::{OUTBOX_TURN, PARKED_FORGET};

    /// What hiqlite's crate compares.
    #[test]
    fn what_is_read_and_written_is_noted_and_nothing_is_written() {
        let connection = made();
        let waits = "INSERT INTO tenancy_outbox VALUES (x'0a', 3, 7, NULL, 2, NULL)";
        connection.execute_batch(waits).unwrap();
        let before = connection.total_changes();
        let step = |id: u8| {
            let id = [id];
            Notes::of(&connection, |to| {
                let cells = [ValueRef::Blob(&id), ValueRef::Integer(9)];
                let first = to.read(&OUTBOX_TURN, &cells, |row| Ok(row.get::<_, i64>(0)?))?;
                to.write(&PARKED_FORGET, cells)?;
                Ok(first)
            })
        };
        let here = step(0x0a).unwrap();
        let values = vec![Value::Blob(vec![0x0a]), Value::Integer(9)];
        let answer = vec![Value::Integer(3), Value::Integer(2)];
        let (read, write) = (OUTBOX_TURN.text(), PARKED_FORGET.text());
        assert_eq!(here.answer, Some(3));
        assert_eq!(
            here.reads,
            [Read {
                text: read,
                values: values.clone(),
                answer
            }]
        );
        assert_eq!(
            here.writes,
            [Write {
                text: write,
                values
            }]
        );
        assert_eq!(connection.total_changes(), before);
        let missing = step(0x0b).unwrap();
        assert_eq!(missing.answer, None);
        assert_eq!(missing.reads[0].answer, [Value::Null, Value::Null]);
    }
}
