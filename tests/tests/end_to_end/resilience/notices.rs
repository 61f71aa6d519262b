//! The people of these tests are shown to notice what they are there for.

use tokio::task::block_in_place;

use super::site::{Parts, Site};

/// What somebody could do to the database, and a word of what is then said.
const DAMAGES: &[(&str, &str)] = &[
    (
        "UPDATE zalt.sessions SET revoked_at = NULL, revoke_reason = NULL WHERE revoked_at IS NOT NULL",
        "after its end",
    ),
    (
        "DELETE FROM zalt.sessions WHERE id IN (SELECT id FROM zalt.sessions WHERE revoked_at IS NULL ORDER BY id DESC LIMIT 12)",
        "a live session is refused",
    ),
    (
        "UPDATE zalt.sessions SET refresh_generation = refresh_generation + 5 WHERE revoked_at IS NULL",
        "a refresh token is refused",
    ),
    (
        "DELETE FROM zalt.identifiers WHERE user_id = (SELECT id FROM zalt.users ORDER BY id LIMIT 1)",
        "a user without an identifier",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs PostgreSQL: cargo xtask test"]
async fn people_notice_what_is_lost_and_what_comes_back() {
    let site = Site::open("Damages that people have to notice", Parts::default()).await;
    for (damage, _) in DAMAGES {
        block_in_place(|| site.base.postgres.psql(damage)).unwrap();
        site.load.go_on().await;
    }
    let (world, cluster, _) = site.end().await;
    let noticed = world.violations();
    for (damage, what) in DAMAGES {
        assert!(
            noticed.iter().any(|violation| violation.contains(what)),
            "{damage}: {noticed:#?}"
        );
    }
    cluster.stop().await;
}
