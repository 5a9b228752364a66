//! Files of numbers: NPY, NPZ and IDX, read as tables; built here byte by byte.

use std::io::{Cursor, Write};

use gpu_nn::data::{Cells, FileSource, RawTable, ReadOptions, Scale, TargetKind, Targets, Wanted};
use gpu_nn::{Error, Result};

use crate::tables::Sheet;

/// An NPY file of format 1 with that header's entries and bytes.
pub fn npy(descr: &str, fortran: bool, shape: &str, bytes: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    while (10 + text.len() + 1) % 64 != 0 {
        text.push(' ');
    }
    text.push('\n');
    let length = u16::try_from(text.len()).unwrap().to_le_bytes();
    [&b"\x93NUMPY\x01\x00"[..], &length, text.as_bytes(), bytes].concat()
}

pub fn doubles(numbers: &[f64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// A zip archive of these files.
pub fn npz(arrays: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (i, (name, bytes)) in arrays.iter().enumerate() {
        let methods = [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated];
        let options = zip::write::SimpleFileOptions::default().compression_method(methods[i % 2]);
        zip.start_file(*name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// An IDX file of that type and sizes.
pub fn idx(code: u8, sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let sizes_bytes: Vec<u8> = sizes.iter().flat_map(|size| size.to_be_bytes()).collect();
    [&[0, 0, code, sizes.len() as u8][..], &sizes_bytes, bytes].concat()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn columns(table: &RawTable) -> Vec<Vec<f64>> {
    let column = |cells: &Cells| (0..cells.len()).map(|row| cells.number(row).unwrap()).collect();
    table.columns().iter().map(|c| column(&c.cells)).collect()
}

fn classes(labels: &[u32], names: &[&str]) -> Option<Targets> {
    let names = names.iter().map(|name| name.to_string()).collect();
    Some(Targets::Classes { labels: labels.into(), names })
}

#[test]
fn an_array_is_features_and_a_label() {
    let numbers = [1.0, 2.5, 0.0, 3.0, 4.5, 1.0, 5.0, 6.5, 0.0];
    let plain = npy("<f8", false, "(3, 3)", &doubles(&numbers));
    let big: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
    let single: Vec<u8> = numbers.iter().flat_map(|n| (*n as f32).to_le_bytes()).collect();
    let turned: Vec<f64> = (0..9).map(|i| numbers[i % 3 * 3 + i / 3]).collect();
    for (what, bytes) in [
        ("plain", plain.clone()),
        ("gzip", gzip(&plain)),
        ("big endian", npy(">f8", false, "(3, 3)", &big)),
        ("single", npy("<f4", false, "(3, 3)", &single)),
        ("by column", npy("<f8", true, "(3, 3)", &doubles(&turned))),
        ("more dimensions", npy("<f8", false, "(3L, 1, 3)", &doubles(&numbers))),
    ] {
        let table = Sheet::new("x.npy", bytes).read().unwrap();
        assert_eq!(columns(&table), [[1.0, 3.0, 5.0], [2.5, 4.5, 6.5]], "{what}");
        assert_eq!(table.targets(), classes(&[0, 1, 0], &["0", "1"]).as_ref(), "{what}");
        assert_eq!(table.columns()[1].name, "x2");
        assert_eq!(table.usual_scale(), Scale::Standardise);
    }
    let mut sheet = Sheet::new("x.npy", plain);
    sheet.source.label = Some("1".into());
    sheet.source.selection.drop = vec!["3".into()];
    let table = sheet.read().unwrap();
    assert_eq!(columns(&table), [[2.5, 4.5, 6.5]]);
    assert_eq!(table.targets(), classes(&[0, 1, 2], &["1", "3", "5"]).as_ref());
}

#[test]
fn whole_numbers_of_every_size_are_read() {
    let read = |descr: &str, bytes: &[u8]| {
        let sheet = Sheet::new("x.npy", npy(descr, false, "(2, 1)", bytes));
        let table = sheet.source.read(&ReadOptions {
            wanted: Some(&[Wanted { name: "x1".into(), is_text: false }]),
            ..ReadOptions::default()
        });
        columns(&table.unwrap())[0].clone()
    };
    assert_eq!(read("|u1", &[7, 255]), [7.0, 255.0]);
    assert_eq!(read("|b1", &[0, 1]), [0.0, 1.0]);
    assert_eq!(read("|i1", &[7, 255]), [7.0, -1.0]);
    assert_eq!(read("<i2", &[1, 2, 255, 255]), [513.0, -1.0]);
    assert_eq!(read(">u2", &[1, 2, 255, 255]), [258.0, 65535.0]);
    assert_eq!(read("<i4", &[1, 0, 0, 0, 254, 255, 255, 255]), [1.0, -2.0]);
    let wide: Vec<u8> = [i64::MIN, 3].iter().flat_map(|n| n.to_le_bytes()).collect();
    assert_eq!(read("<i8", &wide), [-9_223_372_036_854_775_808.0, 3.0]);
}

/// More bytes than a block, so that rows and columns are put together across reads.
#[test]
fn long_arrays_are_read_in_blocks() {
    let (rows, width) = (70_001, 7);
    let number = |row: usize, column: usize| (row * width + column) as f32;
    let by_row =
        (0..rows * width).flat_map(|i| number(i / width, i % width).to_le_bytes()).collect::<Vec<_>>();
    let by_column =
        (0..rows * width).flat_map(|i| number(i % rows, i / rows).to_le_bytes()).collect::<Vec<_>>();
    for (fortran, bytes) in [(false, by_row), (true, by_column)] {
        let mut sheet = Sheet::new("x.npy", npy("<f4", fortran, "(70001, 7)", &bytes));
        sheet.source.selection.features = vec!["3".into()];
        let options = ReadOptions { target: Some(TargetKind::Classes), ..ReadOptions::default() };
        let table = sheet.source.read(&options).unwrap();
        assert_eq!(table.m(), rows);
        for row in [0, 1, 9362, 9363, 65_535, 65_536, rows - 1] {
            assert_eq!(
                table.columns()[0].cells.number(row),
                Some(f64::from(number(row, 2))),
                "{fortran} {row}"
            );
        }
    }
}

#[test]
fn archives_have_features_and_labels() {
    let x = npy("<f8", false, "(2, 2)", &doubles(&[1.0, 2.0, 3.0, 4.0]));
    let y = npy("<i8", false, "(2,)", &[5, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]);
    let names: Vec<u8> = "oakelm".chars().flat_map(|c| (c as u32).to_le_bytes()).collect();
    let kind = npy("<U3", false, "(2,)", &names);
    let archive = npz(&[("x.npy", x.clone()), ("y.npy", y), ("kind.npy", kind), ("z.npy", x)]);
    let sheet = |label: Option<&str>, features: &[&str], packed: bool| {
        let bytes = if packed { gzip(&archive) } else { archive.clone() };
        let mut sheet = Sheet::new("set.npz", bytes);
        sheet.source.label = label.map(str::to_owned);
        sheet.source.selection.features = features.iter().map(|f| f.to_string()).collect();
        let table = sheet.read();
        table.map_err(|error| sheet.short(&error))
    };
    for packed in [false, true] {
        let table = sheet(None, &[], packed).unwrap();
        assert_eq!(columns(&table), [[1.0, 3.0], [2.0, 4.0]]);
        assert_eq!(table.targets(), classes(&[1, 0], &["4", "5"]).as_ref());
    }
    let table = sheet(Some("kind"), &["z"], false).unwrap();
    assert_eq!(table.targets(), classes(&[1, 0], &["elm", "oak"]).as_ref());
    // Several arrays stand side by side, and numbers choose among their columns.
    assert_eq!(columns(&sheet(None, &["x", "z"], false).unwrap()).len(), 4);
    assert_eq!(columns(&sheet(None, &["x", "2"], false).unwrap()), [[2.0, 4.0]]);
    assert_eq!(
        sheet(Some("w"), &[], false).unwrap_err(),
        "invalid label column `w`: the arrays of set.npz are `kind`, `x`, `y`, `z`; choose with --label"
    );
    assert_eq!(
        sheet(None, &["w"], false).unwrap_err(),
        "invalid feature column `w`: the arrays of set.npz are `kind`, `x`, `y`, `z`; choose with --features"
    );
    let message = sheet(Some("z"), &[], false).unwrap_err();
    assert_eq!(
        message,
        "set.npz, array `z`: expected one column of labels, found 2; choose the labels' array with --label"
    );
}

#[test]
fn images_find_their_labels() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    let images = idx(8, &[3, 2, 2], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255]);
    let labels = idx(8, &[3], &[9, 0, 9]);
    let expected = [[0.0, 4.0, 8.0], [1.0, 5.0, 9.0], [2.0, 6.0, 10.0], [3.0, 7.0, 255.0]];
    let options = ReadOptions { target: Some(TargetKind::Auto), ..ReadOptions::default() };
    put("t-labels-idx1-ubyte", &labels);
    put("t-images-idx3-ubyte.gz", &gzip(&images));
    put("t-images-idx3-ubyte", &images);
    put("other", &images);
    put("digits.npy", &npy("|u1", false, "(3,)", &[9, 0, 9]));
    for (name, labels) in [
        ("t-images-idx3-ubyte.gz", None),
        ("t-images-idx3-ubyte", None),
        ("other", Some("t-labels-idx1-ubyte")),
        ("other", Some("digits.npy")),
    ] {
        let mut source = FileSource::new(folder.path().join(name));
        source.labels_file = labels.map(|labels| folder.path().join(labels));
        let table = source.read(&options).unwrap();
        assert_eq!(columns(&table), expected, "{name}");
        assert_eq!(table.targets(), classes(&[1, 0, 1], &["0", "9"]).as_ref());
        assert_eq!(table.usual_scale(), Scale::Pixels);
    }
    let source = FileSource::new(folder.path().join("other"));
    let message = source.read(&options).unwrap_err().to_string();
    assert!(message.ends_with("it has no labels; name their file with --labels-file"), "{message}");
    // Predictions need none.
    assert_eq!(columns(&source.read(&ReadOptions::default()).unwrap()), expected);
    let short = FileSource { labels_file: Some(folder.path().join("short")), ..source };
    put("short", &idx(8, &[2], &[1, 2]));
    let message = short.read(&options).unwrap_err().to_string();
    assert!(message.contains("expected 3, one a row, found 2"), "{message}");
}

/// The message of a file of that name and content, without the folder.
#[track_caller]
fn refused(name: &str, bytes: Vec<u8>) -> String {
    let sheet = Sheet::new(name, bytes);
    let result: Result<RawTable> = sheet.read();
    let error: Error = result.unwrap_err();
    sheet.short(&error)
}

#[test]
fn headers_that_claim_more_than_there_is_allocate_nothing() {
    // Petabytes; a reader that believed them would not come back.
    for shape in ["(1000000000000000, 4)", "(4, 1000000)", "(18446744073709551615, 1)"] {
        let file = npy("<f8", false, shape, &doubles(&[1.0; 16]));
        let message = refused("x.npy", file.clone());
        assert!(message.starts_with("x.npy: its header claims"), "{message}");
        let message = refused("x.npy.gz", gzip(&file));
        assert!(message.contains("claims more than any") || message.contains("cut short"), "{message}");
        let message = refused("x.npz", npz(&[("x.npy", file.clone()), ("y.npy", file)]));
        assert!(message.contains("claims more than any") || message.contains("cut short"), "{message}");
    }
    let message = refused("x.npy", npy("<f8", false, "(4, 9999999999999999999999)", &[]));
    assert!(message.contains("not NumPy's"), "{message}");
    let message = refused("x.idx", idx(8, &[u32::MAX, 1000, 1000], &[1, 2, 3]));
    assert!(message.contains("its header claims 4294967295000016 bytes, but it has 19"), "{message}");
    let message = refused("x.idx.gz", gzip(&idx(8, &[u32::MAX, 1000, 1000], &[1, 2, 3])));
    assert!(message.contains("cut short"), "{message}");
    let message = refused("x.idx", idx(8, &[u32::MAX, u32::MAX, u32::MAX, u32::MAX], &[1, 2, 3]));
    assert!(message.contains("no columns or more than"), "{message}");
}
