//! One device's view of one conversation: the rows it is owed beside the rows it showed.
//!
//! This is where membership (which user), first login (which device) and the rows known to exist
//! meet. Walking all views costs about as much as there are owed and shown pairs. It judges
//! nothing.

use im::model::Seq;

use super::index::{Index, Row, Show, Timeline};
use super::membership::{Segment, Standing};
use crate::history::Operation;

/// What a device is owed of a conversation, and what it showed of it.
pub struct View<'a> {
    /// The device.
    pub device: usize,
    /// The conversation.
    pub conversation: usize,
    /// What is known of the conversation.
    pub timeline: &'a Timeline,
    /// The known rows that the device is owed, surely or maybe, by rising seq.
    pub expected: Vec<Expected>,
    /// The device's shows, in the order of the history.
    pub shows: &'a [Show],
    /// Where the device's user is owed rows.
    segments: &'a [Segment],
}

/// A row that a device is owed.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// The row's position in the timeline.
    pub row: usize,
    /// The row's seq.
    pub seq: Seq,
    /// How sure that is.
    pub standing: Standing,
}

/// Every view of a conversation: of its members' devices and of whatever device showed a row.
pub fn views<'a>(
    index: &'a Index<'_>,
    conversation: usize,
    timeline: &'a Timeline,
) -> impl Iterator<Item = View<'a>> {
    let shows = index.shows_in(timeline);
    let members = timeline.members.keys().filter_map(|user| index.users.get(user));
    let mut devices: Vec<usize> = members.flatten().copied().collect();
    devices.extend(shows.chunk_by(same_device).map(|chunk| chunk[0].device as usize));
    devices.sort_unstable();
    devices.dedup();
    devices.into_iter().map(move |device| {
        let from = shows.partition_point(|show| (show.device as usize) < device);
        let len = shows[from..].partition_point(|show| show.device as usize == device);
        let user = index.device(device).user;
        let segments = timeline.members.get(&user).map_or(&[][..], Vec::as_slice);
        let expected = expected(index, timeline, segments, device);
        let shows = &shows[from..from + len];
        View { device, conversation, timeline, expected, shows, segments }
    })
}

impl View<'_> {
    /// The device's durable cursor at the end; 0 when it has none.
    pub fn cursor(&self) -> Seq {
        self.timeline.cursors.get(&self.device).copied().unwrap_or(0)
    }

    /// The shows by rising seq, each seq once, with its first show.
    pub fn shown(&self) -> Vec<Show> {
        let mut shown = self.shows.to_vec();
        if !rising(&shown) {
            shown.sort_by_key(|show| show.seq);
            shown.dedup_by_key(|show| show.seq);
        }
        shown
    }

    /// The expected rows, each with whether it was shown.
    pub fn expected_and_shown(&self) -> impl Iterator<Item = (Expected, bool)> {
        let shown = self.shown();
        let mut next = 0;
        self.expected.iter().map(move |expected| {
            while next < shown.len() && shown[next].seq < expected.seq {
                next += 1;
            }
            (*expected, shown.get(next).is_some_and(|show| show.seq == expected.seq))
        })
    }

    /// How the row at `seq` stands to this device; `None` when it is not owed.
    pub fn standing(&self, seq: Seq) -> Option<Standing> {
        let at = self.expected.binary_search_by_key(&seq, |expected| expected.seq).ok()?;
        Some(self.expected[at].standing)
    }

    /// Whether the device may show the row at `seq` although it is not owed: the row tells of its
    /// own user's membership, or the user was (or maybe was) a member then and only the device
    /// came later.
    pub fn harmless(&self, index: &Index<'_>, seq: Seq) -> bool {
        let at = self.segments.partition_point(|segment| segment.to < seq);
        let member = self.segments.get(at).is_some_and(|segment| segment.from <= seq);
        let own = || self.timeline.row(seq).is_some_and(|row| own_row(index, row, self.device));
        member || own()
    }
}

/// Whether the shows come by strictly rising seq, as they should.
pub fn rising(shows: &[Show]) -> bool {
    shows.is_sorted_by(|one, next| one.seq < next.seq)
}

fn same_device(one: &Show, other: &Show) -> bool {
    one.device == other.device
}

fn expected(
    index: &Index<'_>,
    timeline: &Timeline,
    segments: &[Segment],
    device: usize,
) -> Vec<Expected> {
    let Some(login) = index.devices[device] else { return Vec::new() };
    let rows = &timeline.rows;
    let mut expected = Vec::new();
    for segment in segments {
        let from = rows.partition_point(|row| row.seq < segment.from);
        let known = rows[from..].iter().enumerate();
        for (offset, row) in known.take_while(|(_, row)| row.seq <= segment.to) {
            if own_row(index, row, device) {
                continue;
            }
            if let Some(sure) = since_login(index, row, login) {
                let standing = segment.standing.min(sure);
                expected.push(Expected { row: from + offset, seq: row.seq, standing });
            }
        }
    }
    expected
}

/// A device is owed what was asked for after its first login, and not what was acked, or shown on
/// another device, before it.
fn since_login(index: &Index<'_>, row: &Row, login: usize) -> Option<Standing> {
    let invoked = row.operation.map(|operation| index.operations[operation].invoked);
    if invoked.is_some_and(|invoked| invoked > login) {
        Some(Standing::Owed)
    } else if row.seen < login {
        None
    } else {
        Some(Standing::Maybe)
    }
}

/// Whether the row tells of a change of the membership of the device's own user. Such rows are
/// neither owed to the device nor a leak.
fn own_row(index: &Index<'_>, row: &Row, device: usize) -> bool {
    let user = index.device(device).user;
    let Some(operation) = row.operation else { return false };
    match index.operations[operation].operation {
        Operation::Create(members) => members.contains(&user),
        Operation::Join | Operation::Leave => row.key.sender == user,
        Operation::Send(_) => false,
    }
}
