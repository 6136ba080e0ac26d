//! Where the history of a thread begins without quote marks: `-----Original Message-----` and header blocks
//! (`From: … Sent: … To: … Subject: …`) in the languages of the common mail programs.

use super::Line;

/// Lines looked through for the fields of a header block.
const BLOCK_LINES_MAX: usize = 12;

/// Titles between dashes above an older mail, lower-case.
const TITLES: [&str; 66] = [
    "original message",
    "original mail",
    "original email",
    "reply message",
    "forwarded message",
    "forwarded mail",
    "mensaje original",
    "mensaje reenviado",
    "mensagem original",
    "mensagem encaminhada",
    "mensagem reencaminhada",
    "message d'origine",
    "message original",
    "message initial",
    "message transféré",
    "message transmis",
    "courriel original",
    "ursprüngliche nachricht",
    "urspruengliche nachricht",
    "ursprüngliche mail",
    "original-nachricht",
    "originalnachricht",
    "original nachricht",
    "weitergeleitete nachricht",
    "messaggio originale",
    "messaggio inoltrato",
    "oorspronkelijk bericht",
    "origineel bericht",
    "doorgestuurd bericht",
    "ursprungligt meddelande",
    "originalmeddelande",
    "vidarebefordrat meddelande",
    "original meddelelse",
    "oprindelig meddelelse",
    "oprindelig besked",
    "videresendt meddelelse",
    "videresendt besked",
    "opprinnelig melding",
    "videresendt melding",
    "alkuperäinen viesti",
    "välitetty viesti",
    "oryginalna wiadomość",
    "wiadomość oryginalna",
    "wiadomość przekazana",
    "przekazana wiadomość",
    "původní zpráva",
    "přeposlaná zpráva",
    "pôvodná správa",
    "eredeti üzenet",
    "mesaj original",
    "mesajul original",
    "αρχικό μήνυμα",
    "исходное сообщение",
    "пересылаемое сообщение",
    "перенаправленное сообщение",
    "orijinal mesaj",
    "özgün ileti",
    "iletilen mesaj",
    "thư gốc",
    "原始邮件",
    "原始郵件",
    "转发邮件",
    "転送メッセージ",
    "元のメッセージ",
    "원본 메시지",
    "missatge original",
];

/// Apple Mail's line above a forwarded mail, lower-case.
const FORWARDS: [&str; 15] = [
    "begin forwarded message:",
    "início da mensagem reencaminhada:",
    "inicio del mensaje reenviado:",
    "início da mensagem encaminhada:",
    "início da mensagem reenviada:",
    "début du message réexpédié",
    "début du message transféré",
    "anfang der weitergeleiteten nachricht:",
    "inizio messaggio inoltrato:",
    "begin doorgestuurd bericht:",
    "vidarebefordrat brev:",
    "videresendt besked:",
    "videresendt melding:",
    "välitetty viesti alkaa:",
    "下面是被转发的邮件",
];

/// The fields of a header block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::mail) enum Role {
    From,
    Date,
    To,
    Subject,
    Copy,
}

const FROM: [&str; 30] = [
    "from",
    "de",
    "desde",
    "von",
    "da",
    "van",
    "från",
    "fra",
    "frá",
    "od",
    "lähettäjä",
    "saatja",
    "от",
    "отправитель",
    "від",
    "от кого",
    "kimden",
    "gönderen",
    "feladó",
    "από",
    "de la",
    "expéditeur",
    "mittente",
    "remitente",
    "差出人",
    "发件人",
    "寄件者",
    "發件人",
    "보낸 사람",
    "từ",
];
const DATE: [&str; 40] = [
    "enviat",
    "message du",
    "sent on",
    "sent",
    "date",
    "sent at",
    "enviado",
    "enviado el",
    "enviada",
    "enviada em",
    "enviado em",
    "fecha",
    "data",
    "gesendet",
    "datum",
    "envoyé",
    "envoyé le",
    "inviato",
    "inviata",
    "verzonden",
    "skickat",
    "sendt",
    "dato",
    "wysłano",
    "lähetetty",
    "päivämäärä",
    "päiväys",
    "отправлено",
    "дата",
    "tarih",
    "gönderildi",
    "gönderme tarihi",
    "odesláno",
    "dátum",
    "trimis",
    "ημερομηνία",
    "送信日時",
    "发送时间",
    "日期",
    "보낸 날짜",
];
const TO: [&str; 33] = [
    "to",
    "para",
    "an",
    "à",
    "a",
    "aan",
    "till",
    "til",
    "do",
    "komu",
    "kime",
    "alıcı",
    "vastaanottaja",
    "кому",
    "címzett",
    "προς",
    "către",
    "pour",
    "destinatario",
    "destinatari",
    "per",
    "dirigé à",
    "宛先",
    "收件人",
    "받는 사람",
    "đến",
    "saaja",
    "viðtakandi",
    "to:",
    "destinataire",
    "per a",
    "za",
    "до",
];
const SUBJECT: [&str; 31] = [
    "tema",
    "sujet",
    "título",
    "titel",
    "subject",
    "asunto",
    "assunto",
    "betreff",
    "objet",
    "oggetto",
    "onderwerp",
    "ämne",
    "emne",
    "temat",
    "aihe",
    "тема",
    "konu",
    "předmět",
    "predmet",
    "tárgy",
    "subiect",
    "θέμα",
    "件名",
    "主题",
    "主旨",
    "主題",
    "제목",
    "assumpte",
    "efni",
    "teema",
    "chủ đề",
];
const COPY: [&str; 16] = [
    "cc",
    "copia",
    "copie",
    "kopie",
    "kopia",
    "kopi",
    "c.c.",
    "c/c",
    "cópia",
    "копия",
    "bilgi",
    "抄送",
    "copie à",
    "copia a",
    "reply-to",
    "attachments",
];

