//! The workload of a run as data: devices, conversations, and every action with its time.
//!
//! A [`Plan`] is drawn from scenario and seed before the world begins, so that it can be printed,
//! replayed and shrunk. One kind of workload per file, behind one function each. It must not know
//! how actions are carried out.

mod arrivals;
mod churn;
mod group;
mod one_to_one;
mod opens;

use im::env::Nanos;
use im::model::{ConversationId, DeviceId, UserId};
use indexmap::IndexSet;

use crate::engine::rng;
use crate::faults::{Act, Drawn};
use crate::history::Operation;
use crate::scenario::{Scenario, Workload};

/// Who there is and what they do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Plan {
    /// Every device, by user and index.
    pub devices: Vec<DeviceId>,
    /// Conversations, to be opened before the clock of the scenario starts.
    pub conversations: Vec<Conversation>,
    /// What users do, in the order of the times.
    pub actions: Vec<Planned>,
}

/// A conversation to be opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// Its first members; the first one opens it.
    pub members: Vec<UserId>,
    /// The workload that uses it, by its place in the scenario.
    pub workload: usize,
}

/// What a user does on a device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Asks for an operation, which has an outcome.
    Ask(Operation),
    /// Opens the conversation and looks at what is there.
    Open,
}

/// One action on one device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Planned {
    /// When the user intends it, from the start of `duration`.
    pub at: Nanos,
    /// On which device.
    pub device: DeviceId,
    /// Where.
    pub conversation: ConversationId,
    /// What.
    pub action: Action,
    /// The churn it belongs to, by its place among the run's faults.
    pub fault: Option<usize>,
}

impl Plan {
    /// Draws the plan of a run with these faults. Each workload, its opens and each churn have their
    /// own random stream.
    pub fn draw(scenario: &Scenario, faults: &[Drawn], seed: u64) -> Self {
        let mut plan = Self { devices: devices(scenario, seed), ..Self::default() };
        for (number, workload) in scenario.workload.iter().enumerate() {
            let first = plan.conversations.len();
            let mut rng = rng::stream(seed, &format!("workload {}", workload.name()));
            let conversations = match workload {
                Workload::OneToOne(spec) => one_to_one::conversations(spec, scenario, &mut rng),
                Workload::Group(spec) => group::conversations(spec, scenario, &mut rng),
            };
            for members in conversations {
                let id = ConversationId(plan.conversations.len() as u64 + 1);
                plan.conversations.push(Conversation { id, members, workload: number });
            }
            let mut rooms: Vec<churn::Room> =
                plan.conversations[first..].iter().map(churn::Room::new).collect();
            let changes = plan.churn(scenario, faults, seed, workload.name(), &mut rooms);
            plan.actions.extend(changes);
            let times = arrivals::poisson(workload.rate(), 0, scenario.duration.0, &mut rng);
            for at in times {
                let sent = plan.send(at, workload, &rooms, &mut rng);
                plan.actions.push(sent);
            }
            if let Some(rate) = workload.consume_rate() {
                let mut rng = rng::stream(seed, &format!("opens {}", workload.name()));
                let opened = opens::draw(&plan, &rooms, rate, scenario.duration.0, &mut rng);
                plan.actions.extend(opened);
            }
        }
        plan.actions.sort_by_key(|planned| planned.at);
        plan
    }

    /// The joins and leaves in the rooms of one workload.
    fn churn(
        &self,
        scenario: &Scenario,
        faults: &[Drawn],
        seed: u64,
        name: &str,
        rooms: &mut [churn::Room],
    ) -> Vec<Planned> {
        let mut changes = Vec::new();
        for (number, fault) in faults.iter().enumerate() {
            if let Act::Churn { workload, rate } = &fault.act
                && workload == name
            {
                let mut rng = rng::stream(seed, &format!("churn {}", fault.origin));
                let users = scenario.population.users;
                let times = arrivals::poisson(*rate, fault.at, fault.until, &mut rng);
                let drawn = churn::changes(times, users, rooms, &mut rng);
                let of_fault = |planned| Planned { fault: Some(number), ..planned };
                changes.extend(drawn.into_iter().map(of_fault));
            }
        }
        changes
    }

    /// A random member of a random room says something, on one of their devices.
    fn send(
        &self,
        at: Nanos,
        workload: &Workload,
        rooms: &[churn::Room],
        rng: &mut rng::Stream,
    ) -> Planned {
        let room = &rooms[rng::below(rng, rooms.len() as u64) as usize];
        let members = room.members_at(at);
        let user = members[rng::below(rng, members.len() as u64) as usize];
        let of_user: Vec<&DeviceId> = self.devices_of(user).collect();
        let device = *of_user[rng::below(rng, of_user.len() as u64) as usize];
        let bytes = arrivals::payload_bytes(workload.payload(), rng);
        Planned {
            at,
            device,
            conversation: room.id,
            action: Action::Ask(Operation::Send(bytes)),
            fault: None,
        }
    }

    /// How many operations users ask for.
    pub fn operations(&self) -> usize {
        self.actions.iter().filter(|planned| planned.action != Action::Open).count()
    }

