//! What another process has used: CPU time and memory, as the kernel tells it in `/proc`.

use std::fs;

/// A process and those that it started: some servers work in a child.
#[must_use]
pub fn family(pid: u32) -> Vec<u32> {
    let mut all = vec![pid];
    let mut at = 0;
    while at < all.len() {
        for task in fs::read_dir(format!("/proc/{}/task", all[at])).into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
        at += 1;
    }
    all
}

/// CPU time of all threads of a process and of its children, in nanoseconds. `None` when it is gone.
///
/// `schedstat` counts nanoseconds where `stat` counts hundredths of a second, so that a short scene is exact too.
#[must_use]
pub fn cpu_ns(pid: u32) -> Option<u64> {
    fs::metadata(format!("/proc/{pid}")).ok()?;
    let mut sum = 0;
    for process in family(pid) {
        for task in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
            if let Ok(text) = fs::read_to_string(task.path().join("schedstat")) {
                sum += text.split(' ').next()?.trim().parse::<u64>().ok()?;
            }
        }
    }
    Some(sum)
}

/// Resident memory of a process and of its children in bytes.
#[must_use]
pub fn resident(pid: u32) -> Option<u64> {
    let one = |process: u32| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
    };
    one(pid)?;
    Some(family(pid).into_iter().filter_map(one).sum())
}

#[cfg(test)]
mod tests {
    #[test]
    fn this_process_has_used_time_and_memory() {
        let pid = std::process::id();
        assert!(super::resident(pid).unwrap() > 100_000);
        assert!(super::cpu_ns(pid).is_some());
        assert!(super::cpu_ns(u32::MAX - 1).is_none());
        assert!(super::resident(u32::MAX - 1).is_none());
    }

    #[test]
    fn a_child_counts_as_its_parent() {
        let mut child = std::process::Command::new("sleep").arg("5").spawn().unwrap();
        assert!(super::family(std::process::id()).contains(&child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
