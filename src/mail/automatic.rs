//! Whether a mail was sent by a robot, and must not get an automatic answer (RFC 3834 and what the field does).

/// Why a mail counts as automatic.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Automatic {
    /// What kind of robot.
    pub kind: AutomaticKind,
    /// The evidence, for people: `Auto-Submitted: auto-replied`.
    pub evidence: String,
}

/// Kinds of automatic mail, which the desk treats differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AutomaticKind {
    /// An answer made by a robot: out-of-office, vacation, another desk's acknowledgement.
    Reply,
    /// Mail made by a program: an alarm, an invoice, a form.
    Generated,
    /// A mailing list or bulk mail.
    List,
    /// A delivery report or other mail with the null envelope sender.
    Report,
}
