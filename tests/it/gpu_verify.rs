//! `verify`: every kernel has its probes, all pass, and a fault in any shader file is found and named.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use gpu_nn::gpu::{Device, KERNELS, Product};
use gpu_nn::schedule::Lowering;
use gpu_nn::verify::{Check, Effort, Probe, avoid, lowering_of, suspects};
use pollster::block_on;

use crate::gpu_support::{assert_probes_pass, device, open, share};

fn run(device: &Device, probe: Probe) -> Check {
    block_on(probe.run(device, Effort::Quick))
}

/// A probe of one kernel alone.
fn row_sum() -> Probe {
    Probe::all().into_iter().find(|probe| probe.to_string() == "row_sum").unwrap()
}

/// The kernels that no check ran.
fn left_out(checks: &[Check]) -> Vec<&'static str> {
    let ran: BTreeSet<&str> = checks.iter().flat_map(|check| &check.kernels).copied().collect();
    KERNELS.iter().map(|info| info.name).filter(|name| !ran.contains(name)).collect()
}

/// All probes and what they find on the device as it is, run once for all tests; with a record of their own, since the kernels
/// of other tests would count.
fn sound() -> Option<&'static [(Probe, Check)]> {
    static SOUND: OnceLock<Option<Vec<(Probe, Check)>>> = OnceLock::new();
    let run_all = |device| Probe::all().into_iter().map(|probe| (probe, run(&device, probe))).collect();
    SOUND.get_or_init(|| share().map(run_all)).as_deref()
}

#[test]
fn a_quick_check_passes_and_leaves_out_no_kernel() {
    let Some(sound) = sound() else { return };
    let checks: Vec<Check> = sound.iter().map(|(_, check)| check.clone()).collect();
    for check in &checks {
        assert!(!check.failed() && check.values > 0, "{check:?}");
    }
    assert_eq!(left_out(&checks), Vec::<&str>::new());
    assert_eq!((suspects(&checks), avoid(&checks)), (Vec::new(), Vec::new()));
    // Without one of its checks a kernel is missed: the comparison above can fail.
    let dropout = |check: &&Check| !check.kernels.contains(&"dropout");
    let without: Vec<Check> = checks.iter().filter(dropout).cloned().collect();
    assert_eq!(left_out(&without), ["dropout"]);
}

#[test]
fn every_lowering_passes_in_full() {
    let Some(device) = device() else { return };
    assert_probes_pass(device, |name| Lowering::ALL.iter().any(|l| name.starts_with(&format!("{l}: "))));
}

#[test]
fn whole_steps_and_products_pass_in_full() {
    let Some(device) = device() else { return };
    assert_probes_pass(device, |name| {
        name.starts_with("wide products") || name.starts_with("kernels shared") || name.contains("_peak")
    });
}

/// What is shared is the device; what was set, and what was used, is each owner's.
#[test]
fn owners_of_a_shared_device_have_settings_and_records_of_their_own() {
    let Some(device) = device() else { return };
    let (avoided, products) = (device.avoided().to_vec(), device.products());
    let own = device.share().avoiding(vec![Lowering::Fused]).with_products(Product::Narrow);
    assert_eq!((own.avoided(), device.avoided()), (&[Lowering::Fused][..], &avoided[..]));
    assert!(own.products() != products && device.products() == products);
    device.take_used_kernels();
    assert!(run(&own, row_sum()).kernels.contains(&"row_sum"));
    assert_eq!(device.take_used_kernels(), Vec::<&str>::new());
}

#[test]
fn names_of_probes_are_their_own() {
    let names: Vec<String> = Probe::all().iter().map(ToString::to_string).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
}

#[test]
fn every_kernel_belongs_to_a_lowering_or_measures() {
    for info in KERNELS {
        let measures = info.name.ends_with("_peak");
        assert_eq!(lowering_of(info.name).is_none(), measures, "{}", info.name);
    }
}

/// An edit of one place in each shader file: a sign, a constant, an index, an operator.
const FAULTS: [(&str, &str, &str); 29] = [
    ("activation.wgsl", "dz[index] = first[index] *", "dz[index] = -first[index] *"),
    (
        "clip.wgsl",
        "gradients[index] *= partial[params.n_chunks];",
        "gradients[index] /= partial[params.n_chunks];",
    ),
    ("dropout.wgsl", "select(0.0, params.scale, kept)", "select(params.scale, 0.0, kept)"),
    ("finish_step.wgsl", "sum += partial[c *", "sum -= partial[c *"),
    ("finish_sum.wgsl", "sum * params.scale;", "sum / params.scale;"),
    ("fused_step.wgsl", "total / f32(size)", "total / f32(size + 1u)"),
    ("hash.wgsl", "0x85ebca6bu", "0x85ebca6du"),
    ("indexing.wgsl", "workgroup.y * grid.x + workgroup.x;", "workgroup.y * grid.x + workgroup.x + 1u;"),
    ("loss.wgsl", "f32(params.n_outputs) - own)", "f32(params.n_outputs) + own)"),
    ("matmul.wgsl", "sum += mat4x4<f32>(w * x.x,", "sum -= mat4x4<f32>(w * x.x,"),
    ("numerics.wgsl", "1.3383938e-1", "1.3384938e-1"),
    ("optimize.wgsl", "progress.count - 1u", "progress.count"),
    ("optimizer.wgsl", "theta[index] -=", "theta[index] +="),
    ("order.wgsl", "order_hash(order, high, 2u)", "order_hash(order, high, 3u)"),
    ("peak.wgsl", "out[index] = first[index];", "out[index] = first[index] + 1.0;"),
    ("product.wgsl", "(*tile).r3 += low.w * right_term", "(*tile).r3 += low.z * right_term"),
    ("product_registers.wgsl", "d < end; d++", "d + 1u < end; d++"),
    ("product_workgroup.wgsl", "+ local / SIDE;", "+ local % SIDE;"),
    ("reduce.wgsl", "sum += dz[row + j];", "sum += abs(dz[row + j]);"),
    ("register_network.wgsl", "+= horizontal_sum(dz);", "-= horizontal_sum(dz);"),
    ("residual.wgsl", "c * (r - 0.5 * c)", "c * (r - c)"),
    ("resident.wgsl", "/ f32(size);", "/ f32(size) * 1.01;"),
    ("sample_block.wgsl", "(v.x + v.y) + (v.z + v.w)", "(v.x + v.y) + (v.z - v.w)"),
    ("step.wgsl", "(state[first] * size.first)", "(state[first] * size.second)"),
    ("step_table.wgsl", "tables[at + 2u]", "tables[at + 1u]"),
    ("take_batch.wgsl", "progress.batch * params.size", "progress.batch * params.width"),
    ("weight_gradient.wgsl", "sum.z += dz_ij * a_prev[at.z];", "sum.z += dz_ij * a_prev[at.y];"),
    ("workgroup_network.wgsl", "da[k] *= derivative4(", "da[k] += derivative4("),
    ("workgroup_sum.wgsl", "stride > 0u;", "stride > 1u;"),
];