/// Whether an older mail begins at line `at` and goes on to the end.
pub(super) fn begins(lines: &[Line<'_>], at: usize) -> bool {
    let Some(line) = lines.get(at) else { return false };
    is_title(line.text) || is_forward(line.text) || is_block(lines, at)
}

/// `----- Original Message -----`, with at least two dashes before it.
fn is_title(line: &str) -> bool {
    let dash = |c: char| matches!(c, '-' | '_' | '=' | '—' | '–' | '*' | '>' | '~' | '+');
    let inner = line.trim_start_matches(dash);
    if line.chars().take_while(|c| dash(*c)).count() < 2 || inner.len() > 120 {
        return false;
    }
    let title = inner.trim_end_matches(dash).trim().trim_end_matches(':').to_lowercase();
    TITLES.iter().any(|known| {
        title == *known || title.strip_prefix(known).is_some_and(|rest| rest.starts_with([' ', '-']))
    })
}

fn is_forward(line: &str) -> bool {
    if line.len() > 80 {
        return false;
    }
    let lower = line.to_lowercase();
    FORWARDS.iter().any(|forward| lower.starts_with(forward))
}

/// Three or more fields of a header block, From among them, with at most one blank line between two of them.
fn is_block(lines: &[Line<'_>], at: usize) -> bool {
    if lines.get(at).and_then(|line| role(line.text)).is_none() {
        return false;
    }
    let mut found: Vec<Role> = Vec::new();
    let mut misses = 0;
    for line in lines.iter().skip(at).take(BLOCK_LINES_MAX) {
        match role(line.text) {
            Some(role) => {
                misses = 0;
                if !found.contains(&role) {
                    found.push(role);
                }
            }
            // A long list of recipients is wrapped.
            None => misses += 1,
        }
        if misses > 2 {
            break;
        }
    }
    found.contains(&Role::From)
        && found.len() >= 3
        && found.iter().any(|role| matches!(role, Role::Date | Role::Subject))
}

/// Whether a client puts this line above what it forwards. The titles of answers do not count.
pub(in crate::mail) fn is_forward_line(line: &str) -> bool {
    let lower = line.to_lowercase();
    let titles = ["forward", "reenviad", "encaminhad", "reencaminhad"];
    is_forward(line) || is_title(line) && titles.iter().any(|title| lower.contains(title))
}

/// A field of a header block and its value.
pub(in crate::mail) fn field(line: &str) -> Option<(Role, String)> {
    let role = role(line)?;
    let (_, value) = line.split_once([':', '：'])?;
    Some((role, value.trim_start_matches('*').trim().to_owned()))
}

fn role(line: &str) -> Option<Role> {
    let line = line.trim_start_matches(['*', '_', '|', '>', ' ', '•']);
    let end = line.find([':', '：'])?;
    let label = line.get(..end)?;
    if label.len() > 40 {
        return None;
    }
    let label = label.trim_matches(['*', '_', ' ', '\u{a0}']).to_lowercase();
    let any = |labels: &[&str]| labels.contains(&label.as_str());
    match () {
        () if any(&FROM) => Some(Role::From),
        () if any(&DATE) => Some(Role::Date),
        () if any(&SUBJECT) => Some(Role::Subject),
        () if any(&TO) => Some(Role::To),
        () if any(&COPY) => Some(Role::Copy),
        () => None,
    }
}
