//! The measurements of Linux 6.18 TCP that our streams are held against: kernel TCP (cubic,
//! NODELAY) between two network namespaces over a forwarder with a fixed delay and independent
//! loss of packets in both directions.

/// One percentile of one cell.
pub struct Latency {
    /// Round trip of the path.
    pub rtt_ms: f64,
    /// Loss per packet and direction.
    pub loss: f64,
    /// Kind of traffic.
    pub traffic: String,
    /// For example `p99`.
    pub percentile: String,
    /// One-way latency of a message.
    pub ms: f64,
}

/// `linux-tcp-latency.csv`.
pub fn latencies() -> Vec<Latency> {
    let rows = include_str!("../data/linux-tcp-latency.csv").lines().skip(1).map(fields);
    rows.map(|row| Latency {
        rtt_ms: number(row[1]),
        loss: number(row[2]),
        traffic: row[3].to_owned(),
        percentile: row[4].to_owned(),
        ms: number(row[5]),
    })
    .collect()
}

/// One percentile of what happened after a partition had healed.
pub struct AfterPartition {
    /// Round trip of the path.
    pub rtt_ms: f64,
    /// How long it was cut.
    pub partition_s: f64,
    /// What was measured.
    pub metric: String,
    /// For example `p50`.
    pub percentile: String,
    /// Seconds after healing.
    pub seconds: f64,
}

/// `linux-tcp-partition.csv`, without the rows with keepalive.
pub fn after_partition() -> Vec<AfterPartition> {
    let rows = include_str!("../data/linux-tcp-partition.csv").lines().skip(1).map(fields);
    rows.filter(|row| row[2] == "0")
        .map(|row| AfterPartition {
            rtt_ms: number(row[0]),
            partition_s: number(row[1]),
            metric: row[3].to_owned(),
            percentile: row[4].to_owned(),
            seconds: number(row[5]),
        })
        .collect()
}

fn fields(line: &str) -> Vec<&str> {
    line.split(',').collect()
}

fn number(text: &str) -> f64 {
    text.parse().expect("a number")
}
