//! Participants leave a ticket by mail and by one click, and stay out; nobody else can be taken out so.

use crate::world::{ANA, DESK, LUIS, MARIA, Mail, PEDRO, World};
use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use postdesk::web::{WebState, router};

/// A ticket of María's in which Pedro takes part, and the mail with Ana's answer that Pedro got.
async fn with_pedro(queue: &str) -> (World, i64, Mail, Mail) {
    let mut world = World::start_with("", queue, "").await;
    let letter = world.letter(MARIA, "Impresora", "La impresora del segundo piso no funciona.");
    world.posts(&letter.with(&format!("Cc: <{PEDRO}>\r\n")));
    world.work().await;
    let (number, note) = (world.tickets()[0], world.new_mail(ANA));
    world.new_mails(LUIS);
    world.new_mails(MARIA);
    world.no_mail(PEDRO);
    world.answers(ANA, &note, "Lo miramos hoy mismo.");
    world.work().await;
    let (to_maria, to_pedro) = (world.new_mail(MARIA), world.new_mail(PEDRO));
    assert_eq!(to_maria.header("List-Unsubscribe"), None, "a requester cannot leave");
    assert_eq!(to_maria.header("List-Unsubscribe-Post"), None);
    let body = |mail: &Mail| mail.raw.split_once("\r\n\r\n").unwrap().1.to_owned();
    assert_eq!(body(&to_maria), body(&to_pedro), "the body is shared");
    world.new_mails(LUIS);
    (world, number, note, to_pedro)
}

/// The `mailto:` of a mail: address and subject.
fn by_mail(mail: &Mail) -> (String, String) {
    let field = mail.header("List-Unsubscribe").unwrap();
    let link = field.split_once("<mailto:").unwrap().1.split('>').next().unwrap();
    let (address, subject) = link.split_once("?subject=").unwrap();
    (address.to_owned(), subject.replace("%20", " "))
}

/// The path of the link of a mail.
fn link(mail: &Mail) -> String {
    let field = mail.header("List-Unsubscribe").unwrap();
    let link = field.split_once("<https://help.desk.example").unwrap().1;
    link.trim_end_matches('>').to_owned()
}

fn leaves(world: &mut World, from: &str, (address, subject): &(String, String)) {
    let mut letter = world.letter(from, subject, "");
    letter.to = address.clone();
    world.posts(&letter.with("Auto-Submitted: auto-generated\r\n"));
}

fn take_part(world: &World, number: i64) -> bool {
    let people = world.ticket(number).people;
    people.contains(&("participant".to_owned(), PEDRO.to_owned()))
}

