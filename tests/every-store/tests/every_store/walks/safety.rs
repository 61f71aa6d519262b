//! The steps of somebody who says that a change was not theirs.

use zalt_core::Error;
use zalt_core::secret::LinkToken;

use super::step::Who;
use super::walk::{Walk, request};

impl Walk {
    /// Follows the link of the newest mail about a change. Whether one works depends on how old it is. It freezes once; while the
    /// account stays frozen it sends the way back again, and once that is over it does nothing.
    pub(super) async fn freeze(&mut self, who: Who) {
        let address = self.people[who].address;
        let Some(link) = self.app.latest_safety_link(address).await else {
            return;
        };
        let token = LinkToken::parse(&link).unwrap();
        let answer = self.zalt().safety().freeze(&request(), &token).await;
        let was_used = self.people[who].used_links.contains(&link);
        if answer.is_err() {
            return;
        }
        assert!(
            !was_used || self.people[who].is_frozen,
            "a link froze an account twice"
        );
        let again = self.zalt().safety().freeze(&request(), &token).await;
        assert!(
            matches!(again, Ok(()) | Err(Error::RateLimited { .. })),
            "{again:?}"
        );
        self.saw("an account frozen");
        self.people[who].used_links.push(link);
        self.people[who].is_frozen = true;
        self.end_sessions(who, None);
    }

    pub(super) async fn lift(&mut self, who: Who) {
        let id = self.people[who].id;
        self.zalt().safety().lift(&request(), id).await.unwrap();
        self.people[who].is_frozen = false;
    }
}
