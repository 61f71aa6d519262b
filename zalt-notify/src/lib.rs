//! Mail and SMS for Zalt: SMTP, Twilio, an HTTP hook, console.
