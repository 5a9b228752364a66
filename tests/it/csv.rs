//! CSV files: what is accepted, and the message of every refusal.

use std::fs;
use std::path::PathBuf;

use gpu_nn::data::{CsvOptions, Dataset, Features, Label, TargetKind, Targets, read_csv, read_csv_features};
use gpu_nn::{Error, Result};
use tempfile::TempDir;

/// A file of the given content, gone when dropped.
struct CsvFile {
    folder: TempDir,
    path: PathBuf,
}

impl CsvFile {
    fn new(content: impl AsRef<[u8]>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.csv");
        fs::write(&path, content).unwrap();
        Self { folder, path }
    }

    /// The error's message, without the folder, which is another one in every run.
    #[track_caller]
    fn message<T: std::fmt::Debug>(&self, result: Result<T>) -> String {
        let message = result.unwrap_err().to_string();
        assert!(!message.contains('\n'), "one line: {message:?}");
        let folder = format!("{}{}", self.folder.path().display(), std::path::MAIN_SEPARATOR);
        assert!(message.contains(&folder), "names the file: {message}");
        message.replace(&folder, "")
    }
}

fn read(content: impl AsRef<[u8]>, options: &CsvOptions) -> Dataset {
    read_csv(&CsvFile::new(content).path, options).unwrap()
}

fn read_plain(content: impl AsRef<[u8]>) -> Dataset {
    read(content, &CsvOptions::default())
}

fn read_features(content: impl AsRef<[u8]>, wanted: &[&str], label: Option<&Label>) -> Features {
    read_csv_features(&CsvFile::new(content).path, &strings(wanted), label).unwrap()
}

#[track_caller]
fn assert_refused(content: impl AsRef<[u8]>, options: &CsvOptions, expected: &str) {
    let file = CsvFile::new(content);
    assert_eq!(file.message(read_csv(&file.path, options)), expected);
}

#[track_caller]
fn assert_plain_refused(content: impl AsRef<[u8]>, expected: &str) {
    assert_refused(content, &CsvOptions::default(), expected);
}

#[track_caller]
fn assert_features_refused(content: &str, wanted: &[&str], label: Option<&Label>, expected: &str) {
    let file = CsvFile::new(content);
    assert_eq!(file.message(read_csv_features(&file.path, &strings(wanted), label)), expected);
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| text.to_string()).collect()
}

fn by_name(name: &str) -> CsvOptions {
    CsvOptions { label: Label::Name(name.into()), ..CsvOptions::default() }
}

fn target(target: TargetKind) -> CsvOptions {
    CsvOptions { target, ..CsvOptions::default() }
}

fn trained(features: &[&str], classes: &[&str]) -> CsvOptions {
    CsvOptions { features: Some(strings(features)), classes: Some(strings(classes)), ..CsvOptions::default() }
}

#[track_caller]
fn assert_classes(dataset: &Dataset, names: &[&str], labels: &[u32]) {
    assert_eq!(dataset.targets, Targets::Classes { labels: labels.into(), names: strings(names) });
}

#[test]
fn a_file_with_a_header_becomes_features_by_samples() {
    let dataset = read_plain("height,width,species\n1,2.5,oak\n-3,4e1,elm\n.5,6.,oak\n");
    assert_eq!(dataset.name, "data.csv");
    assert_eq!((dataset.n_features, dataset.m), (2, 3));
    assert_eq!(dataset.x, [1.0, -3.0, 0.5, 2.5, 40.0, 6.0]);
    assert_eq!(dataset.feature_names, ["height", "width"]);
    assert_classes(&dataset, &["elm", "oak"], &[1, 0, 1]);
}

