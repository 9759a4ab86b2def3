//! The disk on real files: what power takes, what faults do. The expectations are those of the
//! simulated disk's tests.

use std::collections::BTreeSet;

use super::*;
use crate::engine::rng;

struct Host {
    disk: FileDisk,
    rng: Stream,
    dir: tempfile::TempDir,
}

impl Host {
    fn new(seed: u64) -> Self {
        let dir = tempfile::tempdir().expect("room");
        let disk = FileDisk::new(dir.path().join("disk")).expect("room");
        Self { disk, rng: rng::stream(seed, "disk"), dir }
    }

    fn append(&self, bytes: &[u8]) {
        self.disk.append("wal", bytes).expect("room");
    }

    async fn content(&self) -> Vec<u8> {
        self.disk.read("wal").await.expect("readable")
    }

    fn len(&self, file: &str) -> u64 {
        fs::metadata(self.dir.path().join("disk").join(file)).expect("it is there").len()
    }

    fn lose_power(&mut self, torn: bool) -> u64 {
        self.disk.lose_power(torn, &mut self.rng)
    }
}

#[tokio::test]
async fn only_the_synced_prefix_survives_a_loss_of_power() {
    let mut host = Host::new(1);
    host.append(b"one");
    host.disk.sync("wal").await.expect("works");
    host.append(b"two");
    host.disk.append("new", b"never synced").expect("room");
    assert_eq!(host.content().await, b"onetwo");
    assert_eq!(host.lose_power(false), 15);
    assert_eq!(host.content().await, b"one");
    assert_eq!(host.len("new"), 0);
    host.append(b"!");
    assert_eq!(host.content().await, b"one!", "it grows where it was cut");
}

#[tokio::test]
async fn a_sync_covers_what_was_appended_before_its_call() {
    let mut host = Host::new(1);
    host.append(&[1; 100]);
    let sync = host.disk.sync("wal");
    host.append(&[2; 7]);
    sync.await.expect("works");
    assert_eq!(host.lose_power(false), 7);
    assert_eq!(host.content().await, [1; 100]);
    host.append(&[3; 5]);
    drop(host.disk.sync("wal"));
    assert_eq!(host.lose_power(false), 5, "a sync that nobody waited for says nothing");
}

#[tokio::test]
async fn files_are_found_again_and_absent_ones_are_empty() {
    let host = Host::new(1);
    host.append(b"kept");
    let again = FileDisk::new(host.dir.path().join("disk")).expect("there");
    assert_eq!(again.read("wal").await.expect("readable"), b"kept");
    again.append("wal", b" on").expect("room");
    assert_eq!(again.read("wal").await.expect("readable"), b"kept on");
    assert_eq!(again.read("absent").await.expect("empty"), b"");
    again.sync("absent").await.expect("nothing to do");
    again.truncate("absent", 3).expect("nothing to do");
    assert_eq!(again.lose_power(false, &mut rng::stream(1, "disk")), 3);
}

#[tokio::test]
async fn a_cut_takes_effect_at_once_and_never_makes_a_file_longer() {
    let mut host = Host::new(1);
    host.append(b"0123456789");
    host.disk.sync("wal").await.expect("works");
    host.disk.truncate("wal", 20).expect("works");
    assert_eq!(host.len("wal"), 10);
    host.disk.truncate("wal", 4).expect("works");
    host.append(b"new");
    assert_eq!(host.content().await, b"0123new");
    assert_eq!(host.lose_power(false), 3, "what was cut is not synced any more");
    assert_eq!(host.content().await, b"0123");
}

