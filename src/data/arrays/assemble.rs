//! From the columns of a file to a table: features chosen, labels turned into targets.

use std::path::Path;

use super::Sheet;
use crate::data::csv_columns::{Columns, Head, Request};
use crate::data::csv_file::TableOptions;
use crate::data::csv_labels::LabelColumn;
use crate::data::csv_rows::title;
use crate::data::input::file_name;
use crate::data::table::{Cells, Column, RawTable};
use crate::data::{TargetKind, Targets};
use crate::error::{Error, Result};

/// Makes the table that `options` ask for of the columns that were read.
///
/// # Errors
/// [`Error::Data`] for a column or label that cannot be used; [`Error::InvalidArgument`] for a column that is not
/// there; [`Error::Shape`] for other columns than those wanted, or labels of another number.
pub(in crate::data) fn assemble(
    mut sheet: Sheet,
    path: &Path,
    options: &TableOptions<'_>,
) -> Result<RawTable> {
    let origin = path.display().to_string();
    if sheet.columns.first().is_none_or(Cells::is_empty) {
        return Err(Error::data(origin, "empty: no samples"));
    }
    let TableOptions { label, selection, wanted, .. } = *options;
    let request = Request { label, selection, wanted, texts: true };
    let header = sheet.names.take();
    let head = match &header {
        Some(names) => Head::named(origin.clone(), names.clone()),
        None => Head::unnamed(origin.clone(), sheet.columns.len()),
    };
    let columns = match options.target {
        _ if sheet.features_only => Columns::features_only(&head, &request)?,
        Some(_) => Columns::labelled(&head, &request)?,
        None => Columns::unlabelled(&head, &request)?,
    };
    let header = header.unwrap_or_default();
    let targets = match options.target {
        Some(kind) => {
            let apart = sheet.labels.as_ref();
            let cells = apart.or_else(|| columns.label.map(|column| &sheet.columns[column]));
            let cells = cells.ok_or_else(|| {
                Error::data(&origin, "it has no labels; name their file with --labels-file")
            })?;
            let rows = sheet.columns.first().map_or(0, Cells::len);
            if cells.len() != rows {
                return Err(Error::Shape {
                    what: format!("labels of {origin}"),
                    expected: format!("{rows}, one a row"),
                    found: cells.len().to_string(),
                    hint: "use the labels that belong to these rows".into(),
                });
            }
            let column = columns.label.map_or_else(|| "the labels".into(), |column| title(&header, column));
            Some(targets(cells, kind, path, &column, options.classes)?)
        }
        None => None,
    };
    let name = |at: usize| match wanted {
        Some(wanted) => wanted[at].name.clone(),
        None => header.get(columns.features[at]).cloned().unwrap_or_else(|| format!("x{}", at + 1)),
    };
    let listed = |column| request.lists(&head, options.categorical.unwrap_or(&[]), column);
    let mut features = Vec::with_capacity(columns.features.len());
    for (at, &column) in columns.features.iter().enumerate() {
        let cells = std::mem::replace(&mut sheet.columns[column], Cells::Bytes(Vec::new()));
        let as_text = wanted.map_or_else(|| listed(column), |wanted| Ok(wanted[at].is_text))?;
        let cells = if as_text { texts(cells) } else { cells };
        features.push(Column { name: name(at), cells });
    }
    let target_name = columns.label.and_then(|column| header.get(column)).cloned();
    let unnamed = header.is_empty().then(|| columns.features.iter().map(|column| column + 1).collect());
    let table = RawTable::unchecked(file_name(path), features, targets);
    table.of_file(origin, target_name, unnamed, sheet.usual_scale).checked()
}

/// Labels as targets.
fn targets(
    cells: &Cells,
    kind: TargetKind,
    path: &Path,
    title: &str,
    classes: Option<&[String]>,
) -> Result<Targets> {
    let mut labels = LabelColumn::new(kind);
    for row in 0..cells.len() {
        let fail = |problem: &str| {
            let place = format!("{}, row {}", path.display(), row + 1);
            Error::data(place, format!("{title}: {problem}; correct it or remove the row"))
        };
        match (cells.number(row), cells.text(row)) {
            (_, Some(_)) if kind == TargetKind::Values => return Err(fail("a text is no value to learn")),
            (_, Some(text)) => labels.push_text(text, row as u64 + 1),
            (Some(number), _) if number.is_finite() => labels.push_number(number, row as u64 + 1),
            (Some(_), _) => return Err(fail("an infinite number is no label")),
            (None, None) => return Err(fail("the label is missing")),
        }
    }
    labels.finish(path, title, "row", classes)
}

/// Numbers as categories.
fn texts(cells: Cells) -> Cells {
    if cells.is_text() {
        return cells;
    }
    let mut known = std::collections::HashMap::new();
    let mut texts = Vec::new();
    let code = |row| {
        let Some(number) = cells.number(row) else { return crate::data::table::NO_TEXT };
        *known.entry(number.to_bits()).or_insert_with(|| {
            texts.push(number.to_string());
            texts.len() as u32 - 1
        })
    };
    let codes = (0..cells.len()).map(code).collect();
    Cells::Texts { codes, texts }
}
