//! Every Zalt endpoint as one tower service over http types.
