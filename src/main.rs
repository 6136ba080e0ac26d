//! The program: arguments, logging, exit codes. What the verbs do is in `postdesk::admin` and `postdesk::daemon`.

use clap::{Parser, Subcommand};
use postdesk::admin::{self, Ending, Office};
use postdesk::store::lists::TicketFilter;
use std::path::PathBuf;
use std::process::ExitCode;

mod service;

/// Exit code for a mail that could not be stored, so that the MTA tries again (EX_TEMPFAIL of sysexits.h).
const TRY_AGAIN: u8 = 75;

/// Postdesk: email-first ticketing. Mail in, tickets in one SQLite file, answers by mail.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    /// The configuration file.
    #[arg(long, short, global = true, env = "POSTDESK_CONFIG", default_value = "/etc/postdesk/config.toml")]
    config: PathBuf,
    /// Print JSON instead of words and tables.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the desk: take mail, answer, serve the status page.
    Run,
    /// Show the whole desk at work, with a mail server of its own; needs no configuration.
    Demo {
        /// Play the story, verify, and exit; non-zero if anything was wrong.
        #[arg(long)]
        once: bool,
    },
    /// Check configuration, templates and secrets: everything `run` would complain about.
    Check {
        /// Log in to every mailbox and to the relay as well.
        #[arg(long)]
        connect: bool,
    },
    /// Explain a mail: its kind, the ticket it belongs to and why, what would be done and sent.
    Explain {
        /// The mail's file; `-` is standard input.
        #[arg(required_unless_present = "lines")]
        file: Option<PathBuf>,
        /// The queue it came to; without it, the first one.
        #[arg(long)]
        queue: Option<String>,
        /// Read file names from standard input, a line each; answer each with a line of JSON.
        #[arg(long)]
        lines: bool,
    },
    /// Take one mail from standard input, as from an MTA's pipe; exit code 75 when it could not be stored.
    Deliver {
        /// The queue it is for.
        #[arg(long)]
        queue: String,
    },
    /// Tickets: list, show, reply, note, close, assign.
    Ticket {
        #[command(subcommand)]
        verb: TicketVerb,
    },
    /// The ledger of every mail that came.
    Inbox {
        #[command(subcommand)]
        verb: InboxVerb,
    },
    /// Outgoing mail.
    Outbox {
        #[command(subcommand)]
        verb: OutboxVerb,
    },
    /// The words of outgoing mail.
    Template {
        #[command(subcommand)]
        verb: TemplateVerb,
    },
    /// Signing keys of reply ids and links.
    Key {
        #[command(subcommand)]
        verb: KeyVerb,
    },
    /// Compare the ledger with what the servers hold.
    Doctor,
    /// Check every promise that the database can be asked about.
    Verify,
    /// Copy the database to a new file while the daemon runs.
    Backup {
        /// The file; it must not exist.
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum TicketVerb {
    /// List tickets: live ones, those that changed last first.
    List {
        /// Only this status: new, open, pending, resolved, closed.
        #[arg(long)]
        status: Option<String>,
        /// Resolved and closed ones too.
        #[arg(long)]
        all: bool,
        /// Only this queue.
        #[arg(long)]
        queue: Option<String>,
        /// Only those of this agent.
        #[arg(long)]
        assignee: Option<String>,
        /// Only those of this requester.
        #[arg(long)]
        requester: Option<String>,
        /// At most so many, of 100 000 that can be asked for.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=100_000))]
        limit: i64,
    },
    /// Show a ticket whole: messages, notes, history, outgoing mail.
    Show {
        /// Ticket number.
        number: i64,
    },
    /// Answer the requester.
    Reply {
        /// Ticket number.
        number: i64,
        /// The text.
        text: String,
        /// The agent who writes.
        #[arg(long = "as")]
        agent: Option<String>,
    },
    /// Write an internal note.
    Note {
        /// Ticket number.
        number: i64,
        /// The text.
        text: String,
        /// The agent who writes.
        #[arg(long = "as")]
        agent: Option<String>,
    },
    /// Close it.
    Close {
        /// Ticket number.
        number: i64,
        /// The agent who closes.
        #[arg(long = "as")]
        agent: Option<String>,
    },
    /// Give it to an agent.
    Assign {
        /// Ticket number.
        number: i64,
        /// The agent's address.
        to: String,
        /// The agent who assigns.
        #[arg(long = "as")]
        agent: Option<String>,
    },
}

#[derive(Subcommand)]
enum InboxVerb {
    /// List the newest mails with what became of them and why.
    List {
        /// Only this disposition: opened, follow-up, agent, held, bounce, ignored, refused, duplicate, quarantined.
        #[arg(long)]
        disposition: Option<String>,
        /// Only mails that were set aside.
        #[arg(long, conflicts_with = "disposition")]
        quarantined: bool,
        /// At most so many, of 100 000 that can be asked for.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=100_000))]
        limit: i64,
    },
    /// Show one mail.
    Show {
        /// The mail's id.
        id: i64,
    },
    /// Write a mail's bytes to a file.
    Export {
        /// The mail's id.
        id: i64,
        /// The file.
        file: PathBuf,
    },
    /// Decide anew about a mail that was set aside.
    Retry {
        /// The mail's id.
        id: i64,
    },
}

#[derive(Subcommand)]
enum OutboxVerb {
    /// List outgoing mail that waits or went wrong, and count it by state.
    List {
        /// Only this state: queued, sending, sent, deferred, uncertain, failed, bounced, dropped.
        #[arg(long)]
        state: Option<String>,
        /// At most so many, of 100 000 that can be asked for.
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(1..=100_000))]
        limit: i64,
    },
    /// Send a mail again that is deferred, uncertain, failed, bounced or dropped.
    Retry {
        /// The outgoing mail's id.
        id: i64,
    },
    /// Never send a mail that waits.
    Drop {
        /// The outgoing mail's id.
        id: i64,
    },
}

