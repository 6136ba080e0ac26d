use super::super::{LIMITS, Mail, read};
use super::*;

fn mail(text: &str) -> Mail {
    read(text.as_bytes(), &LIMITS)
}

fn dsn(status_part: &str) -> Mail {
    mail(&format!(
        "From: MAILER-DAEMON@x.example\nTo: desk@d.example\nSubject: Undelivered Mail Returned to Sender\nMessage-ID: <b@x.example>\n\
         MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: text/plain\n\nIt could not be delivered.\n\n\
         --b\nContent-Type: message/delivery-status\n\n{status_part}\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <our@d.example>\nSubject: Hi\n\nHello\n--b--\n"
    ))
}

fn one(status_part: &str) -> FailedRecipient {
    dsn(status_part).bounce.expect(status_part).recipients.into_iter().next().expect(status_part)
}

#[test]
fn status_fields_are_read_into_recipient_status_and_kind() {
    for (fields, address, status, kind) in [
        (
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1",
            "a@x.example",
            "5.1.1",
            BounceKind::Hard,
        ),
        (
            "Final-Recipient: rfc822;a@x.example\nAction: failed\nStatus: 5.2.2 (full)",
            "a@x.example",
            "5.2.2",
            BounceKind::Soft,
        ),
        (
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 4.4.1",
            "a@x.example",
            "4.4.1",
            BounceKind::Soft,
        ),
        (
            "Final-Recipient: rfc822; a@x.example\nAction: delayed\nStatus: 4.4.1",
            "a@x.example",
            "4.4.1",
            BounceKind::Delayed,
        ),
        (
            "Final-Recipient: RFC822; <a@x.example>\nAction: failed (bad)\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.7.1 no",
            "a@x.example",
            "5.7.1",
            BounceKind::Hard,
        ),
        (
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 Unknown user",
            "a@x.example",
            "5.1.1",
            BounceKind::Hard,
        ),
        (
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 552 Mailbox full",
            "a@x.example",
            "5.2.2",
            BounceKind::Soft,
        ),
        (
            "Original-Recipient: rfc822;old@x.example\nFinal-Recipient: rfc822;new@x.example\nAction: failed\nStatus: 5.1.1",
            "old@x.example",
            "5.1.1",
            BounceKind::Hard,
        ),
        (
            "Final-Recipient: rfc822; a@x.example\nAction: failed\nDiagnostic-Code: smtp; 550 user\n unknown",
            "a@x.example",
            "5.1.1",
            BounceKind::Hard,
        ),
    ] {
        let found = one(&format!("Reporting-MTA: dns; x.example\n\n{fields}\n"));
        assert_eq!(
            (found.address.as_str(), found.status.as_deref(), found.kind),
            (address, Some(status), kind),
            "{fields}"
        );
    }
}

#[test]
fn a_report_names_the_mail_it_is_about() {
    let bounce = dsn("Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n").bounce.unwrap();
    assert_eq!(bounce.about.first().map(|id| id.as_str()), Some("our@d.example"));
}

#[test]
fn success_is_no_bounce_and_the_worst_recipient_counts() {
    assert!(dsn("Final-Recipient: rfc822; a@x.example\nAction: delivered\nStatus: 2.0.0\n").bounce.is_none());
    assert!(dsn("Final-Recipient: rfc822; a@x.example\nAction: relayed\nStatus: 2.0.0\n").bounce.is_none());
    let both = "Reporting-MTA: dns;x\n\nFinal-Recipient: rfc822; a@x.example\nAction: delayed\nStatus: 4.0.0\n\nFinal-Recipient: rfc822; b@x.example\nAction: failed\nStatus: 5.1.1\n";
    let bounce = dsn(both).bounce.unwrap();
    assert_eq!((bounce.kind, bounce.recipients.len()), (BounceKind::Hard, 2));
    let glued = "Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\nFinal-Recipient: rfc822; b@x.example\nAction: failed\nStatus: 5.1.1\n";
    assert_eq!(dsn(glued).bounce.unwrap().recipients.len(), 2);
}

