//! Files that are damaged, locked, read-only or on a full disk.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rusqlite::Connection;

use crate::support::{Client, Mailbox, PASSWORD, Place, Server, Setup, Stage, free_port, until};

const ADA: &str = "ada@example.com";

#[tokio::test]
async fn a_second_process_on_the_same_folder_is_refused() {
    let stage = Stage::with(Setup::default().in_a_file()).await;
    let second = Server::spawn(&stage.place, free_port(), &["serve"]);
    second
        .ended()
        .await
        .refused(&["another server", "data folder"]);
    stage.browser().sign_up(&stage.mailbox, ADA).await;
    stage.server.kill().await;
    // The lock goes with the process that held it.
    stage.place.start().await.stop().await.well();
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let stage = Stage::with(Setup::default().in_a_file()).await;
    let elsewhere = Place::new(Setup::default().in_a_file());
    let second = Server::spawn(&elsewhere, stage.place.port(), &["serve"]);
    let port = stage.place.port().to_string();
    second.ended().await.refused(&[&port, "in use"]);
    stage.server.stop().await.well();
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let place = stopped().await;
    let garbage = b"this is not a database, however long one looks at it. ".repeat(400);
    remove_log(&place);
    fs::write(place.database(), &garbage).unwrap();
    for command in [&["serve"][..], &["migrate"], &["doctor"]] {
        place.run(command).await.refused(&["zalt.db"]);
    }
    assert_eq!(fs::read(place.database()).unwrap(), garbage);
}

#[tokio::test]
async fn a_database_with_a_damaged_schema_is_refused() {
    let place = stopped().await;
    remove_log(&place);
    let mut bytes = fs::read(place.database()).unwrap();
    // The header stays; the page that lists the tables is gone.
    bytes[100..4096].fill(0xa5);
    fs::write(place.database(), &bytes).unwrap();
    place.run(&["serve"]).await.refused(&["zalt.db"]);
}

#[tokio::test]
async fn damage_inside_a_table_is_found_and_met_with_a_clear_error() {
    let place = stopped().await;
    remove_log(&place);
    let page = {
        let database = Connection::open(place.database()).unwrap();
        let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'zalt_passwords'";
        database
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let page = usize::try_from(page).unwrap();
    let mut bytes = fs::read(place.database()).unwrap();
    bytes[(page - 1) * 4096..page * 4096].fill(0xa5);
    fs::write(place.database(), &bytes).unwrap();

    place.run(&["doctor"]).await.refused(&["damaged"]);
    let mut server = place.spawn();
    server.ready().await;
    let client = Client::by_cookie(server.origin());
    let reply = client.sign_in(ADA, PASSWORD).await;
    assert!(matches!(reply.status, 500 | 503), "{}", reply.text);
    for inner in ["SQL", "zalt_passwords", "malformed"] {
        assert!(!reply.text.contains(inner), "{}", reply.text);
    }
    client.get("/healthz").await.expect(200);
    let ended = server.stop().await;
    ended.well();
    assert!(
        ended.said.contains("malformed"),
        "the log says why: {}",
        ended.said
    );
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let place = stopped().await;
    let database = Connection::open(place.database()).unwrap();
    let versions = "UPDATE zalt_schema SET version = version + 9998";
    assert!(database.execute(versions, []).unwrap() > 0);
    drop(database);
    for command in [&["serve"][..], &["migrate"], &["doctor"]] {
        place.run(command).await.refused(&["zalt.db", "newer"]);
    }
}

#[tokio::test]
async fn a_key_that_does_not_fit_the_database_is_refused() {
    let place = stopped().await;
    let key = place.data().join("encryption.key");
    fs::write(&key, "c29tZWJvZHkgZWxzZSdzIGtleSwgMzIgYnl0ZXMhISE=").unwrap();
    place.run(&["serve"]).await.refused(&["key"]);
}

#[tokio::test]
async fn a_database_that_can_t_be_written_is_met_with_a_clear_error() {
    let place = stopped().await;
    remove_log(&place);
    let Some(place) = for_nobody(place) else {
        eprintln!("skipped: only root can run the server as somebody who may not write");
        return;
    };
    fs::set_permissions(place.database(), permissions(0o444)).unwrap();
    fs::set_permissions(place.data(), permissions(0o555)).unwrap();
    place.run(&["serve"]).await.refused(&["can't"]);
    place.run(&["migrate"]).await.refused(&["can't"]);
    fs::set_permissions(place.data(), permissions(0o755)).unwrap();
    place.run(&["serve"]).await.refused(&["zalt.db"]);
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path().join("disk")) else {
        eprintln!("skipped: a small file system can't be mounted here");
        return;
    };
    let mailbox = Mailbox::open().await;
    let data = disk.0.join("data");
    let place = Place::at(folder, data, Setup::default().in_a_file().mail_to(&mailbox));
    let server = place.start().await;
    let ada = Client::by_cookie(server.origin());
    ada.sign_up(&mailbox, ADA).await;

    let filler = disk.0.join("filler");
    fill(&filler);
    let stranger = Client::by_cookie(server.origin());
    let body = serde_json::json!({ "email_address": "late@example.com", "password": PASSWORD });
    let refused = until("a write is refused", Duration::from_mins(1), async || {
        let reply = stranger.post("/v1/client/sign-ups", body.clone()).await;
        (reply.status != 201).then_some(reply)
    });
    let refused = refused.await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert_eq!(refused.body["code"], "unavailable");
    ada.get("/v1/client/me").await.expect(200);
    stranger.get("/healthz").await.expect(200);

    fs::remove_file(&filler).unwrap();
    until("writes work again", Duration::from_mins(1), async || {
        let reply = stranger.post("/v1/client/sign-ups", body.clone()).await;
        (reply.status == 201).then_some(())
    })
    .await;
    let bob = Client::by_cookie(server.origin());
    bob.sign_up(&mailbox, "bob@example.com").await;
    server.stop().await.well();
    crate::crash::database::check(&place);
    drop(place);
    drop(disk);
}

