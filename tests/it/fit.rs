//! `gpu_nn::fit`: the same training as its parts give, errors that name the option, data and networks in and out.

use std::ops::ControlFlow;

use gpu_nn::Error;
use gpu_nn::cpu_reference::Executor;
use gpu_nn::data::{
    Dataset, FileSource, Generator, GeneratorOptions, Impute, RawTable, ReadOptions, Scale, TargetKind,
    Targets, generate,
};
use gpu_nn::fit::{Fit, FitBuilder, Matrix, Rates};
use gpu_nn::network::{Activation, Initializer, Layer, Loss, Network, initialize};
use gpu_nn::schedule::{Clip, Lowering, Optimizer, Problem};
use gpu_nn::training::{BackendChoice, CancelToken, ClassWeight, Method, Metric, Stopped};

use crate::command::Desk;

fn data(generator: Generator, m: usize) -> Dataset {
    generate(generator, &GeneratorOptions { m: Some(m), ..GeneratorOptions::default() }).unwrap()
}

/// A small training that is the same everywhere.
fn reference<'a>() -> FitBuilder<'a> {
    Fit::builder().backend(BackendChoice::CpuReference)
}

/// A training in batches that learns the moons.
fn moons<'a>() -> FitBuilder<'a> {
    let builder = Fit::builder().backend(BackendChoice::Cpu).hidden("16:relu").init(Initializer::He);
    builder.optimizer(Optimizer::ADAM).learning_rate(0.01).batch_size(32)
}

#[test]
fn defaults_are_the_course_and_give_the_bits_of_the_parts() {
    let flower = data(Generator::Flower, 400);
    let fit = reference().iterations(50).fit(&flower).unwrap();
    let hidden = vec![Layer { units: 4, activation: Activation::Tanh }];
    let network = Network::new(2, hidden, 1, Loss::BinaryCrossEntropy).unwrap();
    let parameters = initialize(&network, Initializer::COURSE, 2);
    let y = flower.y();
    let mut executor =
        Executor::new(&Problem::full_batch(&network, &parameters, &flower.x, &y, 400, 1.2)).unwrap();
    let mut left = 50;
    while left > 0 {
        left -= executor.run(left);
    }
    assert_eq!(fit.costs(), executor.take_costs());
    assert_eq!(&fit.model().parameters, executor.parameters());
    assert_eq!(fit.model().network, network);
    assert_eq!((fit.cost(), fit.iteration(), fit.stopped()), (Some(executor.cost()), 50, None));
    assert_eq!((fit.lowering(), fit.backend().name()), (Some("loops"), "cpu-reference"));
    assert_eq!(fit.predict(&flower).unwrap(), executor.predict(&flower.x, 400).unwrap());
}

#[test]
fn layers_and_losses_as_values_are_those_as_text() {
    let spiral = data(Generator::Spiral, 60);
    let layers = vec![
        Layer { units: 5, activation: Activation::Relu },
        Layer { units: 3, activation: Activation::Sigmoid },
    ];
    let values = reference().hidden_layers(layers).iterations(5).fit(&spiral).unwrap();
    let text = reference().hidden("5:relu,3").activation(Activation::Sigmoid).iterations(5);
    let text = text.loss(Loss::SoftmaxCrossEntropy).fit(&spiral).unwrap();
    assert_eq!(values.model(), text.model());
    // Classes as numbers, for whoever wants that.
    let regression =
        reference().loss(Loss::SquaredError).learning_rate(0.1).iterations(5).fit(&spiral).unwrap();
    assert_eq!(regression.model().network.to_string(), "2-4:tanh-1:identity");
    assert!(regression.model().class_names.is_empty());
}

#[test]
fn patience_goes_back_to_the_best_look() {
    let moons_data = data(Generator::NoisyMoons, 400);
    let (mut looks, mut pieces) = (Vec::new(), 0);
    let fit = moons()
        .epochs(200)
        .validation(0.2)
        .metric(Metric::Accuracy)
        .patience(3)
        .on_look(|look| {
            looks.push(look.clone());
            ControlFlow::Continue(())
        })
        .on_progress(|progress| {
            pieces += 1;
            assert!(progress.done <= progress.iterations);
            ControlFlow::Continue(())
        })
        .fit(&moons_data)
        .unwrap();
    assert!(matches!(fit.stopped(), Some(Stopped::NoImprovement { best }) if best == fit.iteration()));
    assert_eq!(looks, fit.looks());
    assert!(pieces >= looks.len() && looks.len() < 200);
    // 320 samples are learnt from, 10 batches an epoch.
    assert_eq!(looks[2].iteration, 30);
    let accuracy = |look: &gpu_nn::training::Look| look.validation.as_ref().unwrap().get(Metric::Accuracy);
    let best = looks.iter().map(accuracy).max_by(|a, b| a.partial_cmp(b).unwrap()).unwrap();
    let kept = looks.iter().find(|look| look.iteration == fit.iteration()).unwrap();
    assert_eq!(accuracy(kept), best);
}

