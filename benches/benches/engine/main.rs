//! How fast the engine is, in one table per question. Memory has a program of its own, since
//! counting allocations costs time.
//!
//! ```sh
//! cargo bench                                # everything, memory and hot paths too
//! cargo bench --bench engine -- packets      # one of packets, heartbeats, threads
//! ```

mod heartbeats;
mod measure;
mod packets;
mod threads;

/// What can be asked for by name.
const SECTIONS: [(&str, fn()); 3] =
    [("packets", packets::print), ("heartbeats", heartbeats::print), ("threads", threads::print)];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == threads::CHILD) {
        return threads::live_as_child();
    }
    // Cargo adds an argument of its own, `--bench`.
    let asked: Vec<&String> =
        arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    for name in &asked {
        assert!(SECTIONS.iter().any(|section| section.0 == *name), "no section is called {name}");
    }
    println!(
        "\nimsim {}, seed {}; median of {} repetitions (smallest to largest)",
        env!("CARGO_PKG_VERSION"),
        im_benches::SEED,
        measure::REPETITIONS,
    );
    for (name, print) in SECTIONS {
        if asked.is_empty() || asked.iter().any(|asked| *asked == name) {
            print();
        }
    }
}
