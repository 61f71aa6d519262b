use super::{ConfigError, DAY, check_rate, hourly};
use crate::budget::Budget;
use crate::identifier::Region;

/// Phone numbers: whose are accepted, and how many text messages are sent.
///
/// Each text message costs money, and some of it goes to whoever runs the network of the number. So there are limits in
/// every direction from which somebody could have codes sent to numbers of their own.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PhoneNumberConfig {
    /// The countries whose numbers are accepted. With none, which is the default, there are no phone numbers.
    pub countries: Vec<Region>,
    /// Text messages to one number, 5 an hour.
    pub messages_per_number: Budget,
    /// Text messages to numbers that differ in their last four digits only, 20 an hour.
    pub messages_per_block: Budget,
    /// Text messages to all numbers of one user together, 20 a day: those that the user asks for have a budget of their own, and
    /// those that anybody may ask for who signs in have another.
    pub messages_per_user: Budget,
    /// Text messages that one network may ask for, 10 an hour.
    pub messages_per_network: Budget,
    /// All text messages, 500 an hour: the most that can be spent.
    pub messages: Budget,
    /// Text messages to one country whose codes don't come back, 50 a day. A code that comes back gives one back.
    pub unanswered_per_country: Budget,
}

impl PhoneNumberConfig {
    pub(super) const fn new() -> Self {
        Self {
            countries: Vec::new(),
            messages_per_number: hourly(5),
            messages_per_block: hourly(20),
            messages_per_user: daily(20),
            messages_per_network: hourly(10),
            messages: hourly(500),
            unanswered_per_country: daily(50),
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        for (setting, budget) in [
            (
                "phone_numbers.messages_per_number",
                self.messages_per_number,
            ),
            ("phone_numbers.messages_per_block", self.messages_per_block),
            (
                "phone_numbers.messages_per_network",
                self.messages_per_network,
            ),
            ("phone_numbers.messages_per_user", self.messages_per_user),
            ("phone_numbers.messages", self.messages),
            (
                "phone_numbers.unanswered_per_country",
                self.unanswered_per_country,
            ),
        ] {
            check_rate(setting, budget)?;
        }
        Ok(())
    }
}

const fn daily(tries: u32) -> Budget {
    Budget::Rate { tries, period: DAY }
}
