//! The paths that most requests take, one by one: `cargo bench -p zalt-benches`, or with a part of a name behind `--`.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a measuring program ends at the unexpected"
)]

use std::hint::black_box;
use std::time::Duration;

use axum::body::Body;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::Request;
use tokio::runtime::Runtime;
use tower::ServiceExt;
use zalt_benches::app::{App, PASSWORD, address, password};
use zalt_core::attempt::SignInProgress;
use zalt_core::budget::{Budget, BudgetKey, BudgetStore, MemoryBudgets};
use zalt_core::identifier::{EmailAddress, IdentifierValue};
use zalt_core::password::{Password, PasswordPolicy};
use zalt_core::secret::SessionToken;
use zalt_core::session::{Session, SessionCredentials, Transport};
use zalt_core::store::UserQueries;
use zalt_core::{Error, ErrorCode, RequestContext};
use zalt_http::{HttpConfig, Problem};

const USERS: usize = 1_000;

/// An application with somebody signed in.
struct Signed {
    runtime: Runtime,
    app: App,
    session: Session,
    credentials: SessionCredentials,
}

impl Signed {
    fn new(cached: bool, transport: Transport) -> Self {
        let runtime = Runtime::new().unwrap();
        let app = runtime.block_on(App::new(cached));
        runtime.block_on(app.users(USERS));
        let signed_in = runtime
            .block_on(app.zalt.sign_ins().with_password(
                &RequestContext::internal(),
                &address(7),
                password(),
                transport,
            ))
            .and_then(SignInProgress::into_session)
            .unwrap();
        Self {
            runtime,
            app,
            session: signed_in.session,
            credentials: signed_in.credentials,
        }
    }

    fn cookie(&self) -> String {
        match &self.credentials {
            SessionCredentials::Cookie(token) => token.expose().to_string(),
            SessionCredentials::Bearer { .. } => panic!("a cookie was asked for"),
        }
    }

    fn bearer(&self) -> (String, String) {
        match &self.credentials {
            SessionCredentials::Cookie(_) => panic!("tokens were asked for"),
            SessionCredentials::Bearer {
                access_token,
                refresh_token,
                ..
            } => (access_token.to_string(), refresh_token.expose().to_string()),
        }
    }
}

fn sessions(criterion: &mut Criterion) {
    let request = RequestContext::internal();
    let cached = Signed::new(true, Transport::Cookie);
    let token = cached.cookie();
    criterion.bench_function("token: parse and digest", |bencher| {
        bencher.iter(|| SessionToken::parse(black_box(&token)).unwrap().digest());
    });
    for (name, signed) in [
        ("session check: cached", &cached),
        (
            "session check: from SQLite",
            &Signed::new(false, Transport::Cookie),
        ),
    ] {
        let token = signed.cookie();
        let sessions = signed.app.zalt.sessions();
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                let check = sessions.authenticate(&request, black_box(&token));
                signed.runtime.block_on(check).unwrap()
            });
        });
    }
}

fn tokens(criterion: &mut Criterion) {
    let request = RequestContext::internal();
    let signed = Signed::new(true, Transport::Bearer);
    let (access, mut refresh) = signed.bearer();
    let tokens = signed.app.zalt.access_tokens();
    criterion.bench_function("access token: sign", |bencher| {
        bencher.iter(|| tokens.issue(black_box(&signed.session)).unwrap());
    });
    criterion.bench_function("access token: verify", |bencher| {
        bencher.iter(|| tokens.verify_with_known_keys(black_box(&access)).unwrap());
    });
    let sessions = signed.app.zalt.sessions();
    criterion.bench_function("refresh: rotation on SQLite, durable", |bencher| {
        bencher.iter(|| {
            let refreshed = sessions.refresh(&request, &refresh);
            let refreshed = signed.runtime.block_on(refreshed).unwrap();
            if let SessionCredentials::Bearer { refresh_token, .. } = refreshed.credentials {
                refresh = refresh_token.expose().to_string();
            }
        });
    });
}

