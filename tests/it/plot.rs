//! Pictures: sizes, colours where they must be, and data that leaves nothing to scale by.

use std::io::Cursor;

use gpu_nn::data::{Dataset, Targets, Unit};
use gpu_nn::network::Loss;
use gpu_nn::plot::{
    Animation, CostOptions, CostScale, Curve, Grid, Panel, Regions, RgbImage, cost_curve, decision_boundary,
    encode_png, sweep_grid,
};
use image::AnimationDecoder;
use image::codecs::gif::GifDecoder;
use image::metadata::LoopCount;

const SIZE: (u32, u32) = (640, 560);

/// Points on a circle, classes taking turns.
fn ring(m: usize, n_classes: usize) -> Dataset {
    let angle = |j: usize| j as f64 * 0.7;
    let x = (0..m).map(|j| angle(j).cos()).chain((0..m).map(|j| angle(j).sin())).collect();
    let labels = (0..m).map(|j| (j % n_classes) as u32).collect();
    classes(x, labels, n_classes)
}

fn classes(x: Vec<f64>, labels: Vec<u32>, n_classes: usize) -> Dataset {
    let names = (0..n_classes).map(|class| format!("class {class}")).collect();
    Dataset::new("ring", x, vec!["x1".into(), "x2".into()], Targets::Classes { labels, names }).unwrap()
}

fn values(x: Vec<f64>, values: Vec<f64>) -> Dataset {
    let targets = Targets::Values { values, n_outputs: 1 };
    Dataset::new("surface", x, vec!["x1".into(), "x2".into()], targets).unwrap()
}

/// What `output` says about each output row at each (x1, x2).
fn regions(
    dataset: &Dataset,
    n_outputs: usize,
    loss: Loss,
    output: impl Fn(usize, f64, f64) -> f64,
) -> Regions {
    let grid = Grid::around(dataset, 40, 30).unwrap();
    let points = grid.points();
    let (x1, x2) = points.split_at(grid.n_points());
    let outputs = (0..n_outputs)
        .flat_map(|row| x1.iter().zip(x2).map(move |(a, b)| (row, *a, *b)))
        .map(|(row, a, b)| output(row, a, b))
        .collect();
    Regions::new(grid, outputs, loss).unwrap()
}

/// A steep boundary at x1 = 0, class 1 to the right.
fn sides(dataset: &Dataset) -> Regions {
    regions(dataset, 1, Loss::BinaryCrossEntropy, |_, x1, _| 1.0 / (1.0 + (-20.0 * x1).exp()))
}

fn draw(dataset: &Dataset, regions: &Regions) -> RgbImage {
    let panel = Panel::new(dataset, regions, "title", "caption · cost 0.2").unwrap();
    decision_boundary(&panel, SIZE).unwrap()
}

fn curve(costs: &[f64]) -> Curve<'_> {
    Curve { label: "curve", start: 0, step: 1, costs }
}

fn draw_costs(costs: &[f64]) -> RgbImage {
    cost_curve(&[curve(costs)], &CostOptions { size: SIZE, ..CostOptions::default() }).unwrap()
}

fn is_blue([r, _, b]: [u8; 3]) -> bool {
    b > r.saturating_add(30)
}

fn is_orange([r, _, b]: [u8; 3]) -> bool {
    r > b.saturating_add(30)
}

fn count(image: &RgbImage, matches: impl Fn([u8; 3]) -> bool) -> usize {
    image.pixels().filter(|pixel| matches(pixel.0)).count()
}

fn count_exactly(image: &RgbImage, colour: [u8; 3]) -> usize {
    count(image, |pixel| pixel == colour)
}

/// Left, right, top and bottom of the pixels of the background, which has the same colour everywhere.
fn plot_area(image: &RgbImage) -> [u32; 4] {
    let background = image.get_pixel(SIZE.0 / 2, SIZE.1 / 2);
    let found = || image.enumerate_pixels().filter(|(_, _, pixel)| *pixel == background);
    let [xs, ys] = [found().map(|p| p.0).collect::<Vec<_>>(), found().map(|p| p.1).collect()];
    [xs.iter().min(), xs.iter().max(), ys.iter().min(), ys.iter().max()].map(|edge| *edge.unwrap())
}

