//! What a handler asks of who is signed in, as a type, so that its signature says it.

use zalt_core::session::{Assurance, Requirement};

/// What the extractor `Proved` of an adapter asks for.
///
/// ```
/// use std::time::Duration;
/// use zalt_core::session::{Assurance, Requirement};
/// use zalt_http::Requires;
///
/// /// Moving money: a second factor, shown within the last two minutes.
/// struct ToPay;
///
/// impl Requires for ToPay {
///     const REQUIREMENT: Requirement = Requirement::of(Assurance::TwoFactors).within(Duration::from_secs(120));
/// }
/// ```
pub trait Requires {
    /// How well and how recently the user has to have proved who they are.
    const REQUIREMENT: Requirement;
}

/// Any proof within the application's window: for whatever should not be done from a device that was left unlocked.
#[derive(Debug, Clone, Copy)]
pub struct Recent;

/// A second factor within the application's window.
#[derive(Debug, Clone, Copy)]
pub struct SecondFactor;

/// A passkey within the application's window, by itself or after another factor: what a page that only looks like the right one
/// can't get.
#[derive(Debug, Clone, Copy)]
pub struct PhishingResistant;

impl Requires for PhishingResistant {
    const REQUIREMENT: Requirement = Requirement::of(Assurance::PhishingResistant);
}

impl Requires for Recent {
    const REQUIREMENT: Requirement = Requirement::of(Assurance::OneFactor);
}

impl Requires for SecondFactor {
    const REQUIREMENT: Requirement = Requirement::of(Assurance::TwoFactors);
}
