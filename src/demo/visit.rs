//! The end of the demo: the status page as a browser gets it, the promises, and how a viewer sends mail of their own.

use super::setting::{ANA, DESK, LUIS, PASSWORD, Setting, YOU};
use super::stage::Stage;
use super::story::Told;
use crate::store::verify;
use anyhow::{Context, anyhow};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a page may take.
const PAGE_TIME_MAX: Duration = Duration::from_secs(5);
/// Bytes read of a page.
const PAGE_MAX_BYTES: u64 = 1024 * 1024;

/// Opens both pages of the first ticket and looks at what they tell.
pub(super) async fn pages(stage: &mut Stage, told: &Told) -> anyhow::Result<()> {
    stage.paper.act("María looks at the status page.")?;
    let card = format!("{}/t/{}", stage.setting.base_url, told.number);
    let (code, text) = get(stage, &card).await?;
    let personal = ["María", "Quispe", told.private, told.secret].iter().any(|word| text.contains(word));
    stage.check(
        "the number alone shows where the ticket stands, and nothing personal",
        code == 200 && text.contains("Cerrad") && !personal,
    )?;
    let (code, text) = get(stage, &told.link).await?;
    stage.check(
        "the signed link shows the conversation and her PDF, but not the note",
        code == 200
            && text.contains(told.private)
            && text.contains("pantalla.pdf")
            && !text.contains(told.secret),
    )?;
    stage.paper.say(&format!("        number page  {card}\n        signed link  {}", told.link))
}

/// Asks the database about every promise, and compares the ledger with the mailbox.
pub(super) async fn promises(stage: &mut Stage) -> anyhow::Result<()> {
    stage.paper.heading("postdesk verify")?;
    let readers = &stage.setting.daemon.shared().readers;
    let breaches = readers.ask(|reader| verify::verify(reader.db(), |_, _| {})).await?;
    let mails = readers.ask(|reader| reader.mails(None, i64::from(i32::MAX))).await?;
    for breach in &breaches {
        stage.paper.say(&format!("  {}: {} rows, first {}", breach.promise, breach.rows, breach.first))?;
    }
    stage.check("every promise that a query can check holds", breaches.is_empty())?;
    let here = stage.setting.server.mails(DESK, "Postdesk").len();
    let claim = format!(
        "the desk was sent {}, the server has {here} in Postdesk, the ledger has {}",
        stage.posted,
        mails.len()
    );
    stage.check(&claim, stage.posted == here && here == mails.len())
}

async fn get(stage: &Stage, url: &str) -> anyhow::Result<(u16, String)> {
    let address = stage.setting.daemon.web_address().ok_or_else(|| anyhow!("the status page is not on"))?;
    let path =
        url.strip_prefix(&stage.setting.base_url).ok_or_else(|| anyhow!("{url:?} is no address of ours"))?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAccept-Language: es\r\nConnection: close\r\n\r\n");
    let fetch = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(PAGE_MAX_BYTES).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer = timeout(PAGE_TIME_MAX, fetch).await.context("the status page does not answer")??;
    let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Ok((code, answer))
}

/// How to send mail of one's own, in lines that can be pasted.
pub(super) fn invitation(setting: &Setting) -> String {
    let (imap, smtp) = (setting.server.imap_port(), setting.server.smtp_port());
    let (you, ana, luis) = (YOU.address, ANA.address, LUIS.address);
    format!(
        r#"  with any mail client
    SMTP 127.0.0.1 port {smtp}, IMAP 127.0.0.1 port {imap}, no encryption, password "{PASSWORD}" for everybody:
    {you} writes to {DESK}; {ana} and {luis} answer

  with swaks
    swaks --server 127.0.0.1:{smtp} --auth PLAIN --auth-user {you} --auth-password {PASSWORD} \
      --from {you} --to {DESK} --header "Subject: A question" --body "Hello, is anybody there? My printer is on fire."

  with curl
    printf 'From: <{you}>\nTo: <{DESK}>\nDate: %s\nSubject: A question\n\nHello, is anybody there? My printer is on fire.\n' "$(date -R)" |
      curl -sS --crlf --url smtp://127.0.0.1:{smtp} --user {you}:{PASSWORD} --mail-from {you} --mail-rcpt {DESK} --upload-file -
    curl -sS --user {you}:{PASSWORD} "imap://127.0.0.1:{imap}/INBOX;UID=1"

  with Postdesk's own commands
    {} --config {} ticket list --all"#,
        program(),
        setting.config.display(),
    )
}

/// What starts this program again, as it was built or installed.
fn program() -> String {
    std::env::current_exe().map_or_else(|_| "postdesk".to_owned(), |path| path.display().to_string())
}
