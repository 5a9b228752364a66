//! How the dashboard looks: curves, numbers, progress, lines; drawn from its state alone.

use std::time::Duration;

use gpu_nn::training::Metric;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::symbols::Marker;
use ratatui::text::Line;
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, Paragraph, Wrap};

use super::board::State;
use super::console::thousands;

const TRAINING: Color = Color::Cyan;
const VALIDATION: Color = Color::Yellow;

/// Draws all of it; `elapsed` is the time since the dashboard was opened.
pub fn draw(frame: &mut Frame<'_>, state: &State, elapsed: Duration) {
    let [numbers, charts, progress, lines] = Layout::vertical([
        Constraint::Length(4),
        Constraint::Min(8),
        Constraint::Length(3),
        Constraint::Length(if state.error.is_some() { 5 } else { 7 }),
    ])
    .areas(frame.area());
    draw_numbers(frame, numbers, state, elapsed);
    if state.scores.points.is_empty() {
        draw_costs(frame, charts, state);
    } else {
        let [costs, scores] = Layout::horizontal([Constraint::Fill(1); 2]).areas(charts);
        draw_costs(frame, costs, state);
        let curve = [(state.metric.name(), &state.scores.points[..], VALIDATION)];
        draw_chart(frame, scores, &format!("validation {}", state.metric), &curve);
    }
    draw_progress(frame, progress, state, elapsed);
    draw_lines(frame, lines, state);
}

fn draw_numbers(frame: &mut Frame<'_>, area: Rect, state: &State, elapsed: Duration) {
    let last = |points: &[(f64, f64)]| points.last().map(|point| point.1);
    let mut costs = Vec::new();
    if let Some(cost) = last(&state.training.points).or(last(&state.costs.points)) {
        costs.push(format!("cost {cost:.6}"));
    }
    if let Some(cost) = last(&state.validation.points) {
        costs.push(format!("validation cost {cost:.6}"));
    }
    if let Some(value) = last(&state.scores.points) {
        costs.push(format!("{} {}", state.metric, shown(state.metric, value)));
    }
    if let Some((iteration, value)) = state.best {
        let value = shown(state.metric, value);
        costs.push(format!("best {value} after {}", thousands(iteration)));
    }
    let mut rates = vec![format!("learning rate {:.3e}", state.rate())];
    let seconds = elapsed.as_secs_f64();
    let done = (state.done - state.before) as f64;
    if done > 0.0 && seconds > 0.0 {
        rates.push(format!("{} iterations/s", thousands((done / seconds).round() as usize)));
        let samples = done * state.steps.batches.size as f64 / seconds;
        rates.push(format!("{} samples/s", thousands(samples.round() as usize)));
    }
    let text = vec![Line::from(costs.join("   ")).bold(), Line::from(rates.join("   "))];
    let block = Block::bordered().title(format!(" {} ", state.title));
    frame.render_widget(Paragraph::new(text).block(block), area);
}

fn shown(metric: Metric, value: f64) -> String {
    if metric == Metric::Accuracy { format!("{:.2} %", 100.0 * value) } else { format!("{value:.4}") }
}

fn draw_costs(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let training = match &state.training.points[..] {
        [] => &state.costs.points[..],
        looks => looks,
    };
    let mut curves = vec![("training", training, TRAINING)];
    if !state.validation.points.is_empty() {
        curves.push(("validation", &state.validation.points[..], VALIDATION));
    }
    draw_chart(frame, area, "cost", &curves);
}

/// A name, points, a colour.
type Curve<'a> = (&'a str, &'a [(f64, f64)], Color);