const BLUE: [u8; 3] = [0, 114, 178];
const VERMILION: [u8; 3] = [213, 94, 0];

#[test]
fn a_grid_covers_the_data_with_a_margin() {
    let dataset = classes(vec![0.0, 10.0, -1.0, 1.0], vec![0, 1], 2);
    let grid = Grid::around(&dataset, 3, 2).unwrap();
    assert_eq!((grid.x_range(), grid.y_range()), ((-1.0, 11.0), (-1.2, 1.2)));
    assert_eq!((grid.columns(), grid.rows(), grid.n_points()), (3, 2, 6));
    assert_eq!(grid.points(), [-1.0, 5.0, 11.0, -1.0, 5.0, 11.0, -1.2, -1.2, -1.2, 1.2, 1.2, 1.2]);
}

#[test]
fn a_grid_around_equal_values_reaches_one_unit() {
    let grid = Grid::around(&classes(vec![3.0, 3.0, 0.0, 0.0], vec![0, 1], 2), 2, 2).unwrap();
    assert_eq!((grid.x_range(), grid.y_range()), ((2.0, 4.0), (-1.0, 1.0)));
}

#[test]
fn grids_refuse_what_they_cannot_span() {
    let names = vec!["a".into(), "b".into(), "c".into()];
    let targets = Targets::Classes { labels: vec![0], names: vec!["only".into()] };
    let solid = Dataset::new("solid", vec![0.0; 3], names, targets).unwrap();
    let message = Grid::around(&solid, 10, 10).unwrap_err().to_string();
    assert!(message.contains("expected 2, found 3"), "{message}");
    let flat = ring(4, 2);
    assert!(Grid::around(&flat, 1, 10).unwrap_err().is_usage());
    assert!(Grid::around(&flat, 10, 1_000_000).unwrap_err().is_usage());
    let huge = classes(vec![-1e308, 1e308, 0.0, 1.0], vec![0, 1], 2);
    assert!(Grid::around(&huge, 10, 10).unwrap_err().to_string().contains("x1"));
}

#[test]
fn regions_refuse_outputs_that_do_not_fit() {
    let grid = Grid::around(&ring(4, 2), 10, 10).unwrap();
    for (count, loss) in [
        (99, Loss::BinaryCrossEntropy),
        (200, Loss::BinaryCrossEntropy),
        (100, Loss::SoftmaxCrossEntropy),
        (250, Loss::SoftmaxCrossEntropy),
        (0, Loss::SquaredError),
    ] {
        assert!(Regions::new(grid, vec![0.0; count], loss).is_err(), "{count} values for {loss:?}");
    }
}

#[test]
fn a_panel_refuses_classes_the_data_does_not_have() {
    let dataset = values(vec![0.0, 1.0, 0.0, 1.0], vec![0.0, 1.0]);
    let regions = sides(&dataset);
    assert!(Panel::new(&dataset, &regions, "", "").is_err());
}

#[test]
fn both_sides_of_a_boundary_have_their_class_colour() {
    let dataset = ring(10, 2);
    let image = draw(&dataset, &sides(&dataset));
    assert_eq!(image.dimensions(), SIZE);
    let [left, right] = [150, 550].map(|x| image.get_pixel(x, 250).0);
    assert!(is_orange(left) && is_blue(right), "{left:?} {right:?}");
    assert!(left.iter().all(|value| *value > 100), "the background is pale: {left:?}");
}

#[test]
fn the_boundary_is_one_dark_line_from_edge_to_edge() {
    let dataset = ring(10, 2);
    let image = draw(&dataset, &sides(&dataset));
    let dark = |x: u32, y: u32| image.get_pixel(x, y).0.iter().all(|value| *value < 90);
    // A band of rows without samples.
    let columns: Vec<u32> = (100..600).filter(|x| (200..260).all(|y| dark(*x, y))).collect();
    assert!((1..=2).contains(&columns.len()), "{columns:?}");
}

