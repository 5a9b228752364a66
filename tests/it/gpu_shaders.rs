//! The table of kernels against the shaders themselves, as naga reads them; needs no adapter.
//!
//! Workgroup sizes, bindings and params structs stand in two languages. Here is what keeps them the same.

use std::collections::BTreeSet;

use gpu_nn::gpu::{Access, KERNELS, KernelInfo, WORKGROUP_SIZE};
use naga::back::PipelineConstants;
use naga::back::pipeline_constants::process_overrides;
use naga::valid::{Capabilities, FunctionInfo, GlobalUse, ValidationFlags, Validator};
use naga::{AddressSpace, Module, ScalarKind, ShaderStage, StorageAccess, TypeInner, front};

/// Storage buffers a stage that every WebGPU device grants; the params are one of them.
const MAX_STORAGE_BUFFERS: usize = 8;

/// The kernels that are a single invocation on purpose; all others have `WORKGROUP_SIZE` of them a workgroup.
const SERIAL: [&str; 2] = ["finish_cost", "finish_norm"];

/// A params struct: its size and (name, scalar, offset) of each field.
type Layout = (usize, Vec<(String, String, usize)>);

/// What table and shader must agree on.
#[derive(Debug, PartialEq)]
struct Interface {
    workgroup_size: [u32; 3],
    params: Layout,
    /// (binding, whether the kernel may write), in the order of the bindings.
    storage: Vec<(u32, bool)>,
}

fn in_table(info: &KernelInfo) -> Interface {
    let fields = info.params.iter().map(|field| (field.name.into(), field.scalar.into(), field.offset));
    let storage = info.storage.iter().map(|&(binding, access)| (binding, access == Access::ReadWrite));
    Interface {
        workgroup_size: [if SERIAL.contains(&info.name) { 1 } else { WORKGROUP_SIZE }, 1, 1],
        params: (info.params_size(), fields.collect()),
        storage: storage.collect(),
    }
}

/// Reads the interface of an entry point from a WGSL text, and validates the text on the way.
fn in_shader(info: &KernelInfo, source: &str) -> Result<Interface, String> {
    let module = front::wgsl::parse_str(source).map_err(|error| error.emit_to_string(source))?;
    let flags = ValidationFlags::all();
    let validated = Validator::new(flags, Capabilities::empty()).validate(&module);
    let validated = validated.map_err(|error| error.emit_to_string(source))?;
    let mut overrides: PipelineConstants =
        [("WORKGROUP_SIZE".to_owned(), f64::from(WORKGROUP_SIZE))].into_iter().collect();
    // Any variant will do: they differ in what they compute, not in what they are given.
    overrides.extend(info.variants.iter().chain(info.shape).map(|&name| (name.to_owned(), 1.0)));
    let name = info.entry;
    let entry = Some((ShaderStage::Compute, name));
    let (module, validated) =
        process_overrides(&module, &validated, entry, &overrides).map_err(|error| error.to_string())?;
    let position = module.entry_points.iter().position(|entry| entry.name == name);
    let position = position.ok_or_else(|| format!("no entry point `{name}`"))?;
    let (params, storage) = bindings(&module, validated.get_entry_point(position))?;
    Ok(Interface { workgroup_size: module.entry_points[position].workgroup_size, params, storage })
}

/// The buffers that an entry point uses, itself or through the functions it calls: the params apart from the others.
fn bindings(module: &Module, entry: &FunctionInfo) -> Result<(Layout, Vec<(u32, bool)>), String> {
    let (mut params, mut storage) = (None, Vec::new());
    for (handle, variable) in module.global_variables.iter() {
        let AddressSpace::Storage { access } = variable.space else {
            if variable.binding.is_some() {
                return Err(format!("{:?} is bound but not storage", variable.name));
            }
            continue;
        };
        if entry[handle] == GlobalUse::empty() {
            continue;
        }
        let binding = variable.binding.ok_or("a storage variable without a binding")?;
        if binding.group != 0 {
            return Err(format!("{:?} is in group {}", variable.name, binding.group));
        }
        let writable = access.contains(StorageAccess::STORE);
        match (binding.binding, writable) {
            (0, false) => params = Some(layout(module, &module.types[variable.ty].inner)?),
            (0, true) => return Err("the params are writable".into()),
            (number, writable) => storage.push((number, writable)),
        }
    }
    storage.sort_unstable();
    Ok((params.ok_or("no params at binding 0")?, storage))
}

fn layout(module: &Module, params: &TypeInner) -> Result<Layout, String> {
    let TypeInner::Struct { members, span } = params else {
        return Err("the params are no struct".into());
    };
    let mut fields = Vec::new();
    for member in members {
        let name = member.name.clone().ok_or("a field without a name")?;
        let TypeInner::Scalar(scalar) = module.types[member.ty].inner else {
            return Err(format!("{name} is no scalar"));
        };
        let kind = match scalar.kind {
            ScalarKind::Uint => 'u',
            ScalarKind::Sint => 'i',
            ScalarKind::Float => 'f',
            other => return Err(format!("{name} is {other:?}")),
        };
        fields.push((name, format!("{kind}{}", 8 * scalar.width), member.offset as usize));
    }
    Ok((*span as usize, fields))
}

