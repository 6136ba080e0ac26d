//! Sample values: what `template preview` shows, and what `template check` tries every template with.

use super::scene::{Scene, tag};
use super::words;
use crate::clock::Timestamp;
use crate::config::Config;
use crate::desk::decision::{Row, Template, Values};
use crate::desk::ticket::Status;
use crate::language::Language;
use crate::mail::token::Purpose;

const OPENED_AT: i64 = 1_795_182_060;
const NUMBER: i64 = 853_142;

/// Scenes that between them take every branch of a template.
pub(super) fn all(language: Language) -> Vec<Scene> {
    let full = full(language);
    let with = |change: fn(&mut Scene)| {
        let mut scene = full.clone();
        change(&mut scene);
        scene
    };
    vec![
        full.clone(),
        empty(language),
        with(|scene| scene.values.sender_is_proven = false),
        with(|scene| scene.values.is_new = false),
        with(|scene| scene.values.internal = true),
        with(|scene| scene.purpose = Purpose::Note),
        with(|scene| scene.values.from_mailbox = true),
        with(|scene| scene.values.readers.clear()),
        with(|scene| scene.values.history_count = 1),
        with(|scene| "resolved".clone_into(&mut scene.values.status)),
        with(|scene| "closed".clone_into(&mut scene.values.status)),
        with(|scene| scene.number = 0),
    ]
}

/// A scene with something in every field.
pub(super) fn full(language: Language) -> Scene {
    Scene {
        values: values(language),
        number: NUMBER,
        tag: format!("[#{NUMBER}]"),
        desk_name: "Ayuntamiento de Villanueva".to_owned(),
        queue_title: words::pick(language, ["Support", "Soporte", "Atendimento"]).to_owned(),
        queue_address: "soporte@example.org".to_owned(),
        link: "https://soporte.example.org/t/853142/1.tqmk2c.0123456789abcdefghijklmn".to_owned(),
        link_until: OPENED_AT + 30 * 86_400,
        page: "https://soporte.example.org/t/853142".to_owned(),
        language: language.code(),
        zone: "Europe/Madrid".to_owned(),
        marker: words::reply_marker(language),
        note_address: "soporte+note@example.org".to_owned(),
        recipient_name: "Ana García".to_owned(),
        recipient_address: "ana@example.org".to_owned(),
        purpose: Purpose::Agent,
        sent_at: OPENED_AT + 600,
    }
}

/// A scene with nothing in it.
fn empty(language: Language) -> Scene {
    Scene {
        values: Values::default(),
        number: 0,
        tag: String::new(),
        desk_name: String::new(),
        queue_title: String::new(),
        queue_address: String::new(),
        link: String::new(),
        link_until: 0,
        page: String::new(),
        language: language.code(),
        zone: "UTC".to_owned(),
        marker: "",
        note_address: String::new(),
        recipient_name: String::new(),
        recipient_address: String::new(),
        purpose: Purpose::Desk,
        sent_at: 0,
    }
}

/// A scene for a person to look at, under the configured names.
pub(super) fn of_config(template: Template, language: Language, config: &Config) -> Scene {
    let mut scene = full(language);
    scene.desk_name.clone_from(&config.desk.name);
    scene.tag = tag(&config.desk.tag, NUMBER);
    if let Some(queue) = config.queues.first() {
        scene.queue_title.clone_from(&queue.title);
        scene.queue_address = queue.address.to_string();
        scene.zone = queue.time_zone.iana_name().unwrap_or("UTC").to_owned();
    }
    match &config.web {
        Some(web) => {
            scene.page = format!("{}/t/{NUMBER}", web.base_url);
            scene.link = format!("{}/1.tqmk2c.0123456789abcdefghijklmn", scene.page);
        }
        None => {
            scene.page.clear();
            scene.link.clear();
        }
    }
    if template.is_internal() {
        scene.link.clear();
    } else {
        scene.recipient_name.clone_from(&scene.values.requester_name);
        scene.recipient_address.clone_from(&scene.values.requester_address);
    }
    fit(&mut scene, template);
    scene
}

