//! What all targets share: an allocator that ends the run when one allocation is larger than any of their inputs
//! justifies. Without a sanitizer libFuzzer itself sees only the memory of the whole process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Inputs are at most some KiB, and the largest bound that a target sets is 64 KiB. Bytes.
const USUAL: usize = 4 << 20;
static LARGEST: AtomicUsize = AtomicUsize::new(USUAL);

/// Let this target's inputs justify a ring for what a format's window may be, beside the usual: bytes.
pub fn allow_window(bytes: usize) {
    LARGEST.store(USUAL.max(bytes), Ordering::Relaxed);
}

struct Bounded;

fn judge(size: usize) {
    let largest = LARGEST.load(Ordering::Relaxed);
    // Who panics may read all debug information, to say where.
    if size > largest && !std::thread::panicking() {
        // libFuzzer keeps the input when the process aborts. A panic could be caught.
        eprintln!("one allocation of {size} bytes; no input of a fuzz target justifies more than {largest}");
        std::process::abort();
    }
}

// SAFETY: everything is the system allocator's, unchanged.
unsafe impl GlobalAlloc for Bounded {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        judge(layout.size());
        // SAFETY: the caller keeps `alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        judge(layout.size());
        // SAFETY: the caller keeps `alloc_zeroed`'s contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        judge(size);
        // SAFETY: the caller keeps `realloc`'s contract.
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps `dealloc`'s contract.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Bounded = Bounded;
