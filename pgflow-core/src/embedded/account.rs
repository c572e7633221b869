//! The system user that the server runs as: Postgres refuses root.

use std::{
    fs,
    io::ErrorKind,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use super::{error::EmbeddedError, layout::Layout};

/// Who takes the server on, first match first; the last ones exist on every system.
const CANDIDATES: [&str; 4] = ["postgres", "_postgres", "nobody", "daemon"];

/// The user that owns the data and runs the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
    /// Whether this process is root and has to become that user.
    switch: bool,
}

/// The user that this process acts as.
pub(super) fn effective_uid() -> Result<u32, EmbeddedError> {
    // The standard library has no `geteuid`; the kernel stamps it on a socket pair.
    let uid = || tokio::net::UnixStream::pair()?.0.peer_cred().map(|peer| peer.uid());
    uid().map_err(EmbeddedError::NoUser)
}

impl Account {
    /// This user; as root whoever owns the data already, else an unprivileged user of this system.
    pub(super) fn choose(uid: u32, layout: &Layout) -> Result<Self, EmbeddedError> {
        if uid != 0 {
            return Ok(Self { uid, gid: 0, switch: false });
        }
        match fs::metadata(layout.version()) {
            Ok(found) if found.uid() != 0 => {
                Ok(Self { uid: found.uid(), gid: found.gid(), switch: true })
            }
            _ => {
                let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
                Self::unprivileged(&users).ok_or(EmbeddedError::NoAccount)
            }
        }
    }

    fn unprivileged(passwd: &str) -> Option<Self> {
        let find = |name: &str| {
            passwd.lines().find_map(|line| {
                let mut fields = line.split(':');
                let is_it = fields.next() == Some(name);
                let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
                (is_it && uid != 0).then_some(Self { uid, gid, switch: true })
            })
        };
        CANDIDATES.into_iter().find_map(find)
    }

    /// Makes `command` run as this user, in a directory that it may enter, with settings of ours alone.
    pub(super) fn run(self, command: &mut Command) -> &mut Command {
        for (name, _) in std::env::vars_os().filter(|(name, _)| is_setting(&name.to_string_lossy()))
        {
            command.env_remove(name);
        }
        if self.switch {
            command.uid(self.uid).gid(self.gid);
        }
        command.current_dir("/").env("LC_ALL", "C")
    }

    /// Makes a directory that only this user (and root) can enter, where it is missing.
    pub(super) fn private_directory(self, path: &Path) -> Result<(), EmbeddedError> {
        match fs::DirBuilder::new().mode(0o700).create(path) {
            Ok(()) if self.switch => chown(path, Some(self.uid), Some(self.gid))
                .map_err(EmbeddedError::file("hand over", path)),
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                self.check_owned(path)?;
                fs::set_permissions(path, fs::Permissions::from_mode(0o700))
                    .map_err(EmbeddedError::file("close", path))
            }
            Err(error) => Err(EmbeddedError::file("make", path)(error)),
        }
    }

    /// Refuses a directory that is not this user's: in `/tmp`, somebody else may have put one there, or a link.
    pub(super) fn check_owned(self, path: &Path) -> Result<(), EmbeddedError> {
        match fs::symlink_metadata(path) {
            Ok(found) if found.is_dir() && found.uid() == self.uid => Ok(()),
            Ok(_) => Err(EmbeddedError::ForeignDirectory(path.to_owned())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(EmbeddedError::file("look at", path)(error)),
        }
    }
}

/// Variables that change what the programs of Postgres do.
fn is_setting(name: &str) -> bool {
    name.starts_with("PG") || name.starts_with("LC_") || name == "LANG" || name == "LANGUAGE"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_of_postgres_comes_before_nobody() {
        let nobody = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65533:nobody:/:/bin/false\n";
        let with_postgres = format!("{nobody}postgres:x:101:104::/var/lib/postgresql:/bin/sh\n");
        let account = |uid, gid| Some(Account { uid, gid, switch: true });
        assert_eq!(Account::unprivileged(nobody), account(65534, 65533));
        assert_eq!(Account::unprivileged(&with_postgres), account(101, 104));
        assert_eq!(Account::unprivileged("nobody:*:-2:-2:odd\nbroken"), None);
        assert_eq!(Account::unprivileged("postgres:x:0:0:root in disguise"), None);
    }
}