/// A place with one user on it and no server.
async fn stopped() -> Place {
    let stage = Stage::with(Setup::default().in_a_file()).await;
    stage.browser().sign_up(&stage.mailbox, ADA).await;
    stage.server.stop().await.well();
    stage.place
}

/// A server that stopped well has put everything into the file; what remains of the log would hide what is done to it.
fn remove_log(place: &Place) {
    for suffix in ["-wal", "-shm"] {
        let file = format!("{}{suffix}", place.database().display());
        if let Ok(metadata) = fs::metadata(&file) {
            assert!(
                suffix != "-wal" || metadata.len() == 0,
                "{file} is not empty"
            );
            fs::remove_file(file).unwrap();
        }
    }
}

/// The same place for a user who has no rights but their own. Root may write everywhere.
fn for_nobody(mut place: Place) -> Option<Place> {
    const NOBODY: &str = "65534";
    let run = |program: &str, arguments: &[&str]| {
        Command::new(program)
            .args(arguments)
            .status()
            .is_ok_and(|status| status.success())
    };
    let data = place.data().to_str()?.to_owned();
    if !run("chown", &["-R", NOBODY, &data]) {
        return None;
    }
    // Everybody may come through to the data folder and to the binary.
    fs::set_permissions(place.folder().path(), permissions(0o755)).ok()?;
    let through = ["setpriv", "--reuid", NOBODY, "--clear-groups"];
    if !run("setpriv", &["--reuid", NOBODY, "--clear-groups", "true"]) {
        return None;
    }
    *place.setup_mut() = place.setup().clone().through(&through);
    Some(place)
}

fn permissions(mode: u32) -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(mode)
}

/// A file system of two megabytes, for as long as this value lives.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(path: std::path::PathBuf) -> Option<Self> {
        fs::create_dir(&path).ok()?;
        let options = ["-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs"];
        let mounted = Command::new("mount").args(options).arg(&path).output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self(path))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily, since a test that failed may still have a server on it.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Writes until there is no more room.
fn fill(path: &Path) {
    use std::io::Write;
    let mut file = fs::File::create(path).unwrap();
    let mut size = 64 * 1024;
    while size > 0 {
        if file.write_all(&vec![0; size]).is_err() {
            size /= 2;
        }
    }
}
