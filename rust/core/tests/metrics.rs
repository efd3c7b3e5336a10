//! What is measured: how exact it is, what windows hold, and which stage of the walk a duration is put down to.

mod support;

#[path = "metrics/native.rs"]
mod native;
#[path = "metrics/reports.rs"]
mod reports;
#[path = "metrics/scale.rs"]
mod scale;
#[path = "metrics/slowest.rs"]
mod slowest;
#[path = "metrics/stages.rs"]
mod stages;
#[path = "metrics/trails.rs"]
mod trails;
#[path = "metrics/windows.rs"]
mod windows;
