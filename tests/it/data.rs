//! The generators against golden numbers; the stream under them is tested in `numpy_random`, CSV files in `csv`.

use gpu_nn::Error;
use gpu_nn::data::{
    Dataset, Generator, GeneratorOptions, NumpyRandom, Targets, blobs_by_centre, generate, generate_from,
};
use serde_json::Value;

use crate::numpy_random::draw;
use crate::support::{assert_equal, flat, golden, integers};

const PLAIN: GeneratorOptions = GeneratorOptions { m: None, seed: None, noise: None };

/// The first `n` samples as rows of x1, x2, flattened.
fn points(dataset: &Dataset, n: usize) -> Vec<f64> {
    (0..n).flat_map(|j| [dataset.x[j], dataset.x[dataset.m + j]]).collect()
}

fn labels(dataset: &Dataset) -> Vec<u64> {
    dataset.labels().unwrap().iter().map(|&label| label.into()).collect()
}

/// NumPy sums pairwise and this does not: the golden sums are met to rounding only.
#[track_caller]
fn assert_sums(x: &[f64], m: usize, expected: &Value) {
    for (row, expected) in x.chunks(m).zip(flat(expected)) {
        let sum: f64 = row.iter().sum();
        assert!((sum - expected).abs() < 1e-11, "sum {sum}, expected {expected}");
    }
}

#[test]
fn flower_is_the_course_s_planar_data_set() {
    let golden = golden("01_planar");
    let dataset = generate(Generator::Flower, &PLAIN).unwrap();
    assert_eq!((dataset.n_features, dataset.m as u64), (2, golden["m"].as_u64().unwrap()));
    assert_eq!((dataset.name.as_str(), dataset.feature_names.join(" ").as_str()), ("flower", "x1 x2"));
    assert_equal(&dataset.x, &flat(&golden["X"]));
    assert_eq!(labels(&dataset), integers(&golden["Y"]));

    let checks = &golden["checks"];
    assert_sums(&dataset.x[..400], 400, &checks["sum_x0"]);
    assert_sums(&dataset.x[400..], 400, &checks["sum_x1"]);
    assert_eq!(labels(&dataset).iter().sum::<u64>(), checks["sum_Y"]);
    let extreme = |f: fn(f64, f64) -> f64| -> Vec<f64> {
        dataset.x.chunks(400).map(|row| row.iter().copied().reduce(f).unwrap()).collect()
    };
    assert_equal(&extreme(f64::min), &flat(&checks["min"]));
    assert_equal(&extreme(f64::max), &flat(&checks["max"]));

    let seeded = GeneratorOptions { m: Some(400), seed: Some(1), noise: Some(0.2) };
    assert_eq!(generate(Generator::Flower, &seeded).unwrap(), dataset, "the defaults are the course's");
}

/// The recipe once more, step by step, with each step's golden values.
#[test]
fn flower_is_built_from_the_golden_intermediate_values() {
    let golden = golden("01_planar");
    let dataset = generate(Generator::Flower, &PLAIN).unwrap();
    let mut random = NumpyRandom::new(1);
    for (class, step) in golden["intermediate"].as_array().unwrap().iter().enumerate() {
        assert_eq!(class as u64, step["class"]);
        let (start, stop) = (3.12 * class as f64, 3.12 * (class + 1) as f64);
        let mut line: Vec<f64> = (0..200).map(|i| f64::from(i) * ((stop - start) / 199.0) + start).collect();
        line[199] = stop;
        assert_equal(&[&line[..3], &line[198..]].concat(), &flat(&step["linspace_first3_last2"]));
        let normals = draw(200, || random.standard_normal());
        assert_equal(&normals[..3], &flat(&step["normals_t_first3"]));
        let t: Vec<f64> = line.iter().zip(&normals).map(|(t, n)| t + 0.2 * n).collect();
        assert_equal(&t[..3], &flat(&step["t_first3"]));
        let normals = draw(200, || random.standard_normal());
        assert_equal(&normals[..3], &flat(&step["normals_r_first3"]));
        let r: Vec<f64> = t.iter().zip(&normals).map(|(t, n)| 4.0 * (4.0 * t).sin() + 0.2 * n).collect();
        assert_equal(&r[..3], &flat(&step["r_first3"]));
        assert_eq!(r.iter().filter(|r| **r < 0.0).count() as u64, step["negative_radii"]);
        for (i, (r, t)) in r.iter().zip(&t).enumerate() {
            let column = class * 200 + i;
            assert_equal(&[dataset.x[column], dataset.x[400 + column]], &[r * t.sin(), r * t.cos()]);
        }
    }
}

