//! The sub-commands.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;

use crate::support::{Client, PASSWORD, Place, Setup, Stage};

#[tokio::test]
async fn help_names_every_setting_of_the_readme() {
    let place = Place::new(Setup::default());
    let help = place.run(&["--help"]).await;
    help.well();
    for name in [
        "ZALT_LISTEN",
        "ZALT_DATA_DIR",
        "ZALT_BASE_URL",
        "ZALT_ENV",
        "DATABASE_URL",
        "ENCRYPTION_KEY",
        "JWT_SECRET",
        "ZALT_CONFIG",
        "SMTP_URL",
        "serve",
        "migrate",
        "doctor",
        "backup",
        "user",
    ] {
        assert!(help.said.contains(name), "{name} is not in: {}", help.said);
    }
    place.run(&["--version"]).await.well();
    place
        .run(&["no-such-command"])
        .await
        .refused(&["no-such-command"]);
    assert!(
        !place.data().exists(),
        "asking for help makes no data folder"
    );
}

#[tokio::test]
async fn migrate_makes_the_database_and_can_be_repeated() {
    let place = Place::new(Setup::default().in_a_file());
    place.run(&["migrate"]).await.well();
    assert!(place.database().exists());
    place.run(&["migrate"]).await.well();
    place.run(&["doctor"]).await.well();
    place.start().await.stop().await.well();
}

#[tokio::test]
async fn what_is_kept_is_its_owners_alone() {
    let stage = Stage::with(Setup::default().in_a_file()).await;
    stage
        .browser()
        .sign_up(&stage.mailbox, "ada@example.com")
        .await;
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(stage.place.data()), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(stage.place.data()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    assert!(files >= 3, "the database, the key and the lock: {files}");
    stage.server.stop().await.well();
}

#[tokio::test]
async fn a_user_made_on_the_command_line_signs_in() {
    let place = Place::new(Setup::default());
    let server = place.start().await;
    let create = [
        "user",
        "create",
        "--email",
        "root@example.com",
        "--password-stdin",
    ];
    place
        .run_with_input(&create, &format!("{PASSWORD}\n"))
        .await
        .well();
    let client = Client::by_cookie(server.origin());
    client
        .sign_in("root@example.com", PASSWORD)
        .await
        .expect(200);

    place
        .run_with_input(&create, &format!("{PASSWORD}\n"))
        .await
        .refused(&["taken"]);
    let weak = [
        "user",
        "create",
        "--email",
        "weak@example.com",
        "--password-stdin",
    ];
    place
        .run_with_input(&weak, "password1\n")
        .await
        .refused(&["password"]);
    server.stop().await.well();
}

#[tokio::test]
async fn a_backup_taken_while_the_server_runs_is_whole() {
    let stage = Stage::with(Setup::default().in_a_file()).await;
    stage
        .browser()
        .sign_up(&stage.mailbox, "ada@example.com")
        .await;
    let copy = stage.place.folder().path().join("copy.db");
    let backup = ["backup", copy.to_str().unwrap()];
    stage.place.run(&backup).await.well();
    stage.place.run(&backup).await.refused(&["exist"]);
    let mode = fs::metadata(&copy).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "the copy is as secret as the original");

    let database = Connection::open(&copy).unwrap();
    let text = |sql| {
        database
            .query_row(sql, [], |row| row.get::<_, String>(0))
            .unwrap()
    };
    assert_eq!(text("PRAGMA integrity_check"), "ok");
    assert_eq!(
        text("SELECT value FROM zalt_identifiers"),
        "ada@example.com"
    );
    drop(database);
    stage.server.stop().await.well();

    // In the place of the original it serves, with the key that stayed in the data folder.
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", stage.place.database().display()));
    }
    fs::rename(&copy, stage.place.database()).unwrap();
    let server = stage.place.start().await;
    let client = Client::by_cookie(server.origin());
    client
        .sign_in("ada@example.com", PASSWORD)
        .await
        .expect(200);
    server.stop().await.well();
}
