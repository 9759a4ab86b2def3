//! `report.html` of a comparison: one offline file, in the house of the report of a run.
//!
//! Must not know HTML beyond its template.

use minijinja::context;
use minijinja::value::{Serde, Value};
use serde::Serialize;

use super::{Comparison, told};
use crate::page::{self, Fact, PageError, Template};
use crate::plots::Plot;

const TEMPLATE: Template =
    Template { name: "comparison.html", text: include_str!("page/comparison.html") };

/// Everything on the page but the plots.
#[derive(Serialize)]
struct View {
    title: String,
    about: String,
    mood: &'static str,
    headline: String,
    because: String,
    run: Vec<Fact>,
    reference: String,
    variants: Vec<Heading>,
    rows: Vec<told::Row>,
    sentences: Vec<String>,
    too_few: Option<String>,
    front: Option<String>,
    crossover: Option<String>,
    method: [&'static str; 4],
    reproduce: String,
    scenario: String,
}

/// A variant above its column.
#[derive(Serialize)]
struct Heading {
    name: String,
    sets: String,
}

/// The page of a comparison and its plots, by their names.
pub fn html(comparison: &Comparison, plots: &[Plot]) -> Result<String, PageError> {
    let of = |name| plots.iter().find(|plot| plot.name == name).map(page::plot);
    let [seeds, curves, pareto, crossover]: [Option<Value>; 4] =
        ["seeds", "curves", "pareto", "crossover"].map(of);
    page::render(
        TEMPLATE,
        context! { view => Serde(View::new(comparison)), seeds, curves, pareto, crossover },
    )
}

impl View {
    fn new(comparison: &Comparison) -> Self {
        let (verdict, headline) = told::headline(comparison);
        let seeds = match (comparison.seeds.first(), comparison.seeds.last()) {
            (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
            (first, _) => first.map_or_else(|| "none".to_owned(), u64::to_string),
        };
        let mut run = vec![page::fact("Seeds", seeds, "")];
        for varied in &comparison.varied {
            run.push(page::fact(&varied.key, varied.values.join(", "), ""));
        }
        run.push(page::fact("imsim", comparison.imsim_version.clone(), ""));
        let heading = |variant: &super::Variant| Heading {
            name: variant.name.clone(),
            sets: variant.sets.join(" "),
        };
        View {
            title: comparison.scenario.clone(),
            about: comparison.about.clone(),
            mood: page::mood(verdict),
            headline,
            because: told::because(comparison),
            run,
            reference: comparison.reference.clone(),
            variants: comparison.variants.iter().map(heading).collect(),
            rows: told::rows(comparison),
            sentences: told::sentences(comparison),
            too_few: told::too_few(comparison),
            front: told::front(comparison),
            crossover: told::crossover(comparison),
            method: told::METHOD,
            reproduce: comparison.reproduce.clone(),
            scenario: serde_json::to_string_pretty(&comparison.expanded)
                .expect("JSON is written as JSON"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::text;
    use crate::{comparison, sample};

    fn page(comparison: &Comparison) -> String {
        let files = comparison::render(comparison).unwrap();
        String::from_utf8(files.get("report.html").unwrap().to_vec()).unwrap()
    }

    #[test]
    fn text_of_the_page() {
        insta::assert_snapshot!(text(&page(&sample::comparison())));
    }

    #[test]
    fn what_the_comparison_says_is_escaped() {
        let comparison = Comparison { about: "<b>&\"".to_owned(), ..sample::comparison() };
        assert!(page(&comparison).contains("&lt;b&gt;&amp;&quot;"));
    }

    #[test]
    fn the_page_asks_nothing_of_the_network() {
        page::tests::assert_offline(&page(&sample::comparison()));
    }

    #[test]
    fn a_comparison_without_crossover_has_no_such_section() {
        let comparison = Comparison { crossover: None, ..sample::comparison() };
        assert!(!page(&comparison).contains("id=\"crossover\""));
    }
}
