//! Tests of the whole: mails, stories, layering.

mod corpus;
