//! Safetensors files, looked at before they are read: what a header claims is held against the file's length, so that a bad
//! file of any size takes no more memory than its header.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::error::{Error, Result};

/// The most bytes of a header; that of a long training's checkpoint has a line for every epoch.
const MAX_HEADER: u64 = 1 << 26;

/// The most arrays of a file: two a layer, and some more.
const MAX_ARRAYS: usize = 1 << 12;

/// The most dimensions of an array.
const MAX_DIMENSIONS: usize = 8;

/// The bytes of a file whose arrays are where its header says.
///
/// # Errors
/// [`Error::Read`]; [`Error::Model`] for a header that is too long or none, and for arrays that lie outside the file or
/// have names that are there twice or lead out of a folder.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = |source| Error::Read { path: path.into(), source };
    let refuse = |problem: String| Error::Model { path: path.into(), problem };
    let mut file = File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    // A folder or a pipe has no length to be held to; reading says what is wrong with it.
    let length = if about.is_file() { about.len() } else { u64::MAX };
    let damaged = "the file is damaged or cut short: copy it again, or train again";
    let cut = || refuse(format!("it is shorter than a model file's beginning; {damaged}"));
    let mut start = [0; 8];
    file.read_exact(&mut start).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => cut(),
        _ => failed(error),
    })?;
    let header = u64::from_le_bytes(start);
    if header > MAX_HEADER || header + 8 > length {
        return Err(refuse(format!(
            "its header claims {header} bytes, and the file has {length}; it is no safetensors file, or {damaged}"
        )));
    }
    let mut bytes = start.to_vec();
    file.by_ref().take(header).read_to_end(&mut bytes).map_err(failed)?;
    let end = end_of_arrays(&bytes[8..])
        .map_err(|error| refuse(format!("its header cannot be read ({error}); {damaged}")))?;
    let claimed = end.checked_add(header + 8);
    if claimed.is_none_or(|claimed| claimed > length) {
        return Err(refuse(format!(
            "its arrays claim {end} bytes behind the header, and the file has {length}; {damaged}"
        )));
    }
    file.read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Where the last array of a header ends.
fn end_of_arrays(header: &[u8]) -> std::result::Result<u64, serde_json::Error> {
    let mut reader = serde_json::Deserializer::from_slice(header);
    let end = reader.deserialize_map(Arrays)?;
    // Behind the dictionary is nothing but spaces.
    reader.end().map(|()| end)
}

/// All entries of a header.
struct Arrays;

impl<'de> Visitor<'de> for Arrays {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a dictionary of arrays")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<u64, A::Error> {
        use serde::de::Error as _;
        let (mut names, mut end) = (HashSet::new(), 0);
        while let Some(name) = map.next_key::<String>()? {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
            if name.contains(['/', '\\']) || name == ".." {
                return Err(A::Error::custom(format!("the array `{shown}` is named like a path")));
            }
            if name == "__metadata__" {
                map.next_value::<IgnoredAny>()?;
            } else {
                end = end.max(map.next_value_seed(Entry)?);
            }
            if !names.insert(name) {
                return Err(A::Error::custom(format!("the array `{shown}` is there twice")));
            }
            if names.len() > MAX_ARRAYS {
                return Err(A::Error::custom(format!("more than {MAX_ARRAYS} arrays")));
            }
        }
        Ok(end)
    }
}

/// An array's entry: its end.
struct Entry;

impl<'de> DeserializeSeed<'de> for Entry {
    type Value = u64;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<u64, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Entry {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array's entry")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<u64, A::Error> {
        let mut end = 0;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "data_offsets" => end = map.next_value_seed(Numbers)?.last().copied().unwrap_or(0),
                "shape" => drop(map.next_value_seed(Numbers)?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(end)
    }
}

/// A short list of numbers.
struct Numbers;

impl<'de> DeserializeSeed<'de> for Numbers {
    type Value = Vec<u64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Vec<u64>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Numbers {
    type Value = Vec<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Vec<u64>, A::Error> {
        use serde::de::Error as _;
        let mut numbers = Vec::new();
        while let Some(number) = list.next_element()? {
            if numbers.len() == MAX_DIMENSIONS {
                return Err(A::Error::custom(format!("more than {MAX_DIMENSIONS} dimensions")));
            }
            numbers.push(number);
        }
        Ok(numbers)
    }
}
