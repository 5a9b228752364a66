//! How good answers are, as pictures: ROC curves, calibration, confusion matrices; in the library and as a user asks for them.

use gpu_nn::plot::{Caption, RgbImage, calibration_picture, confusion_picture, roc_picture};
use gpu_nn::training::{RocCurve, calibration, roc_curve};

use crate::command::{Desk, failure};

const CAPTION: Caption<'_> = Caption { title: "title", caption: "caption", size: (640, 600) };

const BLUE: [u8; 3] = [0, 114, 178];
const VERMILION: [u8; 3] = [213, 94, 0];

/// Where the pixels of a colour are: their number and the mean of their places.
fn places(image: &RgbImage, colour: [u8; 3]) -> (usize, f64, f64) {
    let found: Vec<(u32, u32)> = image
        .enumerate_pixels()
        .filter(|pixel| pixel.2.0 == colour)
        .map(|pixel| (pixel.0, pixel.1))
        .collect();
    let mean = |of: &dyn Fn(&(u32, u32)) -> u32| {
        found.iter().map(|place| f64::from(of(place))).sum::<f64>() / found.len() as f64
    };
    (found.len(), mean(&|place| place.0), mean(&|place| place.1))
}

/// A curve that finds `share` of the class before it takes any other.
fn curve(share: f64) -> RocCurve {
    RocCurve { points: vec![(0.0, 0.0), (0.0, share), (1.0, 1.0)], area: (1.0 + share) / 2.0 }
}

#[test]
fn roc_curves_lie_where_their_points_are() {
    let image = roc_picture(&[("good", curve(0.9)), ("bad", curve(0.1))], &CAPTION).unwrap();
    assert_eq!(image.dimensions(), CAPTION.size);
    let ((good, _, high), (bad, _, low)) = (places(&image, BLUE), places(&image, VERMILION));
    assert!(good > 400 && bad > 400, "{good} {bad}");
    assert!(high + 40.0 < low, "the better curve is above: {high} {low}");
    // Long curves are as quick to draw, and look the same as the line through them.
    let scores: Vec<f64> = (0..200_000).map(|j| f64::from(j) / 200_000.0).collect();
    let positive: Vec<bool> = (0..200_000).map(|j| j % 2 == 0).collect();
    let long = roc_curve(&scores, &positive).unwrap();
    assert!((long.area - 0.5).abs() < 1e-3);
    assert!(places(&roc_picture(&[("coin", long)], &CAPTION).unwrap(), BLUE).0 > 400);
}

#[test]
fn of_many_classes_the_worst_ten_are_drawn() {
    let names: Vec<String> = (0..26).map(|class| format!("class {class}")).collect();
    let curves = |worst: f64| -> Vec<(&str, RocCurve)> {
        let shares = (0..26).map(|class| curve(if class == 25 { worst } else { f64::from(class) / 50.0 }));
        names.iter().map(String::as_str).zip(shares).collect()
    };
    let [all_good, one_bad] = [0.99, 0.0].map(|worst| roc_picture(&curves(worst), &CAPTION).unwrap());
    assert_ne!(all_good.as_raw(), one_bad.as_raw(), "the last class became the worst");
    let changed = [0.99, 0.98].map(|worst| roc_picture(&curves(worst), &CAPTION).unwrap());
    assert_eq!(changed[0].as_raw(), changed[1].as_raw(), "the best of 26 is not drawn");
}

#[test]
fn a_reliability_diagram_shows_what_came_true_and_how_often() {
    let draw = |probabilities: &[f64], came_true: &[bool]| {
        let bins = calibration(probabilities, came_true, 10);
        calibration_picture(&bins, ("probability", "share"), &CAPTION).unwrap()
    };
    let probabilities: Vec<f64> = (0..100).map(|j| f64::from(j) / 100.0).collect();
    let honest: Vec<bool> = (0..100).map(|j| j * 37 % 100 < j).collect();
    let never = [false; 100];
    let (honest, never) = (draw(&probabilities, &honest), draw(&probabilities, &never));
    assert!(places(&honest, BLUE).2 < places(&never, BLUE).2, "what never comes true lies at the bottom");
    // Bars take the most blue where all samples are in one bin: one bar over the whole height.
    let (one, spread) = (draw(&[0.95; 100], &[true; 100]), draw(&probabilities, &[true; 100]));
    assert!(places(&one, BLUE).0 < places(&spread, BLUE).0);
    assert_eq!(draw(&[], &[]).dimensions(), CAPTION.size);
}