fn accounts(criterion: &mut Criterion) {
    let signed = Signed::new(false, Transport::Cookie);
    let store = &signed.app.store;
    let mut n = 0;
    criterion.bench_function("sign-in: look-up in SQLite", |bencher| {
        bencher.iter(|| {
            n = (n + 389) % USERS;
            let email = EmailAddress::parse(&address(n)).unwrap();
            let key = IdentifierValue::EmailAddress(email).key();
            let found = signed.runtime.block_on(store.account_by_identifier(&key));
            found.unwrap().unwrap()
        });
    });
    let policy = PasswordPolicy::default();
    let good = password();
    let common = Password::parse("passw0rd123").unwrap();
    criterion.bench_function("password policy: accepted", |bencher| {
        bencher.iter(|| policy.check(black_box(&good), &["ada@example.com", "Zalt"]));
    });
    criterion.bench_function("password policy: a common one", |bencher| {
        bencher.iter(|| policy.check(black_box(&common), &["ada@example.com", "Zalt"]));
    });
}

fn budgets(criterion: &mut Criterion) {
    let signed = Signed::new(false, Transport::Cookie);
    let budget = Budget::Rate {
        tries: u32::MAX,
        period: Duration::from_secs(1),
    };
    let now = signed.app.zalt.now();
    let mut n = 0_u64;
    let mut next = move || {
        n += 1;
        let mut key = [0; 32];
        if let Some(first) = key.first_chunk_mut::<8>() {
            *first = (n % 10_000).to_be_bytes();
        }
        BudgetKey::from_bytes(key)
    };
    let memory = MemoryBudgets::new(100_000);
    criterion.bench_function("budget: take in memory", |bencher| {
        bencher.iter(|| {
            let taken = memory.take(next(), &budget, now);
            signed.runtime.block_on(taken).unwrap()
        });
    });
    criterion.bench_function("budget: take in SQLite, durable", |bencher| {
        bencher.iter(|| {
            let taken = signed.app.store.take(next(), &budget, now);
            signed.runtime.block_on(taken).unwrap()
        });
    });
}

fn http(criterion: &mut Criterion) {
    criterion.bench_function("problem: made and written as JSON", |bencher| {
        let id = std::sync::Arc::from("req_01h455vb4pex5vsknk084sn02q");
        bencher.iter(|| {
            Problem::of(black_box(&Error::SessionOver))
                .with_request_id(Some(&id))
                .to_response()
        });
    });
    let signed = Signed::new(true, Transport::Cookie);
    let router = zalt_http::router(signed.app.zalt.clone(), HttpConfig::default());
    let cookie = format!("zalt_session={}", signed.cookie());
    let mut group = criterion.benchmark_group("request, without a socket");
    group.throughput(Throughput::Elements(1));
    let mut answered = |name: &str, status, request: &dyn Fn() -> Request<Body>| {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let reply = signed.runtime.block_on(router.clone().oneshot(request()));
                assert_eq!(reply.unwrap().status(), status);
            });
        });
    };
    answered("the current session, cached", 200, &|| {
        Request::get("/v1/client/sessions/current")
            .header("cookie", &cookie)
            .body(Body::empty())
            .unwrap()
    });
    answered("a body that is refused", 422, &|| {
        let body = format!(
            r#"{{"identifier":"{}","password":"{PASSWORD}","x":1}}"#,
            address(7)
        );
        Request::post("/v1/client/sign-ins")
            .header("content-type", "application/json")
            .body(Body::from(body))
            .unwrap()
    });
    group.finish();
    assert_eq!(
        Problem::new(ErrorCode::UnknownField, "x").status(),
        422,
        "the status of the refusal above"
    );
}

criterion_group! {
    name = hot_paths;
    config = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3));
    targets = sessions, tokens, accounts, budgets, http
}
criterion_main!(hot_paths);