#[test]
fn a_first_row_of_numbers_is_no_header() {
    let dataset = read_plain("1,2,a\n3,4,b\n");
    assert_eq!(dataset.feature_names, ["x1", "x2"]);
    assert_eq!(dataset.x, [1.0, 3.0, 2.0, 4.0]);

    let first = CsvOptions { label: Label::Number(1), ..CsvOptions::default() };
    let dataset = read("a,2,1\nb,4,3\n", &first);
    assert_eq!(dataset.feature_names, ["x1", "x2"]);
    assert_eq!(dataset.x, [2.0, 4.0, 1.0, 3.0]);
    assert_classes(&dataset, &["a", "b"], &[0, 1]);

    let third = CsvOptions { label: Label::Number(3), ..CsvOptions::default() };
    assert_eq!(read("1,2,a\n3,4,b\n", &third), read_plain("1,2,a\n3,4,b\n"));

    // Columns named by numbers: only the label's name tells that this is a header.
    let dataset = read("0,1,digit\n5,6,7\n8,9,3\n", &by_name("digit"));
    assert_eq!(dataset.feature_names, ["0", "1"]);
    assert_classes(&dataset, &["3", "7"], &[1, 0]);
}

#[test]
fn the_label_is_found_by_name_and_by_number() {
    let content = "a,kind,b\n1,u,2\n3,v,4\n";
    let second = CsvOptions { label: Label::Number(2), ..CsvOptions::default() };
    for options in [by_name("kind"), second] {
        let dataset = read(content, &options);
        assert_eq!(dataset.feature_names, ["a", "b"]);
        assert_eq!(dataset.x, [1.0, 3.0, 2.0, 4.0]);
        assert_classes(&dataset, &["u", "v"], &[0, 1]);
    }
}

#[test]
fn labels_are_parsed() {
    let parse = |text: &str| text.parse::<Label>().unwrap();
    assert_eq!(parse("3"), Label::Number(3));
    for name in ["species", "0", "-1", "1.5", ""] {
        assert_eq!(parse(name), Label::Name(name.into()));
    }
}

#[test]
fn byte_order_mark_crlf_blank_lines_spaces_and_quotes_are_accepted() {
    let expected = read_plain("a,b,c\n1,2,u\n3,4,v\n");
    for content in [
        "\u{feff}a,b,c\n1,2,u\n3,4,v\n",
        "a,b,c\r\n1,2,u\r\n3,4,v\r\n",
        "a,b,c\r1,2,u\r3,4,v\r",
        "\n\na,b,c\n\n1,2,u\n   \n3,4,v\n\n",
        "  a , b,c\t\n 1,2 , u\n3,4,v",
        "\"a\",\"b\",\"c\"\n\"1\",2,\"u\"\n3,4,v\n",
    ] {
        assert_eq!(read_plain(content), expected, "{content:?}");
    }
}

#[test]
fn classes_of_numbers_are_sorted_by_value_and_others_as_text() {
    assert_classes(&read_plain("1,10\n1,9\n1,-2\n1,10\n"), &["-2", "9", "10"], &[2, 1, 0, 2]);
    assert_classes(&read_plain("1,1.0\n1,0\n1,1\n1,-0\n"), &["0", "1"], &[1, 0, 1, 0]);
    assert_classes(&read_plain("1,10\n1,9\n1,b\n1,007\n"), &["007", "10", "9", "b"], &[1, 2, 3, 0]);
    let reals = read("1,0.5\n1,0.25\n1,0.50\n", &target(TargetKind::Classes));
    assert_classes(&reals, &["0.25", "0.5"], &[1, 0, 1]);
    // Among texts, a number with a fraction is a name like another.
    assert_classes(&read_plain("1,1.5\n1,beta\n"), &["1.5", "beta"], &[0, 1]);
}

#[test]
fn values_are_read_for_regression() {
    let dataset = read("area,price\n1,0.5\n2,7\n", &target(TargetKind::Values));
    assert_eq!(dataset.targets, Targets::Values { values: vec![0.5, 7.0], n_outputs: 1 });
    assert_refused(
        "area,price\n1,0.5\n2,dear\n",
        &target(TargetKind::Values),
        "data.csv, line 3: column `price`: `dear` is not a number; correct it, or remove the row or the column",
    );
}

#[test]
fn real_labels_are_values() {
    let dataset = read_plain("area,price\n1,2\n1,0.5\n2,7\n1,0.5\n");
    assert_eq!(dataset.targets, Targets::Values { values: vec![2.0, 0.5, 7.0, 0.5], n_outputs: 1 });
    // A model's classes, or a text among them, leave no doubt.
    assert_classes(&read("x1,y\n1,0.5\n", &trained(&["x1"], &["0.5", "1"])), &["0.5", "1"], &[0]);
    assert_classes(&read_plain("1,0.5\n1,none\n"), &["0.5", "none"], &[0, 1]);
}

