//! .npz: a ZIP archive of .npy files, stored as they are (`np.savez`) or deflated (`np.savez_compressed`).

use std::io::{Read, Seek};

use zip::ZipArchive;
use zip::result::ZipError;

use super::failure::Failure;

/// The first bytes of a file.
pub(crate) const MAGIC: &[u8] = b"PK\x03\x04";

/// An open .npz archive.
pub(crate) struct Archive<R> {
    zip: ZipArchive<R>,
    /// The arrays' names, without `.npy`, in the archive's order.
    names: Vec<String>,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the list of members.
    ///
    /// # Errors
    /// [`Failure::Read`]; [`Failure::Content`] for what is no such archive, and for members whose names lead out of it.
    pub(crate) fn open(reader: R) -> Result<Self, Failure> {
        let zip = ZipArchive::new(reader).map_err(damaged)?;
        let mut names = Vec::new();
        for name in zip.file_names() {
            let name = name.map_err(damaged)?;
            if leads_out(&name) {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                return Err(Failure::Content(format!(
                    "its member `{shown}` has a name that leads out of the archive; save it again with numpy.savez"
                )));
            }
            names.extend(name.strip_suffix(".npy").map(str::to_owned));
        }
        Ok(Self { zip, names })
    }

    /// The arrays' names, in the archive's order.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The bytes of an array's file; `None` where there is no array of this name. What the archive claims of their number
    /// is not to be trusted.
    ///
    /// # Errors
    /// [`Failure::Read`]; [`Failure::Content`] for a member that cannot be unpacked.
    pub(crate) fn member(&mut self, name: &str) -> Result<Option<impl Read + '_>, Failure> {
        if !self.names.iter().any(|known| known == name) {
            return Ok(None);
        }
        self.zip.by_name(&format!("{name}.npy")).map(Some).map_err(damaged)
    }
}

/// Whether a member would be unpacked elsewhere than under the folder of its archive.
fn leads_out(name: &str) -> bool {
    name.starts_with(['/', '\\']) || name.contains(':') || name.split(['/', '\\']).any(|part| part == "..")
}

fn damaged(error: ZipError) -> Failure {
    match error {
        ZipError::Io(error) => error.into(),
        error => Failure::Content(format!(
            "no .npz archive, or a damaged one: not a readable zip archive ({error}); copy it or save it again"
        )),
    }
}
