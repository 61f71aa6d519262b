//! One struct per page. A view is plain data; `askama::Template::render` turns it into HTML, escaping every value.
//!
//! Every view has a [`Page`]: what all pages share. A handler fills the struct, renders it and sends the text with
//! the policy of [`super::policy`].

mod account;
mod challenge;
mod connection;
mod dev;
mod page;
mod password;
mod safety;
#[cfg(test)]
mod samples;
mod second_factor;
mod sign_in;
mod sign_up;
mod site;

pub(crate) use account::{
    ActivityItem, ActivityKind, ActivityView, ConnectionsView, DeleteAccountView, DeviceItem,
    DeviceKind, EmailAddressesView, ExternalAccountItem, IdentifierItem, KeptOn, MessagesItem,
    PasskeyItem, PasskeyNameView, PasskeysView, PasswordView, PhoneNumbersView, ProfileView,
    ReauthenticateView, SecondFactorItem, SecondFactorsView, SessionItem, SessionsView,
};
pub(crate) use challenge::{CodeView, LinkConfirmView, LinkSentView, LinkState, Purpose, SentBy};
pub(crate) use connection::{
    AddressView, ConnectionFailedView, ConnectionItem, Connections, FailureKind, LeaveView,
};
pub(crate) use dev::{InboxItem, InboxView, MessageView};
pub(crate) use page::{Alert, AlertKind, Moment, Page, Site, Viewer};
pub(crate) use password::{ForgottenPasswordView, NewPasswordView, PasswordDoneView};
pub(crate) use safety::{AddedItem, ReviewView, SafetyStep, SafetyView};
pub(crate) use second_factor::{
    RecoveryCodesView, Scan, SecondFactorMessage, SecondFactorView, SecondStep, SetUpView,
    TotpView, TrustDevice,
};
pub(crate) use sign_in::{SignInPasswordView, SignInView, Strategies};
pub(crate) use sign_up::{NameFields, SignUpView};
pub(crate) use site::{ErrorKind, ErrorView, HomeView, wait};
