//! Specs, plans, the loop, the journal, shards.
