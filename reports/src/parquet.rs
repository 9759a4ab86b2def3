//! The tables of a run, a comparison or a campaign as Parquet, for those who read many of them at once.
//!
//! Made from the CSV, so that both say the same. A column of numbers is `DOUBLE`, one of words `STRING`; a column
//! that has both becomes two, `<name>` with the numbers and `<name>_text` with the words, each null where the
//! other has something. Empty fields are null.
//!
//! Must not know what the tables are about.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

/// One column; nothing where the field is empty, or of the other kind.
struct Column {
    name: String,
    values: Values,
}

enum Values {
    Numbers(Vec<Option<f64>>),
    Words(Vec<Option<String>>),
}

/// A CSV with a header as one row group; the same bytes for the same text. Fails only when Parquet cannot hold
/// it.
pub fn table(csv: &str) -> Result<Vec<u8>, ParquetError> {
    let columns = columns(csv);
    let fields = columns.iter().map(Column::field).collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder("table").with_fields(fields).build()?;
    let properties = Arc::new(WriterProperties::builder().build());
    let mut file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), properties)?;
    let mut rows = file.next_row_group()?;
    for column in columns {
        let mut writer = rows.next_column()?.expect("the schema has a column for each");
        match column.values {
            Values::Numbers(values) => {
                let (levels, present) = split(values);
                writer.typed::<DoubleType>().write_batch(&present, Some(&levels), None)?;
            }
            Values::Words(values) => {
                let (levels, present) = split(values);
                let present: Vec<ByteArray> =
                    present.iter().map(|word: &String| word.as_str().into()).collect();
                writer.typed::<ByteArrayType>().write_batch(&present, Some(&levels), None)?;
            }
        }
        writer.close()?;
    }
    rows.close()?;
    file.into_inner()
}

impl Column {
    fn field(&self) -> Result<Arc<Type>, ParquetError> {
        let field = match self.values {
            Values::Numbers(_) => Type::primitive_type_builder(&self.name, Physical::DOUBLE),
            Values::Words(_) => Type::primitive_type_builder(&self.name, Physical::BYTE_ARRAY)
                .with_logical_type(Some(LogicalType::String)),
        };
        Ok(Arc::new(field.with_repetition(Repetition::OPTIONAL).build()?))
    }
}

fn columns(csv: &str) -> Vec<Column> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let names = reader.headers().expect("our own table has a header").clone();
    let rows: Vec<csv::StringRecord> =
        reader.records().map(|row| row.expect("our own table is well formed")).collect();
    let mut columns = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let fields = || rows.iter().map(|row| &row[place]);
        let numbers: Vec<Option<f64>> = fields().map(|field| field.parse().ok()).collect();
        let word = |(field, number): (&str, &Option<f64>)| {
            Some(field.to_owned()).filter(|field| number.is_none() && !field.is_empty())
        };
        let words: Vec<Option<String>> = fields().zip(&numbers).map(word).collect();
        let any_number = numbers.iter().any(Option::is_some);
        let any_word = words.iter().any(Option::is_some);
        if any_number {
            columns.push(Column { name: name.to_owned(), values: Values::Numbers(numbers) });
        }
        if any_word || !any_number {
            let name = if any_number { format!("{name}_text") } else { name.to_owned() };
            columns.push(Column { name, values: Values::Words(words) });
        }
    }
    columns
}

/// The definition levels, 1 where something is there, and what is there.
fn split<T>(values: Vec<Option<T>>) -> (Vec<i16>, Vec<T>) {
    (
        values.iter().map(|value| value.is_some().into()).collect(),
        values.into_iter().flatten().collect(),
    )
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use super::*;
    use crate::sample;

    /// The rows as Parquet's own reader tells them.
    fn read(csv: &str) -> Vec<String> {
        let bytes = table(csv).expect("a table");
        assert_eq!(bytes, table(csv).expect("a table"), "the same bytes again");
        let file = SerializedFileReader::new(Bytes::from(bytes)).expect("a Parquet file");
        let rows = file.get_row_iter(None).expect("rows");
        rows.map(|row| row.expect("a row").to_string()).collect()
    }

    #[test]
    fn numbers_words_and_what_is_empty_are_told_apart() {
        let rows = read("measure,unit,value\nseed,,7\nengine,,sim\n\"a, b\",ns,0.5\n");
        assert_eq!(
            rows,
            [
                r#"{measure: "seed", unit: null, value: 7.0, value_text: null}"#,
                r#"{measure: "engine", unit: null, value: null, value_text: "sim"}"#,
                r#"{measure: "a, b", unit: "ns", value: 0.5, value_text: null}"#,
            ]
        );
    }

    #[test]
    fn every_row_of_the_measures_is_there() {
        let csv = crate::csv::measures(&sample::valid());
        assert_eq!(read(&csv).len(), csv.lines().count() - 1);
    }
}