fn freeform(from: &str, subject: &str, text: &str) -> Option<Bounce> {
    mail(&format!("From: {from}\nTo: desk@d.example\nSubject: {subject}\n\n{text}")).bounce
}

#[test]
fn reports_in_words_are_read() {
    for (from, subject, text, address, class) in [
        (
            "MAILER-DAEMON@x.example",
            "failure notice",
            "Hi. This is the mail program at x.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\n<a@x.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nMessage-ID: <our@d.example>\nTo: other@x.example\n",
            "a@x.example",
            '5',
        ),
        (
            "Mail Delivery System <Mailer-Daemon@x.example>",
            "Mail delivery failed: returning message to sender",
            "A message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  a@x.example\n    SMTP error from remote mail server: 550 unknown user\n\n------ This is a copy of the message ------\n",
            "a@x.example",
            '5',
        ),
        (
            "postmaster@x.example",
            "Undeliverable: Hello",
            "Your message\n\n  To:      other@x.example\n  Subject: Hello\n\ndid not reach the following recipient(s):\n\na@x.example on Fri, 20 Nov 2026 10:00:00\n    The mailbox is full\n",
            "a@x.example",
            '5',
        ),
        (
            "Mail Delivery Subsystem <MAILER-DAEMON@x.example>",
            "Returned mail: see transcript",
            "   ----- The following addresses had permanent fatal errors -----\n<a@x.example>\n\n   ----- Transcript of session follows -----\n550 a@x.example... User unknown\n",
            "a@x.example",
            '5',
        ),
        (
            "MAILER-DAEMON@x.example",
            "Correo devuelto",
            "No se pudo entregar su mensaje a los siguientes destinatarios:\n\na@x.example\n\n452 4.2.2 Buzón lleno\n",
            "a@x.example",
            '4',
        ),
    ] {
        let bounce = freeform(from, subject, text).unwrap_or_else(|| panic!("{subject}"));
        let first = bounce.recipients.first().unwrap_or_else(|| panic!("{subject}: nobody"));
        assert_eq!((first.address.as_str(), bounce.recipients.len()), (address, 1), "{subject}");
        assert!(
            first.status.as_deref().is_some_and(|s| s.starts_with(class)),
            "{subject}: {:?}",
            first.status
        );
    }
}

#[test]
fn a_delay_is_delayed() {
    let bounce = freeform("Mail Delivery System <Mailer-Daemon@x.example>", "Warning: message delayed 24 hours", "This message was created automatically.\nThe message has not yet been delivered. The address is:\n\n  a@x.example\n\nNo action is required on your part. Delivery attempts will continue.\n").unwrap();
    assert_eq!(bounce.kind, BounceKind::Delayed);
}

#[test]
fn what_people_and_other_robots_write_is_no_bounce() {
    for (from, subject, text) in [
        (
            "Ana <ana@x.example>",
            "Undeliverable mail",
            "Hello, I get this when I write to you:\n\n> 550 5.1.1 <desk@d.example>: user unknown\n> could not be delivered\n\nWhat is wrong?\n",
        ),
        (
            "Ana <ana@x.example>",
            "Problema con el correo",
            "Mi correo fue devuelto con 550 5.1.1 usuario desconocido para a@x.example\n",
        ),
        (
            "Ana <ana@x.example>",
            "Re: Undelivered Mail Returned to Sender",
            "What does this mean?\n\n> <a@x.example>: 550 user unknown\n",
        ),
        (
            "Ana <ana@x.example>",
            "Automatic reply: Printer",
            "I am away. Mail to a@x.example could not be delivered.\n",
        ),
        (
            "Ana <ana@x.example>\nReturn-Path: <>\nIn-Reply-To: <our@d.example>",
            "Re: [#1] Printer",
            "I am out of the office. For urgent matters write to the following address:\n\nbob@x.example\n",
        ),
        (
            "Ana <ana@x.example>\nReturn-Path: <>\nAuto-Submitted: auto-replied\nIn-Reply-To: <our@d.example>",
            "Re: [#1] Printer",
            "Ana no longer works here and this mailbox does not exist from December on: bob@x.example\n",
        ),
        ("postmaster@x.example", "Please add a user", "Could you add bob to our contract? Thanks.\n"),
    ] {
        assert!(freeform(from, subject, text).is_none(), "{subject}");
    }
}

