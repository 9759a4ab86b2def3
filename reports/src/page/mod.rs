//! `report.html`: the report of a run as one offline file, and the frame of all such pages.
//!
//! The page asks nothing of the network and runs no script. Must not know facts of the wall: the
//! same record gives the same page.

mod view;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use crate::plots::Plot;
use crate::record::Record;
use view::View;

pub(crate) use view::{Fact, fact, mood};

/// The frame of every page: head, verdict and footer.
const SKELETON: Template = Template { name: "skeleton.html", text: include_str!("skeleton.html") };
/// Macros that pages share.
const PIECES: Template = Template { name: "pieces.html", text: include_str!("pieces.html") };
const RUN: Template = Template { name: "run.html", text: include_str!("run.html") };
const STYLE: &str = include_str!("style.css");

/// Where the links to a page's sections go.
const CONTENTS: &str = "<!-- contents -->";

/// Why the page could not be rendered.
#[derive(Debug, thiserror::Error)]
#[error("the page's template: {0:#}")]
pub struct PageError(#[from] minijinja::Error);

/// A page's template, by the name that other templates use.
#[derive(Clone, Copy)]
pub(crate) struct Template {
    pub name: &'static str,
    pub text: &'static str,
}

/// The page of a record and its plots.
pub fn html(
    record: &Record,
    latency: &Plot,
    timeline: &Plot,
    redis: Option<&Plot>,
    sequences: &[Plot],
) -> Result<String, PageError> {
    render(
        RUN,
        context! {
            view => Serde(View::new(record)),
            latency => plot(latency),
            timeline => plot(timeline),
            redis => redis.map(plot),
            sequences => sequences.iter().map(plot).collect::<Vec<_>>(),
        },
    )
}

/// A page from its own template, within the frame of all pages.
pub(crate) fn render(template: Template, values: Value) -> Result<String, PageError> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let mut syntax = SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true);
    environment.set_syntax(syntax.build()?);
    environment.add_global("style", Value::from_safe_string(STYLE.to_owned()));
    for template in [SKELETON, PIECES, template] {
        environment.add_template(template.name, template.text)?;
    }
    let page = environment.get_template(template.name)?.render(values)?;
    Ok(page.replacen(CONTENTS, &contents(&page), 1))
}

/// A line of links to the sections of the page.
fn contents(page: &str) -> String {
    const HEADING: &str = "<h2 id=\"";
    let link = |section: &str| {
        let (id, rest) = section.split_once("\">")?;
        let (title, _) = rest.split_once("</h2>")?;
        Some(format!("<a href=\"#{id}\">{title}</a>"))
    };
    let links: Vec<String> = page.split(HEADING).skip(1).filter_map(link).collect();
    format!("<nav class=\"contents\" aria-label=\"Contents\">{}</nav>", links.join("\n"))
}

