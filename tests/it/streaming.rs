//! Training on samples that stay on the disk: the bits of a training in memory, for every format, backend and kind of
//! training.

use std::cell::RefCell;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use gpu_nn::data::{
    Dataset, FileSource, Impute, Preparation, Preprocessing, ReadOptions, SampleSource, Scale, StreamedTable,
    TargetKind, Targets,
};
use gpu_nn::network::{Activation, Initializer, Loss, Network, Parameters, initialize, parse_hidden};
use gpu_nn::schedule::{Batches, Descent, Dropout, Lowering, Optimizer, Problem};
use gpu_nn::training::{
    Backend, Checkpoint, Feed, FeedTargets, Metric, Plan, Trained, Trainer, WatchPlan, stand_in,
};
use serde_json::Value;

use crate::arrays::{doubles, gzip, idx, npy, npz};
use crate::command::{Desk, failure};
use crate::cpu_support::bits;
use crate::tables::Sheet;

/// Numbers that look random, in [-2, 2).
fn noise(i: usize) -> f64 {
    let hash = (i as u32).wrapping_mul(2_654_435_761).rotate_left(13).wrapping_mul(2_246_822_519);
    f64::from(hash) / f64::from(u32::MAX) * 4.0 - 2.0
}

/// A data set of three classes with its validation part.
struct Task {
    dataset: Dataset,
    validation: Dataset,
    network: Network,
    parameters: Parameters,
    weights: Vec<f64>,
}

impl Task {
    fn new(m: usize, hidden: &str) -> Self {
        let part = |m: usize, from: usize| {
            let x: Vec<f64> = (0..5 * m).map(|i| noise(from + i)).collect();
            let labels = (0..m).map(|j| (x[j] > 0.3) as u32 + (x[m + j] * x[2 * m + j] > 0.5) as u32);
            let targets = Targets::Classes { labels: labels.collect(), names: names(&["a", "b", "c"]) };
            Dataset::new("noise", x, names(&["p", "q", "r", "s", "t"]), targets).unwrap()
        };
        let (dataset, validation) = (part(m, 0), part(97, 1 << 20));
        let hidden = parse_hidden(hidden, Activation::Tanh).unwrap();
        let network = Network::new(5, hidden, 3, Loss::SoftmaxCrossEntropy).unwrap();
        let parameters = initialize(&network, Initializer::Xavier, 3);
        let weights: Vec<f64> = (0..m).map(|j| 1.0 + 0.25 * noise(j)).collect();
        Self { dataset, validation, network, parameters, weights }
    }
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// How a training differs from the plain one.
#[derive(Clone, Copy, Debug)]
struct Kind {
    size: usize,
    shuffle: Option<u32>,
    descent: Descent,
    dropout: Option<Dropout>,
    weighted: bool,
    iterations: usize,
}

impl Kind {
    const PLAIN: fn(usize, usize) -> Self = |size, iterations| Self {
        size,
        shuffle: None,
        descent: Descent::sgd(0.2),
        dropout: None,
        weighted: false,
        iterations,
    };

    /// Everything at once.
    fn rich(size: usize, iterations: usize) -> Self {
        let optimizer: Optimizer = "adam".parse().unwrap();
        Self {
            shuffle: Some(5),
            descent: Descent { optimizer, l2: 1e-3, ..Descent::sgd(0.01) },
            dropout: Some(Dropout { rate: 0.25, seed: 9 }),
            weighted: true,
            ..Self::PLAIN(size, iterations)
        }
    }
}

fn problem<'a>(task: &'a Task, kind: &Kind, y: &'a [f64], from: Option<&'a Checkpoint>) -> Problem<'a> {
    let Dataset { x, m, .. } = &task.dataset;
    let problem = Problem {
        batch_size: kind.size,
        shuffle: kind.shuffle,
        descent: kind.descent,
        dropout: kind.dropout,
        weights: kind.weighted.then_some(&task.weights),
        ..Problem::full_batch(&task.network, &task.parameters, x, y, *m, 0.0)
    };
    match from {
        None => problem,
        Some(Checkpoint { parameters, state, done, .. }) => {
            Problem { parameters, state, done: *done, ..problem }
        }
    }
}

