//! What an application does, tried on every store: see `tests/every_store`.
