//! A trained network with what is needed to use it on other data, and its file.

mod file;
mod using;

pub use file::{FILE_NAME, Model};
