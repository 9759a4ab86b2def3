//! How the swarm draws one fault of each family. Magnitudes reach from hardly noticeable to what
//! makes calls time out; all of them heal.

use im::units::Span;

use super::Drawing;
use crate::engine::rng;
use crate::scenario::{
    Bandwidth, Bursts, ClockDrift, ClockStep, Clog, Collapse, Crash, DelaySpike, DiskFailing,
    DiskFull, DiskSlow, Family, Fault, Halves, Links, Loss, MembershipChurn, NodeRef, Partition,
    Pause, Point, PowerLoss, Probability, Rate, ReconnectStorm, RedisMasterCrash, RedisMasterCut,
    RedisMasterPause, RedisMasterSlow, ResetStorm, Role, RollingRestart, Shift, Swizzle, Target,
    Targets, Way, Workload, role_of,
};

/// Servers that every cluster has.
const SERVERS: [Role; 7] = [
    Role::Registry,
    Role::Redis,
    Role::Log,
    Role::Store,
    Role::Chat,
    Role::Dispatcher,
    Role::Gateway,
];

/// Roles that talk to each other: a cut between others would touch nothing.
const TALKS: [[Role; 2]; 12] = [
    [Role::Device, Role::Gateway],
    [Role::Gateway, Role::Chat],
    [Role::Gateway, Role::Store],
    [Role::Gateway, Role::Redis],
    [Role::Gateway, Role::Registry],
    [Role::Chat, Role::Store],
    [Role::Chat, Role::Registry],
    [Role::Store, Role::Log],
    [Role::Dispatcher, Role::Log],
    [Role::Dispatcher, Role::Store],
    [Role::Dispatcher, Role::Redis],
    [Role::Dispatcher, Role::Gateway],
];

/// Roles whose nodes keep anything on their disks.
const WITH_DISK: [Role; 3] = [Role::Log, Role::Store, Role::Device];