#[test]
fn a_network_that_says_the_same_everywhere_has_no_boundary() {
    let dataset = ring(10, 2);
    // Rounding noise around 0.5, as an untrained network in f32 makes it.
    let noise = |_: usize, x1: f64, x2: f64| 0.5 + 5e-8 * (1e4 * x1 + 3e3 * x2).sin();
    let image = draw(&dataset, &regions(&dataset, 1, Loss::BinaryCrossEntropy, noise));
    let dark = count(&image, |pixel| pixel.iter().all(|value| *value < 60));
    let with_boundary = draw(&dataset, &sides(&dataset));
    let expected = count(&with_boundary, |pixel| pixel.iter().all(|value| *value < 60));
    assert!(dark + 100 < expected, "{dark} dark pixels, {expected} with a boundary");
}

#[test]
fn markers_lie_where_their_samples_are() {
    // The grid reaches from -1.2 to 1.2: the corners of the data are a twelfth of the plot from its corners.
    let dataset = classes(vec![-1.0, 1.0, -1.0, 1.0], vec![0, 1], 2);
    let image = draw(&dataset, &regions(&dataset, 1, Loss::BinaryCrossEntropy, |_, _, _| 0.5));
    let centre = |colour: [u8; 3], inside: fn(u32, u32) -> bool| {
        let found: Vec<(u32, u32)> = image
            .enumerate_pixels()
            .filter(|(x, y, pixel)| pixel.0 == colour && inside(*x, *y))
            .map(|(x, y, _)| (x, y))
            .collect();
        let mean = |values: Vec<u32>| f64::from(values.iter().sum::<u32>()) / values.len() as f64;
        (mean(found.iter().map(|p| p.0).collect()), mean(found.iter().map(|p| p.1).collect()))
    };
    // Above the key, which shows the same markers.
    let lower_left = centre(VERMILION, |_, y| y < 460);
    let upper_right = centre(BLUE, |_, y| y < 460);
    let plot = plot_area(&image);
    let at = |low: u32, high: u32, share: f64| f64::from(low) * (1.0 - share) + f64::from(high) * share;
    for (found, share) in [(lower_left, 1.0 / 12.0), (upper_right, 11.0 / 12.0)] {
        let expected = (at(plot[0], plot[1], share), at(plot[3], plot[2], share));
        let distance = (found.0 - expected.0).hypot(found.1 - expected.1);
        assert!(distance < 2.0, "found {found:?}, expected {expected:?}");
    }
}

#[test]
fn axes_carry_what_was_measured_and_not_what_it_was_scaled_to() {
    let scaled = ring(60, 2);
    let unit = Unit { shift: 100.0, scale: 8.0 };
    let x = scaled.x.iter().map(|&x| unit.measured(x)).collect();
    let measured = classes(x, scaled.labels().unwrap().to_vec(), 2);
    let in_units = Dataset { units: vec![unit; 2], ..scaled.clone() };
    let of_measured =
        regions(&measured, 1, Loss::BinaryCrossEntropy, |_, x1, _| f64::from(u8::from(x1 > 100.0)));
    let of_scaled = regions(&scaled, 1, Loss::BinaryCrossEntropy, |_, x1, _| f64::from(u8::from(x1 > 0.0)));
    let wanted = draw(&measured, &of_measured);
    assert!(draw(&in_units, &of_scaled) == wanted, "another picture than that of the measured values");
    assert!(draw(&scaled, &of_scaled) != wanted, "the scale shows nowhere");
}

#[test]
fn three_classes_have_three_colours_and_nine_start_again() {
    for n_classes in [3, 9] {
        let dataset = ring(27, n_classes);
        let sector = |row: usize, x1: f64, x2: f64| {
            let turn = std::f64::consts::TAU * row as f64 / n_classes as f64;
            0.5 + 0.4 * (x2.atan2(x1) - turn).cos()
        };
        let image = draw(&dataset, &regions(&dataset, n_classes, Loss::SoftmaxCrossEntropy, sector));
        for colour in [VERMILION, BLUE, [0, 158, 115]] {
            assert!(count_exactly(&image, colour) > 20, "{n_classes} classes, {colour:?}");
        }
        let last = count_exactly(&image, [60, 60, 60]);
        assert_eq!(last > 5, n_classes == 9, "{last} pixels of the eighth colour");
    }
}

