//! Gets what a step needs onto the machine: Debian packages and rustup components.

use crate::command::program;
use std::path::PathBuf;

/// The package lists of a fresh image are often empty or old; a failed update may still leave usable ones, so only the
/// install decides. Debian starts the services that it installs unless a policy forbids it: one does for as long as this
/// takes, where the machine has none.
const INSTALL: &str = r#"
export DEBIAN_FRONTEND=noninteractive
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
fi
apt-get -qq update
apt-get -qq install --yes --no-install-recommends "$@"
"#;

/// The first of `names` found on the search path.
pub(crate) fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    names.iter().find_map(|name| {
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|candidate| candidate.is_file())
    })
}

/// Finds one of `names`, installing the Debian `packages` where none is there.
pub(crate) fn ensure_program(names: &[&str], packages: &[&str]) -> Result<PathBuf, String> {
    if let Some(found) = find_program(names) {
        return Ok(found);
    }
    install(packages)?;
    find_program(names).ok_or_else(|| {
        format!(
            "{} went in, yet none of {} is on the search path",
            packages.join(" "),
            names.join(", ")
        )
    })
}

/// Finds one of the files, installing the Debian `packages` where none is there.
pub(crate) fn ensure_file(paths: &[&str], packages: &[&str]) -> Result<PathBuf, String> {
    let find = || paths.iter().map(PathBuf::from).find(|path| path.exists());
    if let Some(found) = find() {
        return Ok(found);
    }
    install(packages)?;
    find().ok_or_else(|| {
        format!(
            "{} went in, yet none of {} is there",
            packages.join(" "),
            paths.join(", ")
        )
    })
}

/// Makes sure that `cargo <subcommand>` of a rustup component is there.
pub(crate) fn ensure_component(subcommand: &str, component: &str) -> Result<(), String> {
    if crate::command::cargo()
        .args([subcommand, "--version"])
        .answers()
    {
        return Ok(());
    }
    println!("   {component} is missing: adding it with rustup");
    program("rustup")
        .args(["component", "add", component])
        .run()
        .map_err(|reason| format!("{component} is missing and could not be added: {reason}"))
}

/// Installs Debian packages. Services that they bring are not started: what is installed here is for this project's own
/// use, on ports and in folders of its own.
pub(crate) fn install(packages: &[&str]) -> Result<(), String> {
    let wanted = packages.join(" ");
    let by_hand = format!("install it by hand: apt-get install {wanted}");
    if find_program(&["apt-get"]).is_none() {
        return Err(format!(
            "{wanted} is missing and this is no Debian; {by_hand}"
        ));
    }
    let as_root = root_prefix()
        .ok_or_else(|| format!("{wanted} is missing and needs root or sudo; {by_hand}"))?;
    // On the error stream, as what apt-get says: the output of a task may be read by another program.
    eprintln!("   {wanted} is missing: installing it with apt-get, without starting any service");
    let words: Vec<&str> = as_root
        .iter()
        .copied()
        .chain(["sh", "-c", INSTALL, "install"])
        .chain(packages.iter().copied())
        .collect();
    let (first, rest) = words.split_first().ok_or("there is nothing to run")?;
    program(first)
        .args(rest)
        .output_to_errors()
        .run()
        .map_err(|reason| format!("{wanted} could not be installed ({reason}); {by_hand}"))
}

/// The words that make the next program run as root, or nothing where there is no way.
fn root_prefix() -> Option<&'static [&'static str]> {
    let root = program("id").args(["-u"]).text().ok()?.trim() == "0";
    if root {
        return Some(&[]);
    }
    // -n: a password prompt would wait for ever in CI.
    program("sudo")
        .args(["-n", "true"])
        .answers()
        .then_some(&["sudo", "-n"])
}