#[test]
fn read_receipts_and_abuse_reports_are_reports_but_no_bounces() {
    for (kind, part) in [
        (
            "disposition-notification",
            "Final-Recipient: rfc822; a@x.example\nDisposition: manual-action/MDN-sent-manually; displayed",
        ),
        (
            "disposition-notification",
            "Final-Recipient: rfc822; a@x.example\nDisposition: manual-action/MDN-sent-automatically; deleted",
        ),
        ("feedback-report", "Feedback-Type: abuse\nOriginal-Rcpt-To: a@x.example"),
    ] {
        let mail = mail(&format!(
            "From: a@x.example\nSubject: Read: Hi\nContent-Type: multipart/report; report-type={kind}; boundary=b\n\n--b\nContent-Type: text/plain\n\nIt was read.\n\n--b\nContent-Type: message/{kind}\n\n{part}\n\n--b--\n"
        ));
        assert!(mail.bounce.is_none(), "{part}");
        assert_eq!(
            mail.automatic.map(|a| a.kind),
            Some(super::super::automatic::AutomaticKind::Report),
            "{part}"
        );
    }
}

#[test]
fn addresses_stand_out_of_running_text() {
    let texts =
        |line: &str| addresses::in_line(line).iter().map(|a| a.as_str().to_owned()).collect::<Vec<_>>();
    assert_eq!(texts("<a@x.example>: said"), ["a@x.example"]);
    assert_eq!(texts("o=N;dda:SMTP=a.b@x.example; on"), ["a.b@x.example"]);
    assert_eq!(texts("to a@x.example, and (b@y.example)."), ["a@x.example", "b@y.example"]);
    assert_eq!(texts("@ a@ @b"), Vec::<String>::new());
}

#[test]
fn a_report_that_a_gateway_wrapped_is_read_and_one_that_a_person_forwards_is_not() {
    let inner = "From: MAILER-DAEMON@x.example\nMessage-ID: <r@x.example>\nContent-Type: multipart/report; report-type=delivery-status; boundary=c\n\n--c\n\nSorry.\n\n--c\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n\n--c--\n";
    let wrapped = |from: &str| {
        mail(&format!(
            "From: {from}\nSubject: News of your mail\nMessage-ID: <w@x.example>\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee below.\n\n--b\nContent-Type: message/rfc822\n\n{inner}\n--b--\n"
        ))
        .bounce
    };
    let bounce = wrapped("postmaster@gateway.example").unwrap();
    assert_eq!(bounce.recipients.first().map(|r| r.address.as_str()), Some("a@x.example"));
    assert_eq!(wrapped("Ana <ana@x.example>"), None);
}

#[test]
fn a_machine_that_deletes_unread_has_refused_the_mail() {
    let bounce = mail("From: postmaster@x.example\nSubject: Returned mail: see details\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nYour message could not be delivered to a@x.example: mailbox full.\n\n--b\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; a@x.example\nOriginal-Message-ID: <our@d.example>\nDisposition: automatic-action/MDN-sent-automatically; deleted\n\n--b--\n").bounce;
    assert_eq!(bounce.map(|bounce| bounce.kind), Some(BounceKind::Soft));
}

#[test]
fn a_report_that_attaches_nothing_may_name_the_mail_in_its_fields() {
    let report = mail(
        "From: MAILER-DAEMON@x.example\nSubject: Failed\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\nOriginal-Message-ID: <our@d.example>\n\nFinal-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.1.1\n\n--b--\n",
    );
    let about = report.bounce.unwrap().about;
    assert_eq!(about.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["our@d.example"]);
}
