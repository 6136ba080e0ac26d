//! Outgoing mail and templates into bytes, a Message-ID and headers. Pure; the only user of tera.