/// Makes the values those that such a mail has in service.
fn fit(scene: &mut Scene, template: Template) {
    match template {
        Template::Reply | Template::Colleague | Template::Forward => {
            scene.values.author_name.clone_from(&scene.values.assignee_name);
            scene.values.left_out.clear();
        }
        Template::Answer | Template::Digest => {
            scene.values.lines.clear();
            scene.values.text.clear();
        }
        Template::Undelivered => {
            scene.values.lines = vec!["550 5.1.1 <maria@cliente.example>: no such user here".to_owned()];
        }
        Template::Admin => {
            scene.values.lines = vec!["The mailbox soporte cannot be reached since 09:12.".to_owned()];
        }
        Template::Acknowledgement
        | Template::Copy
        | Template::Notification
        | Template::Explanation
        | Template::Help
        | Template::Confirmation
        | Template::Link => {}
    }
    if matches!(template, Template::Admin | Template::Answer | Template::Digest | Template::Confirmation) {
        scene.number = 0;
        scene.tag.clear();
        scene.page.clear();
    }
    if matches!(template, Template::Admin | Template::Answer | Template::Digest) {
        scene.values.subject.clear();
    }
}

fn values(language: Language) -> Values {
    let pick = |words: [&str; 3]| words::pick(language, words).to_owned();
    Values {
        subject: pick(["Invoice for October", "Factura de octubre", "Fatura de outubro"]),
        sender_is_proven: true,
        status: "open".to_owned(),
        priority: "normal".to_owned(),
        opened_at: OPENED_AT,
        requester_name: "María López".to_owned(),
        requester_address: "maria@cliente.example".to_owned(),
        author_name: "María López".to_owned(),
        author_address: "maria@cliente.example".to_owned(),
        assignee_name: "Ana García".to_owned(),
        text: pick([
            "Good morning:\n\nOn the invoice I see 120 € instead of 90 €. Could you have a look?\n\nThank you,\nMaría",
            "Buenos días:\n\nEn la factura veo 120 € en lugar de 90 €. ¿Podrían mirarlo?\n\nGracias,\nMaría",
            "Bom dia:\n\nNa fatura vejo 120 € em vez de 90 €. Podem verificar?\n\nObrigada,\nMaría",
        ]),
        folded: pick([
            "On Monday Ana García wrote:\n> The invoice is on its way.",
            "El lunes, Ana García escribió:\n> La factura va de camino.",
            "Na segunda-feira, Ana García escreveu:\n> A fatura já foi enviada.",
        ]),
        internal: false,
        from_mailbox: false,
        readers: vec!["maria@cliente.example".to_owned(), "jefe@cliente.example".to_owned()],
        left_out: vec!["plano.pdf".to_owned()],
        lines: vec![pick([
            "There is no command #clse. Did you mean #close?",
            "No hay ninguna orden #cerar. ¿Quiso decir #cerrar?",
            "Não há nenhum comando #fecar. Quis dizer #fechar?",
        ])],
        rows: vec![row(NUMBER, Status::Open, language), row(NUMBER - 141, Status::Pending, language)],
        history: vec![row(NUMBER - 141, Status::Closed, language)],
        history_count: 3,
        continues: NUMBER - 141,
        mentions: vec![NUMBER + 1],
        is_new: true,
    }
}

fn row(number: i64, status: Status, language: Language) -> Row {
    Row {
        number,
        status,
        queue: "soporte".to_owned(),
        subject: words::pick(language, ["Change of address", "Cambio de domicilio", "Mudança de endereço"])
            .to_owned(),
        requester: "María López".to_owned(),
        assignee: "ana@example.org".to_owned(),
        changed_at: Timestamp(OPENED_AT - 8 * 86_400),
    }
}
