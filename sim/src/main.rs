//! temporary
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let s = imsim::scenario::Scenario::load(std::path::Path::new(&args[0]), &args[2..]).unwrap_or_else(|e| { eprintln!("{e}"); std::process::exit(2) });
    let r = imsim::run::run(&s, args[1].parse().unwrap(), &Default::default()).unwrap_or_else(|e| { eprintln!("{e}"); std::process::exit(70) });
    print!("{}", im_reports::summary(&r, None, false));
    for (role, of) in &r.counters { println!("{role} {of:?}"); }
}