#[test]
fn callbacks_and_tokens_end_a_training() {
    let moons_data = data(Generator::NoisyMoons, 320);
    let broken = moons().epochs(50).on_look(|look| match look.iteration {
        30.. => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    });
    let broken = broken.fit(&moons_data).unwrap();
    assert_eq!((broken.stopped(), broken.iteration()), (Some(Stopped::Cancelled), 30));
    assert_eq!(broken.looks().len(), 3);
    // What it is then is what as many iterations give.
    let short = moons().epochs(3).fit(&moons_data).unwrap();
    assert_eq!(broken.model(), short.model());

    let progress = reference().iterations(1_000).on_progress(|_| ControlFlow::Break(()));
    let progress = progress.fit(&data(Generator::Flower, 40)).unwrap();
    assert_eq!(progress.stopped(), Some(Stopped::Cancelled));
    assert!(progress.iteration() < 1_000);

    let token = CancelToken::new();
    token.cancel();
    let never = moons().epochs(50).cancelled_by(token).fit(&moons_data).unwrap();
    assert_eq!((never.stopped(), never.iteration()), (Some(Stopped::Cancelled), 0));
}

#[test]
fn an_error_names_the_option() {
    let moons_data = data(Generator::NoisyMoons, 40);
    let refused = |builder: FitBuilder<'_>, named: &str| {
        let error = builder.fit(&moons_data).err().unwrap_or_else(|| panic!("{named}: no error"));
        assert!(error.is_usage(), "{error}");
        assert!(error.to_string().starts_with(&format!("invalid {named} ")), "{named}: {error}");
    };
    refused(moons().hidden("4,x"), "hidden layer");
    refused(moons().hidden_layers(vec![Layer { units: 0, activation: Activation::Tanh }]), "hidden layer");
    refused(moons().learning_rate(-1.0), "learning rate");
    refused(moons().learning_rate(f64::NAN), "learning rate");
    refused(moons().batch_size(0), "batch size");
    refused(moons().iterations(0), "iterations");
    refused(moons().epochs(0), "epochs");
    refused(moons().epochs(usize::MAX), "epochs");
    refused(moons().warm_up(usize::MAX), "warm_up");
    refused(moons().rates(Rates::Step { epochs: 0, factor: 0.5 }), "learning-rate schedule");
    refused(moons().rates(Rates::Exponential { epochs: 1, factor: 2.0 }), "factor of the learning rate");
    refused(moons().l1(-1.0), "l1");
    refused(moons().l2(f64::INFINITY), "l2");
    refused(moons().dropout(1.0), "dropout");
    refused(moons().label_smoothing(1.0), "label smoothing");
    refused(moons().clip(Clip::Norm(0.0)), "norm to clip at");
    refused(moons().optimizer(Optimizer::Momentum { momentum: 1.0 }), "momentum");
    refused(moons().patience(0), "patience");
    refused(moons().validation(1.5), "validation share");
    refused(moons().test(0.0), "test share");
    refused(moons().metric(Metric::F1), "metric");
    refused(moons().validation(0.5).metric(Metric::Rmse), "metric");
    refused(moons().class_weight("2=3".parse().unwrap()), "class to be weighted");
    refused(moons().lowering(Lowering::Fused), "lowering");
    refused(moons().adapter("none"), "adapter");
    let three = data(Generator::Spiral, 60);
    let error = moons().loss(Loss::BinaryCrossEntropy).fit(&three).err().unwrap();
    assert!(error.to_string().contains("has 3 classes"), "{error}");
    let values = Targets::Values { values: vec![0.0; 4], n_outputs: 1 };
    let values = Dataset::new("values", vec![0.5; 4], vec!["x".into()], values).unwrap();
    let error = moons().loss(Loss::SoftmaxCrossEntropy).fit(&values).err().unwrap();
    assert!(error.to_string().contains("real-valued targets"), "{error}");
    let error = moons().learning_rate(1e30).optimizer(Optimizer::Sgd).epochs(50).fit(&moons_data).err();
    assert!(matches!(error, Some(Error::Diverged { .. })), "{error:?}");
    let weights = moons().weights(vec![1.0; 39]).validation(0.1).fit(&moons_data).err().unwrap();
    assert!(weights.to_string().contains("found 39"), "{weights}");
}