/// Holds the table's entry against a text.
fn compare(info: &KernelInfo, source: &str) -> Result<(), String> {
    let (table, shader) = (in_table(info), in_shader(info, source)?);
    if table == shader {
        return Ok(());
    }
    Err(format!("{}:\n  table  {table:?}\n  shader {shader:?}", info.name))
}

#[test]
fn the_table_describes_the_shaders() {
    for info in KERNELS {
        compare(info, &info.source()).unwrap_or_else(|difference| panic!("{difference}"));
    }
}

#[test]
fn every_entry_point_is_in_the_table_once() {
    let mut in_files = BTreeSet::new();
    for info in KERNELS {
        let module = front::wgsl::parse_str(&info.source()).unwrap();
        in_files.extend(module.entry_points.into_iter().map(|entry| entry.name));
    }
    let names: Vec<&str> = KERNELS.iter().map(|info| info.name).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    let entries = KERNELS.iter().map(|info| info.entry);
    assert_eq!(in_files.iter().map(String::as_str).collect::<BTreeSet<_>>(), entries.collect());
}

#[test]
fn no_kernel_needs_more_buffers_than_every_device_has() {
    for info in KERNELS {
        assert!(info.storage.len() < MAX_STORAGE_BUFFERS, "{}", info.name);
    }
}

#[test]
fn every_shader_file_is_used_and_begins_with_its_formula() {
    let used: BTreeSet<&str> = KERNELS.iter().flat_map(|info| info.files).map(|(name, _)| *name).collect();
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/shaders")).unwrap();
    let paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    for path in &paths {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(used.contains(name), "no kernel uses {name}");
        let text = std::fs::read_to_string(path).unwrap();
        let comment: Vec<&str> = text.lines().take_while(|line| line.starts_with("//")).collect();
        assert!(comment.iter().any(|line| line.contains('=')), "{name} begins with no formula");
    }
    assert_eq!(paths.len(), used.len());
}

/// Changes the text of a kernel's shader; the comparison must fail and name the new thing.
#[track_caller]
fn assert_caught(kernel: &str, from: &str, to: &str, in_message: &str) {
    let info = KERNELS.iter().find(|info| info.name == kernel).unwrap();
    let source = info.source();
    let faulty = source.replace(from, to);
    assert_ne!(source, faulty, "`{from}` is not in the shader of {kernel}");
    let message = compare(info, &faulty).expect_err("the fault passes");
    assert!(message.contains(in_message), "`{in_message}` is not in: {message}");
}

#[test]
fn a_wrong_workgroup_size_is_caught() {
    assert_caught("row_sum", "@workgroup_size(WORKGROUP_SIZE)", "@workgroup_size(128)", "[128, 1, 1]");
    assert_caught("finish_cost", "@workgroup_size(1)", "@workgroup_size(WORKGROUP_SIZE)", "[64, 1, 1]");
}

#[test]
fn a_wrong_access_is_caught() {
    let (read, write) = ("<storage, read> gradients", "<storage, read_write> gradients");
    assert_caught("gradient_descent", read, write, "(1, true)");
    let params = "<storage, read> given";
    assert_caught("gradient_descent", params, "<storage, read_write> given", "the params are writable");
    assert_caught("gradient_descent", params, "<uniform> given", "not storage");
}

#[test]
fn wrong_fields_are_caught() {
    let fields = "size: u32,\n    learning_rate: f32,";
    let caught = |to, in_message| assert_caught("gradient_descent", fields, to, in_message);
    caught("learning_rate: f32,\n    size: u32,", r#"("learning_rate", "f32", 0)"#);
    caught(
        "size: u32,\n    rate: f32,\n    learning_rate: f32,",
        "shader Interface { workgroup_size: [64, 1, 1], params: (12,",
    );
    caught("@size(8) size: u32,\n    learning_rate: f32,", r#"("learning_rate", "f32", 8)"#);
    // A whole type with its use, so that only the table can tell.
    let (field, fraction) = ("learning_rate: f32,", "params.learning_rate *");
    let info = KERNELS.iter().find(|info| info.name == "gradient_descent").unwrap();
    let text = info.source().replace(field, "learning_rate: u32,");
    let text = text.replace(fraction, "f32(params.learning_rate) *");
    let message = compare(info, &text).expect_err("the fault passes");
    assert!(message.contains(r#"("learning_rate", "u32", 4)"#), "{message}");
    assert_caught("row_sum", "n_l: u32,\n    m: u32,", "m: u32,\n    n_l: u32,", r#"("m", "u32", 0)"#);
}

#[test]
fn wrong_bindings_are_caught() {
    assert_caught("gradient_descent", "@binding(2)", "@binding(3)", "(3, true)");
    assert_caught(
        "gradient_descent",
        "params.learning_rate * gradients[index]",
        "params.learning_rate",
        "storage: [(2, true)]",
    );
    let (out, more) = ("a[index] = activation(", "dz[index] = activation(");
    assert_caught("activate", out, more, "(3, true)");
    assert_caught("row_sum", "fn row_sum(", "fn sum_rows(", "row_sum");
}

#[test]
fn a_shader_that_does_not_validate_is_caught() {
    assert_caught("row_sum", "var sum = 0.0;", "var sum = 0u;", "error");
}