/// Trains to the end; the first checkpoint comes along.
fn finish<'a>(
    mut trainer: Trainer<'a>,
    task: &'a Task,
    from: Option<&Checkpoint>,
) -> (Trained, Option<Checkpoint>) {
    let validation = Some((&task.validation, task.network.loss()));
    let plan = WatchPlan { validation, every: 7, metric: Metric::Cost, patience: None, max_time: None };
    let kept = Rc::new(RefCell::new(None));
    let keeper = kept.clone();
    trainer = trainer.watched(plan).kept(1, move |checkpoint| {
        keeper.borrow_mut().get_or_insert(checkpoint);
        Ok(())
    });
    if let Some(checkpoint) = from {
        trainer = trainer.taken_up(checkpoint.clone());
    }
    let trained = pollster::block_on(trainer.finish(&mut |_| {})).unwrap();
    (trained, kept.take())
}

fn plan(kind: &Kind) -> Plan {
    Plan { iterations: kind.iterations, report_every: 5, learning_rate: 0.2 }
}

fn in_memory(backend: &Backend, task: &Task, kind: &Kind) -> (Trained, Option<Checkpoint>) {
    let y = task.dataset.y();
    let executor = backend.executor(&problem(task, kind, &y, None), Lowering::Layerwise).unwrap();
    finish(Trainer::new(executor, plan(kind)), task, None)
}

/// In windows of so many bytes of features.
fn in_windows(
    backend: &Backend,
    task: &Task,
    kind: &Kind,
    bytes: usize,
    from: Option<&Checkpoint>,
) -> (Trained, Option<Checkpoint>) {
    let (m, shuffle) = (task.dataset.m, kind.shuffle);
    let batches = Batches { m, size: kind.size, shuffle };
    let window = stand_in(5, 1, batches, bytes);
    let whole = problem(task, kind, &window.y, from);
    let weights = kind.weighted.then_some(&window.weights[..]);
    let problem = Problem { x: &window.x, m: window.m, shuffle: None, weights, ..whole };
    let executor = backend.window_executor(&problem, m).unwrap();
    let targets = FeedTargets::new(&task.dataset.targets, kind.weighted.then_some(&task.weights)).unwrap();
    let source: Arc<dyn SampleSource> = Arc::new(task.dataset.clone());
    let feed = Feed::new(source, targets, batches, bytes).watching(Some(Arc::new(task.validation.clone())));
    finish(Trainer::new(executor, plan(kind)).fed(feed), task, from)
}

#[track_caller]
fn assert_same(what: &str, got: &Trained, want: &Trained) {
    assert_eq!(bits(&got.costs), bits(&want.costs), "{what}: costs");
    assert_eq!(bits(got.parameters.values()), bits(want.parameters.values()), "{what}: parameters");
    assert_eq!(got.looks, want.looks, "{what}: looks");
    assert_eq!(got.cost_after_last.to_bits(), want.cost_after_last.to_bits(), "{what}: last cost");
}

/// Windows of two batches, of some, and of an epoch; epochs that end in the middle of a window and with a short batch.
fn assert_windows_give_the_same_bits(backend: &Backend, m: usize, kinds: &[Kind], hidden: &str) {
    let task = Task::new(m, hidden);
    for kind in kinds {
        let (want, first_kept) = in_memory(backend, &task, kind);
        for bytes in [1, 20 * kind.size * 3, 1 << 30] {
            let what = format!("{} {hidden} {kind:?}, {bytes} bytes", backend.name());
            let (got, kept) = in_windows(backend, &task, kind, bytes, None);
            assert_same(&what, &got, &want);
            assert_eq!(kept, first_kept, "{what}: checkpoint");
        }
        let checkpoint = first_kept.unwrap();
        assert_eq!(checkpoint.done, 7);
        let (resumed, _) = in_windows(backend, &task, kind, 1, Some(&checkpoint));
        assert_same("taken up", &resumed, &want);
    }
}

#[test]
fn windows_on_the_cpu_give_the_same_bits() {
    let kinds = [Kind::PLAIN(20, 33), Kind::rich(20, 33), Kind::PLAIN(16, 31), Kind::rich(150, 12)];
    for hidden in ["8,6:relu", "200,180:relu"] {
        assert_windows_give_the_same_bits(&Backend::Cpu, 253, &kinds, hidden);
    }
}

