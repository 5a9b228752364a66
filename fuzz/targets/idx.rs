//! IDX files, images and labels: the first byte says how many bytes are labels'.
#![no_main]

use gpu_nn_fuzz::{file, read};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let (labels, images) = rest.split_at(rest.len().min(first.into()));
    file("data-labels-idx1-ubyte", labels);
    read(&file("data-images-idx3-ubyte", images));
});
