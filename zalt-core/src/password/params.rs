use super::phc::limits;

/// What one Argon2id hash costs: the target for new passwords.
///
/// Exists only at or above the floor of the OWASP password storage cheat sheet, where these are held to be equal:
///
/// | memory | iterations |
/// |---|---|
/// | 46 MiB (47104) | 1 |
/// | 19 MiB (19456) | 2 |
/// | 12 MiB (12288) | 3 |
/// | 9 MiB (9216) | 4 |
/// | 7 MiB (7168) | 5 |
///
/// Tests that can't afford this take [`danger::insecure_params_for_tests`](super::danger::insecure_params_for_tests).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon2Params {
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
}

const FLOOR: [(u32, u32); 5] = [
    (47_104, 1),
    (19_456, 2),
    (12_288, 3),
    (9_216, 4),
    (7_168, 5),
];

impl Argon2Params {
    /// Checks the parameters against the floor and against what one verification may cost.
    ///
    /// `parallelism` is the number of lanes. One thread of the pool computes them one after the other, so more than
    /// one lane saves no time here.
    ///
    /// # Errors
    /// An [`Argon2ParamsError`] that names the bound.
    pub fn new(
        memory_kib: u32,
        iterations: u32,
        parallelism: u32,
    ) -> Result<Self, Argon2ParamsError> {
        if !FLOOR
            .iter()
            .any(|&(memory, passes)| memory_kib >= memory && iterations >= passes)
        {
            return Err(Argon2ParamsError::BelowFloor {
                memory_kib,
                iterations,
            });
        }
        if parallelism == 0 || parallelism > limits::ARGON2_LANES {
            return Err(Argon2ParamsError::Parallelism {
                most: limits::ARGON2_LANES,
            });
        }
        // A hash that we make must be one that we accept.
        if !limits::argon2_affordable(memory_kib, iterations) {
            return Err(Argon2ParamsError::TooExpensive);
        }
        Ok(Self {
            memory_kib,
            iterations,
            parallelism,
        })
    }

    pub(super) const fn new_unchecked(memory_kib: u32, iterations: u32, parallelism: u32) -> Self {
        Self {
            memory_kib,
            iterations,
            parallelism,
        }
    }

    /// Memory of one hash in KiB.
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Passes over the memory.
    pub const fn iterations(self) -> u32 {
        self.iterations
    }

    /// Lanes.
    pub const fn parallelism(self) -> u32 {
        self.parallelism
    }
}

/// 19 MiB, two passes, one lane.
impl Default for Argon2Params {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
        }
    }
}

/// Why Argon2id parameters were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Argon2ParamsError {
    /// Cheaper to guess than the least of the accepted pairs.
    #[error(
        "argon2id with {memory_kib} KiB and {iterations} iterations is too cheap to guess: \
         use at least 19456 KiB with 2 iterations, or one of the pairs that equal it"
    )]
    BelowFloor {
        /// The memory asked for.
        memory_kib: u32,
        /// The iterations asked for.
        iterations: u32,
    },
    /// So expensive that a single sign-in would hold a thread for seconds.
    #[error(
        "argon2id parameters are too expensive: at most 1 GiB of memory, and 4 GiB over all iterations"
    )]
    TooExpensive,
    /// No lanes, or more than make sense.
    #[error("argon2id parallelism must be between 1 and {most}")]
    Parallelism {
        /// The most lanes accepted.
        most: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_equal_pairs_are_the_floor() {
        for (memory_kib, iterations) in FLOOR {
            assert!(Argon2Params::new(memory_kib, iterations, 1).is_ok());
            assert_eq!(
                Argon2Params::new(memory_kib - 1, iterations, 1),
                Err(Argon2ParamsError::BelowFloor {
                    memory_kib: memory_kib - 1,
                    iterations
                })
            );
        }
        let default = Argon2Params::default();
        assert_eq!(Argon2Params::new(19_456, 2, 1), Ok(default));
    }

    #[test]
    fn the_ceiling_is_what_a_stored_hash_may_cost() {
        assert!(Argon2Params::new(1_048_576, 4, 1).is_ok());
        assert_eq!(
            Argon2Params::new(1_048_577, 1, 1),
            Err(Argon2ParamsError::TooExpensive)
        );
        assert_eq!(
            Argon2Params::new(1_048_576, 5, 1),
            Err(Argon2ParamsError::TooExpensive)
        );
        assert_eq!(
            Argon2Params::new(19_456, u32::MAX, 1),
            Err(Argon2ParamsError::TooExpensive)
        );
        assert_eq!(
            Argon2Params::new(19_456, 2, 0),
            Err(Argon2ParamsError::Parallelism { most: 64 })
        );
        assert_eq!(
            Argon2Params::new(19_456, 2, 65),
            Err(Argon2ParamsError::Parallelism { most: 64 })
        );
    }
}
