//! Parquet files (feature `parquet`), written here with the crate's own writer.

use std::sync::Arc;

use gpu_nn::data::{Cells, RawTable, Targets};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{BoolType, ByteArrayType, DoubleType, FloatType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

use crate::arrays::gzip;
use crate::command::{Desk, failure};
use crate::streaming::{assert_streams_alike, streamed};
use crate::tables::Sheet;

const SCHEMA: &str = "message people {
    required int64 id; optional double age; required float size; required boolean tall;
    optional binary town (UTF8); required int32 price (DECIMAL(9, 2)); required binary income (UTF8); }";

/// Two row groups of three people each.
fn people(compression: Compression) -> Vec<u8> {
    let properties = WriterProperties::builder().set_compression(compression).build();
    let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties)).unwrap();
    for start in [0, 3] {
        let mut group = writer.next_row_group().unwrap();
        macro_rules! column {
            ($kind:ty, $values:expr, $levels:expr) => {
                let mut column = group.next_column().unwrap().unwrap();
                let levels: Option<&[i16]> = $levels;
                column.typed::<$kind>().write_batch(&$values, levels, None).unwrap();
                column.close().unwrap();
            };
        }
        column!(Int64Type, [start, start + 1, start + 2], None);
        column!(DoubleType, [20.5, 30.0], Some(&[1, 0, 1]));
        column!(FloatType, [1.5, 2.5, 3.5], None);
        column!(BoolType, [true, false, true], None);
        column!(ByteArrayType, ["Rome".into(), "Oslo".into()], Some(&[1, 1, 0]));
        column!(Int32Type, [150, -25, 0], None);
        column!(ByteArrayType, ["high".into(), "low".into(), "low".into()], None);
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

fn numbers(table: &RawTable, name: &str) -> Vec<Option<f64>> {
    let column = table.columns().iter().find(|column| column.name == name).unwrap();
    (0..table.m()).map(|row| column.cells.number(row)).collect()
}

#[test]
fn columns_keep_their_types() {
    let zstd = Compression::ZSTD(ZstdLevel::default());
    let whole = people(Compression::UNCOMPRESSED);
    let kinds = [
        people(Compression::SNAPPY),
        people(zstd),
        people(Compression::LZ4_RAW),
        people(Compression::GZIP(Default::default())),
        gzip(&whole),
        whole,
    ];
    for bytes in kinds {
        let table = Sheet::new("people.parquet", bytes).read().unwrap();
        assert_eq!(table.m(), 6);
        assert_eq!(numbers(&table, "id"), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0].map(Some));
        let ages = [Some(20.5), None, Some(30.0)];
        assert_eq!(numbers(&table, "age"), [ages, ages].concat());
        assert!(matches!(table.columns()[2].cells, Cells::Singles(_)));
        assert_eq!(numbers(&table, "tall")[..3], [1.0, 0.0, 1.0].map(Some));
        assert_eq!(numbers(&table, "price")[..3], [1.5, -0.25, 0.0].map(Some));
        let towns = &table.columns()[4].cells;
        assert_eq!([0, 1, 2].map(|row| towns.text(row)), [Some("Rome"), Some("Oslo"), None]);
        assert_eq!(table.target_name(), Some("income"));
        let names = vec!["high".to_owned(), "low".to_owned()];
        assert_eq!(table.targets(), Some(&Targets::Classes { labels: vec![0, 1, 1, 0, 1, 1], names }));
    }
}

#[test]
fn a_model_is_trained_on_parquet_and_used_on_csv() {
    let desk = Desk::new();
    std::fs::write(desk.path("people.parquet"), people(Compression::SNAPPY)).unwrap();
    desk.output(
        "train --data people.parquet --label income --features age,town,price --impute median \
         --backend cpu-reference --iterations 200 --no-plots --quiet --out run",
    );
    desk.put("more.csv", "town,price,age\nRome,1.5,20.5\nOslo,-0.25,\n");
    let answers = desk.output("predict run --data more.csv --backend cpu-reference");
    let classes: Vec<&str> = answers.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(classes, ["high", "low"]);
}

#[test]
fn nested_columns_are_refused_until_they_are_dropped() {
    let schema = "message m { required double a; repeated int32 list; required int32 kind; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<DoubleType>().write_batch(&[1.0, 2.0], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int32Type>().write_batch(&[1, 2, 3], Some(&[1, 1, 1]), Some(&[0, 1, 0])).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int32Type>().write_batch(&[0, 1], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let mut sheet = Sheet::new("nested.parquet", bytes);
    let message = sheet.short(&sheet.read().unwrap_err());
    assert_eq!(
        message,
        "nested.parquet: column `list` holds neither numbers nor texts; leave it out with --drop"
    );
    sheet.source.selection.drop = vec!["list".into()];
    assert_eq!(numbers(&sheet.read().unwrap(), "a"), [Some(1.0), Some(2.0)]);
}