#[test]
fn flower_of_odd_m_ends_in_the_origin() {
    let golden = &golden("01_planar")["odd_m_401"];
    let even = generate(Generator::Flower, &PLAIN).unwrap();
    let odd = generate(Generator::Flower, &GeneratorOptions { m: Some(401), ..PLAIN }).unwrap();
    assert_eq!(odd.m as u64, 2 * golden["N"].as_u64().unwrap() + 1);
    assert_equal(&[odd.x[400], odd.x[801]], &flat(&golden["last_column"]));
    assert_eq!(odd.labels().unwrap()[400], 0);
    assert!(golden["first_400_equal_to_m_400"].as_bool().unwrap());
    assert_eq!(points(&odd, 400), points(&even, 400));
}

#[test]
fn the_other_sets_one_after_the_other_from_one_stream() {
    let golden = golden("07_extra_datasets");
    let samples = &golden["samples"];
    let mut random = NumpyRandom::new(golden["seed"].as_u64().unwrap().try_into().unwrap());
    for generator in [Generator::NoisyCircles, Generator::NoisyMoons] {
        let dataset = generate_from(generator, &PLAIN, &mut random).unwrap();
        let expected = &samples[generator.name()];
        assert_equal(&dataset.x, &flat(&expected["X"]));
        assert_eq!(labels(&dataset), integers(&expected["Y"]));
    }
    // Blobs have their own stream and leave this one as it is.
    check_summary(
        &generate_from(Generator::GaussianQuantiles, &PLAIN, &mut random).unwrap(),
        &samples["gaussian_quantiles"],
    );

    let mut blocks = random.clone();
    let dataset = generate_from(Generator::NoStructure, &PLAIN, &mut random).unwrap();
    let expected = &samples["no_structure"];
    let [block_1, block_2] = [(); 2].map(|()| draw(400, || blocks.uniform()));
    assert_eq!(points(&dataset, 200), block_1);
    assert_equal(&block_1[..6], &flat(&expected["first_3_rows_of_block_1"]));
    assert_equal(&block_2[..6], &flat(&expected["first_3_rows_of_block_2"]));
    assert_sums(&block_1, 400, &expected["sum_block_1"]);
    assert_sums(&block_2, 400, &expected["sum_block_2"]);
    let rule: Vec<u64> = block_2.chunks(2).map(|row| u64::from(row[0] >= 0.5)).collect();
    assert_eq!(labels(&dataset), rule);
    assert_eq!(random.word(), blocks.word(), "both blocks are drawn, and no more");
}

/// Five points, twenty labels and, where there are any, sums.
#[track_caller]
fn check_summary(dataset: &Dataset, expected: &Value) {
    assert_equal(&points(dataset, 5), &flat(&expected["first_5_points"]));
    assert_eq!(labels(dataset)[..20], integers(&expected["first_20_labels"]));
    if let Some(sums) = expected.get("sum_x") {
        assert_sums(&dataset.x, dataset.m, sums);
        assert_eq!(labels(dataset).iter().sum::<u64>(), expected["sum_y"]);
    }
}