#[test]
fn regression_runs_from_dark_to_light() {
    let x = [-1.0, 0.0, 1.0, -1.0, 0.0, 1.0];
    let dataset = values(x.to_vec(), vec![-2.0, 0.0, 2.0]);
    let image = draw(&dataset, &regions(&dataset, 1, Loss::SquaredError, |_, x1, _| 2.0 * x1));
    let [left, right] = [100, 600].map(|x| image.get_pixel(x, 120).0);
    let light = |pixel: [u8; 3]| pixel.iter().map(|value| u32::from(*value)).sum::<u32>();
    assert!(light(left) + 100 < light(right), "{left:?} {right:?}");
}

#[test]
fn colours_between_grid_points_are_interpolated_and_up_is_up() {
    let dataset = values(vec![-1.0, 1.0, -1.0, 1.0], vec![-1.0, 1.0]);
    let image = draw(&dataset, &regions(&dataset, 1, Loss::SquaredError, |_, _, x2| x2));
    // A column without samples, from top to bottom: green falls with the value.
    let column: Vec<u8> = (100..400).map(|y| image.get_pixel(350, y).0[1]).collect();
    assert!(column.is_sorted_by(|upper, lower| upper >= lower), "{column:?}");
    let distinct = column.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(distinct > 100, "{distinct} steps from 30 rows of points");
}

#[test]
fn data_with_nothing_to_scale_by_is_drawn() {
    for dataset in [ring(1, 1), classes(vec![5.0; 8], vec![0, 1, 0, 1], 2)] {
        draw(&dataset, &sides(&dataset));
    }
    for target in [0.0, 7.0, -1e300] {
        let dataset = values(vec![1.0; 4], vec![target; 2]);
        draw(&dataset, &regions(&dataset, 1, Loss::SquaredError, |_, _, _| target));
    }
}

#[test]
fn outputs_that_are_not_numbers_are_grey() {
    let dataset = ring(6, 2);
    for hole in [f64::NAN, f64::INFINITY] {
        let broken = |_: usize, x1: f64, _: f64| if x1 < 0.0 { hole } else { 0.9 };
        for loss in [Loss::BinaryCrossEntropy, Loss::SquaredError] {
            let image = draw(&dataset, &regions(&dataset, 1, loss, broken));
            assert!(count_exactly(&image, [205; 3]) > 5000, "{hole} with {loss:?}");
        }
    }
}

#[test]
fn many_samples_leave_the_regions_visible() {
    let m = 100_000;
    let scattered = |j: usize, factor: f64| (j as f64 * factor).fract();
    let x =
        (0..m).map(|j| scattered(j, 0.754_877_7)).chain((0..m).map(|j| scattered(j, 0.569_840_3))).collect();
    // Sorted by class: a choice of the first would show one class only.
    let dataset = classes(x, (0..m).map(|j| u32::from(j >= m / 2)).collect(), 2);
    let panel_regions = sides(&dataset);
    let panel = Panel::new(&dataset, &panel_regions, "", "").unwrap();
    let image = decision_boundary(&panel, (900, 760)).unwrap();
    let (blue, vermilion) = (count_exactly(&image, BLUE), count_exactly(&image, VERMILION));
    assert!(
        blue.min(vermilion) * 3 > blue.max(vermilion) * 2,
        "{blue} and {vermilion} pixels of the classes"
    );
    assert!(blue + vermilion < 900 * 760 / 6, "markers cover the picture");
}

#[test]
fn texts_of_any_length_fit() {
    let dataset = ring(6, 2);
    let regions = sides(&dataset);
    let long = "ein sehr langer Titel − × ≤ 中文 🦀 ".repeat(5000);
    let panel = Panel::new(&dataset, &regions, &long, &long).unwrap();
    for size in [(160, 160), (161, 1000), (1000, 161)] {
        let image = decision_boundary(&panel, size).unwrap();
        assert!((0..size.1).all(|y| *image.get_pixel(size.0 - 1, y) == image::Rgb([255; 3])));
    }
}

