//! What hostile input makes a reader allocate: no single allocation is larger than a bound, whatever a file claims.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::path::Path;

use gpu_nn::data::{FileSource, ReadOptions, TargetKind};
use gpu_nn::export::{ImportOptions, from_npz};
use gpu_nn::model::{Model, SavedCheckpoint};
use gpu_nn::network::{Activation, parse_hidden};
use tempfile::TempDir;

use crate::arrays::{gzip, idx, npy, npz};

/// The largest allocation that a bad file may lead to.
pub const MOST: usize = 256 << 20;

thread_local! {
    /// The largest allocation of this thread so far.
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, with the size of each thread's largest allocation on record.
struct Recorder;

fn record(size: usize) {
    // A thread that ends has nowhere to note it any more.
    let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
}

// SAFETY: every call is the system allocator's own with the same arguments; recording neither allocates nor touches
// the memory.
unsafe impl GlobalAlloc for Recorder {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        record(layout.size());
        // SAFETY: the caller keeps the contract, which is that of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        record(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        record(size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static RECORDER: Recorder = Recorder;

/// Runs `work` on this thread; its result, and the size of its largest allocation.
pub fn largest_of<T>(work: impl FnOnce() -> T) -> (T, usize) {
    LARGEST.set(0);
    let result = work();
    (result, LARGEST.get())
}

/// Reads a data file in every way there is; the errors, all within the bound.
#[track_caller]
pub fn read_within(path: &Path, most: usize) -> Vec<String> {
    let source = FileSource::new(path);
    let options = ReadOptions { target: Some(TargetKind::Auto), ..ReadOptions::default() };
    let cache = tempfile::tempdir().unwrap();
    let (memory, largest) = largest_of(|| source.read(&options).map(drop));
    assert!(largest <= most, "{}: {largest} bytes at once", path.display());
    let (disk, largest) = largest_of(|| source.stream(&options, cache.path(), &mut |_, _| {}).map(drop));
    assert!(largest <= most, "{} streamed: {largest} bytes at once", path.display());
    [memory, disk].into_iter().filter_map(|result| Some(result.err()?.to_string())).collect()
}

#[test]
fn the_recorder_sees_an_allocation() {
    let (bytes, largest) = largest_of(|| vec![1u8; 12_345]);
    assert!(bytes.len() == 12_345 && (12_345..20_000).contains(&largest), "{largest}");
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    #[track_caller]
    fn assert_refused(&self, name: &str, content: &[u8], words: &[&str]) {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        let errors = read_within(&path, MOST);
        assert_eq!(errors.len(), 2, "{name} was read");
        for error in errors {
            for word in words {
                assert!(error.contains(word), "{name}: `{word}` is not in {error}");
            }
        }
    }
}

#[test]
fn headers_that_claim_the_world_are_refused_before_anything_is_allocated() {
    let folder = Folder::new();
    let huge = npy("<f8", false, "(1000000000000, 2)", &[0; 64]);
    folder.assert_refused("a.npy", &huge, &["its header claims 16000000000128 bytes"]);
    folder.assert_refused("a.npy.gz", &gzip(&huge), &["cut short"]);
    folder.assert_refused("a.npz", &npz(&[("x.npy", huge.clone()), ("y.npy", huge)]), &["`", "cut short"]);
    let texts = npy("<U999999999999", false, "(1,)", &[0; 64]);
    folder.assert_refused("a.npy.gz", &gzip(&texts), &["type `<U999999999999`"]);
    let texts = npy("<U16777216", false, "(1, 1048576)", &[0; 64]);
    folder.assert_refused("a.npy.gz", &gzip(&texts), &["texts"]);
    let wide = npy("<f8", false, "(1000000, 1048576)", &[0; 64]);
    folder.assert_refused("a.npy.gz", &gzip(&wide), &["cut short"]);
    let turned = npy("<f8", true, "(1000000, 1048576)", &[0; 64]);
    folder.assert_refused("a.npy.gz", &gzip(&turned), &["cut short"]);
    let header = [&b"\x93NUMPY\x02\x00"[..], &u32::MAX.to_le_bytes(), &[b' '; 64]].concat();
    folder.assert_refused("a.npy", &header, &["its header is longer"]);
    let images = idx(8, &[u32::MAX, 1000, 1000], &[0; 64]);
    folder.assert_refused("a.idx.gz", &gzip(&images), &["cut short"]);
}

/// A gigabyte of the same bytes, packed into a megabyte.
fn gigabyte(before: &str, bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(before.as_bytes()).unwrap();
    let block = bytes.repeat((1 << 20) / bytes.len());
    (0..1 << 10).for_each(|_| packed.write_all(&block).unwrap());
    packed.finish().unwrap()
}

#[test]
fn rows_of_a_gigabyte_are_refused() {
    let folder = Folder::new();
    let words = &["a row of more than 16 MiB"][..];
    folder.assert_refused("a.csv.gz", &gigabyte("x,y\n1,2\n", b"7"), words);
    folder.assert_refused("a.csv.gz", &gigabyte("x,y\n1,\"", b"\n"), words);
    folder.assert_refused("a.csv.gz", &gigabyte("x,y\n1,2\n", b"1,"), words);
    folder.assert_refused("a.csv.gz", &gigabyte("", b"1,"), words);
    let wide = format!("{}1\n", "1,".repeat((1 << 20) + 5));
    folder.assert_refused("a.csv", wide.as_bytes(), &["at most 1048576 are read"]);
}

#[test]
fn names_that_lead_out_of_an_archive_are_refused() {
    let folder = Folder::new();
    let x = npy("<f8", false, "(2, 1)", &[0; 16]);
    for name in ["../x.npy", "/x.npy", "a\\..\\x.npy", "c:x.npy"] {
        let archive = npz(&[(name, x.clone()), ("y.npy", x.clone())]);
        folder.assert_refused("a.npz", &archive, &["a name that leads out of the archive"]);
    }
}

/// A safetensors file with that header, then so many bytes.
fn safetensors(header: &str, bytes: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; bytes]].concat()
}

