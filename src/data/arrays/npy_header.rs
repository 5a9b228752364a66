//! The header of NumPy's NPY format: a Python dictionary of three entries, and no other Python.

use super::numbers::{ElementType, Kind, MAX_COLUMNS, Shape};

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) element: ElementType,
    pub(super) shape: Shape,
}

/// Reads a header such as `{'descr': '<f8', 'fortran_order': False, 'shape': (150, 4), }`.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn parse(text: &str) -> Result<Header, String> {
    let unlike = || "its header is not NumPy's; save the array again with numpy.save".to_owned();
    let descr = value(text, "descr").ok_or_else(unlike)?;
    let order = value(text, "fortran_order").ok_or_else(unlike)?;
    let shape = value(text, "shape").ok_or_else(unlike)?;
    if descr.starts_with('[') {
        return Err("it holds records of several types; save a plain array of numbers".into());
    }
    let descr = descr.get(1..).and_then(|rest| rest.split(['\'', '"']).next()).ok_or_else(unlike)?;
    let element = element(descr)?;
    let by_column = match order {
        order if order.starts_with("False") => false,
        order if order.starts_with("True") => true,
        _ => return Err(unlike()),
    };
    let shape = shape.strip_prefix('(').and_then(|rest| rest.split(')').next()).ok_or_else(unlike)?;
    let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
    let sizes: Vec<usize> = sizes
        .map(|size| size.trim_end_matches('L').parse().map_err(|_| unlike()))
        .collect::<Result<_, _>>()?;
    Ok(Header { element, shape: matrix(&sizes, by_column)? })
}

/// The text after a key's colon.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let at = ['\'', '"'].iter().find_map(|quote| {
        let quoted = format!("{quote}{key}{quote}");
        text.find(&quoted).map(|at| at + quoted.len())
    })?;
    Some(text[at..].trim_start().strip_prefix(':')?.trim_start())
}

/// The type that a description such as `<f8` names.
fn element(descr: &str) -> Result<ElementType, String> {
    let unfit = || {
        let shown: String = descr.chars().filter(|c| !c.is_control()).take(20).collect();
        format!("its elements are of type `{shown}`; save numbers, such as float64, float32 or uint8")
    };
    let mut characters = descr.chars();
    let big_endian = match characters.next() {
        Some('<' | '|') => false,
        Some('>') => true,
        // NumPy itself writes none of these: the order of another machine is not to be guessed.
        _ => return Err(unfit()),
    };
    let (Some(kind), Ok(size)) = (characters.next(), characters.as_str().parse::<usize>()) else {
        return Err(unfit());
    };
    let (kind, size) = match (kind, size) {
        ('b', 1) | ('u', 1 | 2 | 4 | 8) => (Kind::Unsigned, size),
        ('i', 1 | 2 | 4 | 8) => (Kind::Signed, size),
        ('f', 4 | 8) => (Kind::Float, size),
        ('U', 1..=1024) => (Kind::Text, 4 * size),
        _ => return Err(unfit()),
    };
    Ok(ElementType { kind, size, big_endian })
}

/// Rows and columns of an array: one of one dimension is a column, the dimensions after the first are laid out side by
/// side.
fn matrix(sizes: &[usize], by_column: bool) -> Result<Shape, String> {
    let Some((&rows, rest)) = sizes.split_first() else {
        return Err("it holds a single number, not an array of samples".into());
    };
    if by_column && rest.len() > 1 {
        return Err(
            "it has more than two dimensions in Fortran order; save it with numpy.ascontiguousarray".into()
        );
    }
    let columns = rest.iter().try_fold(1_usize, |product, &size| product.checked_mul(size));
    match columns {
        Some(columns) if (1..=MAX_COLUMNS).contains(&columns) => Ok(Shape { rows, columns, by_column }),
        _ => Err(format!("its shape {sizes:?} has no columns or more than {MAX_COLUMNS}")),
    }
}