fn draw_chart(frame: &mut Frame<'_>, area: Rect, title: &str, curves: &[Curve<'_>]) {
    let all = || curves.iter().flat_map(|curve| curve.1.iter().copied());
    let x = range(all().map(|point| point.0));
    let y = range(all().map(|point| point.1));
    let datasets = curves.iter().map(|(name, points, colour)| {
        let style = Style::default().fg(*colour);
        let graph = if points.len() == 1 { GraphType::Scatter } else { GraphType::Line };
        Dataset::default().name(*name).marker(Marker::Braille).graph_type(graph).style(style).data(points)
    });
    let ends = |[low, high]: [f64; 2], text: &dyn Fn(f64) -> String| vec![text(low), text(high)];
    let whole = |value: f64| thousands(value.max(0.0) as usize);
    let x_axis = Axis::default().bounds(x).labels(ends(x, &whole)).style(Style::default().dim());
    let decimals = |value: f64| format!("{value:.4}");
    let y_axis = Axis::default().bounds(y).labels(ends(y, &decimals)).style(Style::default().dim());
    let block = Block::bordered().title(format!(" {title} "));
    // The legend tells the curves apart, so it stays unless it would hide them.
    let most = (Constraint::Ratio(1, 2), Constraint::Ratio(1, 2));
    let chart = Chart::new(datasets.collect()).block(block).hidden_legend_constraints(most);
    frame.render_widget(chart.x_axis(x_axis).y_axis(y_axis), area);
}

/// The ends of an axis; one that is wider than a single value.
fn range(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let ends = (f64::INFINITY, f64::NEG_INFINITY);
    let (low, high) = values.fold(ends, |(low, high), value| (low.min(value), high.max(value)));
    match (low < high, low.is_finite()) {
        (true, _) => [low, high],
        (false, true) => [low, low + low.abs().max(1.0) * 1e-3],
        (false, false) => [0.0, 1.0],
    }
}

fn draw_progress(frame: &mut Frame<'_>, area: Rect, state: &State, elapsed: Duration) {
    let all = state.steps.iterations.max(1);
    let ratio = (state.done as f64 / all as f64).clamp(0.0, 1.0);
    let mut label = format!("{} of {} iterations", thousands(state.done), thousands(all));
    if state.steps.in_batches() {
        let epochs = state.done / state.steps.batches.count();
        label += &format!(", {} epochs", thousands(epochs));
    }
    label += &format!(", {} gone", clock(elapsed));
    let done = state.done - state.before;
    if done > 0 {
        let left = all.saturating_sub(state.done) as f64 * elapsed.as_secs_f64() / done as f64;
        label += &format!(", {} to go", clock(Duration::from_secs_f64(left.min(1e9))));
    }
    let title = if state.stopping { " stopping " } else { " q or Ctrl-C: stop and keep a checkpoint " };
    let gauge = Gauge::default().block(Block::bordered().title(title)).ratio(ratio).label(label);
    frame.render_widget(gauge.gauge_style(Style::default().fg(Color::Blue)), area);
}

/// `1:02:03` or `2:03`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

