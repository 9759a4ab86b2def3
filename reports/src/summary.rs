//! The terminal's summary of a run: the verdict first, then what it rests on, at most 100 columns.
//!
//! Only the command to reproduce a run may be longer, so that it can be copied whole. Facts of the
//! wall stand in the last line alone, and say so.

pub(crate) mod grid;
pub(crate) mod paint;
pub(crate) mod text;

use crate::record::{Finding, Latency, Manifest, Record, Totals, Verdict};
use crate::words::{self, HEADLINE_PERCENTILES, NO_SAMPLES};
use crate::{engine, figures};
use grid::{Align, grid, wrapped};
use paint::Style;
use text::Text;

/// Columns a summary takes at most.
pub(crate) const COLUMNS: usize = 100;
/// Faults listed at most; the page lists them all.
const FAULTS_MAX: usize = 48;
/// Findings explained at most; the page explains them all.
const FINDINGS_MAX: usize = 3;

/// The summary of a record, as lines that end in a newline; with ANSI colours if asked for.
///
/// The manifest adds the closing line about the wall.
pub fn summary(record: &Record, manifest: Option<&Manifest>, colour: bool) -> String {
    let mut text = Text::new(colour);
    verdict(&mut text, record);
    promises(&mut text, record);
    bounds(&mut text, record);
    left_out(&mut text, record);
    findings(&mut text, record);
    latencies(&mut text, record);
    load(&mut text, record);
    redis(&mut text, record);
    processors(&mut text, record);
    faults(&mut text, record);
    reproduce(&mut text, record);
    if let Some(manifest) = manifest {
        wall(&mut text, record, manifest);
    }
    text.finish()
}

fn verdict(text: &mut Text, record: &Record) {
    text.push(0, &words::headline(record), mood(words::mood(record.outcome)));
    text.wrap(2, &words::because(record));
    let beside = [words::interrupted(record), words::overload(record), words::stuck(record)];
    for line in beside.into_iter().flatten().flat_map(|line| wrapped(&line, COLUMNS - 2)) {
        text.push(2, &line, Style::Doubt);
    }
    text.blank();
    text.wrap(2, &format!("{}: {}", record.scenario, record.about));
    let phases = &record.phases;
    let clock = engine::words(record).beside_name;
    let clock = clock.map(|clock| format!(" ({clock})")).unwrap_or_default();
    text.dim(&format!(
        "seed {} · engine {}{clock} · {} of load, {} to settle · {} devices, {} conversations",
        record.seed,
        record.engine,
        figures::clock(phases.duration_ns),
        figures::clock(phases.settle_ns),
        figures::count(record.totals.devices),
        figures::count(record.totals.conversations),
    ));
}

fn promises(text: &mut Text, record: &Record) {
    text.title("Promises");
    let rows = record.promises.iter().map(|promise| {
        let evidence = match promise.violations {
            0 => promise.evidence.clone(),
            n => format!("{} ({} violations)", promise.evidence, figures::count(n)),
        };
        let answer = words::answer_beside(promise);
        vec![answer, promise.id.clone(), promise.name.clone(), evidence]
    });
    let lines = grid(rows.collect(), &[Align::Left; 4], COLUMNS - 2);
    for line in lines {
        text.push(2, &line, leading_mood(&line));
    }
    let (equation, balanced) = words::balance(&record.ledger);
    if balanced {
        text.say(2, &format!("ledger balances: {equation}"), Style::Plain);
    } else {
        text.say(2, &format!("ledger: {equation}"), Style::Bad);
    }
}

fn bounds(text: &mut Text, record: &Record) {
    if record.bounds.is_empty() {
        return;
    }
    text.title("Bounds");
    let rows = record.bounds.iter().map(|bound| {
        let answer = if bound.met { "met" } else { "missed" }.to_owned();
        let (what, value) = (words::bounded(bound), words::measured(bound));
        vec![answer, what, value, bound.limit.clone(), words::missed_when(bound)]
    });
    for line in grid(rows.collect(), &[Align::Left; 5], COLUMNS - 2) {
        let style = if line.starts_with("missed") { Style::Bad } else { Style::Plain };
        text.push(2, &line, style);
    }
}

/// So that nobody takes the run of another engine for more than it was.
fn left_out(text: &mut Text, record: &Record) {
    let left_out = engine::left_out(record);
    if record.engine == "sim" && left_out.is_empty() {
        return;
    }
    text.title(&format!("Left out by {}", record.engine));
    if left_out.is_empty() {
        text.push(2, "nothing", Style::Dim);
    }
    let rows = left_out.into_iter().map(|left_out| vec![left_out.what, left_out.why]);
    for line in grid(rows.collect(), &[Align::Left; 2], COLUMNS - 2) {
        text.push(2, &line, Style::Doubt);
    }
}

fn findings(text: &mut Text, record: &Record) {
    if record.findings.is_empty() {
        return;
    }
    text.title("Findings");
    for (index, explained) in record.findings.iter().take(FINDINGS_MAX).enumerate() {
        finding(text, index + 1, explained);
    }
    let more = record.findings.len().saturating_sub(FINDINGS_MAX);
    if more > 0 {
        text.dim(&format!("{more} more in report.html and findings/"));
    }
    if record.findings_left_out > 0 {
        let left_out = figures::count(record.findings_left_out);
        text.dim(&format!("{left_out} more causes are not explained"));
    }
}

