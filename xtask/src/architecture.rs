//! Who may depend on whom: the picture of the design as a check on cargo's dependency tree.

use crate::command::cargo;
use std::collections::BTreeSet;

const SQL_DRIVERS: &[&str] = &[
    "rusqlite",
    "libsqlite3-sys",
    "sqlx*",
    "tokio-postgres",
    "postgres",
    "deadpool-postgres",
    "diesel*",
    "sea-orm*",
];
const WEB_FRAMEWORKS: &[&str] = &[
    "axum", "axum-*", "actix-*", "hyper", "hyper-*", "tower", "tower-*", "warp", "rocket", "poem",
];
const ASYNC_RUNTIMES: &[&str] = &[
    "tokio",
    "tokio-*",
    "async-std",
    "smol",
    "async-executor",
    "monoio",
    "glommio",
];
const CLIENTS: &[&str] = &["redis", "reqwest", "ureq", "lettre"];
/// A second TLS or crypto provider, or C libraries of the host, anywhere at all.
const FOREIGN_CRYPTO: &[&str] = &["openssl", "openssl-sys", "native-tls", "ring"];

/// What must not be in the normal dependency tree of the crates whose name fits `of`.
struct Ban {
    of: &'static str,
    bans: &'static [&'static [&'static str]],
    because: &'static str,
}

const BANS: &[Ban] = &[
    Ban {
        of: "zalt-core",
        bans: &[
            SQL_DRIVERS,
            WEB_FRAMEWORKS,
            ASYNC_RUNTIMES,
            CLIENTS,
            FOREIGN_CRYPTO,
        ],
        because: "the core knows no web framework, SQL driver, async runtime or client",
    },
    Ban {
        of: "zalt-store-*",
        bans: &[WEB_FRAMEWORKS_ONLY],
        because: "a store knows the core and its driver",
    },
    Ban {
        of: "zalt-http",
        bans: &[SQL_DRIVERS, &["actix-*", "hyper"], CLIENTS],
        because: "the endpoints know no store and no server",
    },
    Ban {
        of: "zalt-axum",
        bans: &[SQL_DRIVERS, &["actix-*"]],
        because: "an adapter knows its own framework only",
    },
    Ban {
        of: "zalt-notify",
        bans: &[SQL_DRIVERS, &["axum", "actix-*"]],
        because: "messages know no store and no endpoint",
    },
    Ban {
        of: "zalt-oauth",
        bans: &[SQL_DRIVERS, &["axum", "actix-*"]],
        because: "who speaks to providers knows no store and no endpoint",
    },
];

/// Frameworks proper; drivers may bring tower or hyper with them.
const WEB_FRAMEWORKS_ONLY: &[&str] = &["axum", "axum-*", "actix-*", "warp", "rocket", "poem"];

/// Which of our crates each of our crates may build on. An arrow only ever points up.
const ARROWS: &[(&str, &[&str])] = &[
    ("zalt-core", &[]),
    ("zalt-store-*", &["zalt-core"]),
    ("zalt-http", &["zalt-core"]),
    (
        "zalt-http-behaviours",
        &[
            "zalt-core",
            "zalt-http",
            "zalt-webauthn",
            "zalt-test-authenticator",
        ],
    ),
    ("zalt-test-authenticator", &[]),
    ("zalt-outbound", &[]),
    ("zalt-notify", &["zalt-core", "zalt-outbound"]),
    ("zalt-oauth", &["zalt-core", "zalt-outbound"]),
    ("zalt-webauthn", &["zalt-core"]),
    ("zalt-mcp", &["zalt-core"]),
    ("zalt-axum", &["zalt-core", "zalt-http"]),
    ("zalt-actix", &["zalt-core", "zalt-http"]),
    ("zalt-server", LIBRARIES),
    ("zalt-example-*", LIBRARIES),
    ("zalt-every-store", &[]),
    ("zalt-services", &[]),
    ("zalt-tests", HARNESS),
    ("zalt-benches", HARNESS),
    ("xtask", &["zalt-services"]),
];

const LIBRARIES: &[&str] = &[
    "zalt-core",
    "zalt-store-*",
    "zalt-http",
    "zalt-notify",
    "zalt-oauth",
    "zalt-outbound",
    "zalt-webauthn",
    "zalt-mcp",
    "zalt-axum",
    "zalt-actix",
];

/// What drives everything from outside also starts the databases for it.
const HARNESS: &[&str] = &[
    "zalt-core",
    "zalt-store-*",
    "zalt-http",
    "zalt-notify",
    "zalt-oauth",
    "zalt-outbound",
    "zalt-webauthn",
    "zalt-mcp",
    "zalt-axum",
    "zalt-actix",
    "zalt-services",
    "zalt-test-authenticator",
];

/// Holds the workspace against the picture; the error lists everything that breaks it.
pub(crate) fn check() -> Result<(), String> {
    let mut broken = Vec::new();
    for member in &members()? {
        let direct = tree(&[
            "-p",
            member,
            "--edges",
            "normal",
            "--depth",
            "1",
            "--all-features",
        ])?;
        broken.extend(check_arrows(member, &direct));
        for ban in BANS.iter().filter(|ban| fits(ban.of, member)) {
            let all = tree(&[
                "-p",
                member,
                "--edges",
                "normal",
                "--target",
                "all",
                "--all-features",
            ])?;
            broken.extend(check_ban(ban, member, &all));
        }
    }
    let everything = tree(&[
        "--workspace",
        "--edges",
        "all",
        "--target",
        "all",
        "--all-features",
    ])?;
    for name in everything
        .iter()
        .filter(|name| FOREIGN_CRYPTO.contains(&name.as_str()))
    {
        broken.push(format!(
            "{name} is in the workspace; the one TLS and crypto provider is aws-lc-rs \
             (cargo tree --workspace --target all -e all -i {name} shows the way in)"
        ));
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(format!("\n     {}", broken.join("\n     ")))
    }
}

/// The names of our own crates.
pub(crate) fn members() -> Result<BTreeSet<String>, String> {
    tree(&["--workspace", "--depth", "0"])
}

fn check_arrows(member: &str, direct: &BTreeSet<String>) -> Vec<String> {
    let Some((_, allowed)) = ARROWS.iter().find(|(of, _)| fits(of, member)) else {
        return vec![format!(
            "{member} has no place in the picture: add its arrows to xtask/src/architecture.rs"
        )];
    };
    direct
        .iter()
        .filter(|name| name.starts_with("zalt-") && *name != member)
        .filter(|name| !allowed.iter().any(|pattern| fits(pattern, name)))
        .map(|name| format!("{member} depends on {name}: that arrow does not point up"))
        .collect()
}

fn check_ban(ban: &Ban, member: &str, tree: &BTreeSet<String>) -> Vec<String> {
    tree.iter()
        .filter(|name| ban.bans.iter().copied().flatten().any(|pattern| fits(pattern, name)))
        .map(|name| {
            format!(
                "{member} pulls in {name}, but {} (cargo tree -p {member} -e normal -i {name} shows the way in)",
                ban.because
            )
        })
        .collect()
}

/// Names of the packages that `cargo tree` lists, each once.
fn tree(selection: &[&str]) -> Result<BTreeSet<String>, String> {
    let listing = cargo()
        .args(["tree", "--prefix", "none", "--format", "{p}"])
        .args(selection)
        .text()?;
    Ok(package_names(&listing))
}

fn package_names(listing: &str) -> BTreeSet<String> {
    listing
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// Whether `name` is the pattern, or starts with it where it ends in a star.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::{BANS, check_arrows, check_ban, fits, package_names};
    use std::collections::BTreeSet;

    fn names(of: &[&str]) -> BTreeSet<String> {
        of.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn reads_the_first_word_of_each_line() {
        let listing = "zalt-core v0.1.0 (/somewhere)\nserde v1.0.229\nserde v1.0.229 (*)\n\n";
        assert_eq!(package_names(listing), names(&["zalt-core", "serde"]));
    }

    #[test]
    fn a_star_stands_for_any_ending() {
        assert!(fits("sqlx*", "sqlx") && fits("sqlx*", "sqlx-core"));
        assert!(!fits("tower", "tower-service"));
    }

    #[test]
    fn a_runtime_in_the_core_breaks_the_picture() {
        let broken: Vec<String> = BANS
            .iter()
            .filter(|ban| fits(ban.of, "zalt-core"))
            .flat_map(|ban| check_ban(ban, "zalt-core", &names(&["serde", "tokio", "sqlx-core"])))
            .collect();
        assert_eq!(broken.len(), 2, "{broken:?}");
    }

    #[test]
    fn an_arrow_that_points_down_breaks_the_picture() {
        let broken = check_arrows("zalt-core", &names(&["zalt-core", "zalt-http", "serde"]));
        assert_eq!(
            broken,
            ["zalt-core depends on zalt-http: that arrow does not point up"]
        );
        assert!(check_arrows("zalt-axum", &names(&["zalt-core", "zalt-http"])).is_empty());
    }

    #[test]
    fn a_crate_without_a_place_is_refused() {
        assert_eq!(check_arrows("zalt-new", &names(&["zalt-new"])).len(), 1);
    }
}
