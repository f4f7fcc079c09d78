//! How much of what is freed the allocator keeps (`mallopt(3)`).

/// Keeps up to so many bytes at the end of the heap, and takes blocks of up to an eighth of that from the heap. Left to itself the
/// allocator gives each freed buffer back to the kernel, and fetches the next one page by page.
#[cfg(target_env = "gnu")]
pub fn keep(bytes: i32) {
    // SAFETY: takes numbers; allocations made before are freed as they were made.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, bytes / 8);
        libc::mallopt(libc::M_TRIM_THRESHOLD, bytes);
    }
}

/// Other C libraries cannot be told.
#[cfg(not(target_env = "gnu"))]
pub fn keep(_bytes: i32) {}
