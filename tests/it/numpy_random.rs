//! NumPy's legacy random stream against golden numbers; the data sets drawn from it are tested in `data`.

use gpu_nn::data::NumpyRandom;
use serde_json::Value;

use crate::support::{assert_equal, flat, golden, integers};

/// `n` results of `f`, in order.
pub fn draw<T>(n: usize, f: impl FnMut() -> T) -> Vec<T> {
    std::iter::repeat_with(f).take(n).collect()
}

fn permutation(random: &mut NumpyRandom, n: usize) -> Vec<u64> {
    random.permutation(n).into_iter().map(|i| i as u64).collect()
}

#[test]
fn stream_words_doubles_and_normals() {
    for stream in golden("01_rng")["streams"].as_array().unwrap() {
        let fresh = NumpyRandom::new(stream["seed"].as_u64().unwrap().try_into().unwrap());

        let mut random = fresh.clone();
        let words: Vec<u64> = draw(10_000, || random.word().into());
        assert_eq!(words[..20], integers(&stream["uint32"]));
        assert_eq!(
            words[620..640],
            integers(&stream["uint32_words_620_to_639 (crosses the first refill at 624)"])
        );
        assert_eq!(words.iter().sum::<u64>(), stream["sum_check"]["sum_uint32_first_10000"]);

        let mut random = fresh.clone();
        let doubles = draw(10_000, || random.uniform());
        assert_equal(&doubles[..20], &flat(&stream["random_sample"]));
        assert_equal(&doubles[9_999..], &flat(&stream["sum_check"]["random_sample_index_9999"]));

        let mut random = fresh.clone();
        let normals = draw(10_000, || random.standard_normal());
        assert_equal(&normals[..20], &flat(&stream["randn"]));
        assert_equal(&normals[9_999..], &flat(&stream["sum_check"]["randn_index_9999"]));

        // 1,000 normals take 500 pairs and those rejected: the next double is the one after all of them.
        let mut random = fresh.clone();
        draw(1_000, || random.standard_normal());
        let pairs = 500 + stream["rejected_pairs_before_normal_1000"].as_u64().unwrap() as usize;
        assert_eq!(random.uniform(), doubles[2 * pairs]);

        assert_eq!(permutation(&mut fresh.clone(), 10), integers(&stream["permutation_10"]));
    }
}

/// The seeded key itself is not visible, but the first words are MT19937's tempered recurrence of it.
#[test]
fn stream_starts_from_the_seeded_key() {
    for stream in golden("01_rng")["streams"].as_array().unwrap() {
        let seed = stream["seed"].as_u64().unwrap() as u32;
        let mut key = vec![seed];
        for i in 1..624u32 {
            let last = *key.last().unwrap();
            key.push((last ^ (last >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i));
        }
        let wide: Vec<u64> = key.iter().map(|&word| word.into()).collect();
        assert_eq!(wide[..5], integers(&stream["mt_key_after_seeding_first_5"]));
        assert_eq!(wide[622..], integers(&stream["mt_key_after_seeding_last_2"]));

        let mut random = NumpyRandom::new(seed);
        for i in 0..227 {
            let y = (key[i] & 0x8000_0000) | (key[i + 1] & 0x7fff_ffff);
            let mut word = key[i + 397] ^ (y >> 1) ^ ((y & 1) * 0x9908_b0df);
            word ^= word >> 11;
            word ^= (word << 7) & 0x9d2c_5680;
            word ^= (word << 15) & 0xefc6_0000;
            word ^= word >> 18;
            assert_eq!(random.word(), word);
        }
    }
}

/// One call of the edge cases, such as `randn(4,2)*0.01`, `random_sample x2` or `permutation 6`.
fn check_call(random: &mut NumpyRandom, call: &str, expected: &Value) {
    let split = call.find([' ', '(', '*']).unwrap_or(call.len());
    let (name, arguments) = call.split_at(split);
    let (shape, scale) = arguments.split_once('*').map_or((arguments, 1.0), |(a, b)| (a, b.parse().unwrap()));
    let n: usize = shape
        .split(|c: char| !c.is_ascii_digit())
        .filter(|n| !n.is_empty())
        .map(|n| n.parse::<usize>().unwrap())
        .product();
    // Peeks at the cache: a cached normal comes without any new word.
    let mut next = random.clone();
    let cached = next.standard_normal();
    let has_cached = next.word() == random.clone().word();
    match name {
        "seed" => *random = NumpyRandom::new(expected.as_u64().unwrap().try_into().unwrap()),
        "randn" => assert_equal(&draw(n, || random.standard_normal() * scale), &flat(expected)),
        "random_sample" => assert_equal(&draw(n, || random.uniform()), &flat(expected)),
        "uint32" => assert_eq!(draw(n, || u64::from(random.word())), integers(expected)),
        "permutation" => assert_eq!(permutation(random, n), integers(expected)),
        "has_gauss" => assert_eq!(u64::from(has_cached), expected.as_u64().unwrap()),
        "cached_gaussian" => {
            assert!(has_cached);
            assert_equal(&[cached], &flat(expected));
        }
        _ => panic!("a call this test does not know: {call}"),
    }
}

#[test]
fn stream_edge_cases() {
    let golden = golden("01_rng");
    let cases = golden["edge_cases"].as_array().unwrap();
    assert_eq!(cases.len(), 9);
    for case in cases {
        let calls = case["calls_and_results"].as_array().unwrap();
        // These record two ways to draw from one seed, not one draw after the other.
        let starts_over = ["matrix is filled in C (row-major) order", "extreme seed"]
            .iter()
            .any(|name| case["case"] == *name);
        let mut random = NumpyRandom::new(0);
        for call in calls {
            if starts_over {
                check_call(&mut random, "seed", &calls[0][1]);
            }
            check_call(&mut random, call[0].as_str().unwrap(), &call[1]);
        }
    }
}

#[test]
fn bounded_integers_draw_only_what_they_need() {
    let mut random = NumpyRandom::new(1);
    assert_eq!(random.bounded(0), 0);
    assert_eq!(random.word(), NumpyRandom::new(1).word(), "a bound of 0 draws nothing");
    let mut words = NumpyRandom::new(1);
    assert_eq!(NumpyRandom::new(1).bounded(u32::MAX.into()), u64::from(words.word()));
    // Beyond 32 bits two words make one, the high one first.
    let mut words = NumpyRandom::new(1);
    let (high, low) = (u64::from(words.word()), u64::from(words.word()));
    assert_eq!(NumpyRandom::new(1).bounded(u64::MAX), (high << 32) | low);
    // 3 = 0b11 is the mask of a bound of 2, so one word in four is thrown away.
    let mut random = NumpyRandom::new(1);
    assert!(draw(1_000, || random.bounded(2)).iter().all(|&n| n <= 2));
}

#[test]
fn shuffles_of_nothing_and_of_one_draw_nothing() {
    let mut random = NumpyRandom::new(1);
    random.shuffle::<u8>(&mut []);
    random.shuffle(&mut ["only"]);
    assert!(random.permutation(0).is_empty());
    assert_eq!(random.word(), NumpyRandom::new(1).word());
}

#[test]
fn normals_and_uniforms_are_scaled_as_numpy_scales_them() {
    let [mut plain, mut scaled] = [NumpyRandom::new(3), NumpyRandom::new(3)];
    assert_eq!(scaled.normal(0.5, 0.3), 0.5 + 0.3 * plain.standard_normal());
    assert_eq!(scaled.uniform_between(-10.0, 10.0), -10.0 + 20.0 * plain.uniform());
}