#[test]
fn sizes_out_of_range_are_refused() {
    let dataset = ring(6, 2);
    let regions = sides(&dataset);
    let panel = Panel::new(&dataset, &regions, "", "").unwrap();
    for size in [(0, 0), (159, 300), (300, 4097), (u32::MAX, u32::MAX)] {
        assert!(decision_boundary(&panel, size).unwrap_err().is_usage(), "{size:?}");
        assert!(Animation::new(&dataset, "", size).unwrap_err().is_usage(), "{size:?}");
    }
}

#[test]
fn png_decodes_to_the_same_picture() {
    let dataset = ring(6, 2);
    let image = draw(&dataset, &sides(&dataset));
    let decoded = image::load_from_memory(&encode_png(&image).unwrap()).unwrap();
    assert!(decoded.to_rgb8() == image);
}

#[test]
fn costs_with_nothing_to_scale_by_are_drawn() {
    let infinite = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    for costs in [&[][..], &[0.5], &[0.7; 100], &[0.0; 3], &infinite, &[f64::MIN, f64::MAX], &[5e-324, 1.0]] {
        draw_costs(costs);
    }
    let options = CostOptions { size: SIZE, scale: CostScale::Logarithmic, ..CostOptions::default() };
    cost_curve(&[curve(&[0.0, -1.0]), curve(&[1.0, f64::MAX])], &options).unwrap();
    cost_curve(&[], &options).unwrap();
    let far = Curve { label: "", start: usize::MAX, step: usize::MAX, costs: &[1.0, 2.0] };
    cost_curve(&[far], &options).unwrap();
}

#[test]
fn a_single_cost_is_a_dot() {
    assert!(count_exactly(&draw_costs(&[0.5]), BLUE) > count_exactly(&draw_costs(&[]), BLUE));
}

#[test]
fn costs_that_are_not_finite_are_gaps() {
    let whole: Vec<f64> = (0..1000).map(|i| 1.0 - 4e-4 * f64::from(i)).collect();
    let mut broken = whole.clone();
    broken[300..700].fill(f64::NAN);
    let [whole, broken] = [whole, broken].map(|costs| count(&draw_costs(&costs), is_blue) as f64);
    assert!((0.5..0.8).contains(&(broken / whole)), "{broken} of {whole} pixels");
}

#[test]
fn oscillation_survives_thinning() {
    // One spike in a million costs, and in the second half one every other iteration.
    let mut costs = vec![0.5; 1_000_000];
    costs[250_000] = 0.9;
    costs[500_000..].iter_mut().step_by(2).for_each(|cost| *cost = 0.9);
    let image = draw_costs(&costs);
    // Pixels of the curve in each column, above the key.
    let height = |x: u32| (0..SIZE.1 - 40).filter(|y| is_blue(image.get_pixel(x, *y).0)).count();
    let heights: Vec<usize> = (0..SIZE.0).map(height).collect();
    let highest = *heights.iter().max().unwrap();
    assert!(highest > 60, "{heights:?}");
    let filled = heights.iter().filter(|height| **height * 10 > highest * 9).count();
    assert!(filled as f64 > 0.4 * f64::from(SIZE.0), "{heights:?}");
    assert!(heights[..SIZE.0 as usize / 2].iter().any(|height| *height * 10 > highest * 9), "{heights:?}");
}

#[test]
fn a_sweep_has_all_its_panels() {
    let dataset = ring(12, 2);
    let regions = sides(&dataset);
    let panels = vec![Panel::new(&dataset, &regions, "hidden 5 · 91.25 %", "").unwrap(); 12];
    assert!(sweep_grid(&[], "sweep", (800, 600)).unwrap_err().is_usage());
    assert!(sweep_grid(&panels, "sweep", (300, 300)).unwrap_err().is_usage());
    for n in 1..=panels.len() {
        let image = sweep_grid(&panels[..n], "sweep", (1000, 800)).unwrap();
        assert_eq!(image.dimensions(), (1000, 800));
        assert_eq!(panels_in(&image), n);
    }
}