#[test]
fn gpu_windows_give_the_same_bits() {
    let Some(device) = crate::gpu_support::share() else { return };
    let backend = Backend::Gpu(Box::new(device));
    let kinds = [Kind::PLAIN(20, 33), Kind::rich(20, 33), Kind::rich(126, 15)];
    assert_windows_give_the_same_bits(&backend, 253, &kinds, "8,6:relu");
    // More samples than an evaluation takes at a time.
    assert_windows_give_the_same_bits(&backend, 9_001, &[Kind::rich(512, 20)], "8");
}

#[test]
fn an_executor_of_all_samples_takes_no_window() {
    let task = Task::new(30, "4");
    let y = task.dataset.y();
    let problem = problem(&task, &Kind::PLAIN(10, 3), &y, None);
    let error = Backend::CpuReference.window_executor(&problem, 30).err().unwrap();
    assert!(error.is_usage() && error.to_string().contains("--backend cpu"), "{error}");
}

pub fn streamed(source: &FileSource) -> gpu_nn::Result<Arc<StreamedTable>> {
    let folder = tempfile::tempdir().unwrap();
    let options = ReadOptions { target: Some(TargetKind::Auto), ..ReadOptions::default() };
    let table = source.stream(&options, folder.path(), &mut |_, _| {});
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "a cache has no name");
    table.map(Arc::new)
}

/// Preprocessing, features and targets of a streamed file are those of the file in memory.
#[track_caller]
pub fn assert_streams_alike(sheet: &Sheet) {
    let table = sheet.read().unwrap();
    let streamed = streamed(&sheet.source).unwrap();
    let some: Vec<usize> = (0..table.m()).filter(|row| row % 3 != 1).collect();
    let all = table.rows();
    for rows in [&all, &some] {
        let picked = (rows.len() < all.len()).then(|| rows.iter().map(|&row| row as u32).collect::<Vec<_>>());
        for impute in [Impute::Mean, Impute::Median] {
            for scale in [Scale::Standardise, Scale::MinMax, Scale::None, table.usual_scale()] {
                let preparation = Preparation { impute, scale };
                let want = Preprocessing::fit(&table, rows, &preparation).unwrap();
                let got = streamed.fit(picked.as_deref(), &preparation, &mut |_| {}).unwrap();
                assert_eq!(got, want);
                let dataset = want.apply(&table, rows).unwrap();
                let (part, targets) = streamed.part(picked.clone(), &got).unwrap();
                assert_eq!(Dataset { x: Vec::new(), ..dataset.clone() }, targets);
                // Backwards, with one of them twice.
                let mut samples: Vec<usize> = (0..dataset.m).rev().collect();
                samples.push(dataset.m / 2);
                let mut x = vec![f32::NAN; samples.len() * dataset.n_features];
                part.features(&samples, &mut x).unwrap();
                for (sample, x) in samples.iter().zip(x.chunks_exact(dataset.n_features)) {
                    for (i, got) in x.iter().enumerate() {
                        let want = dataset.x[i * dataset.m + sample] as f32;
                        assert_eq!(got.to_bits(), want.to_bits(), "feature {i} of sample {sample}");
                    }
                }
            }
        }
    }
    assert_eq!(streamed.table().usual_scale(), table.usual_scale());
    assert_eq!(streamed.table().targets(), table.targets());
}

/// A text with missing numbers and texts, blank lines and a column of numbers that begins with missing ones.
pub fn people(rows: usize) -> String {
    let mut text = "age,town,,height,income\r\n".replace(",,", ",late,");
    for i in 0..rows {
        let cell = |value: String, every: usize| if i % every == 2 { "NA".into() } else { value };
        let (age, height) = (cell(format!("{:.3}", 40.0 + 9.0 * noise(i)), 7), noise(7 * i));
        let late = if i < 5 { "?".to_owned() } else { format!("{}", i * i % 11) };
        let town = cell(["oak", "\"elm, upper\"", "ash"][i * i % 3].to_owned(), 11);
        text += &format!("{age},{town},{late},{height:e},{}\r\n", ["low", "high", "none"][i % 5 % 3]);
        if i % 50 == 0 {
            text += "\r\n";
        }
    }
    text
}

