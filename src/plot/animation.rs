//! A training as a moving picture: the decision boundary of each frame above the cost so far.

use image::RgbImage;

use super::axis::number;
use super::boundary::{Panel, PlaneStyle, draw_plane};
use super::canvas::{Canvas, Point, Rect, check_size};
use super::chart::{self, Theme};
use super::colours::{self, MUTED, WHITE, mix};
use super::cost::{CostAxes, CostScale, CostStyle, Curve};
use super::encode::encode_gif;
use super::grid::Regions;
use crate::data::Dataset;
use crate::error::{Error, Result};

/// Buffer pixels a picture pixel: fewer than in a still, as many frames are drawn and none is looked at for long.
const ENLARGED: u32 = 2;

/// Steps of confidence: few enough for 256 colours, and flat areas make small files.
const STEPS: u32 = 20;

/// How long the last frame stays, in milliseconds.
const LAST_FRAME: u32 = 2000;

/// Collects the states of a network during training, and plays them as a GIF.
#[derive(Clone, Debug)]
pub struct Animation<'a> {
    dataset: &'a Dataset,
    title: String,
    size: (u32, u32),
    frame_time: u32,
    history: Option<Curve<'a>>,
    frames: Vec<State>,
}

/// The network at one iteration.
#[derive(Clone, Debug)]
struct State {
    iteration: usize,
    cost: f64,
    regions: Regions,
}

impl<'a> Animation<'a> {
    /// An animation without frames, `size` (width, height) pixels large; 640 x 560 suits a page.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a side below 160 or above 4096 pixels.
    pub fn new(dataset: &'a Dataset, title: impl Into<String>, size: (u32, u32)) -> Result<Self> {
        check_size(size)?;
        Ok(Self { dataset, title: title.into(), size, frame_time: 100, history: None, frames: Vec::new() })
    }

    /// Shows the cost of every iteration below the boundary, and not only those of the frames: a learning rate that is
    /// too high swings between frames.
    #[must_use]
    pub fn with_history(mut self, history: Curve<'a>) -> Self {
        self.history = Some(history);
        self
    }

    /// Shows each frame but the last for this many milliseconds; 100 if not set. GIF counts in steps of 10.
    #[must_use]
    pub fn with_frame_time(mut self, milliseconds: u32) -> Self {
        self.frame_time = milliseconds;
        self
    }

    /// Adds the network as it is after `iteration` iterations; frames come in the order of their iterations.
    ///
    /// # Errors
    /// As [`Panel::new`].
    pub fn push(&mut self, iteration: usize, cost: f64, regions: Regions) -> Result<()> {
        Panel::new(self.dataset, &regions, "", "")?;
        self.frames.push(State { iteration, cost, regions });
        Ok(())
    }

    /// The number of frames so far.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there are no frames yet.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// One frame as a picture, in all its colours.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if there is no such frame.
    pub fn frame(&self, index: usize) -> Result<RgbImage> {
        let Some(state) = self.frames.get(index) else {
            return Err(Error::invalid("frame", index, format!("the animation has {} frames", self.len())));
        };
        self.draw(state, &CostAxes::around(self.costs(), CostScale::Automatic))
    }

    /// The bytes of a GIF file with all frames, which starts again 2 seconds after reaching the last.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] without frames, [`Error::Picture`] if they cannot be encoded.
    pub fn encode(&self) -> Result<Vec<u8>> {
        if self.is_empty() {
            return Err(Error::invalid("number of frames", 0, "an animation has at least 1"));
        }
        let axes = CostAxes::around(self.costs(), CostScale::Automatic);
        let last = self.len() - 1;
        let time = |index| if index == last { LAST_FRAME } else { self.frame_time };
        let frames = self.frames.iter().enumerate();
        let drawn = frames.map(|(index, state)| Ok((self.draw(state, &axes)?, time(index))));
        encode_gif(&drawn.collect::<Result<Vec<_>>>()?)
    }

    fn costs(&self) -> impl Iterator<Item = Point> {
        let own = if self.history.is_none() { self.frames.as_slice() } else { &[] };
        let own = own.iter().map(|state| (state.iteration as f64, state.cost));
        self.history.iter().flat_map(Curve::points).chain(own)
    }

    fn draw(&self, state: &State, axes: &CostAxes) -> Result<RgbImage> {
        let mut canvas = Canvas::new(self.size, ENLARGED)?;
        let theme = Theme::of(self.size);
        let panel = Panel::new(self.dataset, &state.regions, "", "")?;
        let values = panel.value_axis();
        let key = panel.key(&values);
        let caption = format!("iteration {} · cost {}", number(state.iteration as f64, 0), short(state.cost));
        let area = canvas.area().inset(theme.margin());
        let area = chart::header(&mut canvas, area, &self.title, &caption, &theme);
        let key_top = area.bottom - key.height(area.width(), &theme);
        let charts_bottom = key_top - 0.5 * theme.text();
        let split = area.top + 0.76 * (charts_bottom - area.top);
        // The same room on both charts, or their edges would not line up.
        let rooms = (3.4 * theme.small(), 1.8 * theme.small());
        let style = PlaneStyle { theme, markers: 1.0, steps: Some(STEPS), names: false, rooms };
        let plot = draw_plane(&mut canvas, Rect { bottom: split, ..area }, &panel, &values, &style);
        let strip = Rect { top: split + 0.4 * theme.text(), bottom: charts_bottom, ..area };
        self.draw_costs(&mut canvas, strip, state, axes, rooms, &theme);
        key.draw(&mut canvas, Rect { left: plot.left, top: key_top, ..area }, &theme);
        Ok(canvas.finish())
    }

    /// The whole history in grey, what is past in colour, and a dot at the present.
    fn draw_costs(
        &self,
        canvas: &mut Canvas,
        area: Rect,
        state: &State,
        axes: &CostAxes,
        rooms: (f64, f64),
        theme: &Theme,
    ) {
        let now = state.iteration as f64;
        let plot = axes.draw(canvas, area, theme, &CostStyle { names: false, rooms });
        let colour = colours::curve(0);
        axes.line(canvas, plot, self.costs(), 1.4 * theme.unit, mix(WHITE, MUTED, 0.35));
        let past = self.costs().filter(|(iteration, _)| *iteration <= now);
        axes.line(canvas, plot, past, 1.8 * theme.unit, colour);
        if let Some(present) = axes.place(plot, (now, state.cost)) {
            canvas.disc(present, 4.6 * theme.unit, WHITE);
            canvas.disc(present, 3.6 * theme.unit, colour);
        }
    }
}

/// A cost in as many digits as its size asks for.
fn short(cost: f64) -> String {
    if cost.is_finite() { number(cost, if cost.abs() < 100.0 { 4 } else { 1 }) } else { format!("{cost}") }
}
