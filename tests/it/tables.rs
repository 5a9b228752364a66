//! Tables: what text files are read as, and how columns become features.

use std::fs;
use std::path::PathBuf;

use gpu_nn::data::{
    Cells, Column, Dataset, FileSource, Generator, GeneratorOptions, Impute, Preparation, Preprocessing,
    RawTable, ReadOptions, Scale, Selection, Step, TargetKind, Targets, generate,
};
use gpu_nn::{Error, Result};
use tempfile::TempDir;

/// A file of that name and content, gone when dropped.
pub struct Sheet {
    folder: TempDir,
    pub source: FileSource,
}

impl Sheet {
    pub fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join(name);
        fs::write(&path, content).unwrap();
        Self { folder, source: FileSource::new(path) }
    }

    /// Puts other content in its place.
    pub fn overwrite(&mut self, content: &[u8]) {
        fs::write(&self.source.path, content).unwrap();
    }

    pub fn read(&self) -> Result<RawTable> {
        self.source.read(&ReadOptions { target: Some(TargetKind::Auto), ..ReadOptions::default() })
    }

    /// An error's message without the folder.
    pub fn short(&self, error: &Error) -> String {
        let message = error.to_string();
        assert!(!message.contains('\n'), "one line: {message:?}");
        message.replace(&format!("{}{}", self.folder.path().display(), std::path::MAIN_SEPARATOR), "")
    }

    #[track_caller]
    fn refused<T: std::fmt::Debug>(&self, result: Result<T>, expected: &str) {
        assert_eq!(self.short(&result.unwrap_err()), expected);
    }
}

fn table(content: &str) -> RawTable {
    Sheet::new("data.csv", content).read().unwrap()
}

fn fitted(table: &RawTable, impute: Impute, scale: Scale) -> Result<Preprocessing> {
    Preprocessing::fit(table, &table.rows(), &Preparation { impute, scale })
}

fn prepared(content: &str, impute: Impute, scale: Scale) -> Result<Dataset> {
    let table = table(content);
    fitted(&table, impute, scale)?.apply(&table, &table.rows())
}

fn numbers(column: &Column) -> Vec<Option<f64>> {
    (0..column.cells.len()).map(|row| column.cells.number(row)).collect()
}

fn texts(column: &Column) -> Vec<Option<&str>> {
    (0..column.cells.len()).map(|row| column.cells.text(row)).collect()
}

#[test]
fn columns_are_numbers_or_texts_and_cells_may_be_missing() {
    let table = table("size,colour,kind\n1,red,u\nNA,\"dark, blue\",v\n?,,u\n2.5,red,v\nnan,?,v\n,na,v\n");
    let [size, colour] = table.columns() else { panic!("two columns") };
    assert_eq!((size.name.as_str(), colour.name.as_str()), ("size", "colour"));
    assert_eq!(numbers(size), [Some(1.0), None, None, Some(2.5), None, None]);
    assert_eq!(texts(colour), [Some("red"), Some("dark, blue"), None, Some("red"), None, None]);
    assert_eq!(table.target_name(), Some("kind"));
    assert_eq!(table.targets().unwrap().len(), 6);
}

#[test]
fn every_usual_delimiter_is_found() {
    let expected = table("a,b,kind\n1,x y,u\n3,z,v\n");
    for (name, delimiter) in
        [("d.csv", ";"), ("d.txt", "\t"), ("d.tsv", "\t"), ("d.tab", "\t"), ("d.csv", "|")]
    {
        let sheet = Sheet::new(name, "a,b,kind\n1,x y,u\n3,z,v\n".replace(',', delimiter));
        assert_eq!(sheet.read().unwrap().columns(), expected.columns(), "{name} {delimiter:?}");
    }
    // A tab file stays one, whatever else its cells hold.
    let sheet = Sheet::new("d.tsv", "a\tb\tkind\n1\tx,y,z\tu\n2\tp,q,r\tv\n");
    assert_eq!(texts(&sheet.read().unwrap().columns()[1]), [Some("x,y,z"), Some("p,q,r")]);
    // Commas within quotes separate nothing.
    let sheet = Sheet::new("d.csv", "\"a,a\";\"b,b\";kind\n1;\"x,x\"\"y\";u\n2;\"z,\nz\";v\n");
    assert_eq!(texts(&sheet.read().unwrap().columns()[1]), [Some("x,x\"y"), Some("z,\nz")]);
}

#[test]
fn gzip_is_unpacked() {
    use flate2::write::GzEncoder;
    use std::io::Write;
    let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(b"a\tkind\n1\tu\n2\tv\n").unwrap();
    let sheet = Sheet::new("d.tsv.gz", packed.finish().unwrap());
    assert_eq!(numbers(&sheet.read().unwrap().columns()[0]), [Some(1.0), Some(2.0)]);
}

