//! Metrics: what can be measured in the stacks and on the links, without any change of the programs.
//!
//! - `definitions`: names, units and meanings; the manual's page is made from them
//! - `samples`: values, exact while they are few, in a histogram when they are many
//! - `table`: series by name and labels
//! - `collect`: entries of the record turned into samples

mod collect;
mod definitions;
mod samples;
mod table;

pub use collect::{Collector, Crossing, Datagram, Process};
pub use definitions::{DEFINITIONS, Definition, Kind, LABELS, NAMES, definition};
pub use samples::Samples;
pub use table::{Labels, Place, Series, Table, glob};