#[test]
fn many_whole_numbers_need_a_decision() {
    let whole = |m: usize, classes: usize| (0..m).map(|i| format!("1,{}\n", i % classes)).collect::<String>();
    assert_plain_refused(
        whole(100, 60),
        "data.csv: column 2 has 60 different whole numbers in 100 rows: classes or measurements? \
         Pass --task classification or --task regression",
    );
    assert_eq!(read_plain(whole(100, 50)).n_classes(), Some(50));
    assert_eq!(read_plain(whole(240, 60)).n_classes(), Some(60));
    assert_eq!(read(whole(100, 60), &target(TargetKind::Classes)).n_classes(), Some(60));
}

#[test]
fn labels_that_are_missing_are_refused() {
    for label in ["NA", "?", "na"] {
        assert_plain_refused(
            format!("a,kind\n1,u\n2,{label}\n"),
            &format!("data.csv, line 3: column `kind`: `{label}` is no label; fill it in or remove the row"),
        );
    }
}

#[test]
fn a_single_class_is_refused_unless_a_model_knows_more() {
    let content = "a,kind\n1,u\n2,u\n";
    assert_plain_refused(content, "data.csv: only one class (`u`) in column `kind`; at least two are needed");
    assert_plain_refused(
        "1,2\n2,2.0\n",
        "data.csv: only one class (`2`) in column 2; at least two are needed",
    );
    let options = CsvOptions { classes: Some(strings(&["t", "u"])), ..CsvOptions::default() };
    assert_classes(&read(content, &options), &["t", "u"], &[1, 1]);
}

