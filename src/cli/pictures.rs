//! Which pictures a command draws, of what size, and under which names.

use gpu_nn::Result;
use gpu_nn::data::Dataset;
use gpu_nn::network::Network;
use gpu_nn::plot::{
    Animation, CostOptions, Curve, Grid, Panel, Regions, cost_curve, decision_boundary, encode_png,
    sweep_grid, sweep_size,
};
use gpu_nn::training::{Look, Metric, Score};

use super::console::thousands;
use super::fit::{Fit, describe};
use super::run_folder::RunFolder;

const BOUNDARY_SIZE: (u32, u32) = (900, 760);
const COST_SIZE: (u32, u32) = (900, 560);
const ANIMATION_SIZE: (u32, u32) = (640, 640);

/// Frames of an animation: six seconds at ten a second.
const FRAMES: usize = 60;

/// Points a side of the grid that the network is asked at.
const FINE: usize = 240;
const COARSE: usize = 120;

/// Refuses data that has no plane to draw on.
pub fn check_drawable(dataset: &Dataset) -> Result<()> {
    Grid::around(dataset, 2, 2).map(drop)
}

/// The points to ask the network at; coarse where many grids are asked.
pub fn grid(dataset: &Dataset, coarse: bool) -> Result<Grid> {
    let side = if coarse { COARSE } else { FINE };
    Grid::around(dataset, side, side)
}

/// The iterations of an animation's frames: dense at first, when most happens.
pub fn moments(iterations: usize) -> Vec<usize> {
    let mut moments: Vec<usize> = (0..FRAMES)
        .map(|i| {
            let part = i as f64 / (FRAMES - 1) as f64;
            (iterations as f64 * part * part).round() as usize
        })
        .collect();
    moments.dedup();
    moments
}

/// Draws cost.png, and where the data has a plane boundary.png and boundary.gif; the names of what was written.
pub fn draw_run(
    folder: &mut RunFolder,
    dataset: &Dataset,
    network: &Network,
    fit: &Fit,
) -> Result<Vec<&'static str>> {
    let mut written = vec!["cost.png"];
    let title = format!("{}, {network}", dataset.name);
    let caption = caption(fit.trained.iteration, fit.trained.cost_after_last, fit.score);
    let costs = &fit.trained.costs;
    let curve = Curve { label: "", start: 0, step: 1, costs };
    let looks = Looks::new(&fit.trained.looks);
    let options = CostOptions { title: &title, caption: &caption, size: COST_SIZE, ..CostOptions::default() };
    folder.write("cost.png", encode_png(&cost_curve(&looks.curves(curve), &options)?)?)?;
    if let Some(regions) = &fit.regions {
        let panel = Panel::new(dataset, regions, &title, &caption)?;
        folder.write("boundary.png", encode_png(&decision_boundary(&panel, BOUNDARY_SIZE)?)?)?;
        written.push("boundary.png");
    }
    if !fit.moments.is_empty() {
        let mut animation = Animation::new(dataset, &title, ANIMATION_SIZE)?.with_history(curve);
        for moment in &fit.moments {
            let cost = costs.get(moment.iteration).copied().unwrap_or(fit.trained.cost_after_last);
            animation.push(moment.iteration, cost, moment.regions.clone())?;
        }
        folder.write("boundary.gif", animation.encode()?)?;
        written.push("boundary.gif");
    }
    Ok(written)
}

/// The costs of a watched training at its looks.
struct Looks {
    every: usize,
    training: Vec<f64>,
    validation: Vec<f64>,
}

impl Looks {
    fn new(looks: &[Look]) -> Self {
        let validation = looks.iter().filter_map(|look| look.validation.as_ref()?.get(Metric::Cost));
        Self {
            every: looks.first().map_or(0, |look| look.iteration),
            training: looks.iter().map(|look| look.training_cost).collect(),
            validation: validation.collect(),
        }
    }

    /// Their curves, or that of the costs of all iterations where nobody looked.
    fn curves<'a>(&'a self, all: Curve<'a>) -> Vec<Curve<'a>> {
        let of = |label, costs| Curve { label, start: self.every, step: self.every, costs };
        match (&self.training[..], &self.validation[..]) {
            ([], _) => vec![all],
            (training, []) => vec![of("", training)],
            (training, validation) => vec![of("training", training), of("validation", validation)],
        }
    }
}

fn caption(iterations: usize, cost: f64, score: Option<Score>) -> String {
    let accuracy = describe(score).map_or_else(String::new, |text| format!(" · {text}"));
    format!("iteration {} · cost {cost:.4}{accuracy}", thousands(iterations))
}

/// Panels of a sweep's picture at most.
pub const MAX_PANELS: usize = 12;

/// Draws sweep.png, one panel a network under its own title, and names it.
pub fn draw_sweep(
    folder: &mut RunFolder,
    dataset: &Dataset,
    title: &str,
    networks: &[(String, Regions)],
) -> Result<&'static str> {
    let panels: Vec<_> = networks
        .iter()
        .map(|(title, regions)| Panel::new(dataset, regions, title, ""))
        .collect::<Result<_>>()?;
    let size = sweep_size(panels.len());
    folder.write("sweep.png", encode_png(&sweep_grid(&panels, title, size)?)?)?;
    Ok("sweep.png")
}
