//! The folder that `imsim check` leaves behind: which it is, and the campaign in it.
//!
//! Must not know how the runs were made.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use im_reports::campaign::{self as reports, CAMPAIGN_VERSION, Campaign, Checked};
use imsim::campaign;

use super::Args;
use crate::cli::output::{self, Format};
use crate::cli::paths::{from_here, set_of};
use crate::cli::run::{point_latest_at, quoted};
use crate::cli::{Exit, list};

/// The campaign, as it is printed and written.
pub fn campaign(args: &Args, scenarios_asked: usize, checked: Vec<Checked>) -> Campaign {
    Campaign {
        schema_version: CAMPAIGN_VERSION,
        imsim_version: env!("CARGO_PKG_VERSION").to_owned(),
        name: what(args),
        seed_first: args.seeds.first,
        seeds_asked: args.seeds.count,
        scenarios_asked: scenarios_asked as u64,
        sets: sets(args).collect(),
        scenarios: told_apart(args, checked),
        reproduce: reproduce(args),
    }
}

/// Renders and writes the campaign, and says where its page is. One that was interrupted is not the latest.
pub fn write(args: &Args, campaign: &Campaign, interrupted: bool) -> Result<(), Exit> {
    let digests = campaign.scenarios.iter().enumerate();
    let digests = digests.map(|(place, one)| (place as u64, one.digest.as_str()));
    let digest = format!("{:016x}", campaign::digest_of(digests));
    let folder = of_campaigns(args);
    let out = args.out.clone().unwrap_or_else(|| folder.join(&digest));
    let written = reports::render(campaign).and_then(|files| files.write_into(&out));
    written.map_err(|error| unwritten(&error.to_string()))?;
    if args.out.is_none() && !interrupted {
        point_latest_at(&folder, &digest).map_err(|error| {
            unwritten(&format!("cannot point {} at it: {error}", folder.join("latest").display()))
        })?;
    }
    if args.printed.format == Format::Human {
        output::print(&format!("\nPage: {}/report.html\n", out.display()));
    }
    Ok(())
}

fn unwritten(what: &str) -> Exit {
    output::complain(what);
    Exit::Unwritten
}

/// The folder of all campaigns over the same, unless `--out` names another one.
pub fn of_campaigns(args: &Args) -> PathBuf {
    Path::new("runs").join(format!("check-{}", what(args)))
}

/// What is checked, as part of a folder's name.
fn what(args: &Args) -> String {
    let stem = |path: &Path| {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        stem.unwrap_or("scenarios").to_owned()
    };
    match &args.scenarios[..] {
        [] => unreachable!("the command line asks for at least one"),
        [one] => stem(one),
        [first, others @ ..] => format!("{}-and-{}-more", stem(first), others.len()),
    }
}

/// Scenarios of the same name get their paths.
fn told_apart(args: &Args, mut checked: Vec<Checked>) -> Vec<Checked> {
    let mut named: BTreeMap<String, u32> = BTreeMap::new();
    for one in &checked {
        *named.entry(one.name.clone()).or_default() += 1;
    }
    let paths = args.scenarios.iter().flat_map(|path| list::files(path));
    for (one, path) in checked.iter_mut().zip(paths) {
        if named[&one.name] > 1 {
            one.name = from_here(&path).with_extension("").display().to_string();
        }
    }
    checked
}

/// The `--set`s as the campaign may hold them. Of several scenarios each may have its own folder.
fn sets(args: &Args) -> impl Iterator<Item = String> {
    args.sets.iter().map(|set| match &args.scenarios[..] {
        [scenario] => set_of(scenario, set),
        _ => set.clone(),
    })
}

/// The command that gives this campaign again.
fn reproduce(args: &Args) -> String {
    let mut words = vec!["imsim check".to_owned()];
    words.extend(args.scenarios.iter().map(|path| quoted(&from_here(path).display().to_string())));
    words.push(format!("--seeds {}", args.seeds));
    words.extend(sets(args).map(|set| format!("--set {}", quoted(&set))));
    if args.determinism {
        words.push("--determinism".to_owned());
    }
    if args.fail_fast {
        words.push("--fail-fast".to_owned());
    }
    words.join(" ")
}
