//! The simulated Redis: a pipeline of requests, from the bytes that a client sent to those that it is answered,
//! without a network.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use imsim::redis::Instance;
use imsim::redis::request::Reader;

/// Requests in a pipeline, each for a key or a member of its own.
const REQUESTS: u64 = 1_000;
/// The time of day at which all of them come.
const NOW_MS: i64 = 1_767_225_600_000;

pub fn bench(criterion: &mut Criterion) {
    let value = "v".repeat(256);
    let set = pipeline(|n| vec!["SET".to_owned(), format!("key:{n}"), value.clone()]);
    let get = pipeline(|n| vec!["GET".to_owned(), format!("key:{n}")]);
    let expiring = pipeline(|n| {
        ["SET", &format!("key:{n}"), &value, "PX", "30000"].map(str::to_owned).to_vec()
    });
    let zadd = pipeline(|n| {
        ["ZADD", "recent", &n.to_string(), &format!("member:{n}")].map(str::to_owned).to_vec()
    });
    let page = pipeline(|n| {
        ["ZRANGEBYSCORE", "recent", &format!("({n}"), "+inf", "LIMIT", "0", "10"]
            .map(str::to_owned)
            .to_vec()
    });
    let mut group = criterion.benchmark_group("redis");
    group.throughput(Throughput::Elements(REQUESTS));
    for (name, prepared, requests) in [
        ("SET", &set, &set),
        ("GET", &set, &get),
        ("SET PX", &expiring, &expiring),
        ("ZADD", &zadd, &zadd),
        ("ZRANGEBYSCORE, 10 members", &zadd, &page),
    ] {
        group.bench_function(name, |bencher| {
            let mut redis = Instance::default();
            run(&mut redis, prepared);
            bencher.iter(|| run(&mut redis, black_box(requests)));
        });
    }
    group.finish();
}

/// The bytes of all requests, one behind the other.
fn pipeline(request: impl Fn(u64) -> Vec<String>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for words in (0..REQUESTS).map(request) {
        bytes.extend(format!("*{}\r\n", words.len()).bytes());
        words
            .iter()
            .for_each(|word| bytes.extend(format!("${}\r\n{word}\r\n", word.len()).bytes()));
    }
    bytes
}

/// What a client is answered that connects, sends the pipeline and leaves.
fn run(redis: &mut Instance, requests: &[u8]) -> Vec<u8> {
    let client = redis.connect();
    let mut reader = Reader::default();
    reader.feed(requests);
    let mut count = 0;
    while let Some(words) = reader.next_request().expect("it is the protocol") {
        redis.execute(client, NOW_MS, &words);
        count += 1;
    }
    assert_eq!(count, REQUESTS);
    let mut replies = Vec::new();
    redis.take_output(client, &mut replies);
    redis.disconnect(client);
    assert!(!replies.is_empty() && replies[0] != b'-', "an error");
    replies
}