#[derive(Subcommand)]
enum TemplateVerb {
    /// List the files, built in or replaced.
    List,
    /// Print one as it is in force.
    Show {
        /// Its name, such as acknowledgement.
        name: String,
        /// en, es or pt.
        #[arg(default_value = "es")]
        language: String,
    },
    /// Render all with sample values and name every fault.
    Check,
    /// Render one with sample values.
    Preview {
        /// Its name, such as acknowledgement.
        name: String,
        /// en, es or pt.
        #[arg(default_value = "es")]
        language: String,
    },
}

#[derive(Subcommand)]
enum KeyVerb {
    /// Make a new key; older ones are honoured for as long as desk.key_valid says.
    Rotate,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let delivers = matches!(arguments.verb, Verb::Deliver { .. });
    service::log(matches!(arguments.verb, Verb::Run));
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into(), delivers),
    };
    let ended = runtime.block_on(run(arguments));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    match ended {
        Ok(Ending::Well) => ExitCode::SUCCESS,
        Ok(Ending::Wrong) => ExitCode::from(1),
        Err(error) => failed(&error, delivers),
    }
}

fn failed(error: &anyhow::Error, delivers: bool) -> ExitCode {
    eprintln!("postdesk: {error:#}");
    ExitCode::from(if delivers { TRY_AGAIN } else { 2 })
}

async fn run(arguments: Arguments) -> anyhow::Result<Ending> {
    let office = Office { config: arguments.config, json: arguments.json };
    match arguments.verb {
        Verb::Run => service::run(&office).await,
        Verb::Demo { once } => postdesk::demo::play(once).await,
        Verb::Check { connect } => admin::check::check(&office, connect).await,
        Verb::Explain { lines: true, .. } => admin::explain::lines(),
        Verb::Explain { file, queue, .. } => {
            admin::explain::explain(&office, &file.unwrap_or_default(), queue.as_deref())
        }
        Verb::Deliver { queue } => admin::deliver::deliver(&office, &queue).await,
        Verb::Ticket { verb } => ticket(&office, verb).await,
        Verb::Inbox { verb } => inbox(&office, verb).await,
        Verb::Outbox { verb } => outbox(&office, verb).await,
        Verb::Template { verb } => template(&office, verb),
        Verb::Key { verb: KeyVerb::Rotate } => admin::database::rotate(&office).await,
        Verb::Doctor => admin::doctor::doctor(&office).await,
        Verb::Verify => admin::database::check(&office),
        Verb::Backup { file } => admin::database::copy(&office, &file),
    }
}

async fn ticket(office: &Office, verb: TicketVerb) -> anyhow::Result<Ending> {
    use admin::tickets;
    match verb {
        TicketVerb::List { status, all, queue, assignee, requester, limit } => {
            tickets::list(office, &TicketFilter { status, all, queue, assignee, requester, limit })
        }
        TicketVerb::Show { number } => tickets::show(office, number),
        TicketVerb::Reply { number, text, agent } => {
            tickets::write(office, number, agent.as_deref(), &text).await
        }
        TicketVerb::Note { number, text, agent } => {
            tickets::write(office, number, agent.as_deref(), &format!("#note\n{text}")).await
        }
        TicketVerb::Close { number, agent } => {
            tickets::write(office, number, agent.as_deref(), "#close").await
        }
        TicketVerb::Assign { number, to, agent } => {
            tickets::write(office, number, agent.as_deref(), &format!("#assign {to}")).await
        }
    }
}

async fn inbox(office: &Office, verb: InboxVerb) -> anyhow::Result<Ending> {
    use admin::inbox;
    match verb {
        InboxVerb::List { disposition, quarantined, limit } => {
            inbox::list(office, if quarantined { Some("quarantined") } else { disposition.as_deref() }, limit)
        }
        InboxVerb::Show { id } => inbox::show(office, id),
        InboxVerb::Export { id, file } => inbox::export(office, id, &file),
        InboxVerb::Retry { id } => inbox::retry(office, id).await,
    }
}

async fn outbox(office: &Office, verb: OutboxVerb) -> anyhow::Result<Ending> {
    use admin::outbox;
    match verb {
        OutboxVerb::List { state, limit } => outbox::list(office, state.as_deref(), limit),
        OutboxVerb::Retry { id } => outbox::retry(office, id).await,
        OutboxVerb::Drop { id } => outbox::drop(office, id).await,
    }
}

fn template(office: &Office, verb: TemplateVerb) -> anyhow::Result<Ending> {
    use admin::templates;
    match verb {
        TemplateVerb::List => templates::list(office),
        TemplateVerb::Show { name, language } => {
            templates::show(office, &name, templates::language(&language)?)
        }
        TemplateVerb::Check => templates::check(office),
        TemplateVerb::Preview { name, language } => {
            templates::preview(office, &name, templates::language(&language)?)
        }
    }
}
