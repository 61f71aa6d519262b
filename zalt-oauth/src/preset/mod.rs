//! What is known of providers: data, and a few hooks where one does it its own way.

mod oauth2;
mod openid;
mod shape;
mod social;
mod work;

pub(crate) use shape::{Shape, complete, is_true, plain_text};

/// A provider as its public documentation describes it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Preset {
    /// What settings call it.
    pub name: &'static str,
    /// What people call it.
    pub display_name: &'static str,
    /// The pages that say what stands here.
    pub documentation: &'static [&'static str],
    /// How it says who came.
    pub speaks: Speaks,
    /// What is asked for, always.
    pub scopes: &'static [&'static str],
    /// How the client proves itself where tokens are handed out.
    pub client_auth: ClientAuth,
    /// Whether it holds the PKCE verifier against the challenge (RFC 7636).
    pub pkce: bool,
    /// What else is sent with the browser.
    pub authorization_params: &'static [(&'static str, &'static str)],
    /// What it is asked beyond what the token says.
    pub userinfo: Userinfo,
    /// Where it lists addresses, if it tells them apart from the person.
    pub emails: Option<EmailList>,
    /// Where things stand in its answers.
    pub(crate) shape: Shape<'static>,
    /// Whether it may vouch for an address.
    pub vouches: Vouches,
    /// The options that settings may or must have.
    pub options: &'static [(&'static str, OptionUse)],
    /// What it does its own way.
    pub quirks: &'static [Quirk],
}

/// How a provider says who came.
#[derive(Debug)]
#[non_exhaustive]
pub enum Speaks {
    /// OpenID Connect: metadata by discovery, a signed ID token.
    OpenId {
        /// The issuer; settings have to name one where there is none here.
        issuer: Option<&'static str>,
        /// Whether settings may name another.
        own_issuer: bool,
        /// Whether a nonce that is sent comes back in the ID token.
        nonce: bool,
    },
    /// OAuth 2: whoever holds the access token is asked about.
    OAuth2 {
        /// Stands for the provider in accounts. None where settings bring the endpoints: the connection stands for itself.
        issuer: Option<&'static str>,
        /// Where it is spoken to; settings have to say where there are none here, and may say otherwise.
        endpoints: Option<Endpoints>,
    },
}

/// Where an OAuth 2 provider is spoken to.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Endpoints {
    /// Where browsers are sent.
    pub authorization: &'static str,
    /// Where codes are redeemed.
    pub token: &'static str,
    /// Where it is asked who came.
    pub userinfo: &'static str,
    /// Where tokens are given back (RFC 7009).
    pub revocation: Option<&'static str>,
}

/// How the client proves itself (RFC 6749, section 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// As its metadata says; by HTTP Basic where that says nothing.
    Discovered,
    /// By HTTP Basic.
    Basic,
    /// In the body.
    Body,
}

/// What a provider is asked beyond what the token says.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Userinfo {
    /// Nothing: the ID token says it all.
    No,
    /// Its userinfo endpoint, if it has one.
    Get {
        /// Sent with the request.
        headers: &'static [(&'static str, &'static str)],
    },
    /// Its userinfo endpoint, by a request with a body.
    Post {
        /// The body, JSON or nothing.
        body: &'static str,
    },
    /// Nothing: it says who came where it hands out tokens.
    InTokenAnswer,
    /// What its ID token says, by an endpoint of its own: its ID tokens are signed with the client's secret, so that they
    /// prove nothing to whoever only holds public keys.
    VerifiedByProvider,
}

/// A list of addresses below the userinfo endpoint (`/emails`). The first that is primary counts. JSON pointers.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct EmailList {
    /// The list.
    pub list: &'static str,
    /// In an entry, the address.
    pub address: &'static str,
    /// In an entry, whether it is the primary one.
    pub primary: &'static str,
    /// In an entry, whether the person proved to own it.
    pub verified: &'static str,
}

/// Whether a provider may vouch for an address: it has to say, by a flag that its documentation describes, that the person
/// proved to own it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Vouches {
    /// It may not: the address is proved to us.
    No,
    /// Where its flag says so.
    WhereFlagged,
    /// Where its flag says so, if the operator trusts it by the option `vouches_for_email`.
    IfOperatorTrustsIt,
}

/// How an option is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum OptionUse {
    /// It has to be there.
    Required,
    /// It may be there.
    Optional,
}

/// What a provider does its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quirk {
    /// Separates scopes by commas.
    CommaScopes,
    /// The client's secret is a token that is signed for each request with the private key in the settings.
    SignedClientSecret,
    /// The name comes beside the code, in a form that the browser posts.
    NameInForm,
    /// Vouches for addresses of its own domains, and of those that it hosts (`hd`), and for no others: that somebody owned
    /// an address elsewhere when they signed up says little of today.
    VouchesForOwnDomains,
    /// Has the mailboxes of these domains itself.
    HostsMailboxes(&'static [&'static str]),
    /// Has an issuer for each tenant; the option `tenant` says which may come.
    Tenants,
    /// Gives out subjects that are unique within what stands here only.
    SubjectWithin(&'static str),
    /// Counts an address as verified only if this is so too.
    VerifiedOnlyIf(&'static str),
    /// Wants access tokens to come with a proof that they come from the client (`appsecret_proof`).
    AppSecretProof,
    /// Has a version in its addresses, this one unless the option `api_version` says otherwise.
    ApiVersion(&'static str),
    /// Wants requests for tokens in JSON.
    JsonRequests,
    /// Calls the client's id `client_key`.
    ClientKey,
}

/// Every provider that settings may name.
pub fn presets() -> impl Iterator<Item = &'static Preset> {
    let generic = [&oauth2::BASE];
    openid::PRESETS
        .iter()
        .chain(generic)
        .chain(work::PRESETS)
        .chain(social::PRESETS)
}

/// The preset of this name.
pub(crate) fn find(name: &str) -> Option<&'static Preset> {
    presets().find(|preset| preset.name == name)
}

impl Preset {
    /// Whether settings may have this option.
    pub(crate) fn takes_option(&self, name: &str) -> bool {
        let any = self.options.iter().any(|(known, _)| *known == name);
        // Who runs a tenant says what addresses it has: no operator can answer for all of them.
        let flags = self.vouches == Vouches::WhereFlagged && !self.has(Quirk::Tenants);
        any || (flags && name == "vouches_for_email")
    }

    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }
}
