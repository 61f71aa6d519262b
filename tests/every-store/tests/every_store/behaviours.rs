//! The HTTP behaviours that the adapters pass on the store in memory.

use futures_util::future::LocalBoxFuture;
use zalt_http::ZaltHttp;
use zalt_http_behaviours::{Adapter, Behaviour, Client, InProcess, Stores};

use crate::places::{Place, Schema, in_a_file, on_a_runtime};

/// The API over the store in one place.
struct Over<'p>(&'p dyn Place);

impl Adapter for Over<'_> {
    fn serve(&self, http: ZaltHttp) -> LocalBoxFuture<'_, Box<dyn Client>> {
        InProcess.serve(http)
    }

    fn stores(&self) -> LocalBoxFuture<'_, Stores> {
        self.0.stores()
    }
}

fn run(behaviour: &Behaviour, place: &dyn Place) {
    on_a_runtime(behaviour.run(&Over(place)));
}

mod sqlite {
    use super::*;

    zalt_http_behaviours::tests!(|behaviour| run(behaviour, &in_a_file()));
}

mod postgres {
    use super::*;

    zalt_http_behaviours::tests!(ignored "needs PostgreSQL: cargo xtask test", |behaviour| run(
        behaviour,
        &Schema::new()
    ));
}
