//! What this machine has of what a GPU takes: manifests of Vulkan drivers, the loader, device files, a cache folder, adapters.
//! Looked up beneath a root folder and in variables that are given, so that a test can have any machine it wants.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gpu_nn::gpu::AdapterSummary;

/// Where to look.
pub struct Place {
    /// `linux`, `windows`, `macos`, as the standard library calls them.
    pub os: &'static str,
    /// `/`, or a folder that stands for it.
    pub root: PathBuf,
    /// Environment variables.
    pub variables: BTreeMap<String, String>,
    /// The file of what was measured, whose folder has to be writable.
    pub cache: Option<PathBuf>,
}

/// A Vulkan driver's manifest.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    pub path: PathBuf,
    pub state: ManifestState,
}

/// What a manifest is worth.
#[derive(Clone, Debug, PartialEq)]
pub enum ManifestState {
    /// It names a library that is there, or one that only the loader can find.
    Good,
    /// There is no such file.
    Missing,
    /// It cannot be read, or is no manifest: why.
    Damaged(String),
    /// The library that it names is not there.
    NoLibrary(String),
}

/// A device file of a GPU.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceFile {
    pub path: PathBuf,
    /// Why it cannot be opened for reading and writing, if so.
    pub refused: Option<String>,
    /// The card's maker, as PCI numbers it.
    pub vendor: Option<String>,
}

/// An adapter, and what became of opening it.
#[derive(Clone, Debug)]
pub struct Adapter {
    pub summary: AdapterSummary,
    /// Why it cannot be opened, if so.
    pub refused: Option<String>,
    /// That its loops end early, in words, if so.
    pub loops: Option<String>,
    /// The kernels that `gpu-nn verify` found wrong, if it did.
    pub wrong: Option<String>,
}

/// Everything that a diagnosis is made from.
#[derive(Clone, Debug)]
pub struct Facts {
    pub os: &'static str,
    /// Under Windows' subsystem for Linux.
    pub wsl: bool,
    /// The variable that names the manifests instead of the standard folders, if one does.
    pub variable: Option<&'static str>,
    pub manifests: Vec<Manifest>,
    /// Whether the Vulkan loader is in a folder of libraries.
    pub loader: bool,
    pub device_files: Vec<DeviceFile>,
    /// Why the cache cannot be written, if so.
    pub cache: Option<String>,
    pub adapters: Vec<Adapter>,
}

/// Variables that name manifests, the first that is set counts.
const VARIABLES: [&str; 2] = ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"];

/// Folders of manifests below the root, in the loader's order.
const FOLDERS: [&str; 5] = [
    "etc/xdg/vulkan/icd.d",
    "usr/local/etc/vulkan/icd.d",
    "etc/vulkan/icd.d",
    "usr/local/share/vulkan/icd.d",
    "usr/share/vulkan/icd.d",
];

/// Folders of libraries below the root.
const LIBRARIES: [&str; 9] = [
    "lib",
    "lib64",
    "usr/lib",
    "usr/lib64",
    "usr/local/lib",
    "usr/lib/x86_64-linux-gnu",
    "usr/lib/aarch64-linux-gnu",
    "lib/x86_64-linux-gnu",
    "run/opengl-driver/lib",
];

impl Place {
    /// Everything but the adapters, which are `adapters`.
    pub fn facts(&self, adapters: Vec<Adapter>) -> Facts {
        let (variable, manifests) = self.manifests();
        Facts {
            os: self.os,
            wsl: self.is_wsl(),
            variable,
            manifests,
            loader: self.has_loader(),
            device_files: self.device_files(),
            cache: self.cache_refusal(),
            adapters,
        }
    }

    fn set(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn is_wsl(&self) -> bool {
        let version = fs::read_to_string(self.root.join("proc/version")).unwrap_or_default();
        self.os == "linux" && version.to_lowercase().contains("microsoft")
    }

    /// The manifests of drivers, and the variable that names them if one does.
    fn manifests(&self) -> (Option<&'static str>, Vec<Manifest>) {
        let separator = if self.os == "windows" { ';' } else { ':' };
        if let Some((name, value)) = VARIABLES.into_iter().find_map(|name| Some((name, self.set(name)?))) {
            let paths = value.split(separator).filter(|path| !path.is_empty()).map(PathBuf::from);
            let paths = paths.flat_map(|path| if path.is_dir() { manifests_in(&path) } else { vec![path] });
            return (Some(name), paths.map(|path| self.manifest(path)).collect());
        }
        if self.os != "linux" {
            // Windows keeps them in the registry, macOS needs none.
            return (None, Vec::new());
        }
        let mut folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| self.root.join(folder)).collect();
        let own = [("XDG_CONFIG_HOME", ".config"), ("XDG_DATA_HOME", ".local/share")];
        for (variable, default) in own {
            let home = self.set("HOME").map(|home| Path::new(home).join(default));
            let folder = self.set(variable).map(PathBuf::from).or(home);
            folders.extend(folder.map(|folder| folder.join("vulkan/icd.d")));
        }
        let paths = folders.iter().flat_map(|folder| manifests_in(folder));
        (None, paths.map(|path| self.manifest(path)).collect())
    }

