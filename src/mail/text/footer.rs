//! Signatures (`-- `, RFC 3676 4.3), the lines that clients add ("Sent from my phone") and the footers of mailing lists.

use super::Line;

/// Lines that may follow a `--` which lacks its space; a longer text below it is a text, not a signature.
const LOOSE_LINES_MAX: usize = 15;
/// Lines that may follow a client's line before it counts as part of a text.
const CLIENT_TAIL_MAX: usize = 4;

/// How clients begin the line they add, lower-case.
const CLIENT_LINES: [&str; 62] = [
    "sent from my ",
    "sent from mail for ",
    "sent from outlook",
    "sent from yahoo mail",
    "sent from gmail",
    "sent from samsung",
    "sent from the ",
    "sent from protonmail",
    "sent from proton mail",
    "sent with proton",
    "sent with airmail",
    "sent via ",
    "sent using ",
    "get outlook for ",
    "sent on the move",
    "sent by ",
    "sent from a ",
    "sent from myphone",
    "sent from blue",
    "sent from tutanota",
    "sent from fastmail",
    "enviado desde mi ",
    "enviado desde el ",
    "enviado desde outlook",
    "enviado desde yahoo",
    "enviado desde correo",
    "enviado desde gmail",
    "enviado con ",
    "obtener outlook para ",
    "obtén outlook para ",
    "enviado do meu ",
    "enviado do ",
    "enviado a partir do ",
    "enviado pelo ",
    "enviado via ",
    "obter o outlook para ",
    "baixe o outlook para ",
    "enviat des ",
    "envoyé de mon ",
    "envoyé depuis ",
    "envoyé à partir d",
    "télécharger outlook ",
    "obtenir outlook ",
    "von meinem ",
    "gesendet von ",
    "gesendet mit ",
    "gesendet aus ",
    "diese nachricht wurde von meinem ",
    "outlook für ",
    "inviato da ",
    "inviato dal ",
    "scarica outlook ",
    "verzonden vanaf ",
    "verstuurd vanaf ",
    "verzonden met ",
    "skickat från ",
    "sendt fra ",
    "sendt med ",
    "wysłano z ",
    "lähetetty ",
    "отправлено с ",
    "发自我的",
];
/// Further ones in other scripts and older phones.
const CLIENT_LINES_MORE: [&str; 9] = [
    "iphoneから送信",
    "나의 iphone에서 보냄",
    "从我的",
    "從我的",
    "gönderen: ",
    "iphone'umdan gönderildi",
    "trimis de pe ",
    "sent wirelessly",
    "отправлено из ",
];

/// Devices and programs that add such lines.
const DEVICES: [&str; 48] = [
    "phone",
    "ipad",
    "ipod",
    "android",
    "samsung",
    "galaxy",
    "huawei",
    "xiaomi",
    "redmi",
    "oppo",
    "oneplus",
    "pixel",
    "nokia",
    "htc",
    "sony",
    "xperia",
    "motorola",
    "moto",
    "lg ",
    "blackberry",
    "windows",
    "outlook",
    "mail",
    "yahoo",
    "mobile",
    "mobil",
    "móvil",
    "móbil",
    "movil",
    "celular",
    "telemóvel",
    "telefon",
    "teléfono",
    "handy",
    "tablet",
    "tablette",
    "device",
    "dispositivo",
    "gerät",
    "appareil",
    "puhelim",
    "mac",
    "watch",
    "proton",
    "tutanota",
    "t-online",
    "gmx",
    "手机",
];

/// Where the signature of a fresh stretch begins, as an index into it. `last`: nothing follows the stretch.
pub(super) fn start(lines: &[Line<'_>], last: bool) -> Option<usize> {
    (0..lines.len()).find(|at| begins(lines, *at, last))
}

fn begins(lines: &[Line<'_>], at: usize, last: bool) -> bool {
    let Some(line) = lines.get(at) else { return false };
    if line.is_blank() {
        return false;
    }
    let below = || lines.iter().skip(at + 1).filter(|line| !line.is_blank());
    if line.whole.trim_end_matches(['\r', '\n']) == "-- " {
        return true;
    }
    match line.text {
        "--" | "__" => return below().count() <= LOOSE_LINES_MAX,
        "---" | "—" => return below().count() <= CLIENT_TAIL_MAX,
        _ => {}
    }
    if is_client_line(line.text) {
        return below().take(CLIENT_TAIL_MAX + 1).count() <= CLIENT_TAIL_MAX;
    }
    last && is_rule(line.text)
        && below().count() <= LOOSE_LINES_MAX
        && below().any(|line| is_list_line(line.text))
}

fn is_client_line(line: &str) -> bool {
    let line = line.trim_matches(['*', '_', '-', '<', '[', '(', ' ', '~']);
    if line.len() > 160 {
        return false;
    }
    let lower = line.to_lowercase();
    CLIENT_LINES.iter().chain(&CLIENT_LINES_MORE).any(|begin| lower.starts_with(begin))
        && names_device(&lower)
}

/// "Sent from my desk, which is easier" is a sentence: a device or program is named among the first words.
fn names_device(lower: &str) -> bool {
    let head: String = lower.split_whitespace().take(7).collect::<Vec<_>>().join(" ");
    DEVICES.iter().any(|device| head.contains(device))
}

/// A line of dashes or underscores.
pub(super) fn is_rule(line: &str) -> bool {
    line.len() >= 5 && line.chars().all(|c| matches!(c, '-' | '_' | '=' | '*' | '—' | '─' | ' '))
}

fn is_list_line(line: &str) -> bool {
    let lower = line.to_lowercase();
    [
        "mailing list",
        "mailman/listinfo",
        "unsubscribe",
        "to post to this group",
        "lista de correo",
        "lista de distribución",
        "darse de baja",
        "lista de discussão",
    ]
    .iter()
    .any(|word| lower.contains(word))
}
