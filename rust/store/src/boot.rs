//! Which boot of the machine this is.

/// What names it. None: the system does not say, and then each start may be another boot.
#[cfg(target_os = "linux")]
pub fn boot() -> Option<String> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(text.trim().to_owned())
}

/// What names it. None: the system does not say, and then each start may be another boot.
#[cfg(target_vendor = "apple")]
#[allow(unsafe_code)]
pub fn boot() -> Option<String> {
    let mut text = [0u8; 64];
    let mut length = text.len();
    // SAFETY: the name ends with a zero, `text` has `length` bytes, and both outlive the call.
    let result = unsafe {
        libc::sysctlbyname(
            c"kern.bootsessionuuid".as_ptr(),
            text.as_mut_ptr().cast(),
            &raw mut length,
            std::ptr::null_mut(),
            0,
        )
    };
    let text = text.get(..length).filter(|_| result == 0)?;
    Some(std::str::from_utf8(text).ok()?.trim_end_matches('\0').to_owned())
}

/// What names it. None: the system does not say, and then each start may be another boot.
#[cfg(not(any(target_os = "linux", target_vendor = "apple")))]
pub fn boot() -> Option<String> {
    None
}