/// A plot as templates take it.
pub(crate) fn plot(plot: &Plot) -> Value {
    context! {
        title => &*plot.title,
        caption => &*plot.caption,
        width => plot.width,
        wide => &*plot.inline_wide,
        narrow => &*plot.inline_narrow,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::{plots, sample};

    fn page(record: &Record) -> String {
        let [latency, timeline] = [plots::latency, plots::timeline].map(|of| of(record).unwrap());
        let redis = plots::redis(record).unwrap();
        let sequences = plots::sequences(record).unwrap();
        html(record, &latency, &timeline, redis.as_ref(), &sequences).unwrap()
    }

    #[test]
    fn the_page_asks_nothing_of_the_network() {
        assert_offline(&page(&sample::invalid()));
    }

    /// Panics if a page would ask the network for anything.
    pub fn assert_offline(page: &str) {
        let page = page.replace("http://www.w3.org/2000/svg", "");
        for outside in ["http:", "https:", "src=", "url(", "@import", "<script", "<link"] {
            assert!(!page.contains(outside), "{outside} in the page");
        }
        for link in page.split("href=\"").skip(1) {
            assert!(link.starts_with('#'), "a link leaves the page: {}", &link[..40]);
        }
    }

    #[test]
    fn the_verdict_comes_first_in_plain_words() {
        for (record, words) in [
            (sample::valid(), "All promises held"),
            (sample::invalid(), "A promise was broken"),
            (sample::nothing(), "Not put to the test"),
            (sample::overloaded(), "4 bounds were missed"),
        ] {
            let page = page(&record);
            let verdict = page.find("<h1").unwrap();
            assert!(page[verdict..].find(words).unwrap() < 200, "{words}");
        }
    }

    #[test]
    fn every_section_has_its_link() {
        let page = page(&sample::invalid());
        let (_, links) = page.split_once("<nav").unwrap();
        let (links, _) = links.split_once("</nav>").unwrap();
        let sections: Vec<&str> = page.split("<h2 id=\"").skip(1).collect();
        assert_eq!(links.matches("<a ").count(), sections.len());
        for section in sections {
            let id = section.split('"').next().unwrap();
            assert!(links.contains(&format!("href=\"#{id}\"")), "{id}");
        }
    }

    #[test]
    fn headings_come_in_order() {
        let page = page(&sample::invalid());
        let mut last = 0;
        for (place, _) in page.match_indices("<h") {
            let Some(level) = page[place + 2..].chars().next().and_then(|c| c.to_digit(10)) else {
                continue;
            };
            assert!(level <= last + 1, "h{level} after h{last}");
            last = level;
        }
    }

    #[test]
    fn what_is_empty_says_so() {
        let page = page(&sample::nothing());
        for words in ["no samples", "No fault was planned", "No promise was checked"] {
            assert!(page.contains(words), "{words}");
        }
    }

    #[test]
    fn what_the_record_says_is_escaped() {
        let mut record = sample::invalid();
        record.findings[0].summary = "<b>&\"".to_owned();
        assert!(page(&record).contains("&lt;b&gt;&amp;&quot;"));
    }

    #[test]
    fn a_fault_that_touched_nothing_is_flagged() {
        assert!(page(&sample::valid()).contains("touched nothing"));
    }

    #[test]
    fn what_the_engine_left_out_stands_below_the_verdicts() {
        let on_turmoil = page(&sample::turmoil());
        let place = |words: &str| on_turmoil.find(words).unwrap_or_else(|| panic!("no {words}"));
        assert!(place("Engine turmoil") < place("<main"));
        assert!(place("What the verdict rests on") < place("Left out by this engine"));
        assert!(place("nodes compute in no time</dd>") < place("Ledger"));
        assert!(place("fault 2 (loss on links of devices, 3%)") < place("Ledger"));
        assert!(!page(&sample::valid()).contains("Left out by this engine"));
    }

    #[test]
    fn a_fault_left_out_is_not_called_idle() {
        let page = page(&sample::turmoil());
        let faults = &page[page.find("id=\"faults\"").unwrap()..];
        assert_eq!(faults.matches("touched nothing</span>").count(), 1);
        assert_eq!(faults.matches("left out</span> turmoil never sends").count(), 1);
        assert!(faults.contains("turmoil does not count what it touches"));
    }

    #[test]
    fn a_page_in_real_time_does_not_call_it_virtual() {
        let page = page(&sample::live());
        assert!(page.contains("Another run gives other bytes"));
        let page = page.to_lowercase();
        assert!(
            !page.contains("virtual"),
            "{:?}",
            page.find("virtual").map(|at| &page[at - 60..at + 40])
        );
    }

    #[test]
    fn text_of_the_page() {
        insta::assert_snapshot!(text(&page(&sample::invalid())));
    }

    /// The words of a page without its markup, style and plots.
    pub fn text(page: &str) -> String {
        let mut words = String::new();
        let mut rest = page;
        while let Some(open) = rest.find('<') {
            words.push_str(&rest[..open]);
            words.push('\n');
            rest = &rest[open..];
            let end = ["style", "svg"]
                .iter()
                .find(|tag| rest[1..].starts_with(*tag))
                .map_or(">".to_owned(), |tag| format!("</{tag}>"));
            rest = &rest[rest.find(&end).unwrap() + end.len()..];
        }
        let lines = words.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.collect::<Vec<_>>().join("\n")
    }
}
