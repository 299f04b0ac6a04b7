//! Who asks, and whether they may: bearer tokens and the right that each route needs.
//!
//! A handler gets at a workspace only through a [`Caller`], whose type names the right, so a route
//! cannot forget to ask. Credentials come in the `Authorization` header and nowhere else.

use std::marker::PhantomData;
use std::sync::Arc;

use annals_api::reason;
use annals_recorder::access::AuthenticationRefusal;
use annals_recorder::principal::{Principal, Rights};
use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::app::App;
use crate::problem::ApiProblem;

/// A right that a route needs.
pub(crate) trait Need {
    /// The rights; none means that any valid token will do.
    fn rights() -> Rights;
}

macro_rules! needs {
    ($($(#[$doc:meta])* $name:ident = $rights:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name;

        impl Need for $name {
            fn rights() -> Rights {
                $rights
            }
        }
    )*};
}

needs! {
    /// May append events.
    Append = Rights::APPEND;
    /// May read events and views.
    Read = Rights::READ;
    /// May see the log as a whole: its size, its tree, its keys.
    Verify = Rights::VERIFY;
    /// May read a workspace's events and see the log as a whole.
    ReadAndVerify = Rights::READ.with(Rights::VERIFY);
    /// May administer.
    Operate = Rights::OPERATE;
    /// Holds any valid token.
    AnyToken = Rights::default();
}

/// Whoever sent the request, with the right that the route needs.
#[derive(Debug)]
pub(crate) struct Caller<N> {
    pub(crate) principal: Arc<Principal>,
    need: PhantomData<N>,
}

impl<N: Need> FromRequestParts<App> for Caller<N> {
    type Rejection = ApiProblem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiProblem> {
        let principal = authenticate(app, &parts.headers)?;
        if !principal.rights.contains(N::rights()) {
            return Err(lacks(N::rights()));
        }
        Ok(Self { principal, need: PhantomData })
    }
}

fn authenticate(app: &App, headers: &HeaderMap) -> Result<Arc<Principal>, ApiProblem> {
    let Some(bearer) = bearer(headers) else {
        app.metrics.failed_authentications.inc();
        let detail = "the request needs `Authorization: Bearer` with a token";
        return Err(ApiProblem::new(reason::UNAUTHORIZED, detail));
    };
    app.recorder.access().authenticate(bearer, app.now()).map_err(|refusal| {
        app.metrics.failed_authentications.inc();
        unauthenticated(refusal)
    })
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn unauthenticated(refusal: AuthenticationRefusal) -> ApiProblem {
    match refusal {
        AuthenticationRefusal::Unauthorized => {
            let detail = "the token is not valid: mistyped, revoked or of another server";
            ApiProblem::new(reason::UNAUTHORIZED, detail)
        }
        AuthenticationRefusal::Expired => {
            ApiProblem::new(reason::TOKEN_EXPIRED, "the token has expired; make another one")
        }
    }
}

fn lacks(rights: Rights) -> ApiProblem {
    let words = rights.words().join(", ");
    let detail = format!("this route needs the right `{words}`, which the token does not have");
    ApiProblem::new(reason::FORBIDDEN, detail).with("needs", words)
}
