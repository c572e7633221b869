//! Which processes use the server: file locks, which end with their process however it ends.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::{error::EmbeddedError, layout::Layout};

/// This process's place among the users of the server.
#[derive(Debug)]
pub(super) struct Seat {
    users: File,
    gate: PathBuf,
}

impl Seat {
    /// Takes a place, and the gate: nobody else starts or stops the server until it is dropped.
    pub(super) fn take(layout: &Layout) -> Result<(Self, File), EmbeddedError> {
        layout.make_base()?;
        let gate = layout.gate();
        let closed = enter(&gate)?;
        let users = open(&layout.users())?;
        users.lock_shared().map_err(EmbeddedError::file("lock", layout.users()))?;
        Ok((Self { users, gate }, closed))
    }

    /// Gives the place back, and does `last` when nobody else has one. The place goes first: of two that leave at
    /// once the later finds nobody left.
    pub(super) fn leave(
        &self,
        last: impl FnOnce() -> Result<(), EmbeddedError>,
    ) -> Result<(), EmbeddedError> {
        self.users.unlock().map_err(EmbeddedError::file("unlock", &self.gate))?;
        let _closed = enter(&self.gate)?;
        if self.users.try_lock().is_ok() { last() } else { Ok(()) }
    }
}

fn enter(gate: &Path) -> Result<File, EmbeddedError> {
    let file = open(gate)?;
    file.lock().map_err(EmbeddedError::file("lock", gate))?;
    Ok(file)
}

/// Closed to other users: whoever can read a file can lock it.
fn open(path: &Path) -> Result<File, EmbeddedError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.open(path).map_err(EmbeddedError::file("open", path))
}