impl Drawing<'_> {
    /// One fault of the family; `None` if it cannot be, here or with these draws.
    pub(super) fn one(&mut self) -> Option<Fault> {
        match self.family {
            Family::Loss => Some(self.loss()),
            Family::DelaySpike => Some(self.delay_spike()),
            Family::Bandwidth => Some(self.bandwidth()),
            Family::Partition => Some(self.partition()),
            Family::Clog => Some(self.clog()),
            Family::Swizzle => Some(self.swizzle()),
            Family::ResetStorm => Some(self.reset_storm()),
            Family::ReconnectStorm => Some(self.reconnect_storm()),
            Family::Crash => self.crash(),
            Family::RollingRestart => self.rolling_restart(),
            Family::ClockStep => Some(self.clock_step()),
            Family::ClockDrift => Some(self.clock_drift()),
            Family::PowerLoss
            | Family::Pause
            | Family::DiskSlow
            | Family::DiskFull
            | Family::DiskFailing => self.of_host(),
            Family::MembershipChurn => self.membership_churn(),
            Family::RedisMasterCrash | Family::RedisMasterPause => self.of_held_master(),
            Family::RedisMasterCut | Family::RedisMasterSlow => self.of_master(),
        }
    }

    fn loss(&mut self) -> Fault {
        let (at, lasts) = self.times();
        let (links, on) = self.aim();
        let in_bursts = self.one_in(2);
        let rate = (!in_bursts).then(|| self.percent(1, 30));
        let bursts = in_bursts.then(|| Bursts {
            enter: self.percent(1, 5),
            leave: self.percent(10, 50),
            loss: self.percent(50, 100),
        });
        Fault::Loss(Loss { at, lasts, links, on, rate, bursts, require_effect: self.required() })
    }

    fn delay_spike(&mut self) -> Fault {
        let (at, lasts) = self.times();
        let (links, on) = self.aim();
        let by = self.span(Span::ms(10), Family::DelaySpike.aftermath_max());
        Fault::DelaySpike(DelaySpike { at, lasts, links, on, by, require_effect: self.required() })
    }

    fn bandwidth(&mut self) -> Fault {
        let (at, lasts) = self.times();
        let (links, on) = self.aim();
        let kbit = self.between(128, 4_000);
        // A queue of up to a second, at this rate.
        let queue = self.between(4_000, (kbit * 125).max(4_000));
        let (rate, require_effect) = (Bandwidth::kbit(kbit), self.required());
        Fault::Bandwidth(Collapse { at, lasts, links, on, rate, queue, require_effect })
    }

    fn partition(&mut self) -> Fault {
        let (at, lasts) = self.times();
        let way = if self.one_in(3) { Way::OneWay } else { Way::Both };
        let halves = match self.below(4) {
            0 => Some(Halves::Servers),
            1 => Some(Halves::All),
            _ => None,
        };
        let between = halves.is_none().then(|| self.sides());
        let require_effect = self.required();
        Fault::Partition(Partition { at, lasts, between, halves, way, require_effect })
    }

    fn clog(&mut self) -> Fault {
        let (at, lasts) = self.times();
        let on = Targets(vec![self.target()]);
        let by = self.span(Span::ms(500), Family::Clog.aftermath_max());
        Fault::Clog(Clog { at, lasts, on, by, require_effect: self.required() })
    }

    fn swizzle(&mut self) -> Fault {
        let (at, lasts) = self.times();
        let roles = match self.one_in(3) {
            true => SERVERS.to_vec(),
            false => vec![self.pick(&SERVERS), Role::Gateway],
        };
        let on = Targets(roles.into_iter().map(Target::Role).collect());
        Fault::Swizzle(Swizzle { at, lasts, on, require_effect: self.required() })
    }

    fn reset_storm(&mut self) -> Fault {
        let (at, lasts) = self.times();
        let every = self.one_in(2).then(|| self.span(Span::ms(50), Span::s(1)));
        let lasts = if every.is_some() { lasts } else { Span::default() };
        let [on, other] = self.sides().map(|side| Targets(vec![side]));
        let with = self.one_in(2).then_some(other);
        let require_effect = self.required();
        Fault::ResetStorm(ResetStorm { at, lasts, on, with, every, require_effect })
    }

    fn reconnect_storm(&mut self) -> Fault {
        let (at, _) = self.times();
        let share = self.percent(10, 100);
        Fault::ReconnectStorm(ReconnectStorm { at, share, require_effect: self.required() })
    }

    fn crash(&mut self) -> Option<Fault> {
        let (node, at, lasts) = self.hold(&[])?;
        let of_role = Point::ALL.iter().copied().filter(|point| role_of(*point) == node.role);
        let points: Vec<Point> = of_role.collect();
        let point = (!points.is_empty() && self.one_in(2)).then(|| self.pick(&points));
        let nth = point.map(|_| self.between(1, 10) as u32);
        let require_effect = self.required();
        Some(Fault::Crash(Crash { at, lasts, node, point, nth, require_effect }))
    }

    fn of_host(&mut self) -> Option<Fault> {
        let on_disk =
            matches!(self.family, Family::DiskSlow | Family::DiskFull | Family::DiskFailing);
        let roles = if on_disk { &WITH_DISK[..] } else { &[] };
        let (node, at, lasts) = self.hold(roles)?;
        let require_effect = self.required();
        Some(match self.family {
            Family::PowerLoss => {
                let torn = self.one_in(2);
                Fault::PowerLoss(PowerLoss { at, lasts, node, torn, require_effect })
            }
            Family::Pause => Fault::Pause(Pause { at, lasts, node, require_effect }),
            Family::DiskSlow => {
                let (times, by) = Family::SLOWEST_DISK;
                let times = self.between(2, u64::from(times)) as u32;
                let by = self.span(Span::default(), by);
                Fault::DiskSlow(DiskSlow { at, lasts, node, times, by, require_effect })
            }
            Family::DiskFull => Fault::DiskFull(DiskFull { at, lasts, node, require_effect }),
            _ => Fault::DiskFailing(DiskFailing { at, lasts, node, require_effect }),
        })
    }

    fn rolling_restart(&mut self) -> Option<Fault> {
        let role = self.pick(&SERVERS);
        let slot = self.below(self.deal.slots());
        if !self.deal.is_rolling(role, slot) {
            return None;
        }
        let nodes = u64::from(self.scenario.nodes(role));
        let length = self.length();
        // Down for two thirds of a node's share of the time. The gap follows the last one, too.
        let share = length.0 / nodes / 3 / 1_000_000;
        if share == 0 {
            return None;
        }
        let (down, gap) = (Span::ms(2 * share), Span::ms(share));
        let restart = RollingRestart {
            at: Span::default(),
            role,
            down,
            gap,
            require_effect: self.required(),
        };
        let lasts = restart.lasts(nodes as u32);
        if !(self.swarm.shortest..=self.swarm.longest).contains(&lasts) {
            return None;
        }
        let at = self.within(slot, lasts);
        Some(Fault::RollingRestart(RollingRestart { at, ..restart }))
    }

    fn clock_step(&mut self) -> Fault {
        let (at, lasts) = self.times();
        let node = self.node_with_clock();
        let size = self.between(10, 60_000) as i64;
        let by = Shift { ms: if self.one_in(2) { size } else { -size } };
        Fault::ClockStep(ClockStep { at, lasts, node, by, require_effect: self.required() })
    }

    fn clock_drift(&mut self) -> Fault {
        let (at, lasts) = self.times();
        let node = self.node_with_clock();
        let size = self.between(50, 50_000) as i32;
        let ppm = if self.one_in(2) { size } else { -size };
        Fault::ClockDrift(ClockDrift { at, lasts, node, ppm, require_effect: self.required() })
    }

    fn membership_churn(&mut self) -> Option<Fault> {
        let groups = self.scenario.workload.iter();
        let names: Vec<&str> = groups
            .filter(|workload| matches!(workload, Workload::Group(_)))
            .map(Workload::name)
            .collect();
        if names.is_empty() {
            return None;
        }
        let (at, lasts) = self.times();
        let workload = self.pick(&names).to_owned();
        let rate = Rate::per_second(self.between(1, 5));
        let require_effect = self.required();
        Some(Fault::MembershipChurn(MembershipChurn { at, lasts, workload, rate, require_effect }))
    }

    /// The master of Redis is killed or stands still, where there are Sentinels to notice.
    fn of_held_master(&mut self) -> Option<Fault> {
        let slot = self.below(self.deal.slots());
        let lasts = self.length();
        let at = self.within(slot, lasts);
        let require_effect = self.required();
        let fault = match self.family {
            Family::RedisMasterCrash => {
                Fault::RedisMasterCrash(RedisMasterCrash { at, lasts, require_effect })
            }
            _ => Fault::RedisMasterPause(RedisMasterPause { at, lasts, require_effect }),
        };
        self.deal.owns_master(self.family, slot).then_some(fault)
    }

    /// The master of Redis is cut off, half of the time with a server, or slow.
    fn of_master(&mut self) -> Option<Fault> {
        if !self.has_sentinels() {
            return None;
        }
        let (at, lasts) = self.times();
        let require_effect = self.required();
        Some(match self.family {
            Family::RedisMasterCut => {
                let role = self.pick(&[Role::Gateway, Role::Dispatcher, Role::Chat]);
                let index = self.below(u64::from(self.scenario.nodes(role))) as u32;
                let with = self.one_in(2).then(|| Targets(vec![role.node(index).into()]));
                Fault::RedisMasterCut(RedisMasterCut { at, lasts, with, require_effect })
            }
            _ => {
                let by = self.span(Span::ms(10), self.family.aftermath_max());
                Fault::RedisMasterSlow(RedisMasterSlow { at, lasts, by, require_effect })
            }
        })
    }

    /// A node that is the family's in some slot, and a time within that slot. `roles` are the ones
    /// to draw from; none means all.
    fn hold(&mut self, roles: &[Role]) -> Option<(NodeRef, Span, Span)> {
        let node = self.node(roles);
        let slot = self.below(self.deal.slots());
        let lasts = self.length();
        let at = self.within(slot, lasts);
        self.deal.owns(self.family, node, slot).then_some((node, at, lasts))
    }

    /// A beginning in the slot, such that the fault ends `longest` after its start at the latest.
    fn within(&mut self, slot: u64, lasts: Span) -> Span {
        let start = self.deal.start(slot);
        let late = self.span(Span::default(), Span(self.swarm.longest.0 - lasts.0));
        Span(start.0 + late.0)
    }

    /// A server most of the time, else a device. Roles with few nodes come as often as the others.
    fn node(&mut self, roles: &[Role]) -> NodeRef {
        let role = match roles {
            [] if self.one_in(5) => Role::Device,
            [] => self.server(),
            roles => self.pick(roles),
        };
        role.node(self.below(u64::from(self.scenario.nodes(role))) as u32)
    }

    /// Any node, but half of the time a chat node: those make ids from their wall clocks.
    fn node_with_clock(&mut self) -> NodeRef {
        let roles = if self.one_in(2) { &[Role::Chat][..] } else { &[] };
        self.node(roles)
    }

    /// A role, a node, or a region if there are any.
    fn target(&mut self) -> Target {
        let regions = &self.scenario.cluster.regions;
        if !regions.is_empty() && self.one_in(4) {
            let place = rng::below(&mut self.rng, regions.len() as u64) as usize;
            return Target::Region(regions[place].clone());
        }
        match self.one_in(2) {
            true => self.node(&[]).into(),
            false => Target::Role(self.server()),
        }
    }

    /// A role of servers; where there are Sentinels, theirs as often as Redis'.
    fn server(&mut self) -> Role {
        let role = self.pick(&SERVERS);
        match role == Role::Redis && self.has_sentinels() && self.one_in(2) {
            true => Role::Sentinel,
            false => role,
        }
    }

    fn has_sentinels(&self) -> bool {
        self.scenario.cluster.redis.sentinels > 0
    }

    /// Two sides that talk to each other, in either order: regions, or roles, or nodes of them.
    fn sides(&mut self) -> [Target; 2] {
        let regions = &self.scenario.cluster.regions;
        if regions.len() >= 2 && self.one_in(4) {
            return [regions[0].clone(), regions[1].clone()].map(Target::Region);
        }
        let [one, other] = match self.has_sentinels() && self.one_in(4) {
            true => [Role::Sentinel, Role::Redis],
            false => self.pick(&TALKS),
        };
        let roles = if self.one_in(2) { [one, other] } else { [other, one] };
        roles.map(|role| match self.one_in(2) {
            true => Target::Role(role),
            false => role.node(self.below(u64::from(self.scenario.nodes(role))) as u32).into(),
        })
    }

    fn aim(&mut self) -> (Option<Links>, Option<Targets>) {
        match self.below(4) {
            0 => (Some(Links::Clients), None),
            1 => (Some(Links::Backend), None),
            _ => (None, Some(Targets(vec![self.target()]))),
        }
    }

    fn percent(&mut self, least: u64, most: u64) -> Probability {
        Probability::percent(self.between(least, most) as u32)
    }

    fn required(&self) -> bool {
        self.swarm.require_effect
    }
}