/// Many rows in groups that are no multiple of those read at a time, with missing numbers and texts.
fn many(rows: usize, of_group: usize) -> Vec<u8> {
    let schema = "message many { required double a; optional float b; optional binary town (UTF8);
        required int32 code; required int32 kind; required double w; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, Default::default()).unwrap();
    for start in (0..rows).step_by(of_group) {
        let group_rows: Vec<usize> = (start..rows.min(start + of_group)).collect();
        let all = |value: &dyn Fn(usize) -> i32| group_rows.iter().map(|&i| value(i)).collect::<Vec<_>>();
        let doubles = |value: &dyn Fn(usize) -> f64| group_rows.iter().map(|&i| value(i)).collect::<Vec<_>>();
        let there =
            |every: usize| -> Vec<i16> { group_rows.iter().map(|i| i16::from(i % every != 2)).collect() };
        let known = |every: usize| group_rows.iter().filter(move |i| *i % every != 2);
        let mut group = writer.next_row_group().unwrap();
        macro_rules! column {
            ($kind:ty, $values:expr, $levels:expr) => {
                let mut column = group.next_column().unwrap().unwrap();
                let levels: Option<Vec<i16>> = $levels;
                column.typed::<$kind>().write_batch(&$values, levels.as_deref(), None).unwrap();
                column.close().unwrap();
            };
        }
        column!(DoubleType, doubles(&|i| (i * i % 1009) as f64 / 3.0), None);
        column!(FloatType, known(7).map(|i| (i % 13) as f32 / 7.0).collect::<Vec<_>>(), Some(there(7)));
        let towns = known(5).map(|i| ["oak", "elm", "ash"][i * i % 3].into()).collect::<Vec<_>>();
        column!(ByteArrayType, towns, Some(there(5)));
        column!(Int32Type, all(&|i| 1000 + (i % 4) as i32), None);
        column!(Int32Type, all(&|i| (i * i % 7 % 2) as i32), None);
        column!(DoubleType, doubles(&|i| 1.0 + (i % 3) as f64), None);
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

#[test]
fn streamed_files_are_prepared_alike() {
    let mut sheet = Sheet::new("many.parquet", many(10_000, 5_000));
    sheet.source.label = Some("kind".into());
    assert_streams_alike(&sheet);
    sheet.source.categorical = vec!["code".into()];
    sheet.source.selection.drop = vec!["a".into()];
    assert_streams_alike(&sheet);
    sheet.source.selection.features = ["b", "code", "town"].map(String::from).to_vec();
    assert_streams_alike(&sheet);
    let mut sheet = Sheet::new("people.parquet", people(Compression::SNAPPY));
    assert_streams_alike(&sheet);
    sheet.source.label = Some("size".into());
    assert_streams_alike(&sheet);
    let needed = sheet.source.memory_needed().unwrap().unwrap();
    assert_eq!(needed, 6 * 7 * 20, "seven columns of six");
    let packed = Sheet::new("people.parquet", gzip(&people(Compression::SNAPPY)));
    let message = packed.short(&streamed(&packed.source).unwrap_err());
    assert!(message.contains("plain file alone"), "{message}");
}

#[test]
fn streamed_files_give_the_same_bits() {
    let desk = Desk::new();
    std::fs::write(desk.path("many.parquet"), many(9_000, 7_000)).unwrap();
    let train = |stream: &str, out: &str| {
        desk.output(&format!(
            "train --data many.parquet --label kind --categorical code --weights w --impute median --test 0.1 {stream} \
             --backend cpu --batch-size 100 --epochs 2 --no-plots --quiet --out {out}"
        ));
        desk.output(&format!("predict {out} --backend cpu {stream}"))
            + &desk.output(&format!("evaluate {out} --json --backend cpu {stream}"))
    };
    assert_eq!(train("--stream", "stream"), train("--stream=no", "memory"));
    let model = |out: &str| std::fs::read(desk.path(out).join("model.safetensors")).unwrap();
    assert_eq!(model("stream"), model("memory"));
}

/// Cut anywhere or changed anywhere, a file is read or refused in one line; nothing panics.
#[test]
fn damaged_files_are_refused() {
    let whole = people(Compression::SNAPPY);
    let mut sheet = Sheet::new("d.parquet", &whole);
    for length in 0..whole.len() {
        sheet.overwrite(&whole[..length]);
        let message = sheet.short(&sheet.read().unwrap_err());
        assert!(message.starts_with("d.parquet: "), "{length}: {message}");
        if length % 16 == 0 {
            assert_eq!(message, sheet.short(&streamed(&sheet.source).unwrap_err()));
        }
    }
    for at in 0..whole.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= flip;
            sheet.overwrite(&bytes);
            // Each byte once: they are read by the same code.
            let streamed = if flip == 0x80 { streamed(&sheet.source).map(|_| ()) } else { Ok(()) };
            for error in [sheet.read().map(|_| ()), streamed].into_iter().filter_map(Result::err) {
                let message = sheet.short(&error);
                assert!(message.starts_with("d.parquet"), "{at}, {flip}: {message}");
            }
        }
    }
    let desk = Desk::new();
    std::fs::write(desk.path("d.parquet"), &whole[..200]).unwrap();
    assert!(failure(&desk, "data d.parquet", 1).contains("not a readable Parquet file"));
}