/// The kernels whose text has that file in it.
fn kernels_of(file: &str) -> Vec<&'static str> {
    let has = |info: &&gpu_nn::gpu::KernelInfo| info.files.iter().any(|(name, _)| *name == file);
    KERNELS.iter().filter(has).map(|info| info.name).collect()
}

fn text_of(file: &str) -> &'static str {
    let files = KERNELS.iter().flat_map(|info| info.files);
    files.into_iter().find(|(name, _)| *name == file).map(|(_, text)| *text).unwrap()
}

#[test]
fn planted_faults_are_in_every_shader_file() {
    let files: BTreeSet<&str> = KERNELS.iter().flat_map(|info| info.files).map(|(name, _)| *name).collect();
    assert_eq!(FAULTS.map(|(file, ..)| file).into_iter().collect::<BTreeSet<_>>(), files);
}

/// A device with the fault in that file, the checks that no fault in it can change, and the probes that use its kernels.
fn plant(file: &str, sound: &[(Probe, Check)]) -> (Device, Vec<Check>, Vec<Probe>) {
    let (_, from, to) = FAULTS.into_iter().find(|(name, ..)| *name == file).unwrap();
    let faulty = text_of(file).replacen(from, to, 1);
    assert_ne!(faulty, text_of(file), "`{from}` is not in {file}");
    let kernels = kernels_of(file);
    let uses = |check: &Check| check.kernels.iter().any(|kernel| kernels.contains(kernel));
    let (used, unchanged): (Vec<_>, Vec<_>) = sound.iter().cloned().partition(|(_, check)| uses(check));
    let unchanged = unchanged.into_iter().map(|(_, check)| check).collect();
    let probes = used.into_iter().map(|(probe, _)| probe).collect();
    (open().unwrap().with_shader_text(file, faulty), unchanged, probes)
}

/// Runs the probes that may notice the fault in that file until one does.
fn find(file: &str, sound: &[(Probe, Check)]) -> Vec<Check> {
    let (device, mut checks, probes) = plant(file, sound);
    for probe in probes {
        checks.push(run(&device, probe));
        if checks.last().is_some_and(Check::failed) {
            return checks;
        }
    }
    panic!("nobody notices the fault in {file}: {} checks passed", checks.len());
}

#[test]
fn planted_faults_are_found_and_named() {
    let Some(sound) = sound() else { return };
    assert!(sound.iter().all(|(_, check)| !check.failed()));
    for (file, ..) in FAULTS {
        let checks = find(file, sound);
        let (named, kernels) = (suspects(&checks), kernels_of(file));
        assert!(named.iter().any(|name| kernels.contains(name)), "{file}: {named:?} are named");
        let failed = checks.iter().find(|check| check.failed()).unwrap();
        println!("{file}: {} fails, {named:?}: {:?}", failed.name, failed.verdict);
        // Kernels that only measure cost no lowering; each other does.
        assert_eq!(avoid(&checks).is_empty(), file == "peak.wgsl", "{file}");
    }
}

/// A fault in one lowering's own file costs that lowering and no other.
#[test]
fn planted_faults_cost_only_their_own_lowering() {
    let Some(sound) = sound() else { return };
    for (file, lowering) in [("fused_step.wgsl", Lowering::Fused), ("resident.wgsl", Lowering::Resident)] {
        let (device, mut checks, probes) = plant(file, sound);
        checks.extend(probes.into_iter().map(|probe| run(&device, probe)));
        assert_eq!(avoid(&checks), [lowering], "{file}: {:?}", suspects(&checks));
        for check in checks.iter().filter(|check| check.failed()) {
            assert_eq!(check.lowering, Some(lowering), "{}", check.name);
        }
    }
}

#[test]
fn a_shader_that_does_not_compile_is_a_failed_check_that_ends_all_others() {
    let Some(device) = open() else { return };
    let device =
        device.with_shader_text("reduce.wgsl", text_of("reduce.wgsl").replace("sum += ", "total += "));
    let check = run(&device, row_sum());
    assert!(check.failed() && check.device_failed, "{check:?}");
    assert_eq!(suspects(&[check]), ["row_sum"]);
}