#[test]
fn models_and_checkpoints_that_claim_the_world_are_refused() {
    let folder = Folder::new();
    let path = folder.0.path().join("model.safetensors");
    let entry = |name: &str, offsets: &str| {
        format!("\"{name}\":{{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":{offsets}}}")
    };
    let many: Vec<String> = (0..5000).map(|i| entry(&format!("W{i}"), "[0,4]")).collect();
    let shape = "1,".repeat(1 << 20);
    for (bytes, word) in [
        (b"abc".to_vec(), "cut short"),
        (safetensors("", 0)[..7].to_vec(), "cut short"),
        ((1u64 << 40).to_le_bytes().to_vec(), "its header claims 1099511627776 bytes"),
        (u64::MAX.to_le_bytes().to_vec(), "its header claims"),
        (safetensors("not json", 8), "its header cannot be read"),
        (
            safetensors(&format!("{{{}}}", entry("W1", "[0,1099511627776]")), 4),
            "its arrays claim 1099511627776",
        ),
        (safetensors(&format!("{{{}}}", entry("W1", "[0,18446744073709551615]")), 4), "its arrays claim"),
        (safetensors(&format!("{{{},{}}}", entry("W1", "[0,4]"), entry("W1", "[0,4]")), 4), "there twice"),
        (safetensors(&format!("{{{}}}", entry("../W1", "[0,4]")), 4), "named like a path"),
        (safetensors(&format!("{{{}}}", many.join(",")), 4), "more than 4096 arrays"),
        (safetensors(&format!("{{\"W1\":{{\"shape\":[{shape}1]}}}}"), 4), "more than 8 dimensions"),
        (safetensors(&format!("{}1", "[".repeat(1 << 20)), 4), "its header cannot be read"),
    ] {
        fs::write(&path, bytes).unwrap();
        let (model, largest) = largest_of(|| Model::load(&path));
        let error = model.unwrap_err().to_string();
        assert!(error.contains(word) && error.len() < 600, "`{word}` is not in {error}");
        assert!(largest <= MOST / 4, "{word}: {largest} bytes at once");
        let error = SavedCheckpoint::load(&path).unwrap_err().to_string();
        assert!(error.contains(word), "`{word}` is not in {error}");
    }
    let path = folder.0.path().join("model.npz");
    fs::write(&path, npz(&[("W1.npy", npy("<f8", false, "(1000000000, 1000000000)", &[0; 64]))])).unwrap();
    let (model, largest) = largest_of(|| from_npz(&path, &ImportOptions::default()));
    let error = model.unwrap_err().to_string();
    assert!(error.contains("at most") && largest <= MOST / 4, "{largest}: {error}");
}

#[test]
fn a_network_of_a_million_layers_is_refused() {
    let text = "4,".repeat(1_000_000);
    let (layers, largest) = largest_of(|| parse_hidden(&text, Activation::Tanh));
    let error = layers.unwrap_err().to_string();
    assert!(error.contains("number of layers `1000002`") && largest < 1 << 20, "{largest}: {error}");
}

#[test]
fn folders_of_runs_are_named_after_nothing_that_leads_out() {
    for path in ["../..", "a/../..", "/", "..", "../../etc/passwd", "...csv", "a/..csv", "..gz", "..gz.gz"] {
        let name = gpu_nn::data::DataSource::File(FileSource::new(path)).short_name();
        let within = Path::new("runs").join(format!("{name}-1"));
        assert_eq!(within.parent(), Some(Path::new("runs")), "{path}: {name}");
        assert!(
            within.components().all(|part| !matches!(part, std::path::Component::ParentDir)),
            "{path}: {name}"
        );
    }
}
