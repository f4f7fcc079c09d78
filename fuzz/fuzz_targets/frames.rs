//! Random frames into a host with sockets open, on Ethernet and raw IP, while time passes.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use loggia_fuzz::{Host, RandomFrame, RandomStream, each};

#[derive(Debug, Arbitrary)]
enum Step {
    Frame(RandomFrame),
    Together(RandomStream),
    Wait(u16),
    LongWait(u8),
    Serve,
}

fuzz_target!(|data: &[u8]| {
    let mut host = Host::new(data);
    each(data, 200, |step| match step {
        Step::Frame(frame) => {
            let (link, frame) = frame.build(host.links);
            host.bring(link, frame);
        }
        Step::Together(stream) => {
            let (link, frames) = stream.build(host.links);
            host.bring_many(link, frames);
        }
        Step::Wait(milliseconds) => host.wait(milliseconds.into()),
        Step::LongWait(seconds) => host.wait(u32::from(seconds) * 1000),
        Step::Serve => host.serve(),
    });
    host.wait(600_000);
    let _ = host.stack.inspect();
});
