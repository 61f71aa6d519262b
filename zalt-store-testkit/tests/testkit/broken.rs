//! Every fault is caught, and by the behaviours that are about it.

use std::collections::BTreeSet;

use zalt_store_testkit::{Backend, Fresh, check};

use crate::doubles::{Double, Fault};

struct Broken(Fault);

#[async_trait::async_trait]
impl Backend for Broken {
    async fn fresh(&self) -> Fresh {
        Fresh::new(Double::new(self.0))
    }
}

/// The names of the behaviours that a store with this fault fails.
async fn failures(fault: Fault) -> BTreeSet<String> {
    let outcomes = check(Broken(fault)).await;
    outcomes
        .into_iter()
        .filter(|outcome| outcome.failure.is_some())
        .map(|outcome| outcome.behaviour)
        .collect()
}

macro_rules! caught {
    ($($name:ident: $fault:ident by $($behaviour:literal),+;)+) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $name() {
            let failures = failures(Fault::$fault).await;
            for behaviour in [$($behaviour),+] {
                assert!(
                    failures.contains(behaviour),
                    "{behaviour} did not catch it; these did: {failures:#?}"
                );
            }
        }
    )+};
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_without_a_fault_passes() {
    assert_eq!(failures(Fault::None).await, BTreeSet::new());
}

caught! {
    a_store_that_upserts_sessions: UpsertsSessions by
        "sessions::inserting_an_existing_id_is_refused";
    a_store_that_rotates_any_refresh_token: RotatesAnyRefreshToken by
        "refresh::a_rotation_needs_the_current_generation",
        "refresh::a_replay_can_end_its_session",
        "one_winner::one_of_many_rotates_a_refresh_token";
    a_store_that_writes_changes_one_by_one: WritesChangesOneByOne by
        "batches::a_failed_guard_at_any_position_leaves_no_trace",
        "batches::a_dropped_commit_is_applied_whole_or_not_at_all",
        "races::a_reader_never_sees_half_a_batch",
        "events::an_event_is_never_written_over",
        "budgets::a_batch_gives_back_with_all_else";
    a_store_that_looks_up_with_case: LooksUpWithCase by
        "identifiers::one_is_found_however_it_was_written",
        "ownership::a_verified_key_has_one_owner";
    a_store_that_ignores_versions: IgnoresVersions by
        "users::an_update_of_another_version_is_refused",
        "identifiers::an_update_of_another_version_is_refused",
        "passwords::an_update_of_another_version_is_refused",
        "attempts::an_update_of_another_version_is_refused",
        "connections::another_version_is_refused",
        "one_winner::one_of_many_updates_a_user",
        "one_winner::one_of_many_updates_an_attempt";
    a_store_that_appends_events_regardless: AppendsEventsRegardless by
        "batches::events_come_only_with_their_changes",
        "one_winner::one_of_many_revokes_a_session";
    a_store_that_pages_by_offset: PagesByOffset by
        "paging::new_rows_neither_shift_nor_repeat",
        "paging::removed_rows_take_no_others_along",
        "paging::a_cursor_needs_no_row";
    a_store_that_checks_budgets_then_acts: ChecksBudgetsThenActs by
        "budgets::a_rate_never_grants_more_than_it_holds",
        "budgets::failures_never_pass_their_ceiling";
    a_store_that_ignores_epochs: IgnoresEpochs by
        "sessions::an_insert_needs_the_current_epoch",
        "races::no_sign_in_outlives_the_end_of_all_sessions";
    a_store_that_finds_unverified_identifiers: FindsUnverified by
        "identifiers::an_unverified_one_leads_nowhere";
    a_store_that_sweeps_too_much: SweepsTooMuch by
        "revocation::the_sweep_removes_what_is_over",
        "attempts::the_sweep_removes_what_is_over",
        "signing_keys::the_sweep_removes_what_is_over",
        "events::the_sweep_removes_what_is_old",
        "budgets::the_sweep_forgets_what_changes_no_answer";
    a_store_that_cuts_text_at_nul: CutsTextAtNul by
        "sessions::user_agents_of_any_kind_survive";
    a_store_that_names_the_first_change: NamesTheFirstChange by
        "batches::a_failed_guard_at_any_position_leaves_no_trace";
    a_store_that_caches_the_count: CachesTheCount by
        "batches::a_commit_is_seen_by_the_next_query";
    a_store_that_gives_back_regardless: GivesBackRegardless by
        "budgets::a_batch_gives_back_with_all_else";
}
