//! Every Zalt endpoint as one tower service over http types.
//!
//! No endpoint is written twice: axum mounts [`router`] as it is, other frameworks hand their requests to
//! [`ZaltService`] through a small bridge, and both resolve who is signed in through [`RequestAuth`].
//!
//! ```
//! # async fn example(zalt: zalt_core::Zalt) {
//! use zalt_http::{HttpConfig, ZaltHttp};
//!
//! let http = ZaltHttp::new(zalt, HttpConfig::default());
//! let app: axum::Router = axum::Router::new()
//!     // Routes of your own, which find a `RequestAuth` in the extensions of each request.
//!     .layer(http.layer())
//!     // The endpoints of Zalt.
//!     .merge(http.router());
//! # }
//! ```
//!
//! An adapter puts a [`PeerAddr`] into the extensions of each request; without it there are no budgets per network.
//!
//! # Who is asking
//!
//! - A browser on the same site sends the session cookie. Everything else sends `Authorization: Bearer` with an access
//!   token. A request with both counts as a bearer request, and one whose `Authorization` is not a valid access token is
//!   refused with 401: it never falls back to the cookie.
//! - An attempt is bound to the device that began it: by a cookie, or by the `Zalt-Attempt` header where the session
//!   will be held by tokens.
//!
//! # Rooms
//!
//! | room | what is in it |
//! |---|---|
//! | [`ZaltHttp`], [`HttpConfig`] | an application as HTTP knows it, and the choices that go with it |
//! | [`ZaltService`], [`router`], [`MatchedRoute`] | the endpoints |
//! | [`RequestLayer`], [`RequestAuth`], [`AuthRejection`] | who is signed in, for routes of the host |
//! | [`Requires`], [`Recent`], [`SecondFactor`], [`PhishingResistant`] | what a route of the host asks of who is signed in |
//! | [`Problem`], [`status_of`] | errors as problem documents (RFC 9457) |
//! | [`cookie`] | the cookies: their names, how they are set and read |
//! | [`client_ip`] | where a request comes from, behind proxies too |
//! | [`origin`] | the check that keeps other sites from sending requests in a person's name |
//! | [`openapi`] | the OpenAPI document |

mod api;
mod auth;
mod body;
pub mod client_ip;
mod config;
pub mod cookie;
mod headers;
mod http_zalt;
mod layer;
pub mod openapi;
pub mod origin;
mod problem;
mod request_id;
mod requires;
mod service;
mod view;

pub use auth::{AuthRejection, AuthRejectionReason, RequestAuth};
pub use client_ip::PeerAddr;
pub use config::HttpConfig;
pub use http_zalt::ZaltHttp;
pub use layer::{RequestLayer, RequestService};
pub use problem::{Problem, status_of};
pub use requires::{PhishingResistant, Recent, Requires, SecondFactor};
pub use service::{MatchedRoute, ZaltService, router};
