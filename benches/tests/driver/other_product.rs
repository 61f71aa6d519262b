//! A product that is not ours is driven by its file alone.

use std::time::Duration;

use zalt_benches::adapter::{Adapter, Operation};
use zalt_benches::drive::{Among, Crowd, Driver, DriverError, Task};
use zalt_benches::load::{Arrivals, Outcome, Schedule};

use crate::stub::{ADAPTER, Stub};

fn driver(stub: &Stub) -> Driver {
    let adapter = Adapter::parse(ADAPTER).unwrap();
    Driver::new(adapter, stub.target.clone(), None)
}

fn task(operation: Operation, count: usize) -> Task {
    Task {
        operation,
        schedule: Schedule {
            arrivals: Arrivals::Poisson,
            rate: 500.0,
            time: Duration::from_mins(1),
            most: count,
            seed: 3,
        },
        among: Among::Everybody,
        run: "t".to_owned(),
    }
}

#[track_caller]
fn all_well(outcome: &Outcome, count: usize) {
    assert_eq!(outcome.failures, std::collections::BTreeMap::new());
    assert_eq!((outcome.offered, outcome.latencies.count()), (count, count));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_reaches_it_as_often_as_was_due() {
    let stub = Stub::start().await;
    let driver = driver(&stub);
    let mut crowd = driver.found(5, "people").await.unwrap();
    assert_eq!(stub.state.lock().unwrap().accounts.len(), 5);
    // Each has a ticket from the beginning; more are for those who come later.
    let five = task(Operation::Refresh, 5);
    all_well(&driver.load(&five, &mut crowd).await.unwrap(), 5);
    stub.state.lock().unwrap().renewals = 0;
    stub.state.lock().unwrap().logins = 0;
    let mut run = async |operation, count| {
        let outcome = driver.load(&task(operation, count), &mut crowd).await;
        all_well(&outcome.unwrap(), count);
    };
    run(Operation::Nothing, 10).await;
    run(Operation::SignUp, 20).await;
    assert_eq!(stub.state.lock().unwrap().accounts.len(), 25);
    run(Operation::SignIn, 30).await;
    assert_eq!(stub.state.lock().unwrap().logins, 30);
    // Sessions for it are prepared by signing in: as many as are asked for at the most.
    run(Operation::SessionCheck, 40).await;
    assert_eq!(stub.state.lock().unwrap().logins, 70);
    assert_eq!(stub.state.lock().unwrap().checks, 40);
    // Nobody renews a ticket that somebody else of the same name has.
    run(Operation::Refresh, 50).await;
    assert_eq!(stub.state.lock().unwrap().renewals, 50);
    let sessions = stub.state.lock().unwrap().sessions.len();
    run(Operation::Revoke, 30).await;
    let left = stub.state.lock().unwrap().sessions.len();
    assert_eq!(
        left,
        sessions - 30,
        "those that were there already were ended"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_population_of_its_own_is_used_as_it_is() {
    let stub = Stub::start().await;
    let driver = driver(&stub);
    let file = r#"{"email":"ada@example.com","password":"a walk","sid":"s/1","field":"f"}
        {"email":"bob@example.com","password":"a walk","sid":"s/2","field":"f"}"#;
    stub.state
        .lock()
        .unwrap()
        .sessions
        .extend(["s/1".to_owned(), "s/2".to_owned()]);
    let mut crowd = Crowd::read(file.as_bytes(), driver.adapter().names()).unwrap();
    let few = Task {
        among: Among::Few(2),
        ..task(Operation::SessionCheck, 25)
    };
    all_well(&driver.load(&few, &mut crowd).await.unwrap(), 25);
    assert_eq!(stub.state.lock().unwrap().logins, 0);
    assert_eq!(crowd.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_is_counted_by_step_and_status() {
    let stub = Stub::start().await;
    let driver = driver(&stub);
    let file = r#"{"email":"ada@example.com","password":"wrong","sid":"s/9","field":"f"}"#;
    let mut crowd = Crowd::read(file.as_bytes(), driver.adapter().names()).unwrap();
    let outcome = driver
        .load(&task(Operation::SignIn, 8), &mut crowd)
        .await
        .unwrap();
    assert_eq!(outcome.failures["step 1: status 401"], 8);
    assert_eq!(outcome.latencies.count(), 0);
    let outcome = driver
        .load(&task(Operation::Revoke, 1), &mut crowd)
        .await
        .unwrap();
    assert_eq!(outcome.failures["step 1: status 404"], 1);
    assert!(crowd.is_empty(), "its session was spent, well or not");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_not_be_prepared_is_said() {
    let stub = Stub::start().await;
    let driver = driver(&stub);
    let file = r#"{"email":"ada@example.com","password":"wrong"}"#;
    let mut crowd = Crowd::read(file.as_bytes(), driver.adapter().names()).unwrap();
    let error = driver
        .load(&task(Operation::SessionCheck, 8), &mut crowd)
        .await;
    assert!(matches!(
        error,
        Err(DriverError::NotPrepared { operation: Operation::SessionCheck, failure })
            if failure.to_string() == "step 1: status 401"
    ));
    let error = driver
        .load(&task(Operation::ListUsers, 8), &mut crowd)
        .await;
    assert!(matches!(
        error,
        Err(DriverError::NoOperation(Operation::ListUsers))
    ));
    let adapter = "name = \"x\"\n[[operations.session_check.steps]]\nrequest = \"GET /${sid}\"\n\
                   [[operations.sign_in.steps]]\nrequest = \"GET /ping\"";
    let adapter = Adapter::parse(adapter).unwrap();
    let driver = Driver::new(adapter, stub.target.clone(), None);
    let mut crowd = Crowd::read(file.as_bytes(), driver.adapter().names()).unwrap();
    let error = driver
        .load(&task(Operation::SessionCheck, 8), &mut crowd)
        .await;
    assert!(matches!(
        error,
        Err(DriverError::NobodyYields { name, .. }) if name == "sid"
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_is_a_failure_and_no_hang() {
    let stub = Stub::start().await;
    let driver = driver(&stub);
    let mut crowd = driver.found(1, "people").await.unwrap();
    let outcome = driver
        .load(&task(Operation::Nothing, 3), &mut crowd)
        .await
        .unwrap();
    all_well(&outcome, 3);
    let port = stub.target.address();
    drop(stub);
    // The listener goes away with its task.
    while tokio::net::TcpStream::connect(port).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let task = task(Operation::Nothing, 3);
    let outcome = driver.load(&task, &mut crowd).await.unwrap();
    assert_eq!(outcome.failed(), 3);
}
