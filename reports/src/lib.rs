//! The versioned record of a run, and everything that is drawn from it.
//!
//! Knows neither the IM nor the simulator: a record is all it sees.
//!
//! ```no_run
//! # fn example(record: &im_reports::Record, manifest: &im_reports::Manifest) -> Result<(), im_reports::Error> {
//! print!("{}", im_reports::summary(record, Some(manifest), false));
//! im_reports::write(record, manifest, std::path::Path::new("runs/quickstart/1"))?;
//! # Ok(())
//! # }
//! ```

pub mod campaign;
pub mod comparison;
pub mod load_curve;
pub mod record;

pub mod csv;
pub mod files;
pub mod page;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod plots;
pub mod redis;
pub mod summary;

pub mod words;

mod engine;
mod figures;

#[cfg(test)]
mod sample;

pub use files::{Error, Files, render, write};
pub use load_curve::{
    LOAD_CURVE_VERSION, LoadCurve, LoadMeasured, LoadPoint, render as render_load_curve,
    summary as load_curve_summary,
};
pub use record::{Manifest, Record};
pub use summary::grid::fit_into;
pub use summary::summary;