fn draw_lines(frame: &mut Frame<'_>, area: Rect, state: &State) {
    if let Some(error) = &state.error {
        let block = Block::bordered().title(" error: press a key ").border_style(Style::default().red());
        let text = Paragraph::new(error.as_str()).red().bold().wrap(Wrap { trim: true });
        return frame.render_widget(text.block(block), area);
    }
    let rows = usize::from(area.height.saturating_sub(2));
    let first = state.lines.len().saturating_sub(rows);
    let lines: Vec<Line<'_>> = state.lines.iter().skip(first).map(|line| Line::from(line.as_str())).collect();
    frame.render_widget(Paragraph::new(lines).block(Block::bordered()), area);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use gpu_nn::data::{Dataset, Targets};
    use gpu_nn::network::Loss;
    use gpu_nn::schedule::{Batches, Descent, Optimizer};
    use gpu_nn::training::{Look, Metric, Metrics, Progress};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::{clock, draw, range};
    use crate::cli::board::{Series, State};
    use crate::cli::steps::Steps;
    use gpu_nn::training::Method;

    fn state(batch: usize) -> State {
        let batches = Batches { m: 100, size: batch, shuffle: None };
        let steps = Steps {
            iterations: 1_000,
            report_every: 100,
            batches,
            method: Method::Rule(Optimizer::Sgd),
            descent: Descent::sgd(0.5),
            dropout: None,
            label_smoothing: 0.0,
        };
        State::new("iris.csv, 4-3:softmax".into(), steps, Metric::Cost, 0)
    }

    /// The screen as lines of text.
    fn screen(state: &State, seconds: u64) -> String {
        let mut terminal = Terminal::new(TestBackend::new(100, 30)).unwrap();
        terminal.draw(|frame| draw(frame, state, Duration::from_secs(seconds))).unwrap();
        let buffer = terminal.backend().buffer();
        let rows = buffer.content().chunks(usize::from(buffer.area.width));
        rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>() + "\n").collect()
    }

    fn look(iteration: usize, cost: f64, best: bool) -> Look {
        let targets = Targets::Classes { labels: vec![0, 1], names: vec!["a".into(), "b".into()] };
        let dataset = Dataset::new("two", vec![0.0; 2], vec!["x".into()], targets).unwrap();
        let metrics = Metrics::new(Loss::BinaryCrossEntropy, &[0.2, 0.9], &dataset);
        Look { iteration, training_cost: cost, validation: Some(metrics), best }
    }

    /// Cells with a piece of curve.
    fn dots(screen: &str) -> usize {
        screen.chars().filter(|c| ('\u{2801}'..='\u{28ff}').contains(c)).count()
    }

    #[test]
    fn curves_numbers_rates_and_the_time_to_go_are_shown() {
        let mut state = state(10);
        let looks: Vec<Look> = (1..=25).map(|n| look(10 * n, 1.0 / n as f64, n == 20)).collect();
        let costs = vec![0.5; 250];
        state.see(&Progress { done: 250, iterations: 1_000, costs: &costs, looks: &looks });
        state.line("lowering  fused (measured)");
        let text = screen(&state, 10);
        for shown in [
            "iris.csv, 4-3:softmax",
            "cost 0.040000",
            "validation cost 0.164252",
            "accuracy 100.00 %",
            "best 100.00 % after 200",
            "learning rate 5.000e-1",
            "25 iterations/s",
            "250 samples/s",
            "250 of 1,000 iterations, 25 epochs, 0:10 gone, 0:30 to go",
            "q or Ctrl-C",
            "lowering  fused (measured)",
            "validation accuracy",
            "training",
        ] {
            assert!(text.contains(shown), "{shown} is missing:\n{text}");
        }
        assert!(dots(&text) > 20, "{text}");
        // What was seen is not added again.
        state.see(&Progress { done: 250, iterations: 1_000, costs: &costs, looks: &looks });
        assert_eq!((state.training.points.len(), state.costs.points.len()), (25, 250));
    }

    #[test]
    fn an_error_and_a_stop_are_shown() {
        let mut state = state(100);
        state.stopping = true;
        assert!(screen(&state, 0).contains(" stopping "));
        state.error = Some("training diverged: the cost at iteration 7 is inf".into());
        let text = screen(&state, 1);
        assert!(text.contains("error: press a key") && text.contains("iteration 7 is inf"), "{text}");
    }

    #[test]
    fn a_training_without_looks_shows_its_costs() {
        let mut state = state(100);
        assert_eq!(dots(&screen(&state, 0)), 0);
        let costs: Vec<f64> = (0..500).map(|t| 1.0 / (1 + t) as f64).collect();
        state.see(&Progress { done: 500, iterations: 1_000, costs: &costs, looks: &[] });
        let text = screen(&state, 5);
        assert!(dots(&text) > 20 && !text.contains("epochs"), "{text}");
        assert!(text.contains("1.0000") && text.contains("0.0020"), "the ends of the axis: {text}");
        // A small terminal cuts off, and nothing breaks.
        let mut terminal = Terminal::new(TestBackend::new(12, 5)).unwrap();
        terminal.draw(|frame| draw(frame, &state, Duration::ZERO)).unwrap();
    }

    #[test]
    fn long_curves_keep_their_size_and_their_span() {
        let mut series = Series::default();
        (0..1_000_000).for_each(|t| series.push(f64::from(t), 1.0));
        assert!((1_000..4_000).contains(&series.points.len()), "{}", series.points.len());
        assert_eq!(series.points[0].0, 0.0);
        assert!(series.points.last().unwrap().0 > 999_000.0);
        series.push(0.0, f64::NAN);
        assert!(series.points.iter().all(|point| point.1.is_finite()));
    }

    #[test]
    fn times_and_ranges_are_what_they_should() {
        assert_eq!(clock(Duration::from_secs(3_723)), "1:02:03");
        assert_eq!(clock(Duration::from_secs(65)), "1:05");
        assert_eq!(range([].into_iter()), [0.0, 1.0]);
        let [low, high] = range([2.0].into_iter());
        assert!(low == 2.0 && high > low);
    }
}
