//! The status page in a real browser: Chromium without a window, driven over the WebDriver protocol.

use crate::program::Program;
use crate::real::{free_port, wait_until};
use postdesk::demo::server::{MailServer, ServerOptions};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Browser {
    driver: Child,
    port: u16,
    session: String,
}

impl Browser {
    /// A browser that keeps downloads in `downloads` and remembers what the console said.
    fn start(profile: &Path, downloads: &Path) -> Self {
        let port = free_port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is missing: scripts/install-test-packages.sh installs it");
        let mut browser = Self { driver, port, session: String::new() };
        wait_until("chromedriver", || TcpStream::connect(("127.0.0.1", port)).ok());
        let arguments = json!([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            format!("--user-data-dir={}", profile.display()),
            "--window-size=390,844"
        ]);
        let options = json!({ "args": arguments, "prefs": { "download.default_directory": downloads, "intl.accept_languages": "es" } });
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" } } } });
        let answer = browser.ask("POST", "/session", &wanted);
        browser.session = answer["sessionId"].as_str().unwrap().to_owned();
        browser
    }

    /// What the driver answers; an error while a page goes away or is not there yet is for the caller to pass over.
    fn attempt(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let body = answer_of(stream);
        let value: Value = serde_json::from_str(&body).unwrap_or_else(|error| panic!("{error}: {body}"));
        value["value"].clone()
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let value = self.attempt(method, path, body);
        assert!(value["error"].is_null(), "{path}: {value}");
        value
    }

    fn go(&self, url: &str) {
        self.ask("POST", &format!("/session/{}/url", self.session), &json!({ "url": url }));
    }

    /// An element, once there is one.
    fn find(&self, css: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": css });
        wait_until(css, || {
            let found = self.attempt("POST", &format!("/session/{}/element", self.session), &wanted);
            let id = found.as_object().filter(|found| !found.contains_key("error"))?.values().next()?;
            Some(id.as_str()?.to_owned())
        })
    }

    fn write(&self, css: &str, text: &str) {
        let element = self.find(css);
        self.ask(
            "POST",
            &format!("/session/{}/element/{element}/value", self.session),
            &json!({ "text": text }),
        );
    }

    fn click(&self, css: &str) {
        let element = self.find(css);
        self.ask("POST", &format!("/session/{}/element/{element}/click", self.session), &json!({}));
    }

    /// The text that is to be seen, once `words` are in it.
    fn text_with(&self, words: &str) -> String {
        wait_until(words, || {
            let element = self.find("body");
            let path = format!("/session/{}/element/{element}/text", self.session);
            self.attempt("GET", &path, &json!({}))
                .as_str()
                .filter(|text| text.contains(words))
                .map(str::to_owned)
        })
    }

    /// What the console said at level SEVERE or WARNING.
    fn complaints(&self) -> Vec<Value> {
        let log =
            self.ask("POST", &format!("/session/{}/se/log", self.session), &json!({ "type": "browser" }));
        log.as_array()
            .unwrap()
            .iter()
            .filter(|entry| entry["level"] != "INFO" && entry["level"] != "DEBUG")
            .cloned()
            .collect()
    }
}

/// The body of an HTTP answer: chromedriver keeps the connection open, so its length decides.
fn answer_of(stream: TcpStream) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = TcpStream::connect(("127.0.0.1", self.port)).map(|mut stream| {
                let _ =
                    write!(stream, "DELETE /session/{} HTTP/1.1\r\nHost: localhost\r\n\r\n", self.session);
                answer_of(stream)
            });
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_looks_a_ticket_up_follows_the_link_and_downloads_the_attachment() {
    let server = MailServer::start(ServerOptions::default()).await.unwrap();
    for address in [crate::world::DESK, crate::world::ANA, crate::world::LUIS, crate::world::MARIA] {
        server.add_account(address, "secret");
    }
    let dir = tempfile::TempDir::new().unwrap();
    let port = free_port();
    let text = crate::world::configuration(dir.path(), &server, "", "", "");
    let text = text
        .replace("listen = \"127.0.0.1:0\"", &format!("listen = \"127.0.0.1:{port}\""))
        .replace("https://help.desk.example", &format!("http://127.0.0.1:{port}"));
    let config = dir.path().join("config.toml");
    std::fs::write(&config, text).unwrap();
    let desk = Program::run(&config);
    server.deliver(
        crate::world::DESK,
        format!(
            "From: María <{}>\r\nTo: <{}>\r\nSubject: Factura\r\nMessage-ID: <a@client.example>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nLe adjunto la factura <script>alert(1)</script>, gracias por todo.\r\n--b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=factura.pdf\r\n\r\n%PDF-1.4\r\n--b--\r\n",
            crate::world::MARIA,
            crate::world::DESK
        ),
    );
    let arrived = server
        .wait_for(|server| !server.mails(crate::world::MARIA, "INBOX").is_empty(), Duration::from_secs(30))
        .await;
    assert!(arrived, "{}", desk.log());
    let mail = String::from_utf8_lossy(&server.mails(crate::world::MARIA, "INBOX")[0].raw)
        .replace("=\r\n", "")
        .replace("=3D", "=");
    let start = mail.find(&format!("http://127.0.0.1:{port}/t/")).unwrap();
    let link = mail[start..].split_whitespace().next().unwrap().to_owned();
    let number = link.split("/t/").nth(1).unwrap().split('/').next().unwrap().to_owned();

    let (profile, downloads) = (dir.path().join("profile"), dir.path().join("downloads"));
    std::fs::create_dir_all(&downloads).unwrap();
    tokio::task::spawn_blocking(move || {
        let browser = Browser::start(&profile, &downloads);
        browser.go(&format!("http://127.0.0.1:{port}/"));
        browser.write("input[name=number]", &format!("[#{number}]\n"));
        let card = browser.text_with(&number);
        assert!(card.contains(&number) && card.contains("Soporte"), "{card}");
        assert!(
            !card.contains("Factura") && !card.contains("María") && !card.contains("client.example"),
            "nothing personal: {card}"
        );

        browser.go(&link);
        let page = browser.text_with("gracias por todo");
        assert!(page.contains("<script>alert(1)</script>"), "shown as text: {page}");
        browser.click("a[href*='/a/']");
        let file = wait_until("the download", || std::fs::read(downloads.join("factura.pdf")).ok());
        assert!(file.starts_with(b"%PDF-1.4"));
        assert_eq!(browser.complaints(), Vec::<Value>::new());
        // A wrong number is answered with a page that helps (the console notes the 404 itself).
        browser.go(&format!("http://127.0.0.1:{port}/t/999999"));
        browser.text_with("999999");
    })
    .await
    .unwrap();
    assert_eq!(desk.stop(), Some(0));
}
