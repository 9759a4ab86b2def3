//! Scenario files: those that are shipped, and the exact words in which wrong ones are refused.

mod calibration_errors;
mod fault_errors;
mod refusals;
mod scenario_errors;
mod scenario_files;
