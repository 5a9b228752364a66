//! A corpus of bad files: each ends in one line that says what is wrong, exit code 1 or 2, and nothing written.

use crate::allocations::{MOST, read_within};
use crate::arrays::{doubles, gzip, idx, npy, npz};
use crate::command::Desk;

/// A file, what is done with it, and words of the error.
struct Bad {
    name: &'static str,
    content: Vec<u8>,
    options: &'static str,
    words: &'static [&'static str],
}

fn bad(
    name: &'static str,
    content: impl AsRef<[u8]>,
    options: &'static str,
    words: &'static [&'static str],
) -> Bad {
    Bad { name, content: content.as_ref().to_vec(), options, words }
}

/// Every file is refused by `command`, which may look at other files of the desk.
#[track_caller]
fn assert_refused(desk: &Desk, command: &str, corpus: &[Bad]) {
    for Bad { name, content, options, words } in corpus {
        std::fs::write(desk.path(name), content).unwrap();
        // Whether it is refused may hang on the options; what is allocated until then does not.
        read_within(&desk.path(name), MOST);
        let before = desk.contents();
        let arguments = format!("{command} --data {name} --backend cpu-reference {options}");
        let assert = desk.gpu_nn(&arguments).stdout("");
        let output = assert.get_output();
        let line = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments}: {:?} {line}", output.status);
        assert!(line.starts_with("error: ") && line.lines().count() == 1, "{arguments}: {line}");
        assert!(line.len() < 500, "{arguments}: as long as this: {line}");
        for word in *words {
            assert!(line.contains(word), "{arguments}: `{word}` is not in {line}");
        }
        assert!(desk.contents() == before, "{arguments}: files were left behind or changed");
        std::fs::remove_file(desk.path(name)).unwrap();
    }
}

const TRAIN: &str = "train --iterations 2 --no-plots";