#[test]
fn blobs_by_centre_and_in_two_classes() {
    let golden = golden("07_extra_datasets");
    let six = blobs_by_centre(&PLAIN).unwrap();
    check_summary(&six, &golden["samples"]["blobs"]);
    let counts: Vec<usize> =
        (0..6).map(|centre| labels(&six).iter().filter(|&&label| label == centre).count()).collect();
    assert_eq!(counts, [34, 34, 33, 33, 33, 33]);

    let two = generate(Generator::Blobs, &PLAIN).unwrap();
    assert_eq!(two.x, six.x);
    assert_eq!(labels(&two), labels(&six).iter().map(|label| label % 2).collect::<Vec<_>>());
    assert_eq!((six.n_classes(), two.n_classes()), (Some(6), Some(2)));
}

#[test]
fn sets_alone_after_seed_1() {
    let golden = golden("07_extra_datasets");
    let moons = generate(Generator::NoisyMoons, &PLAIN).unwrap();
    assert_equal(&moons.x, &flat(&golden["moons_alone_after_seed_1"]["X"]));
    assert_eq!(labels(&moons), integers(&golden["moons_alone_after_seed_1"]["Y"]));
    check_summary(
        &generate(Generator::GaussianQuantiles, &PLAIN).unwrap(),
        &golden["gaussian_quantiles_alone_after_seed_1"],
    );
}

#[test]
fn sets_in_the_notebook_s_state() {
    let golden = &golden("07_extra_datasets")["in_notebook_state (seed 2, 150 normals drawn)"];
    let mut random = NumpyRandom::new(2);
    draw(150, || random.standard_normal());
    let circles = generate_from(Generator::NoisyCircles, &PLAIN, &mut random).unwrap();
    assert_equal(&points(&circles, 3), &flat(&golden["noisy_circles_first_3"]));
    let moons = generate_from(Generator::NoisyMoons, &PLAIN, &mut random).unwrap();
    assert_equal(&points(&moons, 3), &flat(&golden["noisy_moons_first_3"]));
    assert_eq!(labels(&moons)[..20], integers(&golden["noisy_moons_labels_first_20"]));
    assert_sums(&moons.x, moons.m, &golden["noisy_moons_sum_x"]);
}

#[test]
fn spiral_without_noise_is_three_arms() {
    let options = GeneratorOptions { m: Some(7), noise: Some(0.0), ..PLAIN };
    let spiral = generate(Generator::Spiral, &options).unwrap();
    assert_eq!(labels(&spiral), [0, 0, 0, 1, 1, 2, 2]);
    let expected = |r: f64, t: f64| [r * t.sin(), r * t.cos()];
    let arms = [(0.0, 0.0), (0.5, 2.0), (1.0, 4.0), (0.0, 4.0), (1.0, 8.0), (0.0, 8.0), (1.0, 12.0)];
    assert_equal(&points(&spiral, 7), &arms.map(|(r, t)| expected(r, t)).concat());
}

#[test]
fn xor_without_noise_is_told_by_the_signs() {
    let options = GeneratorOptions { noise: Some(0.0), ..PLAIN };
    let xor = generate(Generator::Xor, &options).unwrap();
    let signs: Vec<u64> =
        points(&xor, 400).chunks(2).map(|p| u64::from((p[0] < 0.0) != (p[1] < 0.0))).collect();
    assert_eq!(labels(&xor), signs);
    assert!(xor.x.iter().all(|x| (-1.0..1.0).contains(x)));
    let ones = signs.iter().sum::<u64>();
    assert!((150..250).contains(&ones), "{ones} of 400");

    let noisy = generate(Generator::Xor, &PLAIN).unwrap();
    let moved: Vec<f64> = noisy.x.iter().zip(&xor.x).map(|(a, b)| a - b).collect();
    assert_eq!(labels(&noisy), signs, "the noise moves the points, not the labels");
    let deviation = (moved.iter().map(|d| d * d).sum::<f64>() / 800.0).sqrt();
    assert!((0.09..0.11).contains(&deviation), "{deviation}");
}

