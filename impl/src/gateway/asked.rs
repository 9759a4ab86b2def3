//! Rows that a device has asked for. A device that asks again gets no second answer while the first one is being
//! made, or is under way in the stream: over a slow link its page would come twice, behind itself. It must not
//! know how rows are found.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::env::Nanos;
use crate::model::{ConversationId, Seq};
use crate::proto::chat::Request;

enum Question {
    /// Somebody is asked; and what the device has asked for since.
    UnderWay(Option<Request>),
    /// A page that covers everything up to this seq was said. The device acks it when it has taken it in; it may
    /// have lost it if it has not by then.
    Answered(Seq, Nanos),
}

/// What one device has asked for.
#[derive(Default)]
pub struct Asked(RefCell<BTreeMap<ConversationId, Question>>);

impl Asked {
    /// The device asks: whether an answer is on its way already. If not, somebody is asked now.
    pub fn joins(&self, conversation: ConversationId, request: &Request, now: Nanos) -> bool {
        let mut questions = self.0.borrow_mut();
        match questions.get_mut(&conversation) {
            Some(Question::UnderWay(again)) => {
                *again = Some(request.clone());
                return true;
            }
            Some(Question::Answered(_, until)) if now < *until => return true,
            Some(Question::Answered(..)) | None => {}
        }
        questions.insert(conversation, Question::UnderWay(None));
        false
    }

    /// There is an answer that covers everything up to `covered` and counts `until` then, or nobody has one. What is to
    /// be asked now, if the device has asked again meanwhile and there is none.
    pub fn answered(
        &self,
        conversation: ConversationId,
        covered: Option<Seq>,
        until: Nanos,
    ) -> Option<Request> {
        let mut questions = self.0.borrow_mut();
        let asked = questions.remove(&conversation);
        if let Some(covered) = covered {
            questions.insert(conversation, Question::Answered(covered, until));
            return None;
        }
        let Some(Question::UnderWay(Some(again))) = asked else { return None };
        questions.insert(conversation, Question::UnderWay(None));
        Some(again)
    }

    /// The device has everything up to `upto`, and may ask for more.
    pub fn acked(&self, conversation: ConversationId, upto: Seq) {
        let mut questions = self.0.borrow_mut();
        if let Some(Question::Answered(covered, _)) = questions.get(&conversation)
            && upto >= *covered
        {
            questions.remove(&conversation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::UserId;

    const C: ConversationId = ConversationId(1);

    fn sync(after: Seq) -> Request {
        let user = UserId(1);
        Request::Sync { user, conversation: C, after, heard_of: 9, before: None }
    }

    #[test]
    fn a_repeat_waits_for_the_answer_to_the_first_question() {
        let asked = Asked::default();
        assert!(!asked.joins(C, &sync(0), 0));
        assert!(asked.joins(C, &sync(1), 1));
        assert_eq!(asked.answered(C, None, 50), Some(sync(1)), "nobody had one");
        assert!(asked.joins(C, &sync(2), 2));
        assert_eq!(asked.answered(C, Some(5), 50), None);
        assert!(asked.joins(C, &sync(3), 3), "the page is under way");
        asked.acked(C, 4);
        assert!(asked.joins(C, &sync(4), 4), "of what came before it");
        asked.acked(C, 5);
        assert!(!asked.joins(C, &sync(5), 5));
    }

    #[test]
    fn an_answer_that_is_never_acked_counts_for_a_while() {
        let asked = Asked::default();
        asked.joins(C, &sync(0), 0);
        asked.answered(C, Some(5), 50);
        assert!(asked.joins(C, &sync(0), 49));
        assert!(!asked.joins(C, &sync(0), 50));
        asked.answered(C, None, 90);
        assert!(!asked.joins(C, &sync(0), 51), "nobody had one, and nobody asked again");
    }
}