#[test]
fn texts() {
    let cut_quote = "a,b,kind\n1,\"2,u\n3,4,v\n";
    let wide = format!("a,kind\n{}1,u\n2,v\n", "1,".repeat(3000));
    let corpus = [
        bad("d.csv", "", "", &["d.csv: empty: no samples"]),
        bad("d.csv", "\n\r\n  \n", "", &["no samples"]),
        bad("d.csv", "\u{feff}", "", &["no samples"]),
        bad("d.csv", "a,b,kind\n", "", &["no samples"]),
        bad("d.csv", "a,b,kind\n1,2\n", "", &["line 2", "expected 3 fields", "found 2"]),
        bad("d.csv", "a,b,kind\n1,2,u\n1,2,3,v\n", "", &["line 3", "expected 3 fields", "found 4"]),
        bad("d.csv", wide, "", &["line 2", "expected 2 fields", "found 3002"]),
        bad("d.csv", cut_quote, "", &["d.csv, line 3", "found 2"]),
        bad("d.csv", "a,a,kind\n1,2,u\n3,4,v\n", "", &["columns 1 and 2 are both named `a`"]),
        bad("d.csv", ",a,kind\n1,2,u\n3,4,v\n", "", &["column 1 has no name"]),
        bad("d.csv", "1\n2\n", "", &["only one column"]),
        bad("d.txt", "a kind\n1 u\n2 v\n", "", &["only one column"]),
        bad("d.csv", "a,kind\n1,u\n2,u\n", "", &["only one class (`u`)"]),
        bad("d.csv", "a,kind\n1,u\n", "", &["only one class"]),
        bad("d.csv", "a,kind\n1,u\ntall,v\n", "", &["line 3", "column `a`", "`tall` is not a number"]),
        bad("d.csv", "a,kind\ntall,u\n1,v\n", "", &["line 3", "`1` is a number among texts"]),
        bad("d.csv", "a,kind\n1,u\n0x10,v\n", "", &["`0x10` is not a number"]),
        bad(
            "d.csv",
            "a;kind\n1,5;u\n2,5;v\n",
            "",
            &["line 2", "column `a`", "`1,5` is a number with a comma"],
        ),
        bad("d.csv", "a;b\n1;0,5\n2;1,5\n", "", &["line 2", "column `b`", "`0,5` is a number with a comma"]),
        bad("d.csv", "a,kind\n1,u\ninf,v\n", "", &["line 3", "`inf` is not a finite number"]),
        bad("d.csv", "a,kind\n1,u\n-1e999,v\n", "", &["`-1e999` is not a finite number"]),
        bad("d.csv", "a,kind\n1,u\n,v\n", "", &["line 3", "column `a` has no value", "--impute"]),
        bad("d.csv", "a,kind\n1,u\nNaN,v\n", "", &["line 3", "column `a` has no value"]),
        bad("d.csv", "a,kind\nx,u\nNA,v\n", "", &["line 3", "column `a` has no value"]),
        bad(
            "d.csv",
            "a,b,kind\n1,?,u\n2,,v\n",
            "--impute mean",
            &["column `b` has no values at all", "--drop"],
        ),
        bad("d.csv", "a,kind\n1,u\n2,\n", "", &["line 3", "column `kind` is empty"]),
        bad("d.csv", "a,kind\n1,u\n2,NA\n", "", &["line 3", "`NA` is no label"]),
        bad("d.csv", "a,kind\n1,1\n2,nan\n", "", &["line 3", "`nan` is not a finite number"]),
        bad("d.csv", "a,kind\n1,0.5\n2,inf\n", "", &["`inf` is not a finite number"]),
        bad("d.csv", "a,kind\n1,2\n2,dear\n", "--task regression", &["line 3", "`dear` is not a number"]),
        bad("d.csv", "a,kind\n1,\n2,1\n", "--task regression", &["line 2", "column `kind` is empty"]),
        bad("d.csv", "a,kind\n1,u\n2,v\n", "--label sort", &["label column `sort`", "`a`, `kind`"]),
        bad("d.csv", "1,u\n2,v\n", "--label 7", &["label column `7`", "columns 1 to 2"]),
        bad("d.csv", "1,u\n2,v\n", "--label kind", &["label column `kind`", "no header"]),
        bad("d.csv", "a,kind\n1,u\n2,v\n", "--features b", &["feature column `b`"]),
        bad("d.csv", "a,kind\n1,u\n2,v\n", "--drop b", &["column to drop `b`"]),
        bad("d.csv", "a,kind\n1,u\n2,v\n", "--drop a", &["no column is left"]),
        bad("d.csv", "a,kind\n1,u\n2,v\n", "--drop a,kind", &["every column is dropped"]),
        bad("d.csv", "a,kind\n1,u\n2,v\n", "--features kind", &["one of the features"]),
        bad("d.csv", "a,kind\n1,u\n2,v\n", "--labels-file x", &["holds its labels itself"]),
        bad("d.csv", b"a,kind\n1,\xe9t\xe9\n2,v\n", "", &["line 2", "column `kind` is not UTF-8"]),
        bad("d.csv", b"\xff\xfea\0,\0b\0\n\0", "", &["not UTF-8", "save the file as UTF-8"]),
        bad("d.csv", b"a,kind\n1,u\0\n", "", &["neither a text file"]),
        #[cfg(not(feature = "parquet"))]
        bad("d.parquet", "PAR1", "", &["built without --features parquet"]),
        bad("d.bin", b"\x7fELF\x02\x01\x01\0\0\0\0\0", "", &["neither a text file"]),
        bad(
            "d.csv",
            "1e308,u\n-1e308,v\n-1e308,v\n",
            "",
            &["column 1", "too large to be scaled", "--scale none"],
        ),
    ];
    assert_refused(&Desk::new(), TRAIN, &corpus);
}

#[test]
fn compressed_texts() {
    let whole = gzip("a,kind\n1,u\n2,v\n".repeat(50).as_bytes());
    let mut flipped = whole.clone();
    let last = flipped.len() - 6;
    flipped[last] ^= 0xff;
    let mut header = whole.clone();
    header[2] = 99;
    let corpus = [
        bad("d.csv.gz", &whole[..whole.len() / 2], "", &["d.csv.gz", "damaged or cut short"]),
        bad("d.csv.gz", &whole[..5], "", &["damaged or cut short"]),
        bad("d.csv.gz", flipped, "", &["damaged or cut short"]),
        bad("d.csv.gz", header, "", &["damaged or cut short"]),
        bad("d.csv.gz", gzip(b""), "", &["no samples"]),
    ];
    assert_refused(&Desk::new(), TRAIN, &corpus);
}