#[test]
fn the_first_row_is_a_header_or_a_sample() {
    // A number under a text: a header, also beside a name that is a number.
    assert_eq!(table("a,2020,kind\n1,2,u\n3,4,v\n").m(), 2);
    // Text under text beside numbers: a sample.
    let samples = table("red,1,u\nblue,2,v\n");
    assert_eq!(samples.m(), 2);
    assert_eq!(samples.columns()[0].name, "x1");
    assert_eq!(texts(&samples.columns()[0]), [Some("red"), Some("blue")]);
    // Nothing but text: a header.
    assert_eq!(table("colour,kind\nred,u\nblue,v\n").m(), 2);
    // A missing cell says nothing.
    assert_eq!(table("1,NA,u\n3,4,v\n").m(), 2);
}

#[test]
fn columns_are_chosen_by_name_and_number() {
    let content = "id,a,b,kind,c\n7,1,2,u,x\n8,3,4,v,y\n";
    let names = |label: Option<&str>, features: &[&str], drop: &[&str]| {
        let mut sheet = Sheet::new("data.csv", content);
        let owned = |columns: &[&str]| columns.iter().map(|c| c.to_string()).collect();
        sheet.source.label = label.map(str::to_owned);
        sheet.source.selection = Selection { features: owned(features), drop: owned(drop) };
        match sheet.read() {
            Ok(table) => table.columns().iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(" "),
            Err(error) => sheet.short(&error),
        }
    };
    assert_eq!(names(Some("kind"), &[], &[]), "id a b c");
    assert_eq!(names(Some("kind"), &[], &["id", "5"]), "a b");
    assert_eq!(names(Some("4"), &["c", "2"], &[]), "c a");
    // The last column that is left is the label.
    assert_eq!(names(None, &[], &["c", "1"]), "a b");
    assert_eq!(names(None, &["a", "b"], &["b"]), "a");
    assert_eq!(
        names(None, &["z"], &[]),
        "invalid feature column `z`: the columns of data.csv are `id`, `a`, `b`, `kind`, `c`"
    );
    assert_eq!(names(None, &[], &["9"]), "invalid column to drop `9`: data.csv has columns 1 to 5");
    assert_eq!(
        names(None, &["a", "c"], &[]),
        "data.csv: the label column `c` is one of the features; choose the label column with --label"
    );
    assert_eq!(names(None, &["a", "2"], &[]), "invalid feature column `2`: it is listed twice; name it once");
    assert_eq!(names(None, &["a"], &["a"]), "data.csv: no column is left to be a feature; drop fewer");
}

#[test]
fn a_column_of_both_kinds_needs_a_decision() {
    let next = "correct it, leave the column out with --drop, or take it as text with --categorical";
    let mut sheet = Sheet::new("data.csv", "a,kind\n1,u\ntall,v\n");
    sheet.refused(sheet.read(), &format!("data.csv, line 3: column `a`: `tall` is not a number; {next}"));
    sheet.source.categorical = vec!["a".into()];
    assert_eq!(texts(&sheet.read().unwrap().columns()[0]), [Some("1"), Some("tall")]);
    let sheet = Sheet::new("data.csv", "a,kind\ntall,u\n1,v\n");
    sheet
        .refused(sheet.read(), &format!("data.csv, line 3: column `a`: `1` is a number among texts; {next}"));
    let mut sheet = Sheet::new("data.csv", "a,kind\n1,u\n2,v\n");
    sheet.source.categorical = vec!["b".into()];
    sheet.refused(sheet.read(), "invalid column of categories `b`: the columns of data.csv are `a`, `kind`");
}

#[test]
fn missing_values_are_refused_or_filled_in() {
    let content = "a,b,c,kind\n1,x,5,u\n,y,5,v\n4,,5,v\n10,y,5,v\n";
    let refused = |impute| fitted(&table(content), impute, Scale::None).unwrap_err().to_string();
    let next = "has no value (empty, NA, NaN or ?); fill it in, remove the row, or train with --impute mean or median";
    assert!(refused(Impute::Refuse).ends_with(&format!("data.csv, line 3: column `a` {next}")));
    let mean = prepared(content, Impute::Mean, Scale::None).unwrap();
    assert_eq!(mean.feature_names, ["a", "b=x", "b=y", "c"]);
    assert_eq!(mean.x[..4], [1.0, 5.0, 4.0, 10.0]);
    // The commonest text.
    assert_eq!(mean.x[4..8], [1.0, 0.0, 0.0, 0.0]);
    assert_eq!(mean.x[8..12], [0.0, 1.0, 1.0, 1.0]);
    let median = prepared(content, Impute::Median, Scale::None).unwrap();
    assert_eq!(median.x[..4], [1.0, 4.0, 4.0, 10.0]);
    let error = prepared("a,b,kind\n1,NA,u\n2,NA,v\n", Impute::Mean, Scale::None).unwrap_err().to_string();
    assert!(
        error.ends_with("data.csv: column `b` has no values at all; leave it out with --drop"),
        "{error}"
    );
}

