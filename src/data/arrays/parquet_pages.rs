//! What the Parquet crate takes for granted of a file, checked before it does: columns lie within the file, a dictionary
//! comes before the pages that use it.

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};

/// Whether every column lies within a file of that length.
pub(super) fn lies_within(metadata: &ParquetMetaData, length: u64) -> bool {
    let fits = |column: &ColumnChunkMetaData| {
        let starts = [Some(column.data_page_offset()), column.dictionary_page_offset()];
        let size = u64::try_from(column.compressed_size());
        starts.into_iter().flatten().all(|start| match (u64::try_from(start), size) {
            (Ok(start), Ok(size)) => start.checked_add(size).is_some_and(|end| end <= length),
            _ => false,
        })
    };
    metadata.row_groups().iter().all(|group| group.num_rows() >= 0 && group.columns().iter().all(fits))
}

/// The pages of a column, each looked at before it is handed on.
pub(super) struct CheckedPages {
    pages: Box<dyn PageReader>,
    has_dictionary: bool,
}

impl CheckedPages {
    pub(super) fn new(pages: Box<dyn PageReader>) -> Self {
        Self { pages, has_dictionary: false }
    }
}

impl Iterator for CheckedPages {
    type Item = Result<Page, ParquetError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for CheckedPages {
    fn get_next_page(&mut self) -> Result<Option<Page>, ParquetError> {
        let page = self.pages.get_next_page()?;
        match &page {
            Some(Page::DictionaryPage { .. }) => self.has_dictionary = true,
            Some(page) => {
                let by_dictionary =
                    matches!(page.encoding(), Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
                if by_dictionary && !self.has_dictionary {
                    return Err(ParquetError::General(
                        "a page refers to a dictionary that is not there".into(),
                    ));
                }
            }
            None => {}
        }
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>, ParquetError> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<(), ParquetError> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool, ParquetError> {
        self.pages.at_record_boundary()
    }
}
