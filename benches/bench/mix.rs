//! The mails of the benchmark, from a seed: 70 % new, 20 % replies, 5 % HTML with an inline image, 5 % with a 700 kB
//! attachment. Knows no server. Equal seeds give equal bytes.

/// Random numbers from a seed (splitmix64): the same on every machine.
pub struct Seed(pub u64);

impl Seed {
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// Spanish words, frequent and less so: what the full-text index sees.
const WORDS: &[&str] = &[
    "de",
    "la",
    "que",
    "el",
    "en",
    "y",
    "a",
    "los",
    "se",
    "del",
    "las",
    "un",
    "por",
    "con",
    "no",
    "una",
    "su",
    "para",
    "es",
    "al",
    "lo",
    "como",
    "más",
    "o",
    "pero",
    "sus",
    "le",
    "ha",
    "me",
    "si",
    "sin",
    "sobre",
    "este",
    "ya",
    "entre",
    "cuando",
    "todo",
    "esta",
    "ser",
    "son",
    "dos",
    "también",
    "fue",
    "había",
    "era",
    "muy",
    "años",
    "hasta",
    "desde",
    "está",
    "mi",
    "porque",
    "qué",
    "sólo",
    "han",
    "yo",
    "hay",
    "vez",
    "puede",
    "todos",
    "así",
    "nos",
    "ni",
    "parte",
    "tiene",
    "él",
    "uno",
    "donde",
    "bien",
    "tiempo",
    "mismo",
    "ese",
    "ahora",
    "cada",
    "vida",
    "otro",
    "después",
    "factura",
    "pedido",
    "contraseña",
    "impresora",
    "pantalla",
    "correo",
    "cuenta",
    "matrícula",
    "expediente",
    "certificado",
    "solicitud",
    "plazo",
    "pago",
    "recibo",
    "documento",
    "firma",
    "acceso",
    "error",
    "servidor",
];

/// `count` words; one in twelve is a number or a rare word, as in real mail.
pub fn words(seed: &mut Seed, count: usize) -> String {
    let mut text = String::with_capacity(count * 7);
    for n in 0..count {
        if n > 0 {
            text.push(if n % 12 == 0 { '\n' } else { ' ' });
        }
        if seed.below(12) == 0 {
            text.push_str(&format!("ref{}", seed.below(200_000)));
        } else {
            text.push_str(WORDS[usize::try_from(seed.below(WORDS.len() as u64)).unwrap()]);
        }
    }
    text
}

/// `count` mails in the order they arrive; replies answer earlier ones.
pub fn mails(count: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut seed = Seed(seed);
    let mut opened: Vec<(usize, String)> = Vec::new();
    let run = seed.next();
    (0..count)
        .map(|n| {
            let kind = if opened.is_empty() { 0 } else { seed.below(100) };
            let is_reply = (70..90).contains(&kind);
            let (root, subject) = if is_reply {
                opened[usize::try_from(seed.below(opened.len() as u64)).unwrap()].clone()
            } else {
                (n, words(&mut seed, 5).replace('\n', " "))
            };
            if !is_reply {
                opened.push((n, subject.clone()));
            }
            let mut head = format!(
                "Received: from world.example by mx.desk.example; Mon, 16 Nov 2026 10:00:00 +0000\r\n\
                 From: Persona {root} <persona{root}.{run:x}@example.org>\r\nTo: <soporte@desk.example>\r\nSubject: {}{subject}\r\n\
                 Message-ID: <{n}.{run:x}@example.org>\r\nDate: Mon, 16 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n",
                if is_reply { "Re: " } else { "" }
            );
            if is_reply {
                head += &format!("In-Reply-To: <{root}.{run:x}@example.org>\r\nReferences: <{root}.{run:x}@example.org>\r\n");
            }
            body(&mut seed, kind, head)
        })
        .collect()
}

fn body(seed: &mut Seed, kind: u64, head: String) -> Vec<u8> {
    let length = 60 + usize::try_from(seed.below(240)).unwrap();
    let text = words(seed, length).replace('\n', "\r\n");
    let made = match kind {
        0..70 => format!("{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"),
        70..90 => format!(
            "{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n\r\nEl lun, 16 nov 2026 a las 10:00, Soporte <soporte@desk.example> escribió:\r\n> {}\r\n",
            words(seed, 80).replace('\n', "\r\n> ")
        ),
        90..95 => format!(
            "{head}Content-Type: multipart/related; boundary=b1\r\n\r\n--b1\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><p>{}</p><p><b>Saludos</b></p><img src=\"cid:logo@x\"></body></html>\r\n--b1\r\nContent-Type: image/png; name=logo.png\r\nContent-ID: <logo@x>\r\nContent-Disposition: inline; filename=logo.png\r\nContent-Transfer-Encoding: base64\r\n\r\n{}--b1--\r\n",
            text.replace("\r\n", "</p>\r\n<p>"),
            base64_lines(seed, 150_000)
        ),
        _ => format!(
            "{head}Content-Type: multipart/mixed; boundary=b2\r\n\r\n--b2\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n--b2\r\nContent-Type: application/pdf; name=informe.pdf\r\nContent-Disposition: attachment; filename=informe.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{}--b2--\r\n",
            base64_lines(seed, 700_000)
        ),
    };
    made.into_bytes()
}

/// One mail of about `bytes` bytes, nearly all of it an attachment.
pub fn large(bytes: usize) -> Vec<u8> {
    let mut seed = Seed(7);
    let head = "From: Grande <grande@example.org>\r\nTo: <soporte@desk.example>\r\nSubject: muy grande\r\nMessage-ID: <grande@example.org>\r\nDate: Mon, 16 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n";
    let boundary = "Content-Type: multipart/mixed; boundary=b2\r\n\r\n--b2\r\nContent-Type: text/plain\r\n\r\nadjunto\r\n--b2\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=grande.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n";
    format!("{head}{boundary}{}--b2--\r\n", base64_lines(&mut seed, bytes - 600)).into_bytes()
}

/// About `bytes` characters of base64 over bytes that do not pack, in lines of 76.
fn base64_lines(seed: &mut Seed, bytes: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes + 100);
    for _ in 0..bytes / 78 {
        let mut column = 0;
        while column < 76 {
            let mut word = seed.next();
            for _ in 0..10.min(76 - column) {
                text.push(char::from(LETTERS[(word & 63) as usize]));
                word >>= 6;
                column += 1;
            }
        }
        text.push_str("\r\n");
    }
    text
}
