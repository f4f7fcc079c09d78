//! The engine: the layers put together, as one value that is one host.
//!
//! [`Stack`] has four inputs and four outputs (see the crate's page) and no life between them. After every input it carries what came up
//! from the network layer to the transports until nothing is left, so that outputs always tell the whole consequence of the inputs
//! so far.
//!
//! | file | what |
//! |---|---|
//! | `config` | the settings a stack is born with |
//! | `stack` | the value itself |
//! | `input` | frames, time, and their dispatch |
//! | `output` | frames, deadline, readiness, events |
//! | `calls`, `many` | the socket calls; those for many messages |
//! | `configure` | links, addresses, routes, neighbours, settings |
//! | `inspect` | the state as text |

mod calls;
mod config;
mod configure;
mod input;
mod inspect;
mod many;
mod output;
mod stack;

pub use config::Config;
pub use stack::Stack;
