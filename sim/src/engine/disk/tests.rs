//! The disk by itself: costs and queues, what power takes, what faults do.

use super::*;

const PROFILE: DiskProfile =
    DiskProfile { sync: 10, write_bytes_per_s: 1_000_000_000, read: 5, read_bytes_per_s: 0 };

fn disk(seed: u64) -> Disk {
    Disk::new(PROFILE, rng::stream(seed, "disk"))
}

fn append(disk: &mut Disk, bytes: &[u8]) {
    disk.append("wal", bytes).expect("room");
}

fn sync(disk: &mut Disk) -> io::Result<()> {
    let operation = disk.begin_sync("wal", 0);
    disk.finish_sync("wal", operation)
}

fn content(disk: &mut Disk) -> Vec<u8> {
    let read = disk.begin_read("wal", 0);
    disk.finish_read("wal", read).expect("readable")
}

#[test]
fn only_the_synced_prefix_survives_a_loss_of_power() {
    let mut disk = disk(1);
    append(&mut disk, b"one");
    sync(&mut disk).expect("works");
    append(&mut disk, b"two");
    disk.append("new", b"never synced").expect("room");
    assert_eq!(content(&mut disk), b"onetwo");
    assert_eq!(disk.lose_power(false), 15);
    assert_eq!(content(&mut disk), b"one");
    assert_eq!(disk.len("new"), 0);
}

#[test]
fn a_sync_covers_and_pays_for_what_no_sync_before_it_does_and_operations_queue() {
    let mut disk = disk(1);
    append(&mut disk, &[1; 100]);
    let first = disk.begin_sync("wal", 1_000);
    assert_eq!(first.done, 1_110, "10 ns and 100 bytes at a byte each");
    append(&mut disk, &[2; 7]);
    let second = disk.begin_sync("wal", 1_050);
    assert_eq!(second.done, 1_127, "behind the first; 10 ns and 7 bytes");
    assert_eq!(disk.begin_read("wal", 1_050).done, 1_132);
    assert_eq!(disk.begin_read("absent", 1_050).done, 1_050, "nothing to read");
    disk.finish_sync("wal", first).expect("works");
    assert_eq!(disk.lose_power(false), 7);
    assert_eq!(content(&mut disk), [1; 100]);
}

#[test]
fn a_torn_tail_is_a_prefix_damaged_within_its_last_sector_and_never_in_what_was_synced() {
    let (synced, tail) = (vec![7; 700], vec![9; 2_000]);
    let (mut lengths, mut damages) = (std::collections::BTreeSet::new(), 0);
    for seed in 0..200 {
        let mut disk = disk(seed);
        append(&mut disk, &synced);
        sync(&mut disk).expect("works");
        append(&mut disk, &tail);
        let lost = disk.lose_power(true) as usize;
        let left = content(&mut disk);
        assert_eq!(left.len() + lost, 2_700);
        assert!(left.starts_with(&synced));
        let whole = left.len().saturating_sub(1) / 512 * 512;
        assert!(left[700..whole.max(700)].iter().all(|byte| *byte == 9), "seed {seed}");
        damages += usize::from(left[700..].iter().any(|byte| *byte != 9));
        lengths.insert(left.len());
        assert_eq!(disk.lose_power(true), 0, "what is left is on the device");
        assert_eq!(content(&mut disk), left);
    }
    assert!(lengths.len() > 150, "{} lengths", lengths.len());
    assert!((60..140).contains(&damages), "{damages} of 200 damaged");
}

#[test]
fn a_full_disk_takes_what_fits_into_the_last_block() {
    let mut disk = disk(1);
    append(&mut disk, &[1; 4_000]);
    disk.impose(DiskFault::Full);
    append(&mut disk, &[2; 90]);
    let error = disk.append("wal", &[3; 10]).expect_err("full");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(disk.len("wal"), 4_096, "a part of the append stays");
    assert!(disk.append("new", b"x").is_err());
    sync(&mut disk).expect("what is written has its room");
    disk.truncate("wal", 4_090).expect("a full disk can be cut");
    assert_eq!(disk.heal(), 2);
    append(&mut disk, &[3; 10]);
    assert_eq!(disk.len("wal"), 4_100);
}

#[test]
fn what_a_failed_sync_covered_is_gone_also_when_a_later_one_succeeds() {
    let mut disk = disk(1);
    append(&mut disk, b"one");
    sync(&mut disk).expect("works");
    append(&mut disk, b"two");
    let under_way = disk.begin_sync("wal", 0);
    disk.impose(DiskFault::Failing);
    assert_eq!(disk.finish_sync("wal", under_way).expect_err("fails").raw_os_error(), Some(5));
    assert!(disk.append("wal", b"no").is_err());
    assert!(disk.truncate("wal", 0).is_err());
    let read = disk.begin_read("wal", 0);
    assert!(disk.finish_read("wal", read).is_err());
    assert_eq!(disk.heal(), 4, "the sync, the append, the cut, the read");
    append(&mut disk, b"six");
    sync(&mut disk).expect("works again");
    assert_eq!(content(&mut disk), b"one\0\0\0six");
}

#[test]
fn a_slow_disk_takes_its_factor_and_its_surcharge() {
    let mut disk = disk(1);
    disk.impose(DiskFault::Slow { times: 3, by: 1_000 });
    append(&mut disk, &[0; 20]);
    assert_eq!(disk.begin_sync("wal", 0).done, 1_090);
    assert_eq!(disk.heal(), 1);
    assert_eq!(disk.begin_sync("wal", 2_000).done, 2_010);
}