/// Counts where rows turn from the colour of a certain class 0 to that of class 1: once a panel in each of its rows.
fn panels_in(image: &RgbImage) -> usize {
    let turns = |y: u32| {
        let row = (0..image.width()).map(|x| image.get_pixel(x, y).0);
        let certain: Vec<_> = row.filter(|p| [[236, 183, 140], [140, 192, 220]].contains(p)).collect();
        certain.windows(2).filter(|pair| pair[0][0] > pair[1][0]).count()
    };
    let turns: Vec<usize> = (0..image.height()).map(turns).collect();
    // Rows of panels are parted by pixel rows without turns.
    turns.split(|count| *count == 0).filter_map(|band| band.iter().max()).sum()
}

#[test]
fn a_gif_plays_every_frame_for_ever() {
    let dataset = ring(8, 2);
    let costs: Vec<f64> = (0..=400).map(|i| 0.7 - 1e-3 * f64::from(i)).collect();
    let mut animation = Animation::new(&dataset, "ring", SIZE)
        .unwrap()
        .with_history(Curve { label: "", start: 0, step: 1, costs: &costs })
        .with_frame_time(80);
    assert!(animation.is_empty() && animation.encode().unwrap_err().is_usage());
    // The boundary moves, and stands still in the last two frames.
    for (iteration, at) in [(0, -0.5), (100, 0.0), (200, 0.5), (200, 0.5)] {
        let moving = |_: usize, x1: f64, _: f64| 1.0 / (1.0 + (-9.0 * (x1 - at)).exp());
        let regions = regions(&dataset, 1, Loss::BinaryCrossEntropy, moving);
        animation.push(iteration, costs[iteration], regions).unwrap();
    }
    assert_eq!(animation.len(), 4);
    assert!(animation.frame(4).unwrap_err().is_usage());

    let decoder = GifDecoder::new(Cursor::new(animation.encode().unwrap())).unwrap();
    assert!(matches!(decoder.loop_count(), LoopCount::Infinite));
    let frames = decoder.into_frames().collect_frames().unwrap();
    let times: Vec<u32> = frames.iter().map(|frame| frame.delay().numer_denom_ms().0).collect();
    assert_eq!(times, [80, 80, 80, 2000]);
    for (index, frame) in frames.iter().enumerate() {
        let expected = animation.frame(index).unwrap();
        assert_eq!(frame.buffer().dimensions(), SIZE);
        let errors = frame.buffer().pixels().zip(expected.pixels());
        let worst: u32 = errors
            .flat_map(|(found, wanted)| (0..3).map(|i| u32::from(found.0[i].abs_diff(wanted.0[i]))))
            .sum();
        let mean = f64::from(worst) / f64::from(3 * SIZE.0 * SIZE.1);
        assert!(mean < 1.0, "frame {index} is off by {mean} on average");
    }
}

#[test]
fn an_animation_colours_the_costs_so_far() {
    let dataset = ring(8, 2);
    let costs = [0.7, 0.5, 0.4, 0.35, 0.3];
    let mut animation = Animation::new(&dataset, "", SIZE).unwrap().with_history(curve(&costs));
    for iteration in [0, 2, 4] {
        animation.push(iteration, costs[iteration], sides(&dataset)).unwrap();
    }
    let blue = |index| count_exactly(&animation.frame(index).unwrap(), BLUE);
    assert!(blue(0) + 200 < blue(1) && blue(1) + 200 < blue(2), "{} {} {}", blue(0), blue(1), blue(2));
}

#[test]
fn an_animation_without_history_shows_the_costs_of_its_frames() {
    let dataset = ring(8, 2);
    let mut animation = Animation::new(&dataset, "ring", SIZE).unwrap();
    for (iteration, cost) in [(0, f64::NAN), (10, 0.5), (20, f64::INFINITY)] {
        animation.push(iteration, cost, sides(&dataset)).unwrap();
    }
    assert!(!animation.encode().unwrap().is_empty());
}
