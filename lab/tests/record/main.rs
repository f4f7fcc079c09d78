//! Stories of two hosts, recorded: captures that an independent reader understands, entries that say what happened.

mod captures;
mod entries;
mod metrics;
mod story;
mod topology;
mod views;
