//! What the targets share: bytes as a file, read in every way that the library has.

use std::alloc::{GlobalAlloc, Layout, System};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use gpu_nn::data::{
    FileSource, Impute, Preparation, Preprocessing, RawTable, ReadOptions, SampleSource, Scale, TargetKind, Wanted,
};

/// The largest allocation that is no finding.
const MOST: usize = 256 << 20;

/// The system's allocator; an allocation beyond the limit ends the process, which libFuzzer reports with its stack. (Its own
/// limit needs a sanitizer's hooks.)
struct Limited;

fn check(size: usize) {
    if size > MOST {
        std::process::abort();
    }
}

// SAFETY: every call is the system allocator's own with the same arguments, or does not return.
unsafe impl GlobalAlloc for Limited {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: the caller keeps the contract, which is that of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        check(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        check(size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static LIMITED: Limited = Limited;

/// A file of that name with those bytes; the same one every time, in memory where the system has a folder for that.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let memory = Path::new("/dev/shm");
        let parent = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        let folder = parent.join(format!("gpu-nn-fuzz-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for the file");
        folder
    });
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a file to be read");
    path
}

/// Reads a data file in memory and from the disk, with and without labels, and prepares it; what comes out is the same.
pub fn read(path: &Path) {
    let source = FileSource::new(path);
    let folder = path.parent().expect("a file lies in a folder");
    let wanted = [Wanted { name: "a".into(), is_text: false }, Wanted { name: "b".into(), is_text: true }];
    for options in [
        ReadOptions { target: Some(TargetKind::Auto), ..ReadOptions::default() },
        ReadOptions { target: Some(TargetKind::Values), ..ReadOptions::default() },
        ReadOptions { wanted: Some(&wanted), ..ReadOptions::default() },
    ] {
        let memory = source.read(&options);
        let Ok(streamed) = source.stream(&options, folder, &mut |_, _| {}) else { continue };
        // A file that can be streamed can be read, but for cells that are looked at later.
        let Ok(table) = memory else { continue };
        assert_eq!((table.m(), table.targets()), (streamed.table().m(), streamed.table().targets()));
        let preparation = Preparation { impute: Impute::Median, scale: Scale::Standardise };
        let fitted = Preprocessing::fit(&table, &table.rows(), &preparation);
        let from_disk = streamed.fit(None, &preparation, &mut |_| {});
        match (fitted, from_disk) {
            (Ok(fitted), Ok(from_disk)) => {
                // The same bits, and so the same text: a NaN equals nothing.
                assert_eq!(format!("{fitted:?}"), format!("{from_disk:?}"));
                compare(&table, &fitted, streamed);
            }
            (Err(_), Err(_)) => {}
            (memory, disk) => panic!("in memory {memory:?}, from the disk {disk:?}"),
        }
    }
}

fn compare(table: &RawTable, fitted: &Preprocessing, streamed: gpu_nn::data::StreamedTable) {
    let Ok((part, _)) = std::sync::Arc::new(streamed).part(None, fitted) else { return };
    let (m, n) = (table.m(), fitted.n_features());
    if m * n > 1 << 16 {
        return;
    }
    let samples = table.rows();
    let mut x = vec![0.0; m * n];
    let (Ok(features), Ok(())) = (fitted.features(table, &samples), part.features(&samples, &mut x)) else { return };
    for (j, sample) in x.chunks_exact(n.max(1)).enumerate() {
        for (i, value) in sample.iter().enumerate() {
            assert_eq!(value.to_bits(), (features.x[i * m + j] as f32).to_bits());
        }
    }
}