#[test]
fn texts_are_prepared_alike() {
    let text = people(5_000);
    assert_streams_alike(&Sheet::new("people.csv", &text));
    assert_streams_alike(&Sheet::new("people.csv.gz", gzip(people(300).as_bytes())));
    let mut sheet = Sheet::new("people.tsv", people(300).replace(',', "\t").replace("elm\t", "elm,"));
    sheet.source.selection.drop = vec!["age".into()];
    sheet.source.categorical = vec!["late".into()];
    assert_streams_alike(&sheet);
}

#[test]
fn arrays_are_prepared_alike() {
    let rows = 4_500;
    let numbers: Vec<f64> =
        (0..4 * rows).map(|i| if i % 4 == 3 { (i / 4 % 3) as f64 } else { noise(i) }).collect();
    let shape = format!("({rows}, 4)");
    let turned: Vec<f64> = (0..4 * rows).map(|i| numbers[i % rows * 4 + i / rows]).collect();
    let single: Vec<u8> = numbers.iter().flat_map(|n| (*n as f32).to_le_bytes()).collect();
    let big: Vec<u8> = numbers.iter().flat_map(|n| n.to_be_bytes()).collect();
    let plain = npy("<f8", false, &shape, &doubles(&numbers));
    let by_column = npy("<f8", true, &shape, &doubles(&turned));
    for (name, bytes) in [
        ("a.npy", plain.clone()),
        ("a.npy.gz", gzip(&plain)),
        ("a.npy", npy("<f4", false, &shape, &single)),
        ("a.npy", npy(">f8", false, &shape, &big)),
        ("a.npy", by_column.clone()),
        ("a.npy.gz", gzip(&by_column)),
    ] {
        assert_streams_alike(&Sheet::new(name, bytes));
    }
    let labels = npy(
        "<U4",
        false,
        "(3,)",
        &"oak\0elm\0oak\0".chars().flat_map(|c| (c as u32).to_le_bytes()).collect::<Vec<_>>(),
    );
    let (left, right) = (doubles(&numbers[..6]), doubles(&numbers[6..9]));
    let mut sheet = Sheet::new(
        "a.npz",
        npz(&[
            ("left.npy", npy("<f8", false, "(3, 2)", &left)),
            ("right.npy", npy("<f8", true, "(3, 1)", &right)),
            ("y.npy", labels),
        ]),
    );
    sheet.source.selection.features = names(&["left", "right", "3", "1"]);
    assert_streams_alike(&sheet);
    let pixels: Vec<u8> = (0..300 * 6).map(|i| (i * 7 % 256) as u8).collect();
    let sheet = Sheet::new("train-images-idx3-ubyte", idx(8, &[300, 2, 3], &pixels));
    let labels: Vec<u8> = (0..300).map(|i| (i % 4) as u8).collect();
    let beside = sheet.source.path.with_file_name("train-labels-idx1-ubyte");
    fs::write(beside, idx(8, &[300], &labels)).unwrap();
    assert_streams_alike(&sheet);
}

/// What is wrong with a cell is said as for data in memory.
#[test]
fn streamed_files_are_refused_with_the_same_words() {
    for (name, content, preparation) in [
        ("a.csv", "x,y\n1,a\n\n,b\n", Preparation::default()),
        ("a.csv", "x,y\n1,a\ntall,b\n", Preparation::default()),
        ("a.csv", "x,y\n1,a\n2,a\n", Preparation::default()),
        ("a.csv", "x,y\nNA,a\n?,b\n", Preparation { impute: Impute::Mean, scale: Scale::None }),
        (
            "a.csv",
            "x,y\n1e308,a\n-1e308,b\n",
            Preparation { impute: Impute::Mean, scale: Scale::Standardise },
        ),
        ("a.csv", "t,y\nu,a\n,b\n", Preparation::default()),
    ] {
        let sheet = Sheet::new(name, content);
        let memory = sheet.read().and_then(|table| Preprocessing::fit(&table, &table.rows(), &preparation));
        let on_disk = streamed(&sheet.source).and_then(|table| table.fit(None, &preparation, &mut |_| {}));
        let (memory, on_disk) = (memory.unwrap_err(), on_disk.unwrap_err());
        assert_eq!(sheet.short(&memory), sheet.short(&on_disk));
    }
    for bytes in [
        npy("<f8", false, "(3, 2)", &doubles(&[1.0, 0.0, f64::INFINITY, 1.0, 2.0, 0.0])),
        npy("<f8", false, "(3, 2)", &doubles(&[1.0, 0.0, 3.0, f64::NAN, 2.0, 0.0])),
        npy("<f8", false, "(9999999999999, 2)", &doubles(&[1.0])),
        npy("<f8", false, "(0, 2)", &[]),
    ] {
        let sheet = Sheet::new("a.npy", bytes);
        let (memory, on_disk) = (sheet.read().unwrap_err(), streamed(&sheet.source).unwrap_err());
        assert_eq!(sheet.short(&memory), sheet.short(&on_disk));
    }
}

