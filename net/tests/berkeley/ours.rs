//! Our calls, on a host with nothing but loopback.

use loggia::Host;
pub(crate) use loggia::berkeley::{Berkeley, FdSet, PollFd};

fn berkeley() -> Berkeley {
    Berkeley::on(&Host::builder().start().expect("a host"))
}

#[path = "stories.rs"]
mod stories;

macro_rules! tests {
    ($($story:ident)*) => {
        $(#[test]
        fn $story() {
            stories::$story(&berkeley());
        })*
    };
}

every_story!(tests);
