//! A load curve made up for tests: six loads, of which the last two are more than `live` can take.

use crate::load_curve::{LOAD_CURVE_VERSION, LoadCurve, LoadMeasured, LoadPoint};

/// Messages per second that live and the simulator can take.
const LIMITS_PER_S: [(&str, f64); 2] = [("live", 7_100.0), ("sim", 7_900.0)];

/// Six loads, simulated and live; the simulator is some percent off everywhere.
pub fn load_curve() -> LoadCurve {
    LoadCurve {
        schema_version: LOAD_CURVE_VERSION,
        scenario: "live-load".to_owned(),
        about: "One-to-one chats and groups on one machine".to_owned(),
        seed: 1,
        calibration: "calibration of this machine, 2026-01-31".to_owned(),
        machine: "2 cores of an Example Processor, Linux 6.18".to_owned(),
        engines: ["sim", "live"].map(str::to_owned).into(),
        points: [0.25, 0.5, 1.0, 1.5, 2.0, 3.0].map(point).into(),
        saturation_per_s: LIMITS_PER_S.map(|(engine, limit)| (engine.to_owned(), limit)).into(),
        reproduce: "imsim crosscheck --latency scenarios/capacity/live-load.toml --seeds 1 \
                    --loads 25,50,100,150,200,300 --calibration calibration.toml"
            .to_owned(),
    }
}

fn point(load: f64) -> LoadPoint {
    let offered_per_s = 4_000.0 * load;
    let by_engine = LIMITS_PER_S.map(|(engine, limit)| {
        let off = if engine == "sim" { 0.91 } else { 1.0 };
        (engine.to_owned(), measured(offered_per_s, limit, off))
    });
    LoadPoint { load, offered_per_s, by_engine: by_engine.into() }
}

/// A single server's latency below its limit, and a growing queue above it.
fn measured(offered_per_s: f64, limit_per_s: f64, off: f64) -> LoadMeasured {
    let accepted_per_s = offered_per_s.min(limit_per_s);
    let busy = accepted_per_s / limit_per_s;
    let queued_s = (offered_per_s - accepted_per_s) / limit_per_s * 10.0;
    let p50_ms = off * 0.6 / (1.02 - busy) + queued_s * 500.0;
    let ns = |ms: f64| (ms * 1e6).round() as u64;
    LoadMeasured {
        accepted_per_s,
        shown_per_s: accepted_per_s * 6.0,
        ack_p50_ns: ns(p50_ms * 0.7),
        show_p50_ns: ns(p50_ms),
        show_p90_ns: ns(p50_ms * 1.8),
        show_p99_ns: ns(p50_ms * 3.2 * off),
        samples: (accepted_per_s * 60.0) as u64,
        processor_share: busy * 1.9,
        held: true,
    }
}
