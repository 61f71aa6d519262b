use std::fmt;

use futures_util::future::LocalBoxFuture;

use crate::client::Adapter;

/// One thing that the API does.
pub struct Behaviour {
    group: &'static str,
    name: &'static str,
    run: for<'a> fn(&'a dyn Adapter) -> LocalBoxFuture<'a, ()>,
}

impl Behaviour {
    /// What it is about, such as `sessions`.
    pub const fn group(&self) -> &'static str {
        self.group
    }

    /// What the API does, as a name within its group.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Tries it on a fresh application behind `adapter`. Panics if the API behaves otherwise.
    pub async fn run(&self, adapter: &dyn Adapter) {
        (self.run)(adapter).await;
    }
}

impl fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::{}", self.group, self.name)
    }
}

/// The behaviour of this name, for the macro.
#[doc(hidden)]
pub fn find(group: &str, name: &str) -> &'static Behaviour {
    behaviours()
        .iter()
        .find(|behaviour| behaviour.group == group && behaviour.name == name)
        .expect("macro and list are made of the same names")
}

macro_rules! register {
    (($d:tt) $($group:ident { $($name:ident,)+ })+) => {
        /// Every behaviour.
        pub fn behaviours() -> &'static [Behaviour] {
            const ALL: &[Behaviour] = &[$($(
                Behaviour {
                    group: stringify!($group),
                    name: stringify!($name),
                    run: |adapter| Box::pin(crate::$group::$name(adapter)),
                },
            )+)+];
            ALL
        }

        /// Makes a test of each behaviour; takes a closure that runs one, and before it perhaps `ignored "why"`.
        #[macro_export]
        macro_rules! tests {
            ($d run:expr) => {
                $crate::tests!(@ [] $d run);
            };
            (ignored $d reason:literal, $d run:expr) => {
                $crate::tests!(@ [#[ignore = $d reason]] $d run);
            };
            (@ [$d($d attribute:tt)*] $d run:expr) => {
                fn run_behaviour(behaviour: &'static $crate::Behaviour) {
                    ($d run)(behaviour);
                }
                $crate::tests!(@@ [$d($d attribute)*]);
            };
            (@@ $d attributes:tt) => {
                $(mod $group {
                    $($crate::tests!(@@@ $d attributes $group $name);)+
                })+
            };
            (@@@ [$d($d attribute:tt)*] $d group:ident $d name:ident) => {
                $d($d attribute)*
                #[test]
                fn $d name() {
                    super::run_behaviour($crate::find(stringify!($d group), stringify!($d name)));
                }
            };
        }
    };
}

register! {
    ($)
    sign_ups {
        a_code_makes_a_user_and_a_cookie_session,
        a_code_makes_a_user_and_a_bearer_session,
        a_link_counts_in_the_browser_that_signs_up_only,
        wrong_codes_use_an_attempt_up,
        a_newer_code_voids_the_older,
        a_code_ends_with_its_time,
        an_attempt_answers_to_its_own_device_only,
        what_cannot_be_kept_is_refused_with_its_field,
        a_taken_username_is_a_conflict,
        a_closed_application_takes_nobody,
    }
    sign_ins {
        a_password_signs_in_in_one_step,
        a_password_passes_the_first_factor,
        a_code_passes_the_first_factor,
        a_link_passes_the_first_factor_where_it_was_asked_for,
        a_complete_attempt_leads_nowhere,
        an_attempt_answers_to_its_own_device_only,
        a_missing_proof_is_named,
        a_suspended_account_is_told_after_the_password_only,
        a_new_session_ends_the_one_whose_cookie_it_replaces,
    }
    resets {
        a_code_leads_to_a_new_password_and_no_session,
        other_sessions_stay_if_asked_for,
        a_link_moves_the_attempt_to_the_browser_that_opens_it,
        reading_never_consumes_a_link,
        a_refused_password_leaves_the_attempt_where_it_was,
    }
    sessions {
        nobody_is_401_and_says_how_to_authenticate,
        a_session_is_listed_and_ended,
        others_end_and_then_all,
        signing_out_clears_the_browser,
        idle_and_absolute_ends_hold,
        a_tampered_or_doubled_cookie_is_refused,
        a_garbled_authorization_never_falls_back_to_the_cookie,
        reauthentication_replaces_the_cookie,
        what_asks_for_recent_authentication_is_403_and_not_401,
    }
    tokens {
        refreshing_rotates,
        fifty_refreshes_at_once_have_one_successor,
        a_replay_after_the_grace_ends_the_session_and_leaves_an_event,
        a_garbled_refresh_token_is_401,
        a_cookie_yields_an_access_token_and_a_bearer_session_does_not,
        a_revoked_session_refuses_its_access_token,
        the_key_set_is_public_and_verifies,
    }
    account {
        a_profile_changes_in_part,
        a_username_is_set_and_removed,
        an_address_is_added_verified_made_primary_and_removed,
        a_verification_belongs_to_its_address_and_session,
        a_verification_link_names_itself,
        a_password_change_asks_for_the_old_one_and_ends_other_sessions,
        a_deleted_account_is_gone,
        events_are_paged,
    }
    second_factors {
        an_app_is_set_up_and_asked_for,
        a_recovery_code_stands_in_once,
        an_important_change_names_the_factors_that_it_needs,
        where_everybody_needs_one_it_is_set_up_on_the_way_in,
        where_everybody_needs_one_it_is_a_step_of_signing_up,
        a_policy_reaches_live_sessions_by_choice,
        a_program_whose_session_is_limited_goes_on_once_a_factor_is_set_up,
    }
    safety {
        a_change_that_was_not_theirs_freezes_the_account_until_it_is_recovered,
        a_device_is_known_again,
    }
    methods {
        what_is_allowed_is_told_to_everybody,
        what_is_not_allowed_is_refused_to_everybody_alike,
    }
    phone_numbers {
        a_number_is_added_verified_made_primary_and_removed,
        only_numbers_that_get_text_messages_are_taken,
        somebody_elses_number_is_not_given_away,
        a_verification_is_for_the_number_in_its_path,
        a_number_signs_in_by_a_text_message,
        codes_are_a_second_factor_by_choice,
        a_session_steps_up_by_a_code,
    }
    passkeys {
        one_is_registered_and_signs_in_without_an_identifier,
        one_signs_in_with_an_identifier,
        one_holds_a_session_by_tokens,
        one_is_a_second_factor_and_raises_a_session,
        where_everybody_needs_one_it_is_registered_on_the_way_in,
        a_wrong_one_is_refused_without_a_reason,
        what_is_no_credential_is_an_invalid_field,
        related_origins_are_told_to_browsers,
    }
    connections {
        an_address_that_is_vouched_for_signs_up_and_in,
        what_comes_back_counts_for_whoever_began_and_once,
        a_failure_is_told_where_the_person_goes,
        a_page_of_the_application_is_told_instead,
        an_address_that_nobody_vouches_for_is_verified_here,
        an_address_that_is_not_told_is_asked_for,
        an_account_of_the_same_address_is_proved_first,
        an_account_is_linked_and_unlinked,
        a_link_is_for_the_session_that_asked,
        the_form_of_a_provider_leads_to_the_same_address,
        nobody_is_led_to_an_address_that_is_not_listed,
        an_app_brings_the_answer_itself,
        a_window_of_its_own_tells_the_page_that_opened_it,
        an_id_token_that_an_app_got_signs_in_once,
        a_providers_token_is_handed_out_by_choice,
        one_is_switched_on_and_off_at_run_time,
        what_begins_is_checked,
    }
    enumeration {
        sign_in_answers_alike_for_known_and_unknown,
        sign_up_answers_alike_for_known_and_unknown,
    }
    budgets {
        a_locked_password_leaves_sessions_and_links_alone,
        an_unknown_identifier_is_locked_alike,
    }
    origins {
        every_unsafe_endpoint_refuses_other_sites,
        an_allowed_origin_gets_cors_and_nobody_else,
        a_program_with_a_cookie_sends_json,
    }
    bad_input {
        each_fault_has_its_status_and_code,
        no_spelling_of_a_path_leads_past_a_check,
        other_methods_are_405_with_allow,
        lists_refuse_what_is_no_cursor,
        foreign_ids_are_404,
    }
    proxies {
        a_strangers_forwarded_for_is_nothing,
        a_trusted_proxy_vouches_for_the_client,
        a_forwarded_for_does_not_buy_tries,
    }
}
