//! The end of a world's life: everything has healed, and whatever is owed must come.

use std::sync::atomic::Ordering;

use im::config::Pull;
use im::env::Nanos;
use im::units::Span;

use super::{LOOK, Progress, World};
use crate::cluster::Device;
use crate::engine::Engine;
use crate::history::What;
use crate::recorder::Recorder;

/// The longest that is waited for what the last Redis master has.
const READ_BACK_MAX: Span = Span::s(30);

impl<G: Engine> World<'_, G> {
    /// Everything has healed; runs until nothing is owed, or for `settle`.
    pub(super) fn settle(&mut self, settle: Nanos, origin: Nanos, progress: &Progress) {
        let end = self.engine.now() + settle;
        let mut opened = None;
        while self.engine.now() < end && !progress.stop.load(Ordering::Relaxed) {
            // Who wrote to a master that was replaced loses it when that master gives it up.
            let one_master =
                self.cluster.redis_clients.is_none() || self.cluster.has_one_redis_master();
            if one_master
                && self.cluster.devices.iter().all(|device| is_up_to_date(&self.recorder, device))
            {
                break;
            }
            self.open_what_is_lacking(&mut opened);
            let next = (self.engine.now() + LOOK.0).min(end).min(self.next_sample(origin));
            self.engine.run_until(next);
            self.sample(origin);
            progress.virtual_ns.store(next - origin, Ordering::Relaxed);
        }
        self.read_back_redis(progress);
        let now = self.engine.now();
        for device in &self.cluster.devices {
            for (conversation, seq) in device.cursors() {
                self.recorder.note(now, device.id, What::Cursor { conversation, seq });
            }
        }
    }

    /// Where devices hear of rows only when conversations are opened: users open what their devices
    /// lack, now and again after each `im.device_timeout`. `last` is when they last did.
    pub(super) fn open_what_is_lacking(&self, last: &mut Option<Nanos>) {
        let (now, im) = (self.engine.now(), &self.scenario.im);
        let due = last.is_none_or(|last| now >= last + im.device_timeout.0);
        if im.pull == Pull::OnNotify || !due {
            return;
        }
        *last = Some(now);
        for device in &self.cluster.devices {
            let Some(client) = device.slot.client() else { continue };
            for conversation in self.recorder.lacking(device.id.user, &client.cursors()) {
                client.open(conversation);
            }
        }
    }

    /// Lets an observer see what the last master has.
    fn read_back_redis(&mut self, progress: &Progress) {
        let Some(clients) = &self.cluster.redis_clients else { return };
        self.engine.start(clients.observer);
        let until = self.engine.now() + READ_BACK_MAX.0;
        while clients.recorder.history().read_back.is_none()
            && self.engine.now() < until
            && !progress.stop.load(Ordering::Relaxed)
        {
            self.engine.run_until(self.engine.now() + LOOK.0);
        }
    }
}

impl Device {
    fn cursors(&self) -> Vec<(im::model::ConversationId, im::model::Seq)> {
        self.slot.client().map(|client| client.cursors()).unwrap_or_default()
    }
}

/// Whether the device knows the outcome of all it was asked for and has all rows it must have.
pub(super) fn is_up_to_date(recorder: &Recorder, device: &Device) -> bool {
    device.slot.client().is_some_and(|client| {
        client.unsettled() == 0 && recorder.lacking(device.id.user, &client.cursors()).is_empty()
    })
}
