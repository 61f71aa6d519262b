//! Several replicas on one database: whatever happens to one of them, to PostgreSQL or to Redis, no acknowledged write is
//! lost, and nothing that is over comes back.
//!
//! - `ZALT_RESILIENCE_SECONDS`: how long people use the replicas before and after each thing that happens (2)
//! - `ZALT_RESILIENCE_SEED`: which random choices people make; what the machine does in between is not in the seed
//! - `ZALT_RESILIENCE_FIGURES`: a file to which what was measured is added, in Markdown

mod budgets;
mod calls;
mod cluster;
mod faults;
mod figures;
mod load;
mod mails;
mod notices;
mod on_sqlite;
mod person;
mod proxy;
mod pulse;
mod revoked;
mod site;
mod start;
mod worker;
mod world;
