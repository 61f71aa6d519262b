use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::Command;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use tempfile::TempDir;
use zalt_core::event::EventKind;
use zalt_core::store::{Batch, Change, CommitError, Store, StoreErrorKind};
use zalt_core::user::User;
use zalt_store_sqlite::SqliteStore;
use zalt_store_testkit::fixtures::Fixtures;

/// A temporary folder with the place of one store.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.0.path().join("zalt.db")
    }

    /// The file as somebody else opens it.
    pub(crate) fn other(&self) -> rusqlite::Connection {
        let db = rusqlite::Connection::open(self.file()).unwrap();
        db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        db
    }
}

/// Runs a future without any runtime: the store needs none.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

pub(crate) type Pending<'a> = Pin<Box<dyn Future<Output = Result<(), CommitError>> + Send + 'a>>;

/// Hands a batch over to the writer and comes back while it waits.
pub(crate) fn hand_over(store: &SqliteStore, batch: Batch) -> Pending<'_> {
    let mut commit = store.commit(batch);
    let mut context = Context::from_waker(Waker::noop());
    assert!(commit.as_mut().poll(&mut context).is_pending());
    commit
}

/// A user with an address and an event, in one batch.
pub(crate) fn sign_up(f: &Fixtures, name: &str) -> (User, Batch) {
    let user = f.user();
    let identifier = f.identifier(&user, &format!("{name}@example.com"), true);
    let batch = Batch::new()
        .change(Change::InsertUser(user.clone()))
        .change(Change::InsertIdentifier(identifier))
        .event(f.event(Some(user.id), EventKind::UserCreated));
    (user, batch)
}

/// The kind of the store's failure.
pub(crate) fn kind<T: std::fmt::Debug>(result: Result<T, CommitError>) -> StoreErrorKind {
    match result.unwrap_err() {
        CommitError::Store(error) => error.kind(),
        other => panic!("a guard failed: {other}"),
    }
}

/// Runs a program, and says whether it could be run and succeeded.
pub(crate) fn ran(program: &str, arguments: &[&std::ffi::OsStr]) -> bool {
    Command::new(program)
        .args(arguments)
        .output()
        .is_ok_and(|output| output.status.success())
}
