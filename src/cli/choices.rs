//! What earlier runs measured to be fastest, kept in the user's cache folder: the same command takes the same way again, and
//! so gives the same bits.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::{env, fs};

use gpu_nn::Result;
use gpu_nn::gpu::{Product, Products};
use gpu_nn::model::{Durability, replace};
use gpu_nn::schedule::Problem;
use gpu_nn::training::Backend;

/// What the keys of verdicts on adapters begin with.
pub const VERDICT: &str = "verify | ";

/// The choices of earlier runs; without a cache folder, none.
pub struct Choices {
    path: Option<PathBuf>,
    by_key: BTreeMap<String, String>,
}

impl Choices {
    /// Reads the cache; a file that is missing or damaged counts as empty. With `retune`, whatever it says is measured anew;
    /// what was found wrong stays so until it is verified again.
    pub fn load(retune: bool) -> Self {
        let path = cache_file();
        let text = path.as_ref().and_then(|path| fs::read_to_string(path).ok());
        let by_key = text.and_then(|text| serde_json::from_str(&text).ok());
        let mut by_key: BTreeMap<String, String> = by_key.unwrap_or_default();
        by_key.retain(|key, _| !retune || key.starts_with(VERDICT));
        Self { path, by_key }
    }

    pub fn get(&self, key: &str) -> Option<&str> {
        self.by_key.get(key).map(String::as_str)
    }

    /// Keeps a choice. A cache that cannot be written costs the next run a measurement, nothing else.
    pub fn remember(&mut self, key: String, choice: &str) {
        self.by_key.insert(key, choice.to_owned());
        if let (Some(path), Ok(text)) = (&self.path, serde_json::to_string_pretty(&self.by_key)) {
            let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
            let _ = folder.map(|()| replace(path, text.as_bytes(), Durability::Process));
        }
    }
}

/// Where choices are kept, if the user has a cache folder.
pub fn cache_file() -> Option<PathBuf> {
    folder().map(|folder| folder.join("gpu-nn").join("choices.json"))
}

/// The lowering of this problem on this backend: program, device and shapes decide.
pub fn lowering_key(backend: &Backend, problem: &Problem<'_>) -> String {
    format!("lowering | {} | {}", program_and_device(backend), shapes(problem))
}

fn program_and_device(backend: &Backend) -> String {
    let device = [backend.name(), backend.adapter().unwrap_or(""), backend.driver().unwrap_or("")];
    [&[env!("CARGO_PKG_VERSION")], &device[..]].concat().join(" | ")
}

/// Has a device multiply the matrices of wide layers as `wanted`, or as it measured fastest, now or in an earlier run.
pub async fn calibrate(
    backend: &Backend,
    problem: &Problem<'_>,
    retune: bool,
    wanted: Option<&str>,
) -> Result<()> {
    let mut choices = Choices::load(retune);
    let key = format!("products | {}", program_and_device(backend));
    // A damaged entry is measured anew.
    let known = choices.get(&key).filter(|text| Products::all(Product::Narrow).measured(text).is_ok());
    let known = known.map(str::to_owned);
    let found = backend.calibrate(problem, wanted.or(known.as_deref())).await?;
    if let Some(found) = found.filter(|found| wanted.is_none() && Some(found) != known.as_ref()) {
        choices.remember(key, &found);
    }
    Ok(())
}

/// The backend that `auto` takes for so many iterations of this problem.
pub fn backend_key(problem: &Problem<'_>, iterations: usize) -> String {
    let version = env!("CARGO_PKG_VERSION");
    format!("auto | {version} | {} | iterations {iterations}", shapes(problem))
}

/// What an iteration's time depends on.
fn shapes(problem: &Problem<'_>) -> String {
    let Problem { network, m, batch_size, descent, .. } = problem;
    let mut text = format!("{network} | m {m} | batch {batch_size}");
    if !descent.is_plain() {
        text += &format!(" | {}", descent.optimizer.name());
    }
    if problem.dropout.is_some() {
        text += " | dropout";
    }
    if problem.batches().shuffled() {
        text += " | shuffled";
    }
    text
}

/// The user's cache folder, by the conventions of each system.
fn folder() -> Option<PathBuf> {
    let path = |variable: &str| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    path("XDG_CACHE_HOME").or_else(|| {
        if cfg!(windows) {
            path("LOCALAPPDATA")
        } else if cfg!(target_os = "macos") {
            path("HOME").map(|home| home.join("Library").join("Caches"))
        } else {
            path("HOME").map(|home| home.join(".cache"))
        }
    })
}
