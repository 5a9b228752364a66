//! Data sets: what they are, where they come from (generators, files of text and of numbers), and NumPy's legacy random numbers.
//!
//! Nothing here knows of networks; a [`Dataset`] is columns of numbers with a target for each.

mod arrays;
mod column_fit;
mod course_generators;
mod csv_cells;
mod csv_columns;
mod csv_file;
mod csv_labels;
mod csv_rows;
mod dataset;
mod delimiter;
mod description;
mod fitting;
mod format;
mod generators;
mod input;
#[cfg(feature = "ndarray")]
mod ndarray;
mod numpy_random;
mod own_generators;
mod partition;
mod preprocessing;
mod source;
mod split;
mod stream;
mod table;
mod weights;

pub use csv_columns::{Label, Selection, Wanted};
pub use csv_file::{CsvOptions, Features, read_csv, read_csv_features};
pub use csv_labels::TargetKind;
pub use dataset::{Dataset, Targets, Unit};
pub use description::{ColumnDescription, Count, Description, Range, TargetDescription, Values};
pub use fitting::{Impute, Preparation, Scale};
pub use generators::{Generator, GeneratorOptions, blobs_by_centre, generate, generate_from};
pub use input::is_standard_input;
pub use numpy_random::NumpyRandom;
pub use own_generators::linear_classes;
pub use partition::{HeldOut, Part, PartRows, Partition};
pub use preprocessing::{ColumnStep, Preprocessing, Step};
pub use source::{DataSource, FileSource, ReadOptions, refuse_for_file};
pub use split::{Row, Split, hold_out, split};
pub use stream::{SampleSource, StreamedPart, StreamedTable, cache_folder};
pub use table::{Cells, Column, RawTable};
pub use weights::read_weights;