#[test]
fn arrays() {
    let good = npy("<f8", false, "(3, 2)", &doubles(&[1.0, 0.0, 2.0, 1.0, 3.0, 1.0]));
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        bytes
    };
    let twelve = [0; 12];
    let not_finite = |bad: f64| npy("<f8", false, "(2, 2)", &doubles(&[1.0, 0.0, bad, 1.0]));
    let corpus = [
        bad("d.npy", "", "", &["d.npy", "cut short"]),
        bad("d.npy", &good[..7], "", &["cut short"]),
        bad("d.npy", &good[..40], "", &["cut short"]),
        bad("d.npy", &good[..good.len() - 1], "", &["claims 176 bytes, but it has 175"]),
        bad("d.npy", gzip(&good[..good.len() - 1]), "", &["cut short"]),
        bad("d.npy", [&good[..], &[0]].concat(), "", &["claims 176 bytes, but it has 177"]),
        bad("d.npy", gzip(&[&good[..], &[0]].concat()), "", &["goes on after its array"]),
        bad("d.npy", with(1, b'X'), "", &["does not begin as NumPy's"]),
        bad("d.npy", with(6, 9), "", &["newer than NumPy's versions"]),
        bad("d.npy", [b"\x93NUMPY\x02\0\xff\xff\xff\xff", &good[10..]].concat(), "", &["header is longer"]),
        bad("d.npy", with(12, 0xff), "", &["header is not text"]),
        bad("d.npy", npy("<f8", false, "(3, 2", &twelve), "", &["d.npy"]),
        bad("d.npy", npy("<f8", false, "(-3, 2)", &twelve), "", &["header is not NumPy's"]),
        bad("d.npy", npy("<f8", false, "()", &twelve[..8]), "", &["a single number"]),
        bad("d.npy", npy("<f8", false, "(3, 0)", &[]), "", &["no columns"]),
        bad("d.npy", npy("<f8", false, "(0, 3)", &[]), "", &["no samples"]),
        bad("d.npy", npy("<f8", false, "(9999999999, 9999999999)", &twelve), "", &["no columns or more"]),
        bad("d.npy", npy("<f8", false, "(9999999999999, 4)", &twelve), "", &["its header claims"]),
        bad("d.npy", npy("|O", false, "(3, 4)", &twelve), "", &["type `|O`", "float64"]),
        bad("d.npy", npy("<c16", false, "(3, 4)", &twelve), "", &["type `<c16`"]),
        bad("d.npy", npy("<f2", false, "(3, 2)", &twelve), "", &["type `<f2`"]),
        bad("d.npy", npy("<U1", false, "(1, 3)", &twelve), "", &["texts"]),
        bad("d.npy", npy("|u1", false, "(12,)", &twelve), "", &["only one column"]),
        bad("d.npy", not_finite(f64::INFINITY), "", &["row 2", "column 1 is not a finite number"]),
        bad("d.npy", not_finite(f64::NAN), "", &["row 2", "column 1 has no value"]),
        bad("d.npy", &good, "--label kind", &["no header"]),
        bad("d.npy", &good, "--label 1 --labels-file d.npy", &["leave --label out"]),
        bad("d.npy", &good, "--labels-file d.npy", &["it has 2 columns"]),
        bad("d.npy", &good, "--labels-file absent.npy", &["absent.npy", "check the path"]),
    ];
    assert_refused(&Desk::new(), TRAIN, &corpus);
}

#[test]
fn archives() {
    let x = npy("<f8", false, "(2, 1)", &doubles(&[1.0, 2.0]));
    let y = npy("|u1", false, "(2,)", &[0, 1]);
    let whole = npz(&[("x.npy", x.clone()), ("y.npy", y.clone())]);
    let mut flipped = whole.clone();
    flipped[100] ^= 0xff;
    let three = npy("|u1", false, "(3,)", &[0, 1, 1]);
    let corpus = [
        bad("d.npz", "", "", &["d.npz", "zip archive"]),
        bad("d.npz", &whole[..whole.len() / 2], "", &["zip archive"]),
        bad("d.npz", flipped, "", &["d.npz"]),
        bad("d.npz", npz(&[("readme.txt", vec![1])]), "", &["without a single NumPy array"]),
        bad("d.npz", npz(&[("x.npy", x.clone())]), "", &["label column `y`", "arrays of d.npz are `x`"]),
        bad("d.npz", npz(&[("y.npy", y)]), "", &["feature column `x`", "--features"]),
        bad("d.npz", npz(&[("x.npy", x.clone()), ("y.npy", three)]), "", &["expected 2", "found 3"]),
        bad("d.npz", npz(&[("x.npy", vec![1, 2, 3]), ("y.npy", vec![])]), "", &["array `x`", "cut short"]),
        bad("d.npz", &whole, "--label z", &["label column `z`", "`x`, `y`"]),
        bad("d.npz", npz(&[("x.npy", x.clone()), ("y.npy", x)]), "--label x --features y,4", &["column `4`"]),
    ];
    assert_refused(&Desk::new(), TRAIN, &corpus);
}