#[test]
fn a_sample_of_weight_two_is_a_sample_given_twice() {
    let flower = data(Generator::Flower, 40);
    let weights: Vec<f64> = (0..40).map(|j| f64::from(1 + j % 2)).collect();
    let rows: Vec<usize> = (0..40).flat_map(|j| vec![j; 1 + j % 2]).collect();
    let x = flower.x.chunks(40).flat_map(|row| rows.iter().map(|&j| row[j])).collect();
    let twice =
        Dataset::new("twice", x, flower.feature_names.clone(), flower.targets.of_rows(&rows)).unwrap();
    let weighted = reference().iterations(200).weights(weights).fit(&flower).unwrap();
    let doubled = reference().iterations(200).fit(&twice).unwrap();
    let plain = reference().iterations(200).fit(&flower).unwrap();
    let far = |other: &Fit| -> f64 {
        let pairs = weighted.model().parameters.values().iter().zip(other.model().parameters.values());
        pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
    };
    assert!(far(&doubled) <= 1e-10, "{}", far(&doubled));
    assert!(far(&plain) > 1e-3, "{}", far(&plain));
    let first = ClassWeight::Given(vec![(twice.class_names()[0].clone(), 3.0)]);
    let of_class = reference().iterations(5).class_weight(first).fit(&twice).unwrap();
    assert_ne!(of_class.costs(), doubled.costs()[..5].to_vec());
}

/// People with a text column, a missing number, and an income that follows from both.
fn people(m: usize) -> String {
    let mut text = "age,town,score,income\n".to_owned();
    for j in 0..m {
        let (age, town) = (20 + j * 7 % 50, ["Ulm", "Bern", "Graz"][j % 3]);
        let score = if j % 10 == 3 { String::new() } else { (j % 13).to_string() };
        let income = if age > 45 || town == "Bern" { "high" } else { "low" };
        text += &format!("{age},{town},{score},{income}\n");
    }
    text
}

fn read(desk: &Desk, name: &str) -> RawTable {
    let options = ReadOptions { target: Some(TargetKind::Auto), ..ReadOptions::default() };
    FileSource::new(desk.path(name)).read(&options).unwrap()
}

#[test]
fn a_table_is_prepared_tested_saved_and_read_by_the_program() {
    let desk = Desk::new();
    desk.put("people.csv", &people(300));
    let table = read(&desk, "people.csv");
    let fit = || moons().epochs(40).impute(Impute::Mean).test(0.2).validation(0.1);
    let fitted = fit().fit_table(&table).unwrap();
    let test = fitted.test().unwrap();
    assert_eq!(test.score.unwrap().m, 60);
    assert!(test.accuracy_percent().unwrap() > 90.0, "{test:?}");
    assert_eq!(fitted.model().class_names, ["high", "low"]);
    fitted.save(desk.path("people.safetensors")).unwrap();
    let loaded = Fit::load(desk.path("people.safetensors"), BackendChoice::Cpu).unwrap();
    assert_eq!(loaded.predict(&table).unwrap(), fitted.predict(&table).unwrap());
    assert!(loaded.costs().is_empty() && loaded.cost().is_none() && loaded.test().is_none());
    let report =
        desk.json("evaluate people.safetensors --data people.csv --label income --backend cpu --json");
    let score = fitted.score(&table).unwrap();
    assert_eq!(report["n_correct"].as_u64(), Some(score.score.unwrap().n_correct as u64));
    let missing = moons().fit_table(&table).err().unwrap().to_string();
    assert!(missing.contains("has no value"), "{missing}");
    // The program takes the same rows for the test.
    let run = "train --data people.csv --hidden 16:relu --init he --optimizer adam --learning-rate 0.01 --batch-size 32 \
               --epochs 40 --impute mean --test 0.2 --validation 0.1 --backend cpu --json --no-plots";
    let cost = desk.json(run)["cost_after_last"].as_f64();
    assert_eq!(cost, fitted.cost());
}