#[test]
fn a_test_file_knows_the_training_files_categories_only() {
    let train = Sheet::new("train.csv", "t,x,y\nu,1,a\nv,2,b\nu,3,b\n");
    let table = streamed(&train.source).unwrap();
    let preprocessing = table.fit(None, &Preparation::default(), &mut |_| {}).unwrap();
    let other = Sheet::new("test.csv", "t,x,y\nu,1,a\n\nw,2,b\n");
    let (part, _) = streamed(&other.source).unwrap().part(None, &preprocessing).unwrap();
    let error = part.features(&[0, 1], &mut [0.0; 6]).unwrap_err();
    assert_eq!(
        other.short(&error),
        "test.csv, line 4: column `t`: `w` is none of the model's categories (`u`, `v`); correct it or remove the row"
    );
}

/// Trains with and without `--stream`; all that both say is the same.
#[track_caller]
fn assert_trains_alike(desk: &Desk, arguments: &str) {
    let train = |options: &str, out: &str| -> Value {
        let words = format!("train {arguments} {options} --no-plots --json --json-parameters --out {out}");
        let mut report = desk.json(&words);
        for changing in ["seconds", "out"] {
            report.as_object_mut().unwrap().remove(changing);
        }
        report
    };
    let (memory, stream) = (train("--stream=no", "memory"), train("--stream", "stream"));
    assert_eq!(memory, stream, "{arguments}");
    let model = |out: &str| fs::read(desk.path(out).join("model.safetensors")).unwrap();
    assert_eq!(model("memory"), model("stream"), "{arguments}");
    for out in ["memory", "stream"] {
        fs::remove_dir_all(desk.path(out)).unwrap();
    }
}

#[test]
fn the_command_gives_the_same_bits() {
    let desk = Desk::new();
    desk.put("people.csv", &people(600));
    desk.put("more.csv", &people(90));
    let rich = "--impute median --optimizer adam --dropout 0.2 --batch-size 64 --epochs 3 --hidden 8:relu,5";
    let data = "--data people.csv --backend cpu";
    assert_trains_alike(&desk, &format!("{data} {rich} --validation 0.1 --test 0.2 --class-weight balanced"));
    let smooth = "--label-smoothing 0.2 --clip-norm 0.5 --schedule plateau:patience=1";
    assert_trains_alike(&desk, &format!("{data} {rich} {smooth} --validation 0.1"));
    assert_trains_alike(&desk, &format!("{data} {rich} --validation more.csv --test more.csv --metric f1"));
    let weight =
        |(i, line): (usize, &str)| if i == 0 { format!("w,{line}\n") } else { format!("{},{line}\n", i % 4) };
    desk.put(
        "weighted.csv",
        &people(600).lines().filter(|line| !line.is_empty()).enumerate().map(weight).collect::<String>(),
    );
    let data = "--data weighted.csv --weights w --backend cpu";
    assert_trains_alike(&desk, &format!("{data} {rich} --validation more.csv --test 0.2"));
    let few = "--features age,height --class-weight balanced";
    assert_trains_alike(&desk, &format!("{data} {rich} {few} --validation 0.2"));
    assert_trains_alike(&desk, &format!("{data} {rich} {few}"));
    assert_trains_alike(
        &desk,
        &format!(
            "{data} --impute mean --batch-size 50 --no-shuffle --label height --drop income --iterations 30"
        ),
    );
}

