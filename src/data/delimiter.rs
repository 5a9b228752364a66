//! Which character separates the cells of a text file: by the file's name, or else by its first lines.

use std::path::Path;

/// Looked at in this order; the first of equals wins.
const DELIMITERS: [u8; 4] = [b',', b'\t', b';', b'|'];

/// Lines looked at.
const LINES: usize = 10;

/// The delimiter of a file with that name which begins with `head`.
pub(super) fn delimiter(path: &Path, head: &[u8]) -> u8 {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    if name.ends_with(".tsv") || name.ends_with(".tab") {
        return b'\t';
    }
    let lines = lines(head);
    let score = |delimiter: u8| {
        let counts: Vec<usize> = lines.iter().map(|line| count(line, delimiter)).collect();
        let first = counts.first().copied().unwrap_or(0);
        // Lines that agree say more than many of a character: `1,5;2,5` has as many commas as semicolons.
        let agree = counts.iter().all(|&count| count == first);
        (first > 0 && agree, first)
    };
    let best = DELIMITERS.into_iter().rev().max_by_key(|&delimiter| score(delimiter));
    best.filter(|&delimiter| score(delimiter).1 > 0).unwrap_or(DELIMITERS[0])
}

/// The first lines that hold something; the last of a cut head is whole only if it is the only one.
fn lines(head: &[u8]) -> Vec<&[u8]> {
    let mut quoted = false;
    let lines = head.split(|&byte| {
        quoted ^= byte == b'"';
        !quoted && (byte == b'\n' || byte == b'\r')
    });
    let mut lines: Vec<_> = lines.filter(|line| !line.trim_ascii().is_empty()).take(LINES).collect();
    if lines.len() > 1 && lines.len() < LINES && !head.ends_with(b"\n") {
        lines.pop();
    }
    lines
}

/// How often a character stands outside quotes.
fn count(line: &[u8], delimiter: u8) -> usize {
    let mut quoted = false;
    let outside = line.iter().filter(|&&byte| {
        quoted ^= byte == b'"';
        !quoted && byte == delimiter
    });
    outside.count()
}
