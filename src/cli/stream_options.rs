//! `--stream`: whether data stays in its file, and the parts of data that does.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::{Args, ValueEnum};
use gpu_nn::data::{DataSource, FileSource, HeldOut, RawTable, ReadOptions, StreamedTable, cache_folder};
use gpu_nn::model::OnProgress;
use gpu_nn::schedule::Lowering;
use gpu_nn::training::BackendChoice;
use gpu_nn::{Error, Result};

use super::console::{self, Reading, thousands};
use super::data_options::PrepareArgs;
use super::options::Output;
use super::parts::{Parts, Streams, check_columns, like_training_options, partition};
use super::training_options::ValidationArgs;
use super::weights::WeightArgs;

/// Data that takes more than this share of the memory that is free is streamed.
const SHARE: u64 = 2;

/// Memory that counts as free where the system does not say.
const UNKNOWN: u64 = 8 << 30;

/// Whether data stays in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Choice {
    /// it does
    Yes,
    /// it is read into memory
    No,
}

/// Where the samples are while they are trained on.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Data")]
pub struct StreamArgs {
    /// Leave the samples of a file on the disk and read some at a time, with the same bits as in memory: NPY and IDX files are
    /// read in place, texts, Parquet and compressed files from a temporary cache of their numbers (train takes --batch-size;
    /// targets stay in memory) [default: yes for data that would take more than half of the memory that is free]
    #[arg(
        long,
        value_name = "yes|no",
        value_enum,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "yes",
        hide_possible_values = true
    )]
    stream: Option<Choice>,
    /// Folder for the cache of streamed data, removed in the end [default: that of TMPDIR, or /var/tmp]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
}

/// What else was asked for that has a say.
pub struct Asked<'a> {
    pub output: Output,
    pub backend: BackendChoice,
    pub lowering: Option<Lowering>,
    pub full_batch: bool,
    pub animate: bool,
    pub held_out: &'a ValidationArgs,
    pub weights: &'a WeightArgs,
    /// Whether the user reads lines.
    pub lines: bool,
}

impl StreamArgs {
    /// The file that is to be streamed; `None` for data that is to be read into memory. The user who reads `lines` is told why.
    pub fn file<'a>(&self, source: &'a DataSource, lines: bool) -> Result<Option<&'a FileSource>> {
        match (source, self.stream) {
            (_, Some(Choice::No)) | (DataSource::Generated { .. }, None) => Ok(None),
            (DataSource::Generated { name, .. }, Some(Choice::Yes)) => {
                let reason = format!("{name} is generated in memory; leave --stream out");
                Err(Error::invalid("way to read", "stream", reason))
            }
            (DataSource::File(file), Some(Choice::Yes)) => Ok(Some(file)),
            (DataSource::File(file), None) => {
                let why = too_large(file)?;
                if let (Some(why), true) = (&why, lines) {
                    console::print(&format!(
                        "stream    {why}: it is left on the disk (--stream=no reads it)\n"
                    ))?;
                }
                Ok(why.map(|_| file))
            }
        }
    }

    /// The parts of data that is to be streamed; `None` for data that is to be read into memory.
    pub fn parts(
        &self,
        source: &DataSource,
        prepare: &PrepareArgs,
        asked: &Asked<'_>,
    ) -> Result<Option<Parts>> {
        // With the column of the weights.
        let to_read = asked.weights.to_read(source);
        let Some(file) = self.file(&to_read, asked.lines)? else { return Ok(None) };
        asked.check()?;
        self.streamed(file, source, prepare, asked).map(Some)
    }

    fn streamed(
        &self,
        file: &FileSource,
        source: &DataSource,
        prepare: &PrepareArgs,
        asked: &Asked<'_>,
    ) -> Result<Parts> {
        let target = Some(prepare.target(source, asked.output)?);
        let options = ReadOptions { target, ..ReadOptions::default() };
        let mut partition = partition(asked.held_out, source)?;
        let mut table = self.open(file, &options, asked.lines)?;
        let weights = asked.weights.take_streamed(&mut table)?;
        let table = Arc::new(table);
        let m = table.table().m();
        partition.m = Some(m);
        let (rows, validation, test) = match partition.has_shares() {
            true => {
                // As `Parts::new` does, with half the bytes a row.
                let rows = partition.rows((0..m as u32).collect(), table.table().targets())?;
                (Some(rows.training), rows.validation, rows.test)
            }
            false => (None, None, None),
        };
        let preparation = prepare.preparation(table.table());
        let n = rows.as_ref().map_or(m, Vec::len);
        let reading = Reading::new(asked.lines, "rows to learn from");
        let preprocessing = table
            .fit(rows.as_deref(), &preparation, &mut |done| reading.rows((done % n) as u64, n as u64))?;
        reading.finish();
        let weights = weights.map(|weights| of_rows(weights, rows.as_deref()));
        let (training, dataset) = table.part(rows, &preprocessing)?;
        let part = |held_out: &Option<HeldOut>, rows: Option<Vec<u32>>| -> Result<_> {
            match (held_out, rows) {
                (Some(HeldOut::File(other)), _) => {
                    let wanted = preprocessing.wanted();
                    let options = like_training_options(&dataset, &wanted);
                    let other = Arc::new(self.open(other, &options, asked.lines)?);
                    check_columns(other.table(), &preprocessing)?;
                    other.part(None, &preprocessing).map(Some)
                }
                (_, Some(rows)) => table.part(Some(rows), &preprocessing).map(Some),
                (_, None) => Ok(None),
            }
        };
        let (validation, validation_set) = part(&partition.validation, validation)?.unzip();
        let (test, test_set) = part(&partition.test, test)?.unzip();
        let (validation, test) = (validation.map(Arc::new), test.map(Arc::new));
        let streams = Some(Streams { training: Arc::new(training), validation, test });
        Ok(Parts {
            training: Arc::new(dataset),
            validation: validation_set,
            test: test_set,
            partition,
            preprocessing,
            streams,
            weights,
        })
    }

    /// Opens a file.
    fn open(&self, file: &FileSource, options: &ReadOptions<'_>, lines: bool) -> Result<StreamedTable> {
        let open = |folder: &Path, on_progress: OnProgress<'_>| file.stream(options, folder, on_progress);
        self.looked_through(lines, open, StreamedTable::table)
    }

    /// Opens a file as `open` does, with a bar meanwhile; then says how large the `table` of it is.
    pub fn looked_through<T>(
        &self,
        lines: bool,
        open: impl FnOnce(&Path, OnProgress<'_>) -> Result<T>,
        table: impl FnOnce(&T) -> &RawTable,
    ) -> Result<T> {
        let folder = self.cache.clone().unwrap_or_else(cache_folder);
        let (reading, start) = (Reading::new(lines, "read"), Instant::now());
        let opened = open(&folder, &mut |done, all| reading.bytes(done, all));
        reading.finish();
        let opened = opened?;
        if lines {
            let table = table(&opened);
            let (m, time) = (thousands(table.m()), console::seconds(start.elapsed()));
            console::print(&format!("streamed  {}: {m} rows looked through in {time}\n", table.name()))?;
        }
        Ok(opened)
    }
}

