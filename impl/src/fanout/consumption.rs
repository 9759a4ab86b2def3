//! How often members open a conversation, held against how often somebody writes to it: the ratio of the rates
//! by which a push pays or does not (Silberstein et al., "Feeding Frenzy", SIGMOD 2010).

/// Messages after which the older half of what is known counts half, so that habits may change.
const MESSAGES_MAX: u64 = 256;
/// Fewer messages say nothing.
const MESSAGES_MIN: u64 = 16;
/// After so many messages without a word of opens, nobody opens the conversation.
const UNHEARD_MAX: u64 = 32;

/// What a chat node knows of it.
#[derive(Default)]
pub struct Consumption {
    /// Opens were told of, or should have been by now. What is told at first began before anybody counted
    /// messages; it is left out, and so the delay with which opens are told does not bend the ratio.
    heard: bool,
    opens: u64,
    messages: u64,
}

impl Consumption {
    /// Members have opened the conversation so often.
    pub fn opened(&mut self, times: u32) {
        if self.heard {
            self.opens += u64::from(times);
        } else {
            *self = Self { heard: true, opens: 0, messages: 0 };
        }
    }

    /// A message was committed.
    pub fn committed(&mut self) {
        self.messages += 1;
        self.heard |= self.messages == UNHEARD_MAX;
        if self.messages == MESSAGES_MAX {
            self.messages /= 2;
            self.opens /= 2;
        }
    }

    /// Opens per member and 100 messages; nothing until enough is known.
    pub fn opens_percent(&self, members: u32) -> Option<u64> {
        let enough = self.heard && self.messages >= MESSAGES_MIN && members > 0;
        enough.then(|| 100 * self.opens / (self.messages * u64::from(members)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_per_member_and_follows_habits() {
        let mut consumption = Consumption::default();
        consumption.committed();
        consumption.opened(1_000);
        (1..MESSAGES_MIN).for_each(|_| consumption.committed());
        assert_eq!(consumption.opens_percent(10), None);
        consumption.committed();
        consumption.opened(80);
        assert_eq!(consumption.opens_percent(10), Some(50), "what was told first does not count");
        assert_eq!(consumption.opens_percent(0), None);
        // Nobody opens it any more.
        (0..4 * MESSAGES_MAX).for_each(|_| consumption.committed());
        assert_eq!(consumption.opens_percent(10), Some(0));
    }

    #[test]
    fn silence_says_something_after_a_while() {
        let mut consumption = Consumption::default();
        (1..UNHEARD_MAX).for_each(|_| consumption.committed());
        assert_eq!(consumption.opens_percent(10), None);
        consumption.committed();
        assert_eq!(consumption.opens_percent(10), Some(0));
    }
}
