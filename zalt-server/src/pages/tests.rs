//! The pages as a browser without JavaScript uses them, over the application in memory.

mod account;
mod browser;
mod flows;
mod guards;
mod inbox;
mod messages;
mod safety;
mod second_factors;