#[tokio::test]
async fn a_torn_tail_is_a_prefix_damaged_within_its_last_sector_and_never_in_what_was_synced() {
    let (synced, tail) = (vec![7; 700], vec![9; 2_000]);
    let (mut lengths, mut damages) = (BTreeSet::new(), 0);
    for seed in 0..100 {
        let mut host = Host::new(seed);
        host.append(&synced);
        host.disk.sync("wal").await.expect("works");
        host.append(&tail);
        let lost = host.lose_power(true) as usize;
        let left = host.content().await;
        assert_eq!(left.len() + lost, 2_700);
        assert!(left.starts_with(&synced));
        let whole = left.len().saturating_sub(1) / 512 * 512;
        assert!(left[700..whole.max(700)].iter().all(|byte| *byte == 9), "seed {seed}");
        damages += usize::from(left[700..].iter().any(|byte| *byte != 9));
        lengths.insert(left.len());
        assert_eq!(host.lose_power(true), 0, "what is left is on the device");
        assert_eq!(host.content().await, left);
    }
    assert!(lengths.len() > 80, "{} lengths", lengths.len());
    assert!((30..70).contains(&damages), "{damages} of 100 damaged");
}

#[tokio::test]
async fn a_full_disk_takes_what_fits_into_the_last_block() {
    let host = Host::new(1);
    host.append(&[1; 4_000]);
    host.disk.impose(DiskFault::Full);
    host.append(&[2; 90]);
    let error = host.disk.append("wal", &[3; 10]).expect_err("full");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(host.len("wal"), 4_096, "a part of the append stays");
    assert!(host.disk.append("new", b"x").is_err());
    host.disk.sync("wal").await.expect("what is written has its room");
    host.disk.truncate("wal", 4_090).expect("a full disk can be cut");
    assert_eq!(host.disk.heal(), 2);
    host.append(&[3; 10]);
    assert_eq!(host.len("wal"), 4_100);
}

#[tokio::test]
async fn what_a_failed_sync_covered_is_gone_also_when_a_later_one_succeeds() {
    let mut host = Host::new(1);
    host.append(b"one");
    host.disk.sync("wal").await.expect("works");
    host.append(b"two");
    let under_way = host.disk.sync("wal");
    host.disk.impose(DiskFault::Failing);
    assert_eq!(under_way.await.expect_err("fails").raw_os_error(), Some(5));
    assert!(host.disk.append("wal", b"no").is_err());
    assert!(host.disk.truncate("wal", 0).is_err());
    assert!(host.disk.read("wal").await.is_err());
    assert_eq!(host.disk.heal(), 4, "the sync, the append, the cut, the read");
    host.append(b"six");
    host.disk.sync("wal").await.expect("works again");
    assert_eq!(host.content().await, b"one\0\0\0six");
    assert_eq!(host.lose_power(true), 0);
}

#[tokio::test]
async fn a_sync_that_begins_on_a_failing_disk_fails_though_it_heals() {
    let host = Host::new(1);
    host.append(b"lost");
    host.disk.impose(DiskFault::Failing);
    let under_way = host.disk.sync("wal");
    assert_eq!(host.disk.heal(), 1);
    assert!(under_way.await.is_err());
    assert_eq!(host.content().await, b"\0\0\0\0");
}

#[tokio::test]
async fn a_slow_disk_takes_its_surcharge_one_operation_after_the_other() {
    const BY: Duration = Duration::from_millis(50);
    let host = Host::new(1);
    host.disk.impose(DiskFault::Slow { times: 1, by: BY.as_nanos() as u64 });
    host.append(b"slow");
    let start = Instant::now();
    let (synced, read) = tokio::join!(host.disk.sync("wal"), host.disk.read("wal"));
    assert!(synced.is_ok() && read.is_ok_and(|read| read == b"slow"));
    assert!(start.elapsed() >= 2 * BY);
    assert_eq!(host.disk.heal(), 2);
}

#[test]
fn slowness_multiplies_and_adds_fault_after_fault() {
    let ms = Duration::from_millis;
    let slow = vec![(3, ms(10)), (2, ms(1))];
    let operation = Operation { slow, failed: false };
    assert_eq!(operation.longer(ms(5)), ms((5 * 3 + 10) * 2 + 1 - 5));
}

#[test]
#[should_panic(expected = "a plain file name: ../wal")]
fn files_of_other_folders_are_out_of_reach() {
    let _ = Host::new(1).disk.append("../wal", b"x");
}
