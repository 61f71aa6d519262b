//! The front page.

use crate::pages::fault::Outcome;
use crate::pages::views::HomeView;
use crate::pages::visit::Visit;

pub(super) async fn show(visit: Visit) -> Outcome {
    // Whose session is over is a stranger here; the next page that needs one says so.
    let page = match visit.visitor().await {
        Ok(visitor) => visitor.page(&visit),
        Err(_) => visit.page(),
    };
    visit.show(&HomeView { page })
}
