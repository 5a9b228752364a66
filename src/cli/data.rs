//! `gpu-nn data`: a file described as the trainer would read it.

use gpu_nn::Result;
use gpu_nn::data::{
    ColumnDescription, Count, Description, Range, ReadOptions, TargetDescription, TargetKind, Values,
};

use super::console::{self, thousands};
use super::data_options::{ColumnArgs, DataArgs, Task};

/// Columns that the table shows at most; `--json` has them all.
const MAX_COLUMNS: usize = 40;

/// Categories and classes that a line shows at most.
const MAX_NAMES: usize = 8;

/// Describe a file as the trainer would read it: rows, columns, missing values, the target and its classes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A file (CSV, TSV, NPY, NPZ, IDX; `-` is standard input), or a generated data set's name
    #[arg(value_name = "FILE|NAME")]
    file: String,
    #[command(flatten)]
    columns: ColumnArgs,
    /// What is to be learnt from a file's target column
    #[arg(long, value_enum, default_value = "auto", help_heading = "Data")]
    task: Task,
    /// Print one JSON object
    #[arg(long, help_heading = "Results")]
    json: bool,
}

pub fn run(args: Args) -> Result<()> {
    let source = DataArgs::of_file(args.file, args.columns).source(None)?;
    let target = match args.task {
        Task::Auto => TargetKind::Auto,
        Task::Classification => TargetKind::Classes,
        Task::Regression => TargetKind::Values,
    };
    let table = source.read(&ReadOptions { target: Some(target), ..ReadOptions::default() })?;
    let description = Description::new(&table, table.usual_scale());
    if args.json {
        return console::print_json(&description);
    }
    console::print(&text(&description))
}

fn text(description: &Description) -> String {
    let Description { name, rows, features, missing, scale, columns, target } = description;
    let mut text = format!(
        "data      {name}: {} rows, {} columns, {} features; scale {scale}\n",
        thousands(*rows),
        thousands(columns.len()),
        thousands(*features)
    );
    if *missing > 0 {
        text += &format!("missing   {} values; train with --impute mean or median\n", thousands(*missing));
    }
    let lines = columns.iter().take(MAX_COLUMNS).map(line).collect::<Vec<_>>();
    text += &table(&["column", "kind", "missing", "least", "greatest", "mean", "categories"], &lines);
    if columns.len() > MAX_COLUMNS {
        text += &format!("... and {} more\n", thousands(columns.len() - MAX_COLUMNS));
    }
    let named = |name: &Option<String>| name.as_ref().map_or_else(String::new, |name| format!("{name}: "));
    text += &match target {
        Some(TargetDescription::Classification { name, classes }) => {
            format!("\ntarget    {}{} classes: {}\n", named(name), thousands(classes.len()), names(classes))
        }
        Some(TargetDescription::Regression { name, range: Range { min, max, mean } }) => {
            format!(
                "\ntarget    {}values from {} to {}, mean {}\n",
                named(name),
                short(*min),
                short(*max),
                short(*mean)
            )
        }
        None => String::new(),
    };
    text
}

/// A column's cells in the table.
fn line(column: &ColumnDescription) -> [String; 7] {
    let (kind, figures, categories) = match &column.values {
        Values::Numbers { range } => {
            let figures = range.map(|Range { min, max, mean }| [min, max, mean].map(short));
            ("numbers", figures.unwrap_or_default(), String::new())
        }
        Values::Texts { categories } => {
            ("text", Default::default(), format!("{}: {}", categories.len(), names(categories)))
        }
    };
    let [min, max, mean] = figures;
    [console::clean(&column.name), kind.into(), thousands(column.missing), min, max, mean, categories]
}

/// `oak 20, elm 7 and 3 more`.
fn names(counts: &[Count]) -> String {
    let shown = counts.iter().take(MAX_NAMES);
    let shown: Vec<_> =
        shown.map(|Count { name, rows }| format!("{} {}", console::clean(name), thousands(*rows))).collect();
    let more = match counts.len().saturating_sub(MAX_NAMES) {
        0 => String::new(),
        more => format!(" and {} more", thousands(more)),
    };
    shown.join(", ") + &more
}

/// A number in few digits.
fn short(number: f64) -> String {
    if number == 0.0 || (1e-3..1e7).contains(&number.abs()) {
        let text = format!("{number:.4}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{number:.4e}")
    }
}

/// Lines under a header, in columns as wide as their widest cell.
fn table<const N: usize>(header: &[&str; N], lines: &[[String; N]]) -> String {
    let width = |column: usize| {
        let cells = lines.iter().map(|line| line[column].chars().count());
        cells.chain([header[column].len()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<_> = cells.zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        cells.join("  ").trim_end().to_owned() + "\n"
    };
    let mut text = String::from("\n") + &line(&mut header.iter().copied());
    for cells in lines {
        text += &line(&mut cells.iter().map(String::as_str));
    }
    text
}
