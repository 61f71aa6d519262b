use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use crate::backend::{Backend, BudgetBackend, DurableBackend, Place, SharedBudgets, SharedStore};

type Run<S> = for<'a> fn(&'a S) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// One thing that the contract asks of a store.
pub struct Behaviour<S = SharedStore> {
    group: &'static str,
    name: &'static str,
    run: Run<S>,
}

/// One thing that the contract asks of a store across being closed and opened again.
pub type DurableBehaviour = Behaviour<Arc<dyn Place>>;

/// One thing that the contract asks of a place for budgets only.
pub type BudgetBehaviour = Behaviour<SharedBudgets>;

impl<S> Behaviour<S> {
    /// The part of the contract that it belongs to, such as `sessions`.
    pub const fn group(&self) -> &'static str {
        self.group
    }

    /// What the store does, as a name within its group.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Tries it on an empty store, or an empty place. Panics if the store behaves otherwise.
    pub fn run<'a>(&self, on: &'a S) -> impl Future<Output = ()> + Send + use<'a, S> {
        (self.run)(on)
    }
}

impl<S> fmt::Debug for Behaviour<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.group, self.name)
    }
}

/// Whether a backend behaves as one behaviour asks.
#[derive(Debug)]
pub struct Outcome {
    /// Which behaviour, as `group::name`.
    pub behaviour: String,
    /// What the store did otherwise, if it did.
    pub failure: Option<String>,
}

/// Tries every behaviour, each on a fresh store and on a task of its own, and reports all outcomes.
pub async fn check(backend: impl Backend) -> Vec<Outcome> {
    let backend = Arc::new(backend);
    let mut outcomes = Vec::new();
    for behaviour in behaviours() {
        let backend = Arc::clone(&backend);
        let task = tokio::spawn(async move { behaviour.run(backend.fresh().await.store()).await });
        outcomes.push(outcome(behaviour, task.await));
    }
    outcomes
}

/// Tries every behaviour that needs a place, each on a new one, and reports all outcomes.
pub async fn check_durability(backend: impl DurableBackend) -> Vec<Outcome> {
    let backend = Arc::new(backend);
    let mut outcomes = Vec::new();
    for behaviour in durable_behaviours() {
        let backend = Arc::clone(&backend);
        let task = tokio::spawn(async move { behaviour.run(&backend.place().await).await });
        outcomes.push(outcome(behaviour, task.await));
    }
    outcomes
}

/// Tries every behaviour of budgets, each on a fresh place, and reports all outcomes.
pub async fn check_budgets(backend: impl BudgetBackend) -> Vec<Outcome> {
    let backend = Arc::new(backend);
    let mut outcomes = Vec::new();
    for behaviour in budget_behaviours() {
        let backend = Arc::clone(&backend);
        let task = tokio::spawn(async move { behaviour.run(&backend.fresh().await).await });
        outcomes.push(outcome(behaviour, task.await));
    }
    outcomes
}

fn outcome<S>(behaviour: &Behaviour<S>, result: Result<(), tokio::task::JoinError>) -> Outcome {
    let failure = result.err().map(|error| match error.try_into_panic() {
        Ok(payload) => payload
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| payload.downcast_ref::<&str>().copied())
            .unwrap_or("it panicked")
            .to_owned(),
        Err(error) => error.to_string(),
    });
    Outcome {
        behaviour: format!("{behaviour:?}"),
        failure,
    }
}

/// Runs one behaviour as a test of its own; what [`tests!`](crate::tests) expands to.
#[doc(hidden)]
pub fn run_test(backend: impl Backend, group: &str, name: &str) {
    let behaviour = find(behaviours(), group, name);
    block_on(async move { behaviour.run(backend.fresh().await.store()).await });
}

/// Runs one durable behaviour as a test of its own; what [`durability_tests!`](crate::durability_tests) expands to.
#[doc(hidden)]
pub fn run_durability_test(backend: impl DurableBackend, group: &str, name: &str) {
    let behaviour = find(durable_behaviours(), group, name);
    block_on(async move { behaviour.run(&backend.place().await).await });
}

/// Runs one behaviour of budgets as a test of its own; what [`budget_tests!`](crate::budget_tests) expands to.
#[doc(hidden)]
pub fn run_budget_test(backend: impl BudgetBackend, group: &str, name: &str) {
    let behaviour = find(budget_behaviours(), group, name);
    block_on(async move { behaviour.run(&backend.fresh().await).await });
}

