//! The head of a .npy file: magic, version, and a Python dictionary of the type, the order and the shape.

const MAGIC: &[u8] = b"\x93NUMPY";

/// Data starts at a multiple of this.
const ALIGNMENT: usize = 64;

/// What a .npy file says of its data.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Header {
    /// NumPy's name of the type, with its byte order: `<f4`.
    pub descr: String,
    /// Whether the first index runs fastest.
    pub fortran_order: bool,
    pub shape: Vec<usize>,
}

impl Header {
    /// Takes the header off the front of `bytes`; the rest is data.
    pub fn split(bytes: &[u8]) -> Result<(Self, &[u8]), String> {
        let damaged = || "it is no .npy file, or cut short".to_owned();
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
        let ([major, _minor], rest) = rest.split_first_chunk().ok_or_else(damaged)?;
        let (length, rest) = match major {
            1 => rest.split_first_chunk().map(|(length, rest)| (u16::from_le_bytes(*length) as usize, rest)),
            2 | 3 => {
                rest.split_first_chunk().map(|(length, rest)| (u32::from_le_bytes(*length) as usize, rest))
            }
            _ => return Err(format!("it has version {major} of the .npy format; 1 to 3 can be read")),
        }
        .ok_or_else(damaged)?;
        let (text, data) = rest.split_at_checked(length).ok_or_else(damaged)?;
        let text = String::from_utf8_lossy(text);
        Ok((Self::parse(&text)?, data))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let missing = |what: &str| format!("its header has no readable `{what}`: {}", text.trim_end());
        let quoted = |rest: &str| {
            let quote = rest.chars().next().filter(|c| ['\'', '"'].contains(c))?;
            Some(rest[1..].split_once(quote)?.0.to_owned())
        };
        let descr = entry(text, "descr").ok_or_else(|| missing("descr"))?;
        let descr = quoted(descr)
            .ok_or("its values are records of several fields; save plain arrays of one type".to_owned())?;
        let order = entry(text, "fortran_order").ok_or_else(|| missing("fortran_order"))?;
        let shape = entry(text, "shape").and_then(|rest| rest.strip_prefix('(')?.split_once(')'));
        let (shape, _) = shape.ok_or_else(|| missing("shape"))?;
        let shape = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
        let shape = shape.map(|size| size.parse().map_err(|_| missing("shape"))).collect::<Result<_, _>>()?;
        Ok(Self { descr, fortran_order: order.starts_with("True"), shape })
    }

    /// The header of a file, as NumPy writes it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let order = if self.fortran_order { "True" } else { "False" };
        let sizes: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        let comma = if sizes.len() == 1 { "," } else { "" };
        let shape = format!("({}{comma})", sizes.join(", "));
        let mut text = format!("{{'descr': '{}', 'fortran_order': {order}, 'shape': {shape}, }}", self.descr);
        let head = MAGIC.len() + 4;
        let length = (head + text.len() + 1).next_multiple_of(ALIGNMENT) - head;
        while text.len() + 1 < length {
            text.push(' ');
        }
        text.push('\n');
        // Shapes here have at most two dimensions: far from 64 KiB of header.
        [MAGIC, &[1, 0], &(length as u16).to_le_bytes(), text.as_bytes()].concat()
    }
}

/// What stands behind a key of the dictionary, to the end of the text.
fn entry<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let after = |quoted: String| text.split_once(&quoted).map(|(_, rest)| rest);
    let rest = after(format!("'{key}'")).or_else(|| after(format!("\"{key}\"")))?;
    Some(rest.trim_start().strip_prefix(':')?.trim_start())
}