#[test]
fn images() {
    let good = idx(8, &[3, 2, 1], &[1, 2, 3, 4, 5, 6]);
    let mut magic = good.clone();
    magic[0] = 1;
    let desk = Desk::new();
    std::fs::write(desk.path("two"), idx(8, &[2], &[0, 1])).unwrap();
    std::fs::write(desk.path("three"), idx(8, &[3], &[0, 1, 1])).unwrap();
    let nan: Vec<u8> = [1.0_f32, f32::NAN, 2.0].iter().flat_map(|n| n.to_be_bytes()).collect();
    let corpus = [
        bad("d.idx", "", "", &["d.idx", "cut short"]),
        bad("d.idx", &good[..3], "", &["cut short"]),
        bad("d.idx", &good[..9], "", &["cut short"]),
        bad("d.idx", magic, "", &["magic number [01, 00, 08, 03]"]),
        bad("d.idx", idx(7, &[3, 2, 1], &[0; 6]), "", &["magic number"]),
        bad("d.idx", &good[..good.len() - 1], "", &["claims 22 bytes, but it has 21"]),
        bad("d.idx", [&good[..], &[0]].concat(), "", &["claims 22 bytes, but it has 23"]),
        bad("d.idx.gz", gzip(&good[..good.len() - 1]), "", &["cut short"]),
        bad("d.idx.gz", &gzip(&good)[..20], "", &["damaged or cut short"]),
        bad("d.idx", idx(8, &[u32::MAX, u32::MAX, 9], &[0; 6]), "", &["no columns or more"]),
        bad("d.idx", idx(8, &[0, 2], &[]), "--labels-file two", &["no samples"]),
        bad("d.idx", &good, "", &["no labels", "--labels-file"]),
        bad("d.idx", &good, "--labels-file two", &["expected 3, one a row, found 2"]),
        bad("d.idx", &good, "--labels-file d.idx", &["it has 2 columns"]),
        bad("d.idx", &good, "--labels-file three --label 2", &["leave --label out"]),
        bad("d.idx", idx(13, &[3], &nan), "--labels-file three", &["row 2", "column 1 has no value"]),
    ];
    assert_refused(&desk, TRAIN, &corpus);
}

#[test]
fn files_that_do_not_suit_a_model() {
    let desk = Desk::new();
    desk.put("train.csv", "a,b,kind\n1,x,u\n2,y,v\n3,x,u\n");
    desk.output("train --data train.csv --backend cpu-reference --iterations 2 --no-plots --quiet --out run");
    let both = [
        bad("d.csv", "", "", &["no samples"]),
        bad("d.csv", "a,b,kind\n", "", &["no samples"]),
        bad(
            "d.csv",
            "a,b,kind\n1,z,u\n",
            "",
            &["line 2", "column `b`", "`z` is none of the model's categories"],
        ),
        bad("d.csv", "a,b,kind\nwide,x,u\n", "", &["line 2", "column `a`", "`wide` is not a number"]),
        bad("d.csv", "a,b,kind\n,x,u\n", "", &["line 2", "column `a` has no value", "--impute"]),
        bad("d.csv", "a,b,kind\n1,NA,u\n", "", &["line 2", "column `b` has no value"]),
        bad("d.csv", "a,b,kind\ninf,x,u\n", "", &["`inf` is not a finite number"]),
        bad("d.csv", "a,b,c,d,kind\n1,u\n", "", &["expected 5 fields"]),
        bad("d.csv", "p,q,r,s\n1,x,3,u\n", "", &["the model's 2 features (`a`, `b`)", "found 4 columns"]),
        bad(
            "d.npy",
            npy("|u1", false, "(2, 5)", &[0; 10]),
            "",
            &["the model's 2 features", "found 5 columns"],
        ),
    ];
    assert_refused(&desk, "predict run", &both);
    let number = npy("|u1", false, "(1, 2)", &[1, 2]);
    let unknown = bad("d.npy", number, "", &["row 1", "column 2", "`2` is none of the model's categories"]);
    assert_refused(&desk, "predict run", &[unknown]);
    assert_refused(&desk, "evaluate run", &both);
    let labels = [
        bad(
            "d.csv",
            "a,b,kind\n1,x,w\n",
            "",
            &["line 2", "label `w`", "none of the model's classes (`u`, `v`)"],
        ),
        bad("d.csv", "a,b,kind\n1,x,\n", "", &["line 2", "column `kind` is empty"]),
        bad("d.csv", "kind,a,b\nu,1,x\n", "", &["label column `b` is one of the model's features"]),
    ];
    assert_refused(&desk, "evaluate run", &labels);
}
