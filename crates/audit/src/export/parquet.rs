//! Rows as a Parquet file: uncompressed columns with dictionaries, for anything that reads tables.

use super::{ExportError, Row, Rows, Source, text::side};
use journal::SystemName;
use parquet::{
    data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type},
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        writer::{SerializedFileWriter, SerializedRowGroupWriter},
    },
    schema::parser::parse_message_type,
};
use std::{io::Write, path::Path, sync::Arc};

/// Rows of one row group: some tens of megabytes in memory.
const ROWS_PER_GROUP: usize = 100_000;

const SCHEMA: &str = "message legs {
    required int64 position;
    required int32 entry;
    required int32 leg;
    required int64 recorded_time (TIMESTAMP(MICROS,true));
    required int32 accounting_date (DATE);
    required int32 effective_date (DATE);
    required binary kind (UTF8);
    required binary account (UTF8);
    required binary side (UTF8);
    required int64 amount_pence;
    optional binary window (UTF8);
    optional int32 window_seq;
    optional int64 window_total_pence;
    optional binary reference (UTF8);
    optional int64 corrects_position;
    optional int32 corrects_entry;
    required binary request_id (UTF8);
    required binary caller (UTF8);
    optional binary on_behalf_of (UTF8);
    optional binary cause_service (UTF8);
    optional int64 cause_position;
}";

/// Exports every leg of the ledger of `system` (or of the only one) in the data folder `from`, with the columns of the CSV
/// export. The signed checkpoint that it stands for is the file's metadata `almoner.checkpoint`.
pub fn export_parquet(
    from: &Path,
    system: Option<&SystemName>,
    out: impl Write + Send,
) -> Result<Rows, ExportError> {
    let source = Source::find(from, system)?;
    let named = KeyValue::new("almoner.checkpoint".to_owned(), source.note.clone());
    let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![named])).build();
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut writer = SerializedFileWriter::new(out, schema, Arc::new(properties))?;
    let mut columns = Columns::default();
    let rows = source.rows(|row| {
        columns.push(row);
        if columns.position.0.len() == ROWS_PER_GROUP {
            core::mem::take(&mut columns).write(writer.next_row_group()?)?;
        }
        Ok(())
    })?;
    if !columns.position.0.is_empty() {
        columns.write(writer.next_row_group()?)?;
    }
    writer.close()?;
    Ok(rows)
}

/// A column's values, and for each row whether it has one.
#[derive(Debug)]
struct Column<T>(Vec<T>, Vec<i16>);

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self(Vec::new(), Vec::new())
    }
}

impl<T> Column<T> {
    fn push(&mut self, value: T) {
        self.0.push(value);
    }

    fn maybe(&mut self, value: Option<T>) {
        self.1.push(i16::from(value.is_some()));
        self.0.extend(value);
    }
}

type Text = Column<ByteArray>;

#[derive(Debug, Default)]
struct Columns {
    position: Column<i64>,
    entry: Column<i32>,
    leg: Column<i32>,
    recorded_time: Column<i64>,
    accounting_date: Column<i32>,
    effective_date: Column<i32>,
    kind: Text,
    account: Text,
    side: Text,
    amount: Column<i64>,
    window: Text,
    window_seq: Column<i32>,
    window_total: Column<i64>,
    reference: Text,
    corrects_position: Column<i64>,
    corrects_entry: Column<i32>,
    request_id: Text,
    caller: Text,
    on_behalf_of: Text,
    cause_service: Text,
    cause_position: Column<i64>,
}

/// A count or position as Parquet's signed number; none comes near the end of it.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Columns {
    fn push(&mut self, row: &Row<'_>) {
        self.position.push(signed(row.position.get()));
        self.entry.push(i32::from(row.entry));
        self.leg.push(i32::from(row.leg));
        self.recorded_time.push(row.recorded_time.micros());
        self.accounting_date.push(row.accounting_date.get());
        self.effective_date.push(row.effective_date.get());
        self.kind.push(row.kind.into());
        self.account.push(row.account.into());
        self.side.push(side(row.side).into());
        self.amount.push(row.pence);
        self.window.maybe(row.window.as_deref().map(Into::into));
        self.window_seq.maybe(row.window_seq.map(|seq| i32::try_from(seq).unwrap_or(i32::MAX)));
        self.window_total.maybe(row.window_total);
        self.reference.maybe(row.reference.map(Into::into));
        self.corrects_position.maybe(row.corrects.map(|item| signed(item.position.get())));
        self.corrects_entry.maybe(row.corrects.map(|item| i32::from(item.index)));
        self.request_id.push(row.request_id.to_string().as_str().into());
        self.caller.push(row.caller.into());
        self.on_behalf_of.maybe(row.on_behalf_of.map(Into::into));
        self.cause_service.maybe(row.cause.map(|cause| cause.service.as_str().into()));
        self.cause_position.maybe(row.cause.map(|cause| signed(cause.position.get())));
    }

    /// Writes one row group, column after column in the schema's order.
    fn write<W: Write + Send>(self, mut group: SerializedRowGroupWriter<'_, W>) -> Result<(), ParquetError> {
        write::<W, Int64Type>(&mut group, &self.position)?;
        write::<W, Int32Type>(&mut group, &self.entry)?;
        write::<W, Int32Type>(&mut group, &self.leg)?;
        write::<W, Int64Type>(&mut group, &self.recorded_time)?;
        write::<W, Int32Type>(&mut group, &self.accounting_date)?;
        write::<W, Int32Type>(&mut group, &self.effective_date)?;
        write::<W, ByteArrayType>(&mut group, &self.kind)?;
        write::<W, ByteArrayType>(&mut group, &self.account)?;
        write::<W, ByteArrayType>(&mut group, &self.side)?;
        write::<W, Int64Type>(&mut group, &self.amount)?;
        write::<W, ByteArrayType>(&mut group, &self.window)?;
        write::<W, Int32Type>(&mut group, &self.window_seq)?;
        write::<W, Int64Type>(&mut group, &self.window_total)?;
        write::<W, ByteArrayType>(&mut group, &self.reference)?;
        write::<W, Int64Type>(&mut group, &self.corrects_position)?;
        write::<W, Int32Type>(&mut group, &self.corrects_entry)?;
        write::<W, ByteArrayType>(&mut group, &self.request_id)?;
        write::<W, ByteArrayType>(&mut group, &self.caller)?;
        write::<W, ByteArrayType>(&mut group, &self.on_behalf_of)?;
        write::<W, ByteArrayType>(&mut group, &self.cause_service)?;
        write::<W, Int64Type>(&mut group, &self.cause_position)?;
        group.close()?;
        Ok(())
    }
}

fn write<W: Write + Send, D: DataType>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    column: &Column<D::T>,
) -> Result<(), ParquetError> {
    let mut writer = group
        .next_column()?
        .ok_or_else(|| ParquetError::General("the schema has no such column".to_owned()))?;
    let levels = (!column.1.is_empty()).then_some(column.1.as_slice());
    writer.typed::<D>().write_batch(&column.0, levels, None)?;
    writer.close()
}
