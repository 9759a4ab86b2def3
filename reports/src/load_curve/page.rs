//! `report.html` of a load curve: one offline file, in the house of the report of a run.
//!
//! Must not know HTML beyond its template.

use minijinja::context;
use minijinja::value::Serde;
use serde::Serialize;

use super::{LoadCurve, told};
use crate::page::{self, Fact, PageError, Template};
use crate::plots::Plot;

const TEMPLATE: Template = Template { name: "load.html", text: include_str!("page/load.html") };

/// Everything on the page but the plots.
#[derive(Serialize)]
struct View {
    title: String,
    about: String,
    mood: &'static str,
    headline: String,
    because: String,
    broken: Option<String>,
    run: Vec<Fact>,
    /// The engine that is judged, and the truth.
    engines: [String; 2],
    rows: Vec<told::Row>,
    saturation: Option<String>,
    past_saturation: Option<String>,
    equal: [&'static str; 5],
    not_modelled: [&'static str; 4],
    reproduce: String,
}

/// The page of a load curve and its plots.
pub fn html(curve: &LoadCurve, latency: &Plot, accepted: &Plot) -> Result<String, PageError> {
    page::render(
        TEMPLATE,
        context! {
            view => Serde(View::new(curve)),
            latency => page::plot(latency),
            accepted => page::plot(accepted),
        },
    )
}

impl View {
    fn new(curve: &LoadCurve) -> Self {
        let (verdict, headline) = told::headline(curve);
        let (modelled, real) = curve.compared().unwrap_or(("modelled", "real"));
        View {
            title: curve.scenario.clone(),
            about: curve.about.clone(),
            mood: page::mood(verdict),
            headline,
            because: told::because(curve),
            broken: told::broken(curve),
            run: [
                ("Seed", curve.seed.to_string()),
                ("Engines", curve.engines.join(" and ")),
                ("Calibration", curve.calibration.clone()),
                ("Machine", curve.machine.clone()),
            ]
            .map(|(name, value)| page::fact(name, value, ""))
            .into(),
            engines: [modelled, real].map(str::to_owned),
            rows: told::rows(curve),
            saturation: told::saturation(curve),
            past_saturation: told::past_saturation(curve),
            equal: told::EQUAL,
            not_modelled: told::NOT_MODELLED,
            reproduce: curve.reproduce.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::tests::text;
    use crate::{plots, sample};

    fn page(curve: &LoadCurve) -> String {
        let latency = plots::load_latency(curve).unwrap();
        html(curve, &latency, &plots::load_accepted(curve).unwrap()).unwrap()
    }

    #[test]
    fn text_of_the_page() {
        insta::assert_snapshot!(text(&page(&sample::load_curve())));
    }

    #[test]
    fn what_the_curve_says_is_escaped() {
        let curve = LoadCurve { about: "<b>&\"".to_owned(), ..sample::load_curve() };
        assert!(page(&curve).contains("&lt;b&gt;&amp;&quot;"));
    }

    #[test]
    fn the_page_asks_nothing_of_the_network() {
        page::tests::assert_offline(&page(&sample::load_curve()));
    }
}