fn finding(text: &mut Text, number: usize, finding: &Finding) {
    let summary = format!("{number}. {}: {}", words::promises(finding), finding.summary);
    for line in wrapped(&summary, COLUMNS - 5) {
        text.push(2, &line, Style::Bad);
    }
    if let Some(cause) = words::cause(finding) {
        text.wrap(5, &cause);
    }
    text.wrap(5, &format!("expected: {}", finding.expected));
    let row = |event: &crate::record::FindingEvent| {
        let mark = if event.key { "▶" } else { " " }.to_owned();
        vec![mark, figures::instant(event.at_ns), event.actor.clone(), event.text.clone()]
    };
    let align = [Align::Left, Align::Right, Align::Left, Align::Left];
    for line in grid(finding.events.iter().map(row).collect(), &align, COLUMNS - 5) {
        let style = if line.starts_with('▶') { Style::Bold } else { Style::Plain };
        text.push(5, &line, style);
    }
}

fn latencies(text: &mut Text, record: &Record) {
    let names = HEADLINE_PERCENTILES.iter().map(|percentile| figures::percentile(*percentile));
    let mut head = vec!["Latency".to_owned()];
    head.extend(names);
    head.extend(["max".to_owned(), "samples".to_owned()]);
    let mut align = vec![Align::Right; head.len()];
    align[0] = Align::Left;
    let mut rows = vec![head];
    rows.extend(record.latencies.iter().map(latency));
    text.blank();
    for (index, line) in grid(rows, &align, COLUMNS).iter().enumerate() {
        text.push(0, line, if index == 0 { Style::Bold } else { Style::Plain });
    }
    if record.latencies.is_empty() {
        text.push(2, NO_SAMPLES, Style::Dim);
    }
}

fn latency(latency: &Latency) -> Vec<String> {
    let mut row = vec![format!("  {}", latency.name)];
    if latency.count == 0 {
        row.extend(HEADLINE_PERCENTILES.map(|_| "–".to_owned()));
        row.extend(["–".to_owned(), NO_SAMPLES.to_owned()]);
        return row;
    }
    row.extend(HEADLINE_PERCENTILES.map(|p| figures::duration(latency.percentile_ns(p))));
    row.extend([figures::duration(latency.max_ns), figures::count(latency.count)]);
    row
}

fn load(text: &mut Text, record: &Record) {
    let totals = &record.totals;
    let (rate, count) = (figures::rate, figures::count);
    let per_second = format!("per {}", engine::words(record).second);
    text.title("Load");
    let mut rows = vec![
        (
            &*per_second,
            format!(
                "offered {}, accepted {}, shown {}",
                rate(totals.offered_per_s),
                rate(totals.accepted_per_s),
                rate(totals.shown_per_s)
            ),
        ),
        (
            "in all",
            format!(
                "offered {}, accepted {}, shown {}, refused {}, never asked {}",
                count(totals.offered),
                count(totals.accepted),
                count(totals.shown),
                count(totals.refused),
                count(totals.not_asked)
            ),
        ),
        (
            "retries",
            format!("sends {}, pushes {}", count(totals.send_retries), count(totals.push_retries)),
        ),
        ("duplicates suppressed", count(totals.duplicates_suppressed)),
        ("lost at random", lost_at_random(totals)),
    ];
    let costs = record.amplification.iter();
    let costs: Vec<String> =
        costs.map(|(name, cost)| format!("{} {}", rate(*cost), words::plain(name))).collect();
    if !costs.is_empty() {
        rows.push(("per accepted message", costs.join(", ")));
    }
    let rows = rows.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
    for line in grid(rows, &[Align::Left; 2], COLUMNS - 2) {
        text.push(2, &line, Style::Plain);
    }
}

fn redis(text: &mut Text, record: &Record) {
    let Some(writes) = &record.redis else { return };
    text.title("Redis' clients");
    text.wrap(2, &writes.outcome());
    let rows = writes.causes.iter().map(|cause| {
        vec![
            figures::count(cause.count),
            cause.effect.clone(),
            words::hop(&cause.hop).to_owned(),
            words::window(&cause.window).to_owned(),
            format!("missing: {}", words::guard(&cause.guard)),
        ]
    });
    let mut align = [Align::Left; 5];
    align[0] = Align::Right;
    for line in grid(rows.collect(), &align, COLUMNS - 2) {
        text.push(2, &line, Style::Doubt);
    }
}

fn lost_at_random(totals: &Totals) -> String {
    if !words::packets_counted(totals) {
        return "no packets were counted".to_owned();
    }
    format!(
        "{} on devices' links ({} of {} packets), {} between servers",
        figures::share(totals.client_packets_lost, totals.client_packets_sent),
        figures::count(totals.client_packets_lost),
        figures::count(totals.client_packets_sent),
        figures::share(totals.backend_packets_lost, totals.backend_packets_sent)
    )
}

