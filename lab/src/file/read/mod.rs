//! From the tree of values to the description, part by part.

mod change;
mod check;
mod conditions;
mod host;
mod link;
mod loss;
mod program;
mod queue;
mod rate;
mod states;
mod top;