#[test]
fn labels_are_matched_to_a_model_s_classes() {
    let content = "x1,y\n1,2.0\n2,1\n3,02\n";
    assert_classes(&read(content, &trained(&["x1"], &["1", "2", "3"])), &["1", "2", "3"], &[1, 0, 1]);
    // The model's order is kept, sorted or not.
    assert_classes(&read(content, &trained(&["x1"], &["2", "1"])), &["2", "1"], &[0, 1, 0]);
    assert_refused(
        "x1,kind\n1,oak\n\n2,ash\n",
        &trained(&["x1"], &["elm", "oak"]),
        "data.csv, line 4: the label `ash` in column `kind` is none of the model's classes (`elm`, `oak`)",
    );
    let many: Vec<String> = (0..12).map(|i| i.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_refused(
        "1,12\n",
        &trained(&["x1"], &many),
        "data.csv, line 1: the label `12` in column 2 is none of the model's classes \
         (`0`, `1`, `2`, `3`, `4`, `5`, `6`, `7`, `8`, `9` and 2 more)",
    );
}

#[test]
fn a_labelled_file_is_matched_to_a_model_s_features() {
    let options = trained(&["a", "b"], &["u", "v"]);
    let expected = [1.0, 3.0, 2.0, 4.0];
    // By name, in another order, with a column of text besides.
    let dataset = read("b,note,a,kind\n2,hello,1,u\n4,,3,v\n", &options);
    assert_eq!(dataset.x, expected);
    assert_eq!(dataset.feature_names, ["a", "b"]);
    assert_classes(&dataset, &["u", "v"], &[0, 1]);
    // By position, without a header or with another one.
    for content in ["1,2,u\n3,4,v\n", "p,q,kind\n1,2,u\n3,4,v\n"] {
        let dataset = read(content, &options);
        assert_eq!(dataset.x, expected);
        assert_eq!(dataset.feature_names, ["a", "b"]);
    }
    assert_refused(
        "p,q,r,kind\n1,2,3,u\n",
        &options,
        "data.csv: expected the model's 2 features (`a`, `b`), found 4 columns; \
         name the features in a header, or give exactly these columns, at most with a label besides",
    );
    assert_refused(
        "kind,a,b\nu,1,2\n",
        &options,
        "data.csv: the label column `b` is one of the model's features; choose the label column with --label",
    );
}

#[test]
fn features_are_read_for_prediction() {
    let expected = Features { x: vec![1.0, 3.0, 2.0, 4.0], n_features: 2, m: 2 };
    let wanted = ["a", "b"];
    for (content, label) in [
        ("a,b\n1,2\n3,4\n", None),
        ("b,note,a\n2,hello,1\n4,,3\n", None),
        // Columns that are not read need no name either.
        (",a,b,\n0,1,2,\n1,3,4,\n", None),
        ("1,2\n3,4\n", None),
        ("p,q\n1,2\n3,4\n", None),
        ("1,2,u\n3,4,v\n", None),
        ("p,q,kind\n1,2,u\n3,4,v\n", None),
        ("1,2,0\n3,4,1\n", None),
        // A label that is not read may be missing.
        ("1,2,\n3,4,\n", None),
        ("u,1,2\nv,3,4\n", Some(Label::Number(1))),
        ("kind,p,q\nu,1,2\nv,3,4\n", Some(Label::Name("kind".into()))),
    ] {
        assert_eq!(read_features(content, &wanted, label.as_ref()), expected, "{content:?}");
    }
    assert_eq!(read_features("5\n6\n", &["x1"], None), Features { x: vec![5.0, 6.0], n_features: 1, m: 2 });
}

#[test]
fn features_that_do_not_fit_the_model_are_refused() {
    let expected = "data.csv: expected the model's 2 features (`a`, `b`), found";
    let hint = "name the features in a header, or give exactly these columns, at most with a label besides";
    for (content, columns) in [("1\n", 1), ("1,2,3,4\n", 4), ("a,p,q,r\n1,2,3,4\n", 4)] {
        assert_features_refused(content, &["a", "b"], None, &format!("{expected} {columns} columns; {hint}"));
    }
    assert_features_refused(
        "1,2,3\n",
        &["a", "b"],
        Some(&Label::Number(4)),
        "invalid label column `4`: data.csv has columns 1 to 3",
    );
    assert_features_refused(
        "p,q,kind\n1,2,u\n",
        &["a", "b"],
        Some(&Label::Name("sort".into())),
        "invalid label column `sort`: the columns of data.csv are `p`, `q`, `kind`",
    );
    assert_features_refused(
        "a,b\n1,2\n3,\n",
        &["a", "b"],
        None,
        "data.csv, line 3: column `b` is empty; fill in the missing value or remove the row",
    );
    assert_features_refused("a,b\n", &["a", "b"], None, "data.csv: empty: no samples");
}

#[test]
fn unreadable_files_are_refused() {
    let file = CsvFile::new("");
    for path in [file.folder.path().join("absent.csv"), file.folder.path().into()] {
        for error in [
            read_csv(&path, &CsvOptions::default()).unwrap_err(),
            read_csv_features(&path, &strings(&["x1"]), None).unwrap_err(),
        ] {
            assert!(matches!(&error, Error::Read { path: named, .. } if *named == path), "{error}");
        }
    }
}

#[test]
fn files_without_samples_are_refused() {
    for content in ["", "\n\r\n", "\u{feff}", "  \n", "a,b,kind\n", "a,b,kind"] {
        assert_plain_refused(content, "data.csv: empty: no samples");
    }
}

#[test]
fn ragged_rows_are_refused() {
    let expected = "data.csv, line 3: expected 3 fields as in the first row, found";
    assert_plain_refused("a,b,kind\n1,2,u\n3,v\n", &format!("{expected} 2"));
    assert_plain_refused("a,b,kind\n1,2,u\n3,4,5,v\n", &format!("{expected} 4"));
}

#[test]
fn cells_that_are_no_finite_numbers_are_refused() {
    let cell = |cell: &str| format!("a,b,kind\n1,2,u\n3,{cell},v\n");
    let place = "data.csv, line 3: column `b`";
    for text in ["abc", "1 2", "0x10", "1_000"] {
        let problem = "is not a number; correct it, or remove the row or the column";
        assert_plain_refused(cell(text), &format!("{place}: `{text}` {problem}"));
    }
    for text in ["nan", "NaN", "inf", "-Infinity", "1e999"] {
        let problem = "is not a finite number; replace the value or remove the row";
        assert_plain_refused(cell(text), &format!("{place}: `{text}` {problem}"));
    }
    let empty = "is empty; fill in the missing value or remove the row";
    assert_plain_refused(cell(""), &format!("{place} {empty}"));
    assert_plain_refused("1,,u\n3,4,v\n", &format!("data.csv, line 1: column 2 {empty}"));
    assert_plain_refused("1,2,u\n3,4,\n", &format!("data.csv, line 2: column 3 {empty}"));
    assert_plain_refused(
        "1,2,u\n3,4,nan\n",
        "data.csv, line 2: column 3: `nan` is not a finite number; replace the value or remove the row",
    );
}

#[test]
fn long_and_multi_line_cells_are_shown_on_one_line() {
    assert_plain_refused(
        format!("a,kind\n\"x\ny{}\",u\n", "z".repeat(50)),
        &format!(
            "data.csv, line 3: column `a`: `x y{}...` is not a number; correct it, or remove the row or the column",
            "z".repeat(37)
        ),
    );
}

#[test]
fn lines_are_those_of_the_file() {
    for (content, line) in [
        ("a,kind\nx,u\n", 2),
        ("a,kind\r\nx,u\r\n", 2),
        ("a,kind\rx,u\r", 2),
        ("a,kind\nx,u", 2),
        ("a,kind\r\nx,u", 2),
        ("\n\na,kind\n\n  \n\r\nx,u\n", 7),
        ("\u{feff}a,kind\r\n\r\n1,u\r\nx,u\r\n", 4),
        ("\"a\nb\",kind\n1,u\nx,v\n", 4),
    ] {
        let file = CsvFile::new(content);
        let message = file.message(read_csv(&file.path, &CsvOptions::default()));
        assert!(message.starts_with(&format!("data.csv, line {line}: ")), "{content:?}: {message}");
    }
    // Far beyond the reader's buffer.
    let long = format!("a,kind\r\n{}x,u\r\n", "1,u\r\n\r\n".repeat(50_000));
    let file = CsvFile::new(long);
    let message = file.message(read_csv(&file.path, &CsvOptions::default()));
    assert!(message.starts_with("data.csv, line 100002: "), "{message}");
}

#[test]
fn label_columns_that_are_not_there_are_refused() {
    let number = |number| CsvOptions { label: Label::Number(number), ..CsvOptions::default() };
    let content = "a,b,kind\n1,2,u\n";
    for n in [0, 4] {
        assert_refused(
            content,
            &number(n),
            &format!("invalid label column `{n}`: data.csv has columns 1 to 3"),
        );
    }
    assert_refused(
        content,
        &by_name("sort"),
        "invalid label column `sort`: the columns of data.csv are `a`, `b`, `kind`",
    );
    assert_refused(
        "1,2,u\n",
        &by_name("kind"),
        "invalid label column `kind`: data.csv has no header; give the column's number, 1 to 3",
    );
    let file = CsvFile::new(content);
    assert!(read_csv(&file.path, &number(4)).unwrap_err().is_usage());
}

#[test]
fn headers_that_do_not_tell_columns_apart_are_refused() {
    assert_plain_refused(
        "a,b,a,kind\n1,2,3,u\n",
        "data.csv, line 1: columns 1 and 3 are both named `a`; give each its own name",
    );
    assert_plain_refused(
        ",a,kind\n0,1,u\n",
        "data.csv, line 1: column 1 has no name in the header; name it, or remove it if it only counts the rows",
    );
}

#[test]
fn a_single_column_is_refused() {
    let expected = "data.csv: only one column, and features and a label are needed; are the columns separated by commas?";
    assert_plain_refused("1\n2\n", expected);
    assert_plain_refused("a;b;kind\n1;2;u\n", expected);
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    let problem = "is not UTF-8 text; save the file as UTF-8";
    assert_plain_refused(
        b"a,b,kind\n1,2,u\n3,4,\xe9t\xe9\n",
        &format!("data.csv, line 3: column `kind` {problem}"),
    );
    assert_plain_refused(b"a,\xff,kind\n1,2,u\n", &format!("data.csv, line 1: column 2 {problem}"));
    // A file in UTF-16, as some spreadsheets export it.
    assert_plain_refused(b"\xff\xfea\0,\0b\0\n\0", &format!("data.csv, line 1: column 1 {problem}"));
}
