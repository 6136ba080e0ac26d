//! Every table and key that a configuration may hold. `config.toml` documents them; a test compares the two.

/// A table of the file and the keys it may hold.
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Written `[[name]]`, any number of times.
    pub many: bool,
    /// Its keys.
    pub keys: &'static [&'static str],
}

/// Everything a file may hold; anything else is a fault.
pub const TABLES: &[Table] = &[
    Table {
        name: "desk",
        many: false,
        keys: &[
            "name",
            "domain",
            "database",
            "admins",
            "tag",
            "templates",
            "trust_from",
            "link_valid",
            "key_valid",
            "sent_kept",
            "hold_replies",
        ],
    },
    Table {
        name: "limits",
        many: false,
        keys: &["mail_max", "forward_max", "batch_max", "smtp_connections"],
    },
    Table { name: "budgets", many: false, keys: &["per_sender", "per_domain", "per_ticket", "in_all"] },
    Table { name: "web", many: false, keys: &["listen", "base_url", "requests_per_minute", "behind_proxy"] },
    Table { name: "metrics", many: false, keys: &["listen"] },
    Table {
        name: "smtp",
        many: false,
        keys: &[
            "host",
            "port",
            "tls",
            "ca_file",
            "user",
            "password_file",
            "password_credential",
            "password_command",
            "oauth",
        ],
    },
    Table {
        name: "agent",
        many: true,
        keys: &["name", "address", "language", "time_zone", "aliases", "digest_hour"],
    },
    Table {
        name: "queue",
        many: true,
        keys: &[
            "name",
            "title",
            "address",
            "aliases",
            "language",
            "time_zone",
            "agents",
            "reopen",
            "assign",
            "acknowledge",
            "automatic",
            "cc_participates",
            "plus_addresses",
            "forwards",
        ],
    },
    Table { name: "canned", many: true, keys: &["name", "language", "text"] },
    Table {
        name: "mailbox",
        many: true,
        keys: &[
            "name",
            "queue",
            "host",
            "port",
            "tls",
            "ca_file",
            "user",
            "password_file",
            "password_credential",
            "password_command",
            "oauth",
            "folder",
            "after",
            "move_to",
            "idle",
            "poll",
            "authserv_id",
            "sent_folder",
        ],
    },
];
