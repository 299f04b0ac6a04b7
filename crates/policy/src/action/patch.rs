//! The files that a patch in Codex' own format touches.

/// The paths of the files that it adds, changes, deletes or moves.
pub(super) fn paths(patch: &str) -> impl Iterator<Item = &str> {
    let starts = ["*** Add File: ", "*** Update File: ", "*** Delete File: ", "*** Move to: "];
    patch
        .lines()
        .filter_map(move |line| starts.iter().find_map(|start| line.strip_prefix(start)))
        .map(str::trim)
}

/// The patch that a command line hands to `apply_patch`, if it does.
pub(super) fn in_command(command: &str) -> Option<String> {
    let is_patch = command.contains("apply_patch") || command.contains("applypatch");
    (is_patch && command.contains("*** Begin Patch")).then(|| command.to_owned())
}