    fn manifest(&self, path: PathBuf) -> Manifest {
        let state = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => ManifestState::Missing,
            Err(error) => ManifestState::Damaged(error.to_string()),
            Ok(text) => self.library_state(&path, &text),
        };
        Manifest { path, state }
    }

    /// Whether the library that a manifest names is there.
    fn library_state(&self, manifest: &Path, text: &str) -> ManifestState {
        let value: serde_json::Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => return ManifestState::Damaged(error.to_string()),
        };
        let Some(library) = value["ICD"]["library_path"].as_str() else {
            return ManifestState::Damaged("it names no library (ICD.library_path)".into());
        };
        let there = if library.contains(['/', '\\']) {
            // Relative ones are beside the manifest; absolute ones below the root.
            let folder = manifest.parent().unwrap_or(Path::new(""));
            let path = Path::new(library);
            let absolute = path.strip_prefix("/").map(|below| self.root.join(below));
            absolute.unwrap_or_else(|_| folder.join(path)).exists()
        } else {
            // Elsewhere the loader has ways of its own.
            self.os != "linux" || self.has_library(library)
        };
        if there { ManifestState::Good } else { ManifestState::NoLibrary(library.to_owned()) }
    }

    fn has_library(&self, name: &str) -> bool {
        let own = self.set("LD_LIBRARY_PATH").unwrap_or_default();
        let own = own.split(':').filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let standard = LIBRARIES.iter().map(|folder| self.root.join(folder));
        own.chain(standard).any(|folder| folder.join(name).exists())
    }

    fn has_loader(&self) -> bool {
        match self.os {
            "linux" => self.has_library("libvulkan.so.1"),
            "windows" => self.root.join("Windows/System32/vulkan-1.dll").exists(),
            _ => true,
        }
    }

    fn device_files(&self) -> Vec<DeviceFile> {
        if self.os != "linux" {
            return Vec::new();
        }
        let dri = entries(&self.root.join("dev/dri"), |name| name.starts_with("renderD"));
        let nvidia = entries(&self.root.join("dev"), |name| {
            name.strip_prefix("nvidia").is_some_and(|rest| rest.parse::<u32>().is_ok())
        });
        dri.into_iter().chain(nvidia).map(|path| self.device_file(path)).collect()
    }

    fn device_file(&self, path: PathBuf) -> DeviceFile {
        let opened = fs::OpenOptions::new().read(true).write(true).open(&path);
        let name = path.file_name().unwrap_or_default();
        let vendor = self.root.join("sys/class/drm").join(name).join("device/vendor");
        let vendor = fs::read_to_string(vendor).ok().map(|text| text.trim().to_owned());
        DeviceFile { path, refused: opened.err().map(|error| error.to_string()), vendor }
    }

    /// Why nothing can be kept beside the cache file; tried, since permissions are not all there is to it.
    fn cache_refusal(&self) -> Option<String> {
        let Some(folder) = self.cache.as_deref().and_then(Path::parent) else {
            return Some("no cache folder is known (HOME and XDG_CACHE_HOME are not set)".into());
        };
        let trial = folder.join(format!("doctor-{}.tmp", std::process::id()));
        let written = fs::create_dir_all(folder).and_then(|()| fs::write(&trial, "a trial"));
        let refused = written.err().map(|error| format!("{}: {error}", folder.display()));
        let _ = fs::remove_file(&trial);
        refused
    }
}

fn manifests_in(folder: &Path) -> Vec<PathBuf> {
    entries(folder, |name| name.ends_with(".json"))
}

/// The files of a folder whose name is wanted, sorted.
fn entries(folder: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let found = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> =
        found.filter(|entry| entry.file_name().to_str().is_some_and(&wanted)).map(|e| e.path()).collect();
    paths.sort();
    paths
}
