//! Which program this is.

/// The release and, where it was built from a git checkout, the last commit that touched the sources:
/// `0.2.0 (1a2b3c4d5e)`, with `+ changes` behind the commit where they differed from it.
pub(crate) const FULL: &str = env!("INDIEVAL_VERSION");
