//! Data sets that stay in their files: rows are read where they lie, or after one pass over a text or a Parquet file from a
//! cache of its cells; the numbers that come out are those of a set in memory, to the bit.
//!
//! In memory are the targets, four or eight bytes a row, and nothing else that grows with the rows.

mod arrays;
mod cache;
mod open;
#[cfg(feature = "parquet")]
mod parquet;
mod part;
mod size;
mod source;
mod store;
mod table;
mod text;

pub use open::cache_folder;
pub use part::StreamedPart;
pub use source::SampleSource;
pub use table::StreamedTable;
