//! Template text and a probe become pieces of text; chat templates.
