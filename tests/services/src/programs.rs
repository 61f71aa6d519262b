use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::ServiceError;

/// A program, and the Debian package that brings it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
}

pub(crate) const POSTGRES: Wanted = of("postgres", "postgresql");
pub(crate) const INITDB: Wanted = of("initdb", "postgresql");
pub(crate) const PG_BASEBACKUP: Wanted = of("pg_basebackup", "postgresql");
pub(crate) const PSQL: Wanted = of("psql", "postgresql");
pub(crate) const PGBOUNCER: Wanted = of("pgbouncer", "pgbouncer");
pub(crate) const REDIS_SERVER: Wanted = of("redis-server", "redis-server");
pub(crate) const REDIS_CLI: Wanted = of("redis-cli", "redis-server");

const ALL: &[Wanted] = &[
    POSTGRES,
    INITDB,
    PG_BASEBACKUP,
    PSQL,
    PGBOUNCER,
    REDIS_SERVER,
    REDIS_CLI,
];

/// Debian keeps the server's programs of each major version in a folder of their own.
const POSTGRES_VERSIONS: &str = "/usr/lib/postgresql";
/// Not on the search path of every account.
const MORE_FOLDERS: &[&str] = &["/usr/sbin", "/usr/local/sbin", "/usr/local/bin"];

const fn of(program: &'static str, package: &'static str) -> Wanted {
    Wanted { program, package }
}

/// The Debian packages that have to be installed before every service of this crate can start.
pub fn missing_packages() -> Vec<&'static str> {
    let mut packages: Vec<_> = ALL
        .iter()
        .filter(|wanted| find(**wanted).is_err())
        .map(|wanted| wanted.package)
        .collect();
    packages.dedup();
    packages
}

/// Where the program is: on the search path, or where Debian puts the newest PostgreSQL.
pub(crate) fn find(wanted: Wanted) -> Result<PathBuf, ServiceError> {
    // PostgreSQL's own folders come first: `psql` on Debian's search path is a wrapper that looks for clusters.
    postgres_folders(Path::new(POSTGRES_VERSIONS))
        .into_iter()
        .chain(search_path(std::env::var_os("PATH")))
        .chain(MORE_FOLDERS.iter().map(PathBuf::from))
        .map(|folder| folder.join(wanted.program))
        .find(|candidate| candidate.is_file())
        .ok_or(ServiceError::Missing {
            program: wanted.program,
            package: wanted.package,
        })
}

fn search_path(variable: Option<OsString>) -> Vec<PathBuf> {
    variable
        .map(|value| std::env::split_paths(&value).collect())
        .unwrap_or_default()
}

/// The `bin` folders of all versions that are there, the newest first.
fn postgres_folders(versions: &Path) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(versions)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            Some((major, entry.path().join("bin")))
        })
        // A client's package alone leaves a folder without the server.
        .filter(|(_, folder)| folder.join(POSTGRES.program).is_file())
        .collect();
    found.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    found.into_iter().map(|(_, folder)| folder).collect()
}

#[cfg(test)]
mod tests {
    use super::{Wanted, find, postgres_folders};
    use crate::ServiceError;

    #[test]
    fn the_newest_version_with_a_server_comes_first() {
        let versions = tempfile::tempdir().unwrap();
        for (version, program) in [("9", "postgres"), ("15", "postgres"), ("17", "psql")] {
            let bin = versions.path().join(version).join("bin");
            std::fs::create_dir_all(&bin).unwrap();
            std::fs::write(bin.join(program), "").unwrap();
        }
        std::fs::create_dir(versions.path().join("common")).unwrap();
        assert_eq!(
            postgres_folders(versions.path()),
            ["15/bin", "9/bin"].map(|folder| versions.path().join(folder))
        );
    }

    #[test]
    fn a_missing_program_names_its_package() {
        let error = find(Wanted {
            program: "no-such-program-of-zalt",
            package: "no-such-package",
        })
        .unwrap_err();
        assert!(
            matches!(
                error,
                ServiceError::Missing {
                    package: "no-such-package",
                    ..
                }
            ),
            "{error:?}"
        );
    }
}
