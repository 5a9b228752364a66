//! A trained network with what is needed to use it on other data, and its file.

mod checked;
mod checkpoint;
mod file;
mod replace;
mod streamed;
mod using;

pub use checkpoint::{CHECKPOINT_NAME, SavedCheckpoint};
pub use file::{FILE_NAME, Model};
pub use replace::{Durability, Replacement, UNFINISHED, replace};
pub use streamed::OnProgress;
