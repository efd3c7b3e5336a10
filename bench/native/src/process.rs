//! What another process has used: CPU time and memory, as the kernel tells it in `/proc`.

use std::fs;

/// CPU time of all threads of a process, in nanoseconds. `None` when it is gone.
///
/// `schedstat` counts nanoseconds where `stat` counts hundredths of a second, so that a short scene is exact too.
#[must_use]
pub fn cpu_ns(pid: u32) -> Option<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten() {
        if let Ok(text) = fs::read_to_string(task.path().join("schedstat")) {
            sum += text.split(' ').next()?.trim().parse::<u64>().ok()?;
        }
    }
    Some(sum)
}

/// Resident memory of a process in bytes.
#[must_use]
pub fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_has_used_time_and_memory() {
        let pid = std::process::id();
        assert!(super::resident(pid).unwrap() > 100_000);
        assert!(super::cpu_ns(pid).is_some());
        assert!(super::cpu_ns(u32::MAX - 1).is_none());
    }
}
