/// Numbers that are the same for the same seed, on every machine (SplitMix64). For loads, never for secrets.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

impl Random {
    /// Begins the numbers of this seed.
    pub const fn seeded(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number of at least 0 and less than 1, all alike probable.
    pub fn unit(&mut self) -> f64 {
        // 53 bits are what a float of this size holds exactly.
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// An index below `length`, all alike probable; 0 where there is none.
    pub const fn below(&mut self, length: usize) -> usize {
        // The high half of the product: less than one in 2^32 off for any length that fits into memory here.
        ((self.bits() as u128 * length as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_numbers_and_another_seed_others() {
        let draw = |seed| {
            let mut random = Random::seeded(seed);
            [random.bits(), random.bits(), random.bits()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        // The published first outputs of SplitMix64 for seed 0.
        assert_eq!(draw(0)[0], 0xe220_a839_7b1d_cdaf);
    }

    #[test]
    fn numbers_keep_their_range_and_fill_it() {
        let mut random = Random::seeded(1);
        let mut seen = [0; 10];
        for _ in 0..10_000 {
            let unit = random.unit();
            assert!((0.0..1.0).contains(&unit));
            seen[random.below(10)] += 1;
        }
        assert!(seen.iter().all(|count| (800..1200).contains(count)));
        assert_eq!(random.below(0), 0);
    }
}