/// The weights of some rows, all without `rows`.
fn of_rows(weights: Vec<f64>, rows: Option<&[u32]>) -> Vec<f64> {
    match rows {
        Some(rows) => rows.iter().map(|&row| weights[row as usize]).collect(),
        None => weights,
    }
}

impl Asked<'_> {
    /// Refuses what cannot be done with samples that are not in memory.
    fn check(&self) -> Result<()> {
        let refuse = |what, value: &str, reason: &str| Err(Error::invalid(what, value, reason));
        if self.full_batch {
            return refuse(
                "batch size",
                "full",
                "streamed samples are trained on in batches; add --batch-size 128, or --stream=no",
            );
        }
        check_backend(self.backend)?;
        if let Some(lowering) = self.lowering.filter(|lowering| *lowering != Lowering::Layerwise) {
            let reason = "it holds all samples on the device; use --lowering layerwise, or --stream=no";
            return refuse("lowering of streamed samples", lowering.name(), reason);
        }
        if self.animate {
            let reason = "a picture of streamed samples is not drawn; leave it out, or use --stream=no";
            return refuse("picture", "--animate", reason);
        }
        Ok(())
    }
}

/// Refuses a backend that holds all samples.
pub fn check_backend(backend: BackendChoice) -> Result<()> {
    if backend == BackendChoice::CpuReference {
        let reason = "it holds all samples in memory; use --backend cpu, or --stream=no";
        return Err(Error::invalid("backend of streamed samples", "cpu-reference", reason));
    }
    Ok(())
}

/// Why a file is too large to be read into memory, if it is.
fn too_large(file: &FileSource) -> Result<Option<String>> {
    let Some(needed) = file.memory_needed()? else { return Ok(None) };
    let free = free_memory().unwrap_or(UNKNOWN);
    if needed <= free / SHARE {
        return Ok(None);
    }
    let mib = |bytes: u64| thousands((bytes >> 20) as usize);
    let name = file.path.display();
    Ok(Some(format!("{name} would take about {} MiB of the {} MiB that are free", mib(needed), mib(free))))
}

/// Bytes of memory that are free, where the system says so: of the machine, or of the group that the process is in.
fn free_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let machine = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? << 10;
    let of_group = |name: &str| {
        fs::read_to_string(Path::new("/sys/fs/cgroup").join(name)).ok()?.trim().parse::<u64>().ok()
    };
    let group = of_group("memory.max").zip(of_group("memory.current"));
    Some(group.map_or(machine, |(most, now)| machine.min(most.saturating_sub(now))))
}
