//! Named random streams: every consumer of randomness derives its own from the one seed, so that a
//! draw added in one place moves nothing elsewhere.

use rand::SeedableRng;
use rand_pcg::Pcg32;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The generator of all streams: PCG XSH RR 64/32, 16 bytes, stable across versions of its crate.
pub type Stream = Pcg32;

/// The stream called `name` of `seed`.
pub fn stream(seed: u64, name: &str) -> Stream {
    Pcg32::seed_from_u64(xxh3_64_with_seed(name.as_bytes(), seed))
}

/// The stream of member `index` of the family `name`.
pub fn indexed(seed: u64, name: &str, index: u64) -> Stream {
    Pcg32::seed_from_u64(xxh3_64_with_seed(
        &index.to_le_bytes(),
        xxh3_64_with_seed(name.as_bytes(), seed),
    ))
}

/// A uniform number in `0..bound` (`bound > 0`), without the bias that `%` has.
pub fn below(rng: &mut Stream, bound: u64) -> u64 {
    use rand::Rng as _;
    ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u64
}

/// True with a probability of `ppm` in a million.
pub fn chance_ppm(rng: &mut Stream, ppm: u32) -> bool {
    use rand::Rng as _;
    (u64::from(rng.next_u32()) * 1_000_000) >> 32 < u64::from(ppm)
}

#[cfg(test)]
mod tests {
    use rand::Rng as _;

    use super::*;

    #[test]
    fn streams_differ_by_name_index_and_seed_and_never_change() {
        let mut draws = vec![
            stream(1, "network").next_u64(),
            stream(1, "workload").next_u64(),
            stream(2, "network").next_u64(),
            indexed(1, "host", 0).next_u64(),
            indexed(1, "host", 1).next_u64(),
        ];
        assert_eq!(draws[0], 0xb709_d034_0cc3_fe19, "a new value here changes every digest");
        draws.sort_unstable();
        draws.dedup();
        assert_eq!(draws.len(), 5);
    }

    #[test]
    fn chance_meets_its_rate() {
        let mut rng = stream(7, "test");
        let hits = (0..100_000).filter(|_| chance_ppm(&mut rng, 10_000)).count();
        assert!((850..1150).contains(&hits), "{hits} hits at 1 % of 100,000");
    }
}
