//! When and how much: Poisson arrivals and payload sizes.

use im::env::Nanos;
use rand::Rng as _;

use crate::engine::rng::{self, Stream};
use crate::scenario::{Payload, Rate};

/// Times of a Poisson process of that rate in `from..until`, rising.
pub fn poisson(rate: Rate, from: Nanos, until: Nanos, rng: &mut Stream) -> Vec<Nanos> {
    let mut times = Vec::new();
    if rate.is_zero() {
        return times;
    }
    let mean_ns = 1e9 / rate.hertz();
    let mut at = from as f64;
    loop {
        // In (0, 1], so that the logarithm is finite.
        let uniform = ((rng.next_u64() >> 11) + 1) as f64 / (1u64 << 53) as f64;
        at -= uniform.ln() * mean_ns;
        if at >= until as f64 {
            return times;
        }
        times.push(at as Nanos);
    }
}

/// A size drawn from the payload's mix.
pub fn payload_bytes(payload: &Payload, rng: &mut Stream) -> u32 {
    let sizes = payload.sizes();
    let total: u32 = sizes.iter().map(|(_, weight)| weight).sum();
    let mut draw = rng::below(rng, u64::from(total)) as u32;
    for (bytes, weight) in &sizes {
        if draw < *weight {
            return *bytes;
        }
        draw -= weight;
    }
    unreachable!("the draw lies below the sum of the weights")
}