async fn ask(world: &World, method: Method, path: &str) -> (StatusCode, String) {
    let pages = TowerToHyperService::new(router(WebState::new(world.shared.clone())));
    let body = if method == Method::POST { "List-Unsubscribe=One-Click" } else { "" };
    let request = Request::builder().method(method).uri(path).body(Body::from(body)).unwrap();
    let answer = pages.call(request).await.unwrap();
    let status = answer.status();
    let bytes = axum::body::to_bytes(answer.into_body(), 1_000_000).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn a_participant_leaves_by_mail_and_is_answered_by_nothing() {
    for queue in ["", "plus_addresses = true"] {
        let (mut world, number, note, mail) = with_pedro(queue).await;
        let mailto = by_mail(&mail);
        assert_eq!(mailto.0 == DESK, queue.is_empty(), "{mailto:?}");
        leaves(&mut world, PEDRO, &mailto);
        world.work().await;
        assert!(!take_part(&world, number));
        let (disposition, reason) = world.last_account();
        assert_eq!(disposition, "ignored");
        assert!(reason.contains("left the ticket"), "{reason}");
        for person in [PEDRO, MARIA, ANA, LUIS] {
            world.no_mail(person);
        }
        leaves(&mut world, PEDRO, &mailto);
        world.work().await;
        assert!(world.last_account().1.contains("takes no part"), "{:?}", world.last_account());
        world.answers(ANA, &note, "Ya funciona.");
        world.work().await;
        assert_eq!(world.new_mails(MARIA).len(), 1);
        world.no_mail(PEDRO);
        assert_eq!(world.tickets(), [number]);
        world.verify();
    }
}

#[tokio::test]
async fn who_has_left_is_not_brought_back_by_somebodys_cc_but_by_an_agent() {
    let (mut world, number, note, mail) = with_pedro("").await;
    leaves(&mut world, PEDRO, &by_mail(&mail));
    world.work().await;
    let again = world.letter(MARIA, &format!("[#{number}] Impresora"), "Sigue igual.");
    world.posts(&again.with(&format!("Cc: <{PEDRO}>\r\n")));
    world.work().await;
    assert!(!take_part(&world, number));
    world.answers(ANA, &note, &format!("#cc {PEDRO}"));
    world.work().await;
    assert!(take_part(&world, number));
    world.verify();
}

#[tokio::test]
async fn one_click_leaves_and_looking_does_not() {
    let (world, number, _, mail) = with_pedro("").await;
    assert_eq!(mail.header("List-Unsubscribe-Post").unwrap(), "List-Unsubscribe=One-Click");
    let path = link(&mail);
    let (status, page) = ask(&world, Method::GET, &path).await;
    assert_eq!(status, StatusCode::OK);
    assert!(page.contains("<button") && page.contains(&path) && !page.contains(PEDRO), "{page}");
    assert!(take_part(&world, number), "looking changes nothing");
    let (status, page) = ask(&world, Method::POST, &path).await;
    assert_eq!(status, StatusCode::OK, "{page}");
    assert!(!take_part(&world, number));
    assert_eq!(ask(&world, Method::POST, &path).await.0, StatusCode::NOT_FOUND);
    assert!(world.ticket(number).events.iter().any(|event| event.what.contains("participant pedro")));
    world.verify();
}

#[tokio::test]
async fn a_changed_token_takes_nobody_out_and_the_mail_is_read_by_people() {
    let (mut world, number, _, mail) = with_pedro("").await;
    let path = link(&mail);
    let token = path.rsplit('/').next().unwrap().to_owned();
    for at in 0..token.len() {
        let letter = if token.as_bytes()[at] == b'0' { "1" } else { "0" };
        let mut changed = token.clone();
        changed.replace_range(at..=at, letter);
        let (status, _) = ask(&world, Method::POST, &format!("/leave/{changed}")).await;
        // The limit on requests answers the last of them.
        assert!(status.is_client_error(), "{changed}: {status}");
    }
    let (address, _) = by_mail(&mail);
    let last = if token.ends_with('0') { "1" } else { "0" };
    let forged = format!("leave {}{last}", &token[..token.len() - 1]);
    leaves(&mut world, MARIA, &(address, forged));
    world.work().await;
    assert!(take_part(&world, number));
    assert_eq!(world.tickets().len(), 2, "a mail that is no leave is a mail like any other");
    world.verify();
}

/// María's ticket with Pedro in it is merged into one of Luísa's; the number of hers.
async fn merged(world: &mut World, note: &Mail, from: i64) -> i64 {
    world.writes("luisa@client.example", "Otra impresora", "La del tercer piso tampoco funciona.");
    world.work().await;
    let into = *world.tickets().last().unwrap();
    world.answers(ANA, note, &format!("#fusionar {into}"));
    world.work().await;
    assert_ne!(into, from);
    assert!(take_part(world, into), "Pedro takes part in what it was merged into");
    [ANA, LUIS, MARIA, PEDRO].iter().for_each(|person| drop(world.new_mails(person)));
    into
}

#[tokio::test]
async fn what_was_sent_before_a_merge_still_leads_out_of_the_ticket_it_was_merged_into() {
    for by_click in [false, true] {
        for queue in ["", "plus_addresses = true"] {
            let (mut world, number, note, mail) = with_pedro(queue).await;
            let into = merged(&mut world, &note, number).await;
            if by_click {
                assert_eq!(ask(&world, Method::POST, &link(&mail)).await.0, StatusCode::OK);
            } else {
                leaves(&mut world, PEDRO, &by_mail(&mail));
                world.work().await;
                assert!(world.last_account().1.contains("left the ticket"), "{:?}", world.last_account());
            }
            assert!(!take_part(&world, into));
            let people = world.ticket(into).people;
            assert!(
                people.contains(&("participant".to_owned(), MARIA.to_owned())),
                "nobody else left: {people:?}"
            );
            world.answers(ANA, &note, "Ya funcionan las dos.");
            world.work().await;
            assert!(world.new_mail(MARIA).text.contains("las dos"));
            world.no_mail(PEDRO);
            // A later mail of María's that copies him in does not bring him back.
            let again =
                world.letter(MARIA, &format!("[#{into}]"), "Gracias a todos, pero la mía sigue igual.");
            world.posts(&again.with(&format!("Cc: <{PEDRO}>\r\n")));
            world.work().await;
            assert!(!take_part(&world, into));
            world.verify();
        }
    }
}

#[tokio::test]
async fn who_left_before_a_merge_stays_out_of_what_it_was_merged_into() {
    let (mut world, number, note, mail) = with_pedro("").await;
    leaves(&mut world, PEDRO, &by_mail(&mail));
    world.work().await;
    world.writes("luisa@client.example", "Otra impresora", "La del tercer piso tampoco funciona.");
    world.work().await;
    let into = *world.tickets().last().unwrap();
    world.answers(ANA, &note, &format!("#fusionar {into}"));
    world.work().await;
    let again = world.letter(MARIA, &format!("[#{number}]"), "La mía sigue igual.");
    world.posts(&again.with(&format!("Cc: <{PEDRO}>\r\n")));
    world.work().await;
    assert!(!take_part(&world, into), "{:?}", world.ticket(into).people);
    world.no_mail(PEDRO);
    world.verify();
}
