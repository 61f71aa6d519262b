use zalt_services::{Redis, RedisCluster, RedisOptions, ServiceError};

#[test]
#[ignore = "needs Redis: cargo xtask test"]
fn one_without_persistence_forgets_and_keeps_its_address() {
    let mut redis = Redis::start(&RedisOptions::default()).unwrap();
    let url = redis.url();
    redis.command("SET key value").unwrap();
    assert_eq!(redis.command("GET key").unwrap(), "value");

    redis.restart().unwrap();
    assert_eq!(redis.command("GET key").unwrap(), "");
    assert_eq!(redis.url(), url);

    redis.stop().unwrap();
    let error = redis.command("GET key").unwrap_err();
    assert!(matches!(error, ServiceError::Stopped("Redis")), "{error:?}");
}

#[test]
#[ignore = "needs Redis: cargo xtask test"]
fn one_that_appends_keeps_what_it_acknowledged_when_it_is_killed() {
    let options = RedisOptions::default().append_only();
    let mut redis = Redis::start(&options).unwrap();
    redis.command("SET key value").unwrap();
    redis.kill().unwrap();
    redis.start_again().unwrap();
    assert_eq!(redis.command("GET key").unwrap(), "value");
}

#[test]
#[ignore = "needs Redis: cargo xtask test"]
fn a_pause_holds_answers_back() {
    let redis = Redis::start(&RedisOptions::default()).unwrap();
    redis.pause().unwrap();
    std::thread::scope(|threads| {
        let asked = threads.spawn(|| redis.command("PING"));
        assert!(!asked.is_finished());
        redis.resume().unwrap();
        assert_eq!(asked.join().unwrap().unwrap(), "PONG");
    });
}

#[test]
#[ignore = "needs Redis: cargo xtask test"]
fn a_cluster_serves_all_slots_from_several_nodes() {
    let mut cluster = RedisCluster::start(3).unwrap();
    assert_eq!(cluster.urls().len(), 3);
    assert_eq!(cluster.urls()[0], cluster.url());
    let about = cluster.nodes()[2].command("CLUSTER INFO").unwrap();
    assert!(about.contains("cluster_slots_assigned:16384"), "{about}");
    let moved = (0..)
        .find_map(|key| cluster.nodes()[0].command(&format!("GET {key}")).err())
        .unwrap();
    assert!(
        matches!(&moved, ServiceError::Refused { reply, .. } if reply.starts_with("MOVED ")),
        "{moved:?}"
    );
}
