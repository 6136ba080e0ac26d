//! What the stories rely on: the servers start, deliver, ask for passwords, and go away.

use super::*;

const ANA: &str = "ana@example.org";
const DESK: &str = "soporte@desk.example";

fn swaks(servers: &RealServers, arguments: &[&str]) -> std::process::Output {
    Command::new("swaks")
        .args(["--server", "127.0.0.1", "--ehlo", "world.example", "--timeout", "20s"])
        .args(arguments)
        .env("HOME", servers.folder())
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn curl(servers: &RealServers, path: &str, more: &[&str]) -> String {
    let url = format!("imaps://localhost:{}/{path}", servers.imaps_port());
    run(Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "20",
            "--user",
            &format!("{DESK}:{PASSWORD}"),
            "--cacert",
        ])
        .arg(servers.ca_file())
        .args(more)
        .arg(url))
}

#[test]
fn a_mail_from_the_world_arrives_by_postfix_in_dovecots_mailbox() {
    let servers = RealServers::start();
    let port = servers.smtp_port().to_string();
    let plus = "soporte+token@desk.example";
    let sent =
        swaks(&servers, &["--port", &port, "--from", ANA, "--to", plus, "--header", "Subject: No imprime"]);
    assert!(sent.status.success(), "{sent:?}");
    let mails = servers.wait_for_mails(DESK, 1);
    let text = String::from_utf8_lossy(&mails[0]).into_owned();
    assert!(text.starts_with("Return-Path: <ana@example.org>"), "{text}");
    assert!(text.contains("Delivered-To: soporte+token@desk.example"), "{text}");
    assert!(curl(&servers, "INBOX", &["--request", "SEARCH ALL"]).contains("* SEARCH 1"));
    assert!(curl(&servers, "INBOX;MAILINDEX=1", &[]).contains("Subject: No imprime"));
    assert!(curl(&servers, "", &["--request", "CAPABILITY"]).contains("IDLE"));
    let strangers_ca = Command::new("curl")
        .args(["--silent", "--user", "x:secret", &format!("imaps://localhost:{}/", servers.imaps_port())])
        .output()
        .unwrap();
    assert_eq!(strangers_ca.status.code(), Some(60), "a certificate of an unknown authority must be refused");
}

#[test]
fn submission_wants_tls_and_the_password_and_delivers_to_the_second_account() {
    let servers = RealServers::start();
    let submit = |url: String, password: &str, to: &str| {
        let mail = servers.folder().join("mail.eml");
        std::fs::write(&mail, "Subject: Respuesta\r\n\r\nHola.\r\n").unwrap();
        Command::new("curl")
            .args(["--silent", "--ssl-reqd", "--max-time", "20", "--user", &format!("{DESK}:{password}")])
            .args(["--mail-from", DESK, "--mail-rcpt", to, "--cacert"])
            .arg(servers.ca_file())
            .args(["--upload-file", mail.to_str().unwrap(), &url])
            .status()
            .unwrap()
            .code()
    };
    let starttls = || format!("smtp://localhost:{}", servers.submission_port());
    let implicit = format!("smtps://localhost:{}", servers.submissions_port());
    assert_eq!(submit(starttls(), PASSWORD, ANA), Some(0));
    assert_eq!(submit(implicit, PASSWORD, ANA), Some(0));
    assert_eq!(submit(starttls(), "wrong", ANA), Some(67), "the login must be denied");
    let port = servers.submission_port().to_string();
    let plain = swaks(&servers, &["--port", &port, "--from", DESK, "--to", ANA]);
    assert!(!plain.status.success(), "no mail without TLS");
    assert_eq!(servers.wait_for_mails(ANA, 2).len(), 2);
    assert_eq!(submit(starttls(), PASSWORD, "refused@example.org"), Some(55));
    assert_eq!(submit(starttls(), PASSWORD, "later@example.org"), Some(55));
    assert_eq!(submit(starttls(), PASSWORD, "bounced@example.org"), Some(0));
    let report = servers.wait_for_mails(DESK, 1);
    assert!(String::from_utf8_lossy(&report[0]).contains("multipart/report"), "a real bounce came back");
}

#[test]
fn raw_bytes_arrive_as_they_were_but_for_line_ends() {
    let servers = RealServers::start();
    let mail = b"From: a@example.org\nSubject: 8 bit\n\n.dot\n..two\n\xff\xfe garbage\n";
    servers.send_raw("a@example.org", DESK, mail);
    let mails = servers.wait_for_mails(DESK, 1);
    let ends = b"\n\n.dot\n..two\n\xff\xfe garbage\n";
    let unix: Vec<u8> = mails[0].iter().copied().filter(|byte| *byte != b'\r').collect();
    assert!(unix.ends_with(ends), "{}", String::from_utf8_lossy(&mails[0]));
}

#[test]
fn two_pairs_live_side_by_side_can_be_paused_and_leave_nothing_behind() {
    let pair = || std::thread::spawn(RealServers::start);
    let (one, two) = (pair(), pair());
    let (one, two) = (one.join().unwrap(), two.join().unwrap());
    one.send_raw(ANA, DESK, b"Subject: one\n\nx\n");
    two.send_raw(ANA, DESK, b"Subject: two\n\nx\n");
    two.send_raw(ANA, DESK, b"Subject: two\n\nx\n");
    assert_eq!((one.wait_for_mails(DESK, 1).len(), two.wait_for_mails(DESK, 2).len()), (1, 2));
    two.dovecot.pause();
    two.postfix.pause();
    assert!(TcpStream::connect(("127.0.0.1", two.imap_port())).is_err());
    assert!(TcpStream::connect(("127.0.0.1", two.smtp_port())).is_err());
    two.dovecot.resume();
    two.postfix.resume();
    two.send_raw(ANA, DESK, b"Subject: three\n\nx\n");
    two.wait_for_mails(DESK, 3);
    assert_eq!(two.read_folder(DESK, "Postdesk").len(), 0);
    let (folder, ports) = (one.folder().to_owned(), [one.imap_port(), one.smtp_port()]);
    drop(one);
    assert!(!folder.exists());
    assert!(ports.iter().all(|port| TcpStream::connect(("127.0.0.1", *port)).is_err()));
}

#[test]
fn an_expired_certificate_can_be_had() {
    let servers = RealServers::start_expired();
    let output = Command::new("openssl")
        .args(["s_client", "-connect", &format!("127.0.0.1:{}", servers.imaps_port()), "-CAfile"])
        .arg(servers.ca_file())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("certificate has expired"));
}
