//! NumPy's legacy random stream (`numpy.random.RandomState`), bit for bit; no other generator lives here.

use rand_mt::Mt;

/// MT19937 with NumPy's legacy seeding, doubles, polar normals, bounded integers and shuffle.
#[derive(Clone, Debug)]
pub struct NumpyRandom {
    words: Mt,
    /// The second normal of a polar pair. Only normals touch it: doubles, integers and shuffles drawn in between
    /// leave it waiting, as in NumPy.
    cached_normal: Option<f64>,
}

impl NumpyRandom {
    /// `RandomState(seed)`.
    pub fn new(seed: u32) -> Self {
        Self { words: Mt::new(seed), cached_normal: None }
    }

    /// The next 32 random bits, from which everything else is made.
    pub fn word(&mut self) -> u32 {
        self.words.next_u32()
    }

    /// `random_sample()`: a double in [0, 1) of 53 random bits.
    pub fn uniform(&mut self) -> f64 {
        let high = f64::from(self.word() >> 5);
        let low = f64::from(self.word() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    /// `uniform(low, high)`: a double in [low, high).
    pub fn uniform_between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// `randn()`: a standard normal by the polar method; the second of each pair is kept for the next call.
    pub fn standard_normal(&mut self) -> f64 {
        if let Some(n) = self.cached_normal.take() {
            return n;
        }
        loop {
            let x1 = 2.0 * self.uniform() - 1.0;
            let x2 = 2.0 * self.uniform() - 1.0;
            // Never `mul_add`: NumPy rounds both products before it adds them.
            let r2 = x1 * x1 + x2 * x2;
            if r2 > 0.0 && r2 < 1.0 {
                let f = (-2.0 * r2.ln() / r2).sqrt();
                self.cached_normal = Some(f * x1);
                return f * x2;
            }
        }
    }

    /// `normal(loc, scale)`: a normal of mean `loc` and standard deviation `scale`.
    pub fn normal(&mut self, loc: f64, scale: f64) -> f64 {
        loc + scale * self.standard_normal()
    }

    /// NumPy's legacy `interval(max)`: an integer in `0..=max`, by drawing just enough bits until they fit.
    ///
    /// A `max` of 0 draws nothing; one beyond 32 bits draws two words a try, the high one first.
    pub fn bounded(&mut self, max: u64) -> u64 {
        if max == 0 {
            return 0;
        }
        let mask = u64::MAX >> max.leading_zeros();
        loop {
            let mut bits = u64::from(self.word());
            if max > u64::from(u32::MAX) {
                bits = (bits << 32) | u64::from(self.word());
            }
            if bits & mask <= max {
                return bits & mask;
            }
        }
    }

    /// `shuffle(items)`: Fisher-Yates from the last item down, in place.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            // At most i, which is a usize already: nothing is cut off.
            let j = self.bounded(i as u64) as usize;
            items.swap(i, j);
        }
    }

    /// `permutation(n)`: the numbers `0..n`, shuffled.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut indices: Vec<usize> = (0..n).collect();
        self.shuffle(&mut indices);
        indices
    }
}