fn processors(text: &mut Text, record: &Record) {
    let Some(processors) = &record.processors else { return };
    text.blank();
    let head = ["Processors", "hosts", "busiest", "mean", "longest wait"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    rows.extend(processors.roles.iter().map(|load| {
        vec![
            format!("  {}", load.role),
            figures::count(load.hosts),
            figures::percentage(load.busy_share_max),
            figures::percentage(load.busy_share_mean),
            words::longest_wait(processors, load),
        ]
    }));
    let mut align = [Align::Right; 5];
    align[0] = Align::Left;
    for (index, line) in grid(rows, &align, COLUMNS).iter().enumerate() {
        text.push(0, line, if index == 0 { Style::Bold } else { Style::Plain });
    }
    if let Some(shared) = words::shared_cores(record) {
        text.dim(&format!("All hosts {shared}."));
    }
    text.dim(&words::processors(processors));
}

fn faults(text: &mut Text, record: &Record) {
    text.title("Faults");
    if record.faults.is_empty() {
        text.push(2, "none planned", Style::Dim);
        return;
    }
    let rows = record.faults.iter().take(FAULTS_MAX).map(|fault| {
        let window = figures::window(fault.from_ns, fault.until_ns);
        let effect = words::effect(fault, &record.engine);
        vec![fault.number.to_string(), fault.kind.clone(), fault.target.clone(), window, effect]
    });
    let align = [Align::Right, Align::Left, Align::Left, Align::Right, Align::Left];
    for line in grid(rows.collect(), &align, COLUMNS - 2) {
        let doubt = line.ends_with("touched nothing") || line.contains("  left out: ");
        let style = if doubt { Style::Doubt } else { Style::Plain };
        text.push(2, &line, style);
    }
    let more = record.faults.len().saturating_sub(FAULTS_MAX);
    if more > 0 {
        text.dim(&format!("{more} more in report.html"));
    }
    if let Some(idle) = words::idle(record) {
        text.say(2, &idle, Style::Doubt);
    }
}

fn reproduce(text: &mut Text, record: &Record) {
    text.title("Again");
    text.push(2, &record.reproduce, Style::Plain);
    text.dim(&format!(
        "digest {} over {} events · imsim {}",
        record.digest,
        figures::count(record.events_total),
        record.imsim_version
    ));
    if !engine::words(record).repeats {
        text.dim("Real time: another run gives other bytes, and another digest.");
    }
}

fn wall(text: &mut Text, record: &Record, manifest: &Manifest) {
    let mut wall = format!("Wall time: run phase {:.2} s", manifest.run_wall_s);
    if engine::words(record).repeats {
        let speed = figures::rate(manifest.simulated_per_wall);
        wall.push_str(&format!(", {speed} virtual seconds per wall second"));
    }
    text.blank();
    text.say(0, &wall, Style::Dim);
}

/// The colour of what says a verdict.
pub(crate) fn mood(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Valid => Style::Good,
        Verdict::Invalid => Style::Bad,
        Verdict::Unknown => Style::Doubt,
    }
}

/// The style of a promise's line, by the answer it starts with; a wrapped line goes on plainly.
fn leading_mood(line: &str) -> Style {
    [Verdict::Invalid, Verdict::Unknown]
        .into_iter()
        .find(|verdict| line.starts_with(words::answer(*verdict)))
        .map_or(Style::Plain, mood)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_valid_run() {
        insta::assert_snapshot!(summary(&sample::valid(), Some(&sample::manifest()), false));
    }

    #[test]
    fn a_run_with_findings() {
        insta::assert_snapshot!(summary(&sample::invalid(), None, false));
    }

    #[test]
    fn an_overloaded_run_that_missed_bounds() {
        insta::assert_snapshot!(summary(&sample::overloaded(), None, false));
    }

    #[test]
    fn a_run_with_nothing_in_it() {
        insta::assert_snapshot!(summary(&sample::nothing(), None, false));
    }

    #[test]
    fn a_run_on_turmoil() {
        insta::assert_snapshot!(summary(&sample::turmoil(), Some(&sample::manifest()), false));
    }

    #[test]
    fn a_run_in_real_time() {
        let said = summary(&sample::live(), Some(&sample::manifest()), false);
        insta::assert_snapshot!(said);
        assert!(!said.contains("virtual"), "real time is not virtual");
    }

    #[test]
    fn colours_change_nothing_but_colours() {
        let record = sample::invalid();
        let mut plain = summary(&record, None, true);
        while let Some(start) = plain.find("\u{1b}[") {
            let end = start + plain[start..].find('m').unwrap();
            plain.replace_range(start..=end, "");
        }
        assert_eq!(plain, summary(&record, None, false));
    }

    #[test]
    fn lines_stay_within_their_columns() {
        let mut record = sample::busy();
        record.promises[0].evidence = "much evidence ".repeat(30);
        record.faults[0].target =
            "gateway-0, gateway-1, gateway-2 ↔ everything else there is".to_owned();
        for line in summary(&record, Some(&sample::manifest()), false).lines() {
            assert!(line.chars().count() <= COLUMNS, "{line}");
        }
    }
}
