//! A trained network meets data that stays in its file.

use std::path::Path;
use std::sync::Arc;

use super::Model;
use crate::data::{Dataset, FileSource, Part, ReadOptions, StreamedPart};
use crate::error::Result;

/// Called with the bytes of a file that have been read, and with all of them where that is known.
pub type OnProgress<'a> = &'a mut dyn FnMut(u64, Option<u64>);

impl Model {
    /// A part of labelled data, prepared as the training data was, whose features stay in the file or in a cache in `folder`; the
    /// data set has the targets alone. The file is that of [`source_of`](Self::source_of).
    ///
    /// # Errors
    /// Those of [`FileSource::stream`] and [`part`](Self::part); what is wrong with a feature is only said where it is read.
    pub fn streamed_part(
        &self,
        file: &FileSource,
        part: Part,
        folder: &Path,
        on_progress: OnProgress<'_>,
    ) -> Result<(StreamedPart, Dataset)> {
        let wanted = self.preprocessing.wanted();
        let table = Arc::new(file.stream(&self.labelled(&wanted), folder, on_progress)?);
        self.check_columns(table.table())?;
        // They were counted when the file was opened.
        let all = || (0..table.table().m() as u32).collect();
        let rows = self.rows_of(part, all, table.table().targets())?;
        let (samples, dataset) = table.part(rows, &self.preprocessing)?;
        self.check_classes(&dataset)?;
        Ok((samples, dataset))
    }

    /// Data that need not have a target, prepared as the training data was, left where it is as by
    /// [`streamed_part`](Self::streamed_part).
    ///
    /// # Errors
    /// As [`streamed_part`](Self::streamed_part), without those for targets.
    pub fn streamed_features(
        &self,
        file: &FileSource,
        folder: &Path,
        on_progress: OnProgress<'_>,
    ) -> Result<StreamedPart> {
        let wanted = self.preprocessing.wanted();
        let options = ReadOptions { target: None, classes: None, wanted: Some(&wanted) };
        let table = Arc::new(file.stream(&options, folder, on_progress)?);
        self.check_columns(table.table())?;
        table.samples(None, &self.preprocessing)
    }
}
