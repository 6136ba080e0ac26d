use super::*;

fn reads(fields: &str) -> Option<Automatic> {
    detect(&Headers::of_text(&format!("From: Ana <ana@x.example>\nSubject: Printer\n{fields}\n")), false)
}

#[test]
fn the_field_s_table_holds_in_every_cell() {
    for human in [
        "",
        "Auto-Submitted: no",
        "Auto-Submitted: No",
        "Auto-Submitted: no (by hand)",
        "Precedence: normal",
        "Precedence: first-class",
        "X-Auto-Response-Suppress: OOF",
        "X-Auto-Response-Suppress: DR, OOF",
        "X-Autoreply: no",
        "Auto-Submitted: (by hand) no",
        "Precedence: normal (list)",
        "Sender: <secretary@x.example>",
        "Return-Path: <bounces+17-ab@crm.example>",
        "Return-Path: <ana@x.example>",
        "Content-Type: multipart/mixed",
    ] {
        assert_eq!(reads(human), None, "{human}");
    }
    use AutomaticKind::{Generated, List, Reply, Report};
    for (robot, kind) in [
        ("Auto-Submitted: auto-replied", Reply),
        ("Auto-Submitted: Auto-Replied (vacation)", Reply),
        ("Auto-Submitted: auto-generated", Generated),
        ("Auto-Submitted: auto-notified; owner-email=a@b", Generated),
        ("Auto-Submitted: (sieve) auto-replied", Reply),
        ("Precedence: bulk", List),
        ("Precedence: list (mailman); x=y", List),
        ("Return-Path: <talk-bounces+desk=d.example@lists.example>", List),
        ("Return-Path: <owner-talk@lists.example>", List),
        ("Sender: talk-bounces@lists.example", List),
        ("Errors-To: <talk-owner@lists.example>", List),
        ("X-Google-Group-Id: 1", List),
        ("Precedence: Bulk", List),
        ("Precedence: list", List),
        ("Precedence: junk", List),
        ("Precedence: auto_reply", Reply),
        ("X-Auto-Response-Suppress: All", Generated),
        ("X-Auto-Response-Suppress: AutoReply", Generated),
        ("X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply", Generated),
        ("List-Id: <a.b>", List),
        ("List-Unsubscribe: <mailto:a@b>", List),
        ("X-Loop: a", Generated),
        ("X-Autoreply: yes", Generated),
        ("X-Autorespond: a", Generated),
        ("Return-Path: <>", Report),
        ("Return-Path: <MAILER-DAEMON>", Report),
        ("Content-Type: multipart/report; report-type=delivery-status", Report),
    ] {
        let found = reads(robot).unwrap_or_else(|| panic!("{robot}"));
        assert_eq!(found.kind, kind, "{robot}");
        let name = robot.split(':').next().unwrap();
        assert!(found.evidence.to_lowercase().starts_with(&name.to_lowercase()), "{}", found.evidence);
    }
}

#[test]
fn senders_that_read_no_answer_are_robots() {
    for (from, robot) in [
        ("noreply@x.example", true),
        ("No-Reply <no-reply@x.example>", true),
        ("do_not_reply@x.example", true),
        ("notifications-noreply@x.example", true),
        ("nao-responda@x.example", true),
        ("no_contesten@x.example", true),
        ("MAILER-DAEMON@x.example", true),
        ("Mail Delivery Subsystem <mailer-daemon@x.example>", true),
        ("Ana Reply <ana.reply@x.example>", false),
        ("nora@x.example", false),
        ("shop-owner@x.example\nReturn-Path: <shop-owner@x.example>", false),
    ] {
        let found = detect(&Headers::of_text(&format!("From: {from}\nSubject: a\n")), false);
        assert_eq!(found.is_some(), robot, "{from}");
    }
}

#[test]
fn a_robot_s_subject_is_known_and_a_human_s_is_not_mistaken() {
    for robot in [
        "Automatic reply: Printer",
        "Out of Office: Printer",
        "Out of Office AutoReply: Printer",
        "Out of office",
        "Out of the office until Monday",
        "Respuesta automática: Impresora",
        "Fuera de la oficina: Impresora",
        "Resposta automática: Impressora",
        "[EXTERNAL] Automatic reply: Printer",
        "[Externo] Respuesta automática: Impresora",
        "EXTERNAL: Out of Office: Printer",
        "Autorespuesta: Impresora",
        "Contestación automática: Impresora",
        "Estoy de vacaciones",
        "Mensaje automatico: Impresora",
        "Autoresposta: Impressora",
        "Estou de férias!",
        "Resposta de ausência: Impressora",
        "Abwesenheitsnotiz",
        "Automatische Antwort: Drucker",
        "Réponse automatique : Imprimante",
        "Risposta automatica: Stampante",
        "Automatisk svar: Printer",
        "自動応答: プリンタ",
        "AUTO: Ann Smith is out of the office (returning 05/12/2026)",
        "=?utf-8?Q?Respuesta_autom=C3=A1tica=3A_Impresora?=",
    ] {
        assert!(is_vacation(&Headers::of_text(&format!("Subject: {robot}\n"))), "{robot}");
    }
    for human in [
        "autoreply is broken",
        "Automatic replies do not work",
        "Out of office assistant is not working",
        "Re: Automatic reply: Printer",
        "Fuera de la oficina no puedo entrar",
        "Vacation request",
        "[EXTERNAL] Autoreply is broken",
        "[Automatic reply does not work any more] Automatic reply: x",
        "Estoy de vacaciones y no puedo entrar",
        "Estou de férias e não consigo entrar",
        "Ausencia temporal: solicitud",
        "Auto: insurance question",
        "Out of paper",
        "",
    ] {
        assert!(!is_vacation(&Headers::of_text(&format!("Subject: {human}\n"))), "{human}");
    }
}

#[test]
fn our_own_automatic_mail_is_known_by_each_of_its_marks() {
    for mark in [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "X-Loop: postdesk",
    ] {
        assert!(reads(mark).is_some(), "{mark}");
    }
}
