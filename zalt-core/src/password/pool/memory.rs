use argon2::Block;
use zeroize::Zeroize as _;

use crate::password::HashError;

/// The argon2 memory of one thread.
///
/// Kept from one hash to the next, because having fresh pages handed out and zeroed costs a fifth of a hash. Not
/// wiped in between, since the next hash overwrites it all; wiped when it is given back.
pub(in crate::password) struct Memory {
    kept: Vec<Block>,
    /// What to keep: the size of a current hash.
    keep: usize,
}

impl Memory {
    /// Takes nothing yet; keeps `keep_kib` once it was needed.
    pub(in crate::password) fn new(keep_kib: u32) -> Self {
        Self {
            kept: Vec::new(),
            keep: usize::try_from(keep_kib).unwrap_or(usize::MAX),
        }
    }

    /// Runs `work` with at least `count` blocks. More than is kept are taken for this once.
    pub(in crate::password) fn with_blocks<T>(
        &mut self,
        count: usize,
        work: impl FnOnce(&mut [Block]) -> Result<T, HashError>,
    ) -> Result<T, HashError> {
        if count > self.keep {
            // Not beside what is kept: the larger of the two bounds a thread's memory.
            self.give_back();
            let mut blocks = allocate(count)?;
            let outcome = work(&mut blocks);
            blocks.zeroize();
            return outcome;
        }
        if self.kept.is_empty() {
            self.kept = allocate(self.keep)?;
        }
        work(&mut self.kept)
    }

    /// Whether there is anything to give back.
    pub(super) fn is_held(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Wipes and frees what is kept.
    pub(super) fn give_back(&mut self) {
        self.kept.zeroize();
        self.kept = Vec::new();
    }
}

fn allocate(count: usize) -> Result<Vec<Block>, HashError> {
    let mut blocks = Vec::new();
    blocks
        .try_reserve_exact(count)
        .map_err(|_| HashError::OutOfMemory)?;
    blocks.resize(count, Block::new());
    Ok(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_taken_late_kept_and_given_back() {
        let mut memory = Memory::new(64);
        assert!(!memory.is_held());
        assert_eq!(memory.with_blocks(16, |blocks| Ok(blocks.len())), Ok(64));
        assert!(memory.is_held());
        let first = memory
            .with_blocks(64, |blocks| Ok(blocks.as_ptr().addr()))
            .unwrap();
        assert_eq!(
            memory.with_blocks(64, |blocks| Ok(blocks.as_ptr().addr())),
            Ok(first)
        );
        memory.give_back();
        assert!(!memory.is_held());
    }

    #[test]
    fn more_than_is_kept_is_taken_once_and_not_beside_it() {
        let mut memory = Memory::new(16);
        memory.with_blocks(16, |_| Ok(())).unwrap();
        assert_eq!(memory.with_blocks(32, |blocks| Ok(blocks.len())), Ok(32));
        assert!(!memory.is_held());
    }

    #[test]
    fn memory_that_is_not_there_is_an_error() {
        let mut memory = Memory::new(16);
        assert_eq!(
            memory.with_blocks(usize::MAX / 2048, |_| Ok(())),
            Err(HashError::OutOfMemory)
        );
    }
}
