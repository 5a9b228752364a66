//! The checked-in Rust code of ONNX's messages is what prost makes of the .proto file beside it.
//!
//! `ONNX_PROTO=write cargo test -p onnx-check --test generated` writes it anew.

use std::path::Path;

const HEAD: &str = "//! ONNX's messages as prost generates them from onnx.proto, which is beside this file; do not edit.\n//!\n\
    //! `ONNX_PROTO=write cargo test -p onnx-check --test generated` makes it anew; a test compares.\n\n";

#[test]
fn the_checked_in_messages_are_those_of_the_proto_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src/export/onnx");
    let descriptors = protox::compile(["onnx.proto"], [&folder]).unwrap();
    let out = tempfile::tempdir().unwrap();
    prost_build::Config::new().out_dir(out.path()).compile_fds(descriptors).unwrap();
    let generated = HEAD.to_owned() + &std::fs::read_to_string(out.path().join("onnx.rs")).unwrap();
    let checked_in = folder.join("proto.rs");
    if std::env::var_os("ONNX_PROTO").is_some_and(|mode| mode == "write") {
        std::fs::write(&checked_in, &generated).unwrap();
    }
    let found = std::fs::read_to_string(&checked_in).unwrap();
    assert!(
        found == generated,
        "{} is not what onnx.proto gives; see the head of this test",
        checked_in.display()
    );
}