#[test]
fn every_generator_repeats_itself_and_follows_its_seed() {
    for generator in Generator::ALL {
        let dataset = generate(generator, &PLAIN).unwrap();
        assert_eq!(dataset.m, generator.default_m());
        assert_eq!(dataset.n_classes(), Some(generator.n_classes() as usize));
        let Targets::Classes { names, labels } = &dataset.targets else { panic!("{generator}: no classes") };
        assert_eq!(names[..2], ["0", "1"]);
        assert!((0..generator.n_classes()).all(|class| labels.contains(&class)), "{generator}");
        let seed = Some(generator.default_seed());
        assert_eq!(generate(generator, &GeneratorOptions { seed, ..PLAIN }).unwrap(), dataset);
        let other = generate(generator, &GeneratorOptions { seed: Some(77), ..PLAIN }).unwrap();
        assert_ne!(other.x, dataset.x, "{generator}");
        let least = GeneratorOptions { m: Some(generator.n_classes() as usize), ..PLAIN };
        assert_eq!(generate(generator, &least).unwrap().m, generator.n_classes() as usize);
        assert!(!generator.description().is_empty() && !generator.description().contains('\n'));
    }
}

#[test]
fn names_are_read_and_written() {
    for generator in Generator::ALL {
        assert_eq!(generator.to_string().parse::<Generator>().unwrap(), generator);
    }
    assert_eq!("planar".parse::<Generator>().unwrap(), Generator::Flower);
    assert_eq!(
        "moons".parse::<Generator>().unwrap_err().to_string(),
        "invalid data set `moons`: use flower, noisy_circles, noisy_moons, blobs, gaussian_quantiles, \
         no_structure, spiral, xor, or the path of a CSV file"
    );
}

#[track_caller]
fn assert_refused(generator: Generator, options: GeneratorOptions, message: &str) {
    let error = generate(generator, &options).unwrap_err();
    assert_eq!(error.to_string(), message);
    assert!(error.is_usage());
}

#[test]
fn unusable_numbers_of_samples_are_refused() {
    let m = |m| GeneratorOptions { m: Some(m), ..PLAIN };
    let range = "(one for each class) to 2147483648";
    for generator in Generator::ALL {
        let n_classes = generator.n_classes();
        for (few, given) in [(0, "0"), (1, "1"), ((1 << 31) + 1, "2147483649")] {
            let message =
                format!("invalid number of samples `{given}`: {generator} takes {n_classes} {range}");
            assert_refused(generator, m(few), &message);
        }
    }
    assert_refused(
        Generator::Spiral,
        m(2),
        &format!("invalid number of samples `2`: spiral takes 3 {range}"),
    );
    let error = blobs_by_centre(&m(5)).unwrap_err();
    assert_eq!(error.to_string(), format!("invalid number of samples `5`: blobs takes 6 {range}"));
}

#[test]
fn unusable_noise_is_refused() {
    let noise = |noise| GeneratorOptions { noise: Some(noise), ..PLAIN };
    for generator in Generator::ALL {
        if generator.default_noise().is_none() {
            let message = format!("invalid noise `0.1`: {generator} has no noise to set; leave it out");
            assert_refused(generator, noise(0.1), &message);
            continue;
        }
        for value in [-0.1, f64::NAN, f64::INFINITY] {
            let message = format!("invalid noise `{value}`: give a standard deviation, 0 or more");
            assert_refused(generator, noise(value), &message);
        }
        generate(generator, &noise(0.0)).unwrap();
    }
    assert!(matches!(generate(Generator::Blobs, &noise(f64::MAX)), Err(Error::Data { .. })));
}

#[test]
fn own_recipes_have_no_numpy_stream() {
    for generator in [Generator::Spiral, Generator::Xor] {
        let error = generate_from(generator, &PLAIN, &mut NumpyRandom::new(1)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("invalid data set `{generator}`: it is not drawn from a NumPy stream")
        );
    }
}
