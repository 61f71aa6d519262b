//! Authentication that you own: users, sessions, passwords and sign-in as one storage-agnostic core.
