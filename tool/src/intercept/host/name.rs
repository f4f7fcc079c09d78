//! `uname`: the machine's answer with the host's name in it. `gethostname` of the C libraries asks `uname`.

use loggia_lab::world::World;

use super::super::call::Call;
use super::super::fault::{DONE, Outcome};
use crate::sys::machine;

/// Answers `uname`. `EFAULT`
pub(in super::super) fn host_name(world: &World, call: &Call) -> Outcome {
    let name = &world.hosts()[call.host().0].name;
    call.write(call.word(0), &machine::description(name)?)?;
    DONE
}
