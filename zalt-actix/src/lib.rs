//! Zalt for actix-web: the mount point and extractors.
