//! Gets what a step needs onto the machine: Debian packages and rustup components.

use crate::command::program;
use std::path::PathBuf;

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

fn install(packages: &[&str]) -> Result<(), String> {
    let wanted = packages.join(" ");
    let by_hand = format!("install it by hand: apt-get install {wanted}");
    if find_program(&["apt-get"]).is_none() {
        return Err(format!(
            "{wanted} is missing and this is no Debian; {by_hand}"
        ));
    }
    let as_root = root_prefix()
        .ok_or_else(|| format!("{wanted} is missing and needs root or sudo; {by_hand}"))?;
    println!("   {wanted} is missing: installing it with apt-get");
    // The package lists of a fresh image are often empty or old; a failed update may still
    // leave usable ones, so only the install decides.
    let _ = apt_get(as_root).args(["-qq", "update"]).run();
    apt_get(as_root)
        .args(["-qq", "install", "--yes", "--no-install-recommends"])
        .args(packages)
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

fn apt_get(as_root: &[&str]) -> crate::command::Program {
    match as_root.split_first() {
        Some((first, rest)) => {
            program(first)
                .args(rest)
                .args(["env", "DEBIAN_FRONTEND=noninteractive", "apt-get"])
        }
        None => program("apt-get").env("DEBIAN_FRONTEND", "noninteractive"),
    }
}