fn find<S>(behaviours: &'static [Behaviour<S>], group: &str, name: &str) -> &'static Behaviour<S> {
    behaviours
        .iter()
        .find(|behaviour| behaviour.group == group && behaviour.name == name)
        .expect("macro and list are made of the same names")
}

/// Runs a test on a task of a runtime with several threads, as a host would.
fn block_on(test: impl Future<Output = ()> + Send + 'static) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a test needs a runtime");
    if let Err(error) = runtime.block_on(async { tokio::spawn(test).await }) {
        std::panic::resume_unwind(error.into_panic());
    }
}

/// Writes the names of behaviours down once, for the list and for the macro that makes a test of each.
macro_rules! register {
    (
        ($d:tt)
        $(#[$list_doc:meta])*
        fn $list:ident() -> $kind:ty;
        $(#[$macro_doc:meta])*
        macro $tests:ident => $backend:ident, $run:ident;
        $($group:ident { $($name:ident,)+ })+
    ) => {
        $(#[$list_doc])*
        pub fn $list() -> &'static [$kind] {
            const ALL: &[$kind] = &[$($(
                Behaviour {
                    group: stringify!($group),
                    name: stringify!($name),
                    run: |store| Box::pin($crate::$group::$name(store)),
                },
            )+)+];
            ALL
        }

        $(#[$macro_doc])*
        #[macro_export]
        macro_rules! $tests {
            ($d backend:expr $d(, #[$d attribute:meta])*) => {
                fn $tests() -> impl $crate::$backend {
                    $d backend
                }
                $(mod $group {
                    $(#[test]
                    $d(#[$d attribute])*
                    fn $name() {
                        $crate::$run(super::$tests(), stringify!($group), stringify!($name));
                    })+
                })+
            };
        }
    };
}

register! {
    ($)
    /// Everything that the contract asks of a store while it is open.
    fn behaviours() -> Behaviour;
    /// Makes one test of every behaviour that needs an empty store, in a module for each group.
    ///
    /// The argument is an expression of a type that is a [`Backend`](crate::Backend). It is evaluated anew for each
    /// test. The tests bring their own runtime, with several threads.
    macro tests => Backend, run_test;

    users {
        a_user_is_read_back_whole,
        what_does_not_exist_is_none,
        inserting_an_existing_id_is_refused,
        an_update_writes_and_counts_the_version,
        an_update_of_another_version_is_refused,
        an_update_keeps_epoch_and_last_sign_in,
        a_purge_removes_everything_but_events,
        a_purge_needs_the_version_that_was_read,
        text_of_any_kind_survives,
        instants_and_counts_at_their_extremes_survive,
    }
    user_lists {
        a_list_is_filtered_by_status,
        a_list_is_filtered_by_deletion,
        a_list_is_filtered_by_identifier_prefix,
        a_prefix_is_literal_and_without_case,
        filters_narrow_each_other,
    }
    identifiers {
        an_identifier_is_read_back_whole,
        one_is_found_however_it_was_written,
        an_unverified_one_leads_nowhere,
        one_leads_to_its_user_whatever_the_status,
        kinds_do_not_mix,
        an_insert_needs_its_user,
        inserting_an_existing_id_is_refused,
        an_update_writes_and_counts_the_version,
        an_update_keeps_user_and_value,
        an_update_of_another_version_is_refused,
        a_delete_needs_the_version_that_was_read,
    }
    ownership {
        a_user_has_a_key_only_once,
        any_number_may_add_what_nobody_owns,
        a_verified_key_has_one_owner,
        verifying_what_another_owns_is_refused,
        unverifying_frees_the_key,
        deleting_frees_the_key,
        a_deleted_user_keeps_its_identifiers,
        a_purged_user_frees_its_identifiers,
    }
    passwords {
        a_password_is_read_back_whole,
        an_insert_needs_a_user_without_one,
        an_update_writes_and_counts_the_version,
        an_update_of_another_version_is_refused,
    }
    credentials {
        credentials_are_read_back_whole,
        an_insert_needs_its_user,
        inserting_an_existing_id_is_refused,
        a_handle_is_taken_once,
        a_handle_leads_to_its_account,
        an_update_writes_and_counts_the_version,
        another_version_is_refused,
    }
    sessions {
        sessions_are_read_back_whole,
        a_session_comes_with_its_user,
        addresses_of_both_families_survive,
        user_agents_of_any_kind_survive,
        an_insert_notes_the_sign_in,
        an_insert_needs_an_active_user,
        an_insert_needs_the_current_epoch,
        inserting_an_existing_id_is_refused,
        a_touch_writes_what_it_is_given,
        a_touch_never_brings_a_session_back,
        a_reauthentication_replaces_token_and_methods,
        a_reauthentication_needs_the_token_that_was_read,
        only_live_sessions_are_listed,
    }
    revocation {
        a_revocation_is_final,
        revoking_all_leaves_the_exception_and_moves_the_epoch,
        revoking_all_leaves_other_users_alone,
        revoking_all_needs_the_user,
        the_sweep_removes_what_is_over,
        the_sweep_keeps_its_limit,
    }
    refresh {
        a_rotation_moves_the_generation,
        a_rotation_needs_the_current_generation,
        a_rotation_needs_a_session_of_refresh_tokens,
        a_rotation_never_brings_a_session_back,
        generations_beyond_31_bits_survive,
        a_replay_can_end_its_session,
    }
    attempts {
        attempts_of_every_kind_are_read_back_whole,
        counts_and_instants_at_their_extremes_survive,
        inserting_an_existing_id_is_refused,
        an_update_writes_and_counts_the_version,
        an_update_of_another_version_is_refused,
        the_sweep_removes_what_is_over,
    }
    messages {
        a_message_is_read_back_whole,
        inserting_an_existing_id_is_refused,
        the_longest_due_come_first,
        the_next_due_instant_is_known,
        a_lease_hides_a_message_until_it_runs_out,
        a_write_needs_the_version_that_was_read,
    }
    signing_keys {
        keys_are_read_back_whole,
        keys_of_one_instant_are_in_the_order_of_their_ids,
        inserting_an_existing_id_is_refused,
        an_insert_needs_the_newest_key,
        the_newest_key_is_the_last_of_the_list,
        the_sweep_removes_what_is_over,
    }
    connections {
        connections_are_read_back_whole,
        inserting_an_existing_id_or_key_is_refused,
        an_update_writes_and_counts_the_version,
        another_version_is_refused,
    }
    events {
        events_of_every_type_are_read_back_whole,
        circumstances_of_any_kind_survive,
        the_newest_come_first,
        a_list_is_filtered_by_user_and_type,
        a_batch_may_hold_events_only,
        an_event_is_never_written_over,
        the_sweep_removes_what_is_old,
    }
    budgets {
        a_store_answers_as_the_rules_do,
        a_denial_takes_nothing,
        giving_back_ends_a_lock,
        giving_back_what_nobody_took_is_fine,
        a_rate_never_grants_more_than_it_holds,
        failures_never_pass_their_ceiling,
        a_batch_gives_back_with_all_else,
        a_batch_gives_back_one_try,
        instants_at_their_extremes_are_kept,
        the_sweep_forgets_what_changes_no_answer,
    }
    batches {
        an_empty_batch_is_applied,
        a_batch_of_everything_is_applied,
        changes_are_applied_in_order,
        a_failed_guard_at_any_position_leaves_no_trace,
        the_first_guard_that_fails_is_named,
        a_refused_batch_takes_nothing,
        events_come_only_with_their_changes,
        a_large_batch_is_one_batch,
        a_commit_is_seen_by_the_next_query,
        a_dropped_commit_is_applied_whole_or_not_at_all,
    }
    paging {
        pages_hold_every_row_once,
        a_page_has_its_default_and_its_most,
        rows_of_one_millisecond_are_paged_like_any,
        new_rows_neither_shift_nor_repeat,
        a_reader_beside_writers_misses_nothing,
        removed_rows_take_no_others_along,
        a_cursor_needs_no_row,
    }
    one_winner {
        one_of_many_gets_a_verified_identifier,
        one_of_many_verifies_an_identifier,
        one_of_many_inserts_a_user,
        one_of_many_updates_a_user,
        one_of_many_inserts_a_password,
        one_of_many_updates_a_password,
        one_of_many_updates_a_credential,
        one_of_many_registers_a_handle,
        one_of_many_updates_an_attempt,
        one_of_many_rotates_a_refresh_token,
        one_of_many_reauthenticates_a_session,
        one_of_many_revokes_a_session,
        one_of_many_leases_a_message,
        one_of_many_inserts_a_signing_key,
        one_of_many_makes_a_connection,
        one_of_many_deletes_an_identifier,
    }
    races {
        what_does_not_conflict_is_all_applied,
        no_update_is_lost,
        no_sign_in_outlives_the_end_of_all_sessions,
        no_sign_in_outlives_a_suspension,
        nothing_revives_a_session_that_is_revoked_meanwhile,
        nothing_outlives_its_purged_user,
        a_reader_never_sees_half_a_batch,
    }
}

register! {
    ($)
    /// Everything that the contract asks of a store across being closed and opened again. A backend without durability
    /// does not have these, rather than pass them for nothing.
    fn durable_behaviours() -> DurableBehaviour;
    /// Makes one test of every behaviour that needs a place to open a store on again, in a module `durability`.
    ///
    /// The argument is an expression of a type that is a [`DurableBackend`](crate::DurableBackend).
    macro durability_tests => DurableBackend, run_durability_test;

    durability {
        everything_survives_reopening,
        a_refused_batch_leaves_no_trace,
        guards_hold_after_reopening,
        budgets_survive_reopening,
        cursors_survive_reopening,
        every_last_commit_survives,
        no_commit_is_lost_or_halved_when_the_store_closes,
    }
}

register! {
    ($)
    /// Everything that the contract asks of a place for budgets only. A full store has these among its
    /// [`behaviours`].
    fn budget_behaviours() -> BudgetBehaviour;
    /// Makes one test of every behaviour that needs a place for budgets only, in a module `budgets`.
    ///
    /// The argument is an expression of a type that is a [`BudgetBackend`](crate::BudgetBackend).
    macro budget_tests => BudgetBackend, run_budget_test;

    budgets {
        a_store_answers_as_the_rules_do,
        a_denial_takes_nothing,
        giving_back_ends_a_lock,
        giving_back_what_nobody_took_is_fine,
        a_rate_never_grants_more_than_it_holds,
        failures_never_pass_their_ceiling,
        instants_at_their_extremes_are_kept,
    }
}