    /// The user's devices.
    pub fn devices_of(&self, user: UserId) -> impl Iterator<Item = &DeviceId> {
        let first = self.devices.partition_point(|device| device.user < user);
        self.devices[first..].iter().take_while(move |device| device.user == user)
    }
}

fn devices(scenario: &Scenario, seed: u64) -> Vec<DeviceId> {
    let mut rng = rng::stream(seed, "devices");
    let mut devices = Vec::new();
    for user in (0..scenario.population.users).map(UserId) {
        devices.push(DeviceId { user, index: 0 });
        if rng::chance_ppm(&mut rng, scenario.population.second_device.per_million()) {
            devices.push(DeviceId { user, index: 1 });
        }
    }
    devices
}

/// `count` different users of `users`, in random order.
fn draw_users(count: u32, users: u32, rng: &mut rng::Stream) -> Vec<UserId> {
    assert!(count <= users, "validated");
    if count < users / 4 {
        let mut drawn = IndexSet::new();
        while drawn.len() < count as usize {
            drawn.insert(UserId(rng::below(rng, u64::from(users)) as u32));
        }
        return drawn.into_iter().collect();
    }
    let mut drawn: Vec<u32> = (0..users).collect();
    for place in 0..count as usize {
        let other = place + rng::below(rng, u64::from(users) - place as u64) as usize;
        drawn.swap(place, other);
    }
    drawn.truncate(count as usize);
    drawn.into_iter().map(UserId).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        duration = "60s"
        [population]
        users = 50
        [[workload]]
        kind = "one-to-one"
        name = "pairs"
        pairs = 20
        rate = "10/s"
        [[workload]]
        kind = "group"
        name = "groups"
        groups = 5
        members = { zipf = 1.0, min = 3, max = 30 }
        rate = "5/s"
        [[faults]]
        kind = "membership-churn"
        workload = "groups"
        at = "10s"
        lasts = "40s"
        rate = "2/s"
    "#;

    fn scenario(sets: &[&str]) -> Scenario {
        let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
        Scenario::from_str("test", TEXT, &sets).expect("valid")
    }

    fn drawn(sets: &[&str], seed: u64) -> Plan {
        let scenario = scenario(sets);
        Plan::draw(&scenario, &crate::faults::draw(&scenario, seed), seed)
    }

    #[test]
    fn rates_and_counts_are_met_and_times_rise() {
        let plan = drawn(&[], 1);
        assert_eq!(plan.conversations.len(), 25);
        assert!(plan.actions.windows(2).all(|pair| pair[0].at <= pair[1].at));
        let is_send = |p: &&Planned| matches!(p.action, Action::Ask(Operation::Send(_)));
        let sends = plan.actions.iter().filter(is_send);
        assert!((780..1020).contains(&sends.count()), "about 900");
        let changes = plan.actions.iter().filter(|p| !is_send(p));
        assert!((50..110).contains(&changes.count()), "about 80");
    }

    #[test]
    fn one_workload_draws_nothing_from_another() {
        let of_groups = |plan: &Plan| -> Vec<Planned> {
            let sends = plan.actions.iter().filter(|planned| planned.conversation.0 > 20);
            sends.cloned().collect()
        };
        let before = drawn(&[], 3);
        let after = drawn(&["workload.pairs.rate=50/s"], 3);
        assert_eq!(of_groups(&before), of_groups(&after));
        assert_ne!(before, drawn(&[], 4));
    }

    #[test]
    fn members_open_their_conversations_and_nothing_else_moves() {
        let before = drawn(&[], 3);
        let mut after = drawn(&["workload.pairs.consume_rate=0.2/s"], 3);
        let opens: Vec<Planned> =
            after.actions.extract_if(.., |planned| planned.action == Action::Open).collect();
        assert_eq!(after, before);
        let devices: usize = (0..20)
            .flat_map(|pair| &before.conversations[pair].members)
            .map(|member| before.devices_of(*member).count())
            .sum();
        let expected = devices * 60 / 5;
        assert!((expected * 9 / 10..expected * 11 / 10).contains(&opens.len()), "{}", opens.len());
        for open in opens {
            let of = &before.conversations[open.conversation.0 as usize - 1];
            assert!(of.members.contains(&open.device.user));
        }
    }

    #[test]
    fn who_has_left_does_not_open() {
        let plan = drawn(&["workload.groups.consume_rate=1/s"], 3);
        let (left, who) = plan
            .actions
            .iter()
            .find_map(|planned| {
                let leave = planned.action == Action::Ask(Operation::Leave);
                leave.then_some((planned.at, (planned.device.user, planned.conversation)))
            })
            .expect("half of the churn are leaves");
        let of_leaver = plan.actions.iter().filter(|planned| {
            planned.action == Action::Open && (planned.device.user, planned.conversation) == who
        });
        assert!(of_leaver.clone().count() > 0);
        assert!(of_leaver.clone().all(|open| open.at < left), "a user changes a room once");
    }
}