#[test]
fn numbers_are_scaled_and_texts_are_not() {
    let content = "a,b,c,kind\n1,x,7,u\n2,y,7,v\n6,x,7,v\n";
    let standard = prepared(content, Impute::Refuse, Scale::Standardise).unwrap();
    // Mean 3, variance 14/3; the constant column is only shifted.
    let deviation = (14.0_f64 / 3.0).sqrt();
    for (x, expected) in standard.x.iter().zip([-2.0 / deviation, -1.0 / deviation, 3.0 / deviation]) {
        assert!((x - expected).abs() < 1e-15, "{x} {expected}");
    }
    assert_eq!(standard.x[3..9], [1.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
    assert_eq!(standard.x[9..], [0.0; 3]);
    let minmax = prepared(content, Impute::Refuse, Scale::MinMax).unwrap();
    assert_eq!(minmax.x[..3], [0.0, 0.2, 1.0]);
    let pixels = prepared(content, Impute::Refuse, Scale::Pixels).unwrap();
    assert_eq!(pixels.x[..3], [1.0 / 255.0, 2.0 / 255.0, 6.0 / 255.0]);
    // A column that is constant but for rounding.
    let flat = prepared("a,kind\n0.1,u\n0.1,v\n0.1,v\n", Impute::Refuse, Scale::Standardise).unwrap();
    assert!(flat.x.iter().all(|x| x.abs() < 1e-15), "{:?}", flat.x);
}

#[test]
fn statistics_come_from_the_training_rows_alone() {
    let table = table("a,b,kind\n0,x,u\n4,x,v\n,y,u\n100,,v\n");
    let preparation = Preparation { impute: Impute::Mean, scale: Scale::MinMax };
    let preprocessing = Preprocessing::fit(&table, &[1, 0], &preparation).unwrap();
    assert_eq!(
        preprocessing.columns[0].step,
        Step::Number { fill: Some(2.0), shift: 0.0, scale: 4.0 },
        "row 4 is not looked at"
    );
    // But every class and category has a name.
    assert_eq!(preprocessing.feature_names(), ["a", "b=x", "b=y"]);
    let rest = preprocessing.apply(&table, &[3, 2]).unwrap();
    assert_eq!(rest.x, [25.0, 0.5, 1.0, 0.0, 0.0, 1.0]);
    assert_eq!(rest.targets, Targets::Classes { labels: vec![1, 0], names: vec!["u".into(), "v".into()] });
    assert!(Preprocessing::fit(&table, &[], &preparation).unwrap_err().is_usage());
}

#[test]
fn a_preprocessing_survives_its_file() {
    let table = table("a,b,kind\n0.1,x,u\n0.7,,v\n");
    let preprocessing = fitted(&table, Impute::Median, Scale::Standardise).unwrap();
    let text = serde_json::to_string(&preprocessing).unwrap();
    assert_eq!(serde_json::from_str::<Preprocessing>(&text).unwrap(), preprocessing);
    assert!(preprocessing.is_sound() && !preprocessing.is_identity());
    let mut broken = preprocessing;
    broken.columns[0].step = Step::Number { fill: None, shift: 0.0, scale: 0.0 };
    assert!(!broken.is_sound());
}

#[test]
fn a_generated_set_passes_through_untouched() {
    let flower = generate(Generator::Flower, &GeneratorOptions::default()).unwrap();
    let table = RawTable::from(flower.clone());
    let preprocessing = fitted(&table, Impute::Refuse, Scale::None).unwrap();
    assert!(preprocessing.is_identity());
    assert_eq!(preprocessing.apply(&table, &table.rows()).unwrap(), flower);
}

#[test]
fn tables_that_are_none_are_refused() {
    let column = |cells| Column { name: "a".into(), cells };
    let refused = |columns, targets| RawTable::new("t", columns, targets).unwrap_err().to_string();
    assert_eq!(refused(vec![], None), "t: empty: no samples");
    assert_eq!(refused(vec![column(Cells::Bytes(vec![]))], None), "t: empty: no samples");
    let infinite = column(Cells::Singles(vec![1.0, f32::INFINITY]));
    assert_eq!(
        refused(vec![infinite], None),
        "t, row 2: column `a` is not a finite number; replace the value or remove the row"
    );
    let targets = Targets::Values { values: vec![1.0], n_outputs: 1 };
    let message = refused(vec![column(Cells::Doubles(vec![1.0, 2.0]))], Some(targets));
    assert_eq!(
        message,
        "column target of t: expected 2 rows as in the first column, found 1; give every column and the targets one cell a row"
    );
}

#[test]
fn columns_with_a_text_for_every_row_are_refused() {
    let content: String = (0..1001).map(|i| format!("name{i},{},{}\n", i, ["u", "v"][i % 2])).collect();
    let error = fitted(&table(&content), Impute::Refuse, Scale::None).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "column 1 has 1001 different texts, and at most 1000 can be features; leave it out with --drop"
        ),
        "{error}"
    );
}
