//! The storage contract of Zalt as executable behaviours that any backend can run.
