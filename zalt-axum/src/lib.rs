//! Zalt for axum: a layer, extractors and the mounted endpoints.
