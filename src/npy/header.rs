//! The head of a .npy file, versions 1 to 3: magic, length, and a Python dictionary of three entries and no other Python.

use std::io::Read;

use super::element::ElementType;
use super::failure::Failure;

/// The first bytes of a file.
pub(crate) const MAGIC: &[u8] = b"\x93NUMPY";

/// The longest header that is read; NumPy's own limit is as low.
const MAX_HEADER: usize = 1 << 16;

/// What a .npy file says of its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) element: ElementType,
    /// Whether the first index runs fastest.
    pub(crate) fortran_order: bool,
    /// The dimensions; none for a single value.
    pub(crate) shape: Vec<usize>,
    /// Where the data starts.
    pub(crate) start: u64,
}

impl Header {
    /// Reads a header, up to where the data starts.
    ///
    /// # Errors
    /// [`Failure::Read`]; [`Failure::Content`] for what is no header, and for elements that are neither numbers nor texts.
    pub(crate) fn read(reader: &mut dyn Read) -> Result<Self, Failure> {
        let content = |problem: &str| Failure::Content(problem.to_owned());
        let mut start = [0; 8];
        reader.read_exact(&mut start)?;
        if !start.starts_with(MAGIC) {
            return Err(content("it does not begin as NumPy's files do; save the array with numpy.save"));
        }
        let (length, prefix) = match start[6] {
            1 => {
                let mut length = [0; 2];
                reader.read_exact(&mut length)?;
                (usize::from(u16::from_le_bytes(length)), 10)
            }
            2 | 3 => {
                let mut length = [0; 4];
                reader.read_exact(&mut length)?;
                (u32::from_le_bytes(length) as usize, 12)
            }
            _ => return Err(content("damaged, or of a format newer than NumPy's versions 1 to 3")),
        };
        if length > MAX_HEADER {
            return Err(content("damaged: its header is longer than NumPy writes; copy it again"));
        }
        let mut text = vec![0; length];
        reader.read_exact(&mut text)?;
        let text = String::from_utf8(text).map_err(|_| content("damaged: its header is not text"))?;
        Ok(Self::parse(&text, (prefix + length) as u64)?)
    }

    /// Reads a dictionary such as `{'descr': '<f8', 'fortran_order': False, 'shape': (150, 4), }`.
    fn parse(text: &str, start: u64) -> Result<Self, String> {
        let missing = |key| {
            format!("its header is not NumPy's (no readable `{key}`); save the array again with numpy.save")
        };
        let of = |key| entry(text, key).ok_or_else(|| missing(key));
        let (descr, order, shape) = (of("descr")?, of("fortran_order")?, of("shape")?);
        if descr.starts_with('[') {
            return Err("it holds records of several types; save a plain array of one type".into());
        }
        let quoted = || {
            let quote = descr.chars().next().filter(|c| ['\'', '"'].contains(c))?;
            Some(descr[1..].split_once(quote)?.0)
        };
        let element = ElementType::parse(quoted().ok_or_else(|| missing("descr"))?)?;
        let fortran_order = match order {
            order if order.starts_with("False") => false,
            order if order.starts_with("True") => true,
            _ => return Err(missing("fortran_order")),
        };
        let shape = shape.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        let sizes = shape.ok_or_else(|| missing("shape"))?.0.split(',').map(str::trim);
        let sizes = sizes.filter(|size| !size.is_empty());
        // Python 2 marks its long integers.
        let size = |size: &str| size.trim_end_matches('L').parse().map_err(|_| missing("shape"));
        Ok(Self { element, fortran_order, shape: sizes.map(size).collect::<Result<_, _>>()?, start })
    }

    /// The number of elements.
    ///
    /// # Errors
    /// More than any file can hold, or a file of `length` bytes, where that is known, which are not those that the header
    /// claims.
    pub(crate) fn elements(&self, length: Option<u64>) -> Result<u64, String> {
        let elements = self.shape.iter().try_fold(1_u64, |product, &size| product.checked_mul(size as u64));
        let claimed = elements.and_then(|elements| {
            let bytes = elements.checked_mul(self.element.size as u64)?.checked_add(self.start)?;
            // A file's offsets are signed.
            (bytes <= i64::MAX as u64).then_some((elements, bytes))
        });
        match (claimed, length) {
            (None, _) => Err("its header claims more than any file can hold".into()),
            (Some((_, claimed)), Some(length)) if claimed != length => Err(format!(
                "its header claims {claimed} bytes, but it has {length}; it is damaged or cut short: copy it again"
            )),
            (Some((elements, _)), _) => Ok(elements),
        }
    }
}

/// What stands behind a key of the dictionary, to the end of the text.
fn entry<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let after = |quoted: String| text.split_once(&quoted).map(|(_, rest)| rest);
    let rest = after(format!("'{key}'")).or_else(|| after(format!("\"{key}\"")))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}