#[test]
fn a_confusion_matrix_is_dark_where_the_answers_are() {
    let names = |n: usize| (0..n).map(|class| format!("a class called {class}")).collect::<Vec<_>>();
    let draw = |matrix: &[Vec<usize>]| confusion_picture(matrix, &names(matrix.len()), &CAPTION).unwrap();
    let dark = |image: &RgbImage| {
        let blue = image.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[0] < 90 && pixel.0[2] > 130);
        let (xs, ys): (Vec<f64>, Vec<f64>) = blue.map(|(x, y, _)| (f64::from(x), f64::from(y))).unzip();
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let (x_mean, y_mean) = (mean(&xs), mean(&ys));
        (xs.len(), xs.iter().zip(&ys).map(|(x, y)| (x - x_mean) * (y - y_mean)).sum::<f64>())
    };
    let right = dark(&draw(&[vec![50, 0], vec![0, 50]]));
    let wrong = dark(&draw(&[vec![0, 50], vec![50, 0]]));
    // Down and to the right, or down and to the left.
    assert!(right.0 > 10_000 && right.1 > 0.0, "{right:?}");
    assert!(wrong.0 > 10_000 && wrong.1 < 0.0, "{wrong:?}");
    let many: Vec<Vec<usize>> =
        (0..120).map(|row| (0..120).map(|column| usize::from(row == column)).collect()).collect();
    assert!(dark(&draw(&many)).1 > 0.0);
    assert_eq!(draw(&[vec![0, 0], vec![0, 0]]).dimensions(), CAPTION.size);
    let small = Caption { size: (100, 100), ..CAPTION };
    assert!(confusion_picture(&many, &names(120), &small).unwrap_err().is_usage());
}

#[test]
fn train_and_evaluate_draw_how_good_the_answers_are() {
    let desk = Desk::new();
    let train = "train --data spiral --m 300 --iterations 50 --backend cpu --quiet";
    desk.output(&format!("{train} --out plain"));
    desk.output(&format!("{train} --out tested --validation 0.2 --test 0.2"));
    desk.output(&format!("{train} --out bare --validation 0.2 --no-plots"));
    let names = ["roc.png", "calibration.png", "confusion.png"];
    for name in names {
        assert!(desk.path("tested").join(name).exists(), "{name} is missing");
        assert!(!desk.path("plain").join(name).exists() && !desk.path("bare").join(name).exists(), "{name}");
    }
    let text = desk.output("evaluate plain --backend cpu --plots pictures/of/plain");
    assert!(text.contains("pictures  pictures/of/plain"), "{text}");
    assert!(text.contains("precision") && text.contains("recall") && text.contains("log_loss"), "{text}");
    for name in names {
        let picture = image::open(desk.path("pictures/of/plain").join(name)).unwrap();
        assert!(picture.width() >= 640, "{name}");
    }
    // Again, in the place of the first.
    let metrics = desk.json("evaluate plain --backend cpu --plots pictures/of/plain --json");
    assert!(metrics["metrics"]["precision"].as_f64().unwrap() > 0.0);
}

#[test]
fn values_have_no_pictures_of_classes() {
    let desk = Desk::new();
    let rows: String = (0..20).map(|j| format!("{j},{}\n", f64::from(j) / 3.0)).collect();
    desk.put("line.csv", &format!("x,y\n{rows}"));
    desk.output(
        "train --data line.csv --learning-rate 0.1 --iterations 5 --backend cpu --quiet --out run --test 0.2",
    );
    assert!(!desk.path("run").join("roc.png").exists());
    let line = failure(&desk, "evaluate run --backend cpu --plots pictures", 2);
    assert!(line.contains("predicts values"), "{line}");
    assert!(!desk.path("pictures").exists());
    desk.put("taken", "");
    desk.output("train --iterations 2 --backend cpu --quiet --out flower --no-plots");
    let line = failure(&desk, "evaluate flower --backend cpu --plots taken", 1);
    assert!(line.contains("cannot write taken"), "{line}");
}