#[test]
fn gpu_the_command_gives_the_same_bits() {
    if crate::gpu_support::device().is_none() {
        return;
    }
    let desk = Desk::new();
    desk.put("people.csv", &people(300));
    assert_trains_alike(
        &desk,
        "--data people.csv --backend vulkan --lowering layerwise --impute median --dropout 0.2 --batch-size 64 --epochs 3 \
         --hidden 8:relu,5 --validation 0.1",
    );
}

#[test]
fn a_streamed_run_is_taken_up_again_with_the_same_bits() {
    let desk = Desk::new();
    desk.put("people.csv", &people(400));
    let settings =
        "--data people.csv --stream --backend cpu --impute mean --batch-size 32 --validation 0.1 --no-plots";
    desk.output(&format!("train {settings} --epochs 6 --quiet --out whole"));
    desk.output(&format!("train {settings} --epochs 3 --checkpoint-every 1 --quiet --out part"));
    desk.output("train --resume part --epochs 6 --quiet");
    let model = |out: &str| fs::read(desk.path(out).join("model.safetensors")).unwrap();
    assert_eq!(model("whole"), model("part"));
    assert_eq!(desk.read("whole/history.csv"), desk.read("part/history.csv"));
}

#[test]
fn what_cannot_be_streamed_says_what_to_do() {
    let desk = Desk::new();
    desk.put("people.csv", &people(60));
    let refused = |arguments: &str, words: &[&str]| {
        let line = failure(&desk, &format!("train --data people.csv --impute mean {arguments}"), 2);
        for word in words {
            assert!(line.contains(word), "{arguments}: `{word}` is not in {line}");
        }
    };
    refused("--stream", &["`full`", "--batch-size"]);
    refused("--stream --batch-size 60", &["batch size `60`", "--stream=no"]);
    refused("--stream --batch-size 9 --backend cpu-reference", &["cpu-reference", "--backend cpu"]);
    refused("--stream --batch-size 9 --lowering fused", &["fused", "layerwise"]);
    refused("--stream --batch-size 9 --animate", &["--animate"]);
    let line = failure(&desk, "train --stream --batch-size 9", 2);
    assert!(line.contains("flower is generated"), "{line}");
    let line =
        failure(&desk, "train --data people.csv --impute mean --stream --batch-size 9 --cache nowhere", 1);
    assert!(line.contains("cache in nowhere") && line.contains("--cache"), "{line}");
    assert!(!desk.path("runs").exists());
}

/// A disk is full when a file may not grow any more: the same to whoever writes.
#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_that_names_the_folder() {
    let desk = Desk::new();
    // Many more cells than the buffer in front of the file has room for.
    let wide: String = (0..200_000).map(|i| format!("{},{},{}\n", i % 10, i % 7, i % 2)).collect();
    desk.put("wide.csv", &wide);
    let program = assert_cmd::cargo::cargo_bin!("gpu-nn");
    let script =
        "trap '' XFSZ; ulimit -f 2000; exec \"$0\" train --data wide.csv --stream --batch-size 64 --cache .";
    let output = std::process::Command::new("sh")
        .args(["-c", script])
        .arg(program)
        .current_dir(desk.path(""))
        .output()
        .unwrap();
    let line = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && line.lines().count() == 1, "{line}");
    assert!(line.contains("its cache in . cannot be written after") && line.contains("--cache"), "{line}");
    assert!(!Path::new(&desk.path("runs")).exists());
}

#[test]
fn files_can_tell_their_size() {
    let sheet = Sheet::new("a.npy", npy("|u1", false, "(100, 50)", &[1; 5000]));
    // A byte as a cell, eight as a feature, four for the executor, and a header that counts as data.
    let needed = sheet.source.memory_needed().unwrap().unwrap();
    assert!((65_000..68_000).contains(&needed), "{needed}");
    let text = Sheet::new("a.csv", "1.5,2.5\n".repeat(10_000));
    let needed = text.source.memory_needed().unwrap().unwrap();
    assert!((390_000..410_000).contains(&needed), "{needed}");
    assert_eq!(FileSource::new("-").memory_needed().unwrap(), None);
}
