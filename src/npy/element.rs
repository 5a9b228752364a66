//! The types of an array's elements, and the bytes of an element as a number or a text.

/// The longest text of an element, in characters: bounds what one element makes a reader allocate.
const MAX_TEXT: usize = 1 << 24;

/// How an element is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Unsigned,
    Signed,
    Float,
    /// Unicode characters of four bytes each, padded with zeros.
    Text,
}

/// The type of an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ElementType {
    pub(crate) kind: Kind,
    /// Bytes an element; of numbers 1 to 8.
    pub(crate) size: usize,
    pub(crate) big_endian: bool,
}

impl ElementType {
    /// A double of this format's usual byte order.
    pub(crate) const DOUBLE: Self = Self { kind: Kind::Float, size: 8, big_endian: false };

    /// The type that NumPy's name of it says, such as `<f8`.
    ///
    /// # Errors
    /// What other type to save, in words.
    pub(crate) fn parse(descr: &str) -> Result<Self, String> {
        let unfit = || {
            let shown: String = descr.chars().filter(|c| !c.is_control()).take(20).collect();
            let save = "save numbers, such as float64, float32 or uint8, and texts with .astype(str)";
            match shown.ends_with('O') {
                true => {
                    format!("it holds Python objects (type `{shown}`), which only Python can read; {save}")
                }
                false => format!("its elements are of type `{shown}`; {save}"),
            }
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
            ('U', 1..=MAX_TEXT) => (Kind::Text, 4 * size),
            _ => return Err(unfit()),
        };
        Ok(Self { kind, size, big_endian })
    }

    /// The number that these bytes are, rounded where it is a whole one beyond 2^53.
    pub(crate) fn number(self, bytes: &[u8]) -> f64 {
        let bits = self.bits(bytes);
        match (self.kind, self.size) {
            (Kind::Float, 4) => f64::from(f32::from_bits(bits as u32)),
            (Kind::Float, _) => f64::from_bits(bits),
            (Kind::Signed, _) => self.extended(bits) as f64,
            (Kind::Unsigned | Kind::Text, _) => bits as f64,
        }
    }

    /// The whole number that these bytes are.
    ///
    /// # Errors
    /// One that is too large, in words.
    #[cfg(feature = "export")]
    pub(crate) fn integer(self, bytes: &[u8]) -> Result<i64, String> {
        let bits = self.bits(bytes);
        match self.kind {
            Kind::Signed => Ok(self.extended(bits)),
            _ => i64::try_from(bits).map_err(|_| format!("{bits} is too large an integer")),
        }
    }

    /// The text that these bytes are.
    ///
    /// # Errors
    /// One that is no Unicode, in words.
    pub(crate) fn text(self, bytes: &[u8]) -> Result<String, String> {
        let characters = bytes.as_chunks::<4>().0.iter().map(|&code| {
            char::from_u32(if self.big_endian { u32::from_be_bytes(code) } else { u32::from_le_bytes(code) })
        });
        let text: Option<String> = characters.collect();
        let text = text.ok_or("a text is no valid Unicode; save the array again")?;
        Ok(text.trim_end_matches('\0').to_owned())
    }

    /// The bytes of a number as the low bits of a word.
    fn bits(self, bytes: &[u8]) -> u64 {
        let mut wide = [0; 8];
        let ordered = &mut wide[..self.size];
        ordered.copy_from_slice(bytes);
        if self.big_endian {
            ordered.reverse();
        }
        u64::from_le_bytes(wide)
    }

    /// Bits with their sign in all places above.
    fn extended(self, bits: u64) -> i64 {
        let unused = 64 - 8 * self.size as u32;
        (bits << unused) as i64 >> unused
    }
}
