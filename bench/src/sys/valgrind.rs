//! Words to valgrind's callgrind: when to look. Outside of valgrind they do nothing.

/// `CALLGRIND_START_INSTRUMENTATION`: the tool's name in the upper half, its fifth request.
#[cfg(target_arch = "x86_64")]
const START: u64 = ((b'C' as u64) << 24 | (b'T' as u64) << 16) + 4;
/// `CALLGRIND_STOP_INSTRUMENTATION`
#[cfg(target_arch = "x86_64")]
const STOP: u64 = ((b'C' as u64) << 24 | (b'T' as u64) << 16) + 5;

/// The request as `valgrind.h` documents it: four rotations that come to nothing and an exchange of a register with itself, which valgrind
/// knows for what it is.
#[cfg(target_arch = "x86_64")]
fn request(number: u64) {
    let arguments = [number, 0, 0, 0, 0, 0];
    // SAFETY: the rotations of `rdi` add up to 128 bits and leave it as it was, `xchg rbx, rbx` does nothing; valgrind reads six words by
    // `rax`, which points to them, and writes its answer to `rdx`, which is given as clobbered.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            inout("rdx") 0u64 => _,
            in("rax") arguments.as_ptr(),
            inout("rdi") 0u64 => _,
            options(nostack),
        );
    }
}

/// From here on instructions are counted.
pub(crate) fn start_instrumentation() {
    #[cfg(target_arch = "x86_64")]
    request(START);
}

/// From here on they are not.
pub(crate) fn stop_instrumentation() {
    #[cfg(target_arch = "x86_64")]
    request(STOP);
}