#[test]
fn columns_and_classes_have_to_be_those_of_the_training() {
    let flower = data(Generator::Flower, 40);
    let fit = reference().iterations(5).scale(Scale::Standardise).fit(&flower).unwrap();
    assert!(!fit.model().preprocessing.is_identity());
    assert_eq!(fit.predict(&flower).unwrap(), fit.predict(&Matrix { x: &flower.x, m: 40 }).unwrap());
    let error = fit.predict(&Matrix { x: &flower.x, m: 39 }).unwrap_err().to_string();
    assert!(error.contains("expected 2 x 39 values"), "{error}");
    let error = fit.score(&data(Generator::Spiral, 60)).unwrap_err().to_string();
    assert!(error.starts_with("targets of spiral"), "{error}");
    let error = fit.score(&Matrix { x: &flower.x, m: 40 }).unwrap_err().to_string();
    assert!(error.contains("found none"), "{error}");
    let narrow = reference().iterations(5).validation_data(data(Generator::Spiral, 60)).fit(&flower);
    let error = narrow.err().unwrap().to_string();
    assert!(error.starts_with("targets of spiral"), "{error}");
    let watched = reference().iterations(10).validation_data(flower.clone()).fit(&flower).unwrap();
    let last = watched.looks().last().unwrap().validation.as_ref().unwrap();
    assert!((last.get(Metric::Cost).unwrap() - watched.cost().unwrap()).abs() < 1e-9);
    let values = Targets::Values { values: vec![0.0, 1.0, 4.0, 9.0], n_outputs: 1 };
    let values = Dataset::new("squares", vec![0.0, 1.0, 2.0, 3.0], vec!["x".into()], values).unwrap();
    let fit = reference().iterations(5).learning_rate(0.01).fit(&values).unwrap();
    assert!(fit.score(&values).unwrap().get(Metric::R2).is_some());
    assert!(fit.predict_classes(&values).unwrap_err().to_string().contains("it predicts values"));
}

#[cfg(feature = "ndarray")]
#[test]
fn arrays_have_a_row_a_sample() {
    use ndarray::{Array2, s};
    let spiral = data(Generator::Spiral, 60);
    let labels = spiral.labels().unwrap().iter().copied();
    let x: Array2<f64> = spiral.array().to_owned();
    assert_eq!(x.dim(), (60, 2));
    assert_eq!(x[[7, 1]], spiral.x[60 + 7]);
    let same = Dataset::from_array("spiral", x.view(), Targets::classes(labels)).unwrap();
    assert_eq!(same.x, spiral.x);
    let fit = reference().iterations(20).scale(Scale::MinMax).fit(&same).unwrap();
    let flat = fit.predict(&same).unwrap();
    // A view with steps of its own, backwards.
    let backwards = fit.predict_array(x.slice(s![..;-1, ..])).unwrap();
    assert_eq!(backwards.dim(), (60, 3));
    for (sample, class) in [(0, 0), (7, 1), (59, 2)] {
        assert_eq!(backwards[[59 - sample, class]], flat[class * 60 + sample]);
    }
    assert_eq!(fit.predict_classes(&x).unwrap(), fit.predict_classes(&same).unwrap());
    let error = fit.predict_array(x.slice(s![.., ..1])).unwrap_err().to_string();
    assert!(error.contains("expected 2, found 1"), "{error}");
    let y = Array2::from_shape_fn((60, 2), |(j, k)| (j + k) as f64 / 60.0);
    let values = Dataset::from_array("values", x.view(), Targets::values(y.view())).unwrap();
    assert_eq!(values.targets.to_array(), y);
    assert_eq!(Targets::classes([2, 0]).to_array()[[0, 0]], 2.0);
    let error = Dataset::from_array("few", x.slice(s![..5, ..]), Targets::classes([0, 1])).unwrap_err();
    assert!(error.to_string().contains("expected 2, one for each target, found 5"), "{error}");
}

#[test]
fn lbfgs_and_plateaus_are_options_as_any() {
    let flower = data(Generator::Flower, 200);
    let cost = |builder: FitBuilder<'_>| builder.fit(&flower).unwrap().cost().unwrap();
    let lbfgs = || reference().init(Initializer::Xavier).optimizer(Method::LBFGS).iterations(30);
    let (quick, descent) = (cost(lbfgs()), cost(reference().init(Initializer::Xavier).iterations(30)));
    assert!(quick < 0.9 * descent, "{quick} against {descent}");
    assert_eq!(cost(lbfgs()), quick);
    let refused = |builder: FitBuilder<'_>, named: &str| {
        let error = builder.fit(&flower).err().unwrap();
        assert!(error.is_usage() && error.to_string().contains(named), "{error}");
    };
    refused(lbfgs().batch_size(20), "lbfgs");
    refused(lbfgs().optimizer(Method::Lbfgs { history: 0 }), "history");

    // A rate that falls whenever a look is no better ends where the steps are small.
    let ends = |rates| cost(reference().learning_rate(20.0).rates(rates).iterations(300));
    let (steady, fallen) = (ends(Rates::Constant), ends(Rates::Plateau { factor: 0.5, patience: 1 }));
    assert!(fallen < steady, "{fallen} against {steady}");
}
