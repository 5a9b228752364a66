//! What the dashboard shows, on a terminal that is none.

use std::time::Duration;

use gpu_nn::data::{Dataset, Targets};
use gpu_nn::network::Loss;
use gpu_nn::schedule::{Batches, Descent, Optimizer};
use gpu_nn::training::{Look, Metric, Metrics, Progress};
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::super::board::{Series, State};
use super::super::method::Method;
use super::super::training_options::Steps;
use super::{clock, draw, range};

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
