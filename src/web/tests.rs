mod stage;

use super::*;
use crate::desk::decision::Event;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use stage::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[tokio::test]
async fn the_number_alone_shows_the_card_and_nothing_personal() {
    let world = World::new("").await;
    let card = world.get(&format!("/t/{}", world.number)).await;
    assert_eq!(card.status, StatusCode::OK);
    for shown in ["Estamos en ello", "Soporte", "viernes, 20 de noviembre de 2026, 14:51 (CET)"] {
        assert!(card.body.contains(shown), "{shown}: {}", card.body);
    }
    for hidden in
        ["María", "maria", "cliente", "Factura", "factura", "120", "Ana", "ana@", "SECRETO", "desk.example"]
    {
        assert!(!card.body.contains(hidden), "{hidden}: {}", card.body);
    }
}

#[tokio::test]
async fn the_signed_link_shows_what_is_public_escaped_and_no_note() {
    let world = World::new("").await;
    let page = world.get(&world.link().await).await;
    assert_eq!(page.status, StatusCode::OK);
    for shown in [
        "Tiene razón",
        "Ana García",
        "120 €",
        "<details><summary>Ver lo que venía citado debajo",
        "La factura va de camino.",
        "&lt;img src=x onerror=alert(1)&gt;",
        "Factura &lt;script&gt;",
        "href=\"https://tienda.example/pedidos?id=7&amp;x=1\"",
        "factura año.pdf",
    ] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    for hidden in ["SECRETO", "ana@desk", "<script", "<img", "onerror=alert(1)>", "#note"] {
        assert!(!page.body.contains(hidden), "{hidden}: {}", page.body);
    }
    assert_eq!(header(&page, "cache-control"), "no-store");
}

#[tokio::test]
async fn a_link_that_is_cut_changed_expired_or_another_tickets_opens_nothing() {
    let world = World::new("").await;
    let link = world.link().await;
    let signature = link.rsplit('/').next().unwrap();
    let other = world.file(&MAIL.replace("<1@cliente", "<2@cliente").replace("120", "121"), false).await;
    for path in [
        link[..link.len() - 1].to_owned(),
        link.replace('.', "%2e") + "x",
        format!("/t/{other}/{signature}"),
        format!("/t/999999/{signature}"),
        format!("/t/{}/..%2f..%2fetc%2fpasswd", world.number),
    ] {
        let answer = world.get(&path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.body.contains("Este enlace ya no funciona") && !answer.body.contains("120"), "{path}");
    }
    world.clock.advance(601);
    assert_eq!(world.get(&link).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_download_is_saved_never_shown_and_only_from_its_own_ticket() {
    let world = World::new("").await;
    let link = world.link().await;
    let page = world.get(&link).await.body;
    let paths: Vec<&str> =
        page.split("href=\"").filter_map(|p| p.split('"').next()).filter(|p| p.contains("/a/")).collect();
    assert_eq!(paths.len(), 2, "{page}");
    let html = world.get(paths[0]).await;
    assert_eq!((html.status, html.body.trim_end()), (StatusCode::OK, "<script>alert(2)</script>"));
    assert_eq!(header(&html, "content-type"), "application/octet-stream");
    assert!(header(&html, "content-disposition").starts_with("attachment; "));
    assert!(header(&html, "content-security-policy").ends_with("sandbox"));
    assert_eq!(header(&html, "x-content-type-options"), "nosniff");
    let pdf = world.get(paths[1]).await;
    assert_eq!((pdf.body.as_str(), header(&pdf, "content-type")), ("%PDF-1.7\n", "application/pdf"));
    let expected = "attachment; filename=\"factura a_o.pdf\"; filename*=UTF-8''factura%20a%C3%B1o.pdf";
    assert_eq!(header(&pdf, "content-disposition"), expected);
    for bad in ["/a/999/x", "/a/-1/x", "/a/9223372036854775807/..%2f..%2fx"] {
        assert_eq!(world.get(&format!("{link}{bad}")).await.status, StatusCode::NOT_FOUND, "{bad}");
    }
    assert_eq!(world.get(&format!("{link}/a/x/y")).await.status, StatusCode::BAD_REQUEST);
    let unsigned = paths[0].replace(link.rsplit('/').next().unwrap(), "1.1.0123456789abcdefghijklmn");
    assert_eq!(world.get(&unsigned).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn asking_for_the_link_answers_the_same_sentence_and_mails_the_requester_once_an_hour() {
    let world = World::new("").await;
    let known = world.post(&format!("/t/{}/link", world.number)).await;
    let unknown = world.post("/t/123456/link").await;
    assert_eq!((known.status, unknown.status), (StatusCode::OK, StatusCode::OK));
    assert_eq!(known.body.replace(&world.number.to_string(), "N"), unknown.body.replace("123456", "N"));
    assert_eq!(world.mailed().await, 1);
    world.post(&format!("/t/{}/link", world.number)).await;
    assert_eq!(world.mailed().await, 1);
    world.clock.advance(3600);
    world.post(&format!("/t/{}/link", world.number)).await;
    assert_eq!(world.mailed().await, 2);
    let looked_at = world.get(&format!("/t/{}/link", world.number)).await;
    assert_eq!(looked_at.status, StatusCode::SEE_OTHER);
    assert_eq!(world.mailed().await, 2);
}

#[tokio::test]
async fn unknown_and_malformed_numbers_get_a_helpful_answer() {
    let world = World::new("").await;
    let unknown = world.get("/t/123456").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert!(unknown.body.contains("No hay ninguna solicitud <strong>123456</strong>"));
    for bad in ["abc", "12x", "%3Cscript%3E", "%ff", "..%2f..%2fetc", "0", "99999999999999999999", "1;DROP"] {
        let answer = world.get(&format!("/t/{bad}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{bad}");
        assert!(
            answer.body.contains("no es un número de solicitud") && !answer.body.contains("<script"),
            "{bad}"
        );
        assert_eq!(world.get(&format!("/t?number={bad}")).await.status, StatusCode::BAD_REQUEST, "{bad}");
    }
    for lost in ["/t/1/2/3", "/x", "/t/../../etc/passwd", "//"] {
        assert_eq!(world.get(lost).await.status, StatusCode::NOT_FOUND, "{lost}");
    }
    assert_eq!(world.get("/t").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.post("/").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_form_takes_a_number_as_people_type_it() {
    let world = World::new("").await;
    for typed in ["853142", "%23853142", "%5B%23853142%5D", "853+142", "+853142+"] {
        let answer = world.get(&format!("/t?number={typed}")).await;
        assert_eq!(
            (answer.status, header(&answer, "location")),
            (StatusCode::SEE_OTHER, "/t/853142"),
            "{typed}"
        );
    }
    assert_eq!(header(&world.get("/t?lang=pt&number=853142").await, "location"), "/t/853142?lang=pt");
    assert_eq!(header(&world.get("/t/%23853142").await, "location"), "/t/853142");
}

#[tokio::test]
async fn a_merged_ticket_leads_to_the_other() {
    let world = World::new("").await;
    let other = world.file(&MAIL.replace("<1@cliente", "<2@cliente").replace("120", "121"), false).await;
    world.change(Event::Merge(world.number, other)).await;
    let card = world.get(&format!("/t/{}", world.number)).await;
    assert!(card.body.contains(&format!("href=\"/t/{other}\"")), "{}", card.body);
    assert!(card.body.contains("se unió con otra"));
}

#[tokio::test]
async fn the_language_is_the_browsers_or_the_one_chosen() {
    let world = World::new("").await;
    for (accept, title) in [
        ("de, pt-BR;q=0.8", "Como está o meu pedido?"),
        ("en-GB", "How is my request going?"),
        ("fr", "¿Cómo va mi solicitud?"),
    ] {
        assert!(world.get_in("/", accept).await.body.contains(title), "{accept}");
    }
    let chosen = world.get_in("/?lang=en", "es").await.body;
    assert!(chosen.contains("<html lang=\"en\">") && chosen.contains("name=\"lang\" value=\"en\""));
    let card = world.get_in(&format!("/t/{}?lang=en", world.number), "es").await.body;
    assert!(card.contains(&format!("action=\"/t/{}/link?lang=en\"", world.number)), "{card}");
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_protect_its_reader() {
    let world = World::new("").await;
    let link = world.link().await;
    let card = format!("/t/{}", world.number);
    for path in
        ["/", &card, &link, "/t/x", "/nothing", "/style.css", "/icon.svg", "/healthz", "/t?number=853142"]
    {
        let answer = world.get(path).await;
        let policy = header(&answer, "content-security-policy");
        for part in ["default-src 'none'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"]
        {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains("script-src"));
        assert_eq!(header(&answer, "x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header(&answer, "referrer-policy"), "no-referrer", "{path}");
        assert_eq!(header(&answer, "x-robots-tag"), "noindex, nofollow", "{path}");
        assert!(header(&answer, "set-cookie").is_empty());
        if header(&answer, "content-type").starts_with("text/html") {
            assert_eq!(header(&answer, "cache-control"), "no-store", "{path}");
            for forbidden in ["<script", " style=", "<style", "onclick", "http://"] {
                assert!(!answer.body.contains(forbidden), "{path}: {forbidden}");
            }
        }
    }
    assert_eq!(world.get("/healthz").await.body, "ok\n");
}

#[tokio::test]
async fn a_block_that_asks_too_often_is_told_when_to_come_back() {
    let world = World::new("requests_per_minute = 5\nbehind_proxy = true").await;
    let ask = |from: &'static str| {
        let request = Request::get("/").header("x-forwarded-for", from).header("accept-language", "en");
        world.send(request.body(Body::empty()).unwrap())
    };
    for _ in 0..5 {
        assert_eq!(ask("203.0.113.7").await.status, StatusCode::OK);
    }
    let refused = ask("1.2.3.4, 203.0.113.99").await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!((1..=13).contains(&seconds), "{seconds}");
    assert!(refused.body.contains("One moment, please"), "{}", refused.body);
    assert_eq!(ask("203.0.114.1").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_desk_below_a_path_links_below_it() {
    let world = World::new("").await;
    let mut settings = config(world.folder.path(), "");
    settings.web.as_mut().unwrap().base_url = "https://x.example/soporte".into();
    let view = view::View::of(&settings, &HeaderMap::new(), &"/t/1?lang=en".parse().unwrap());
    let page = pages::home(&view);
    for link in
        ["\"/soporte/style.css\"", "\"/soporte/t\"", "\"/soporte/t/1?lang=es\"", "\"/soporte/?lang=en\""]
    {
        assert!(page.contains(link), "{link}: {page}");
    }
}

#[tokio::test]
async fn a_very_long_conversation_is_still_a_page() {
    let world = World::new("").await;
    for n in 0..40 {
        let long = "Una frase larga. ".repeat(15_000);
        let raw = MAIL
            .replace("<1@cliente", &format!("<long{n}@cliente"))
            .replace("Buenos días:", &format!("{n} {long}"));
        let raw = raw.replace("Subject: ", &format!("Subject: [#{}] ", world.number));
        assert_eq!(world.file(&raw, false).await, world.number);
    }
    let page = world.get(&world.link().await).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.len() < 6_000_000, "{}", page.body.len());
    assert!(page.body.contains("El texto es más largo"));
}

async fn served(world: &World) -> (std::net::SocketAddr, watch::Sender<bool>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(serve(listener, world.router.clone(), stopped));
    (address, stop, running)
}

#[tokio::test]
async fn over_a_socket_it_answers_keeps_the_connection_and_stops_in_order() {
    let world = World::new("").await;
    let (address, stop, running) = served(&world).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    for _ in 0..2 {
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut answer = vec![0; 4096];
        let read = stream.read(&mut answer).await.unwrap();
        assert!(String::from_utf8_lossy(&answer[..read]).ends_with("ok\n"));
    }
    stop.send(true).unwrap();
    running.await.unwrap();
    assert_eq!(stream.read(&mut [0; 16]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_client_that_sends_its_head_byte_by_byte_or_nothing_is_cut_off() {
    let world = World::new("").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (_stop, stopped) = watch::channel(false);
    let brief = std::time::Duration::from_millis(300);
    tokio::spawn(serve::serve_within(listener, world.router.clone(), stopped, brief));
    for start in ["GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", "", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(start.as_bytes()).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let is_slow = start.contains("X-Slow");
        let dripping = tokio::spawn(async move {
            // Until the other side has closed.
            while is_slow && writer.write_all(b"x").await.is_ok() {
                tokio::time::sleep(brief / 10).await;
            }
            writer
        });
        let mut rest = Vec::new();
        let closed = tokio::time::timeout(brief * 20, reader.read_to_end(&mut rest)).await;
        dripping.abort();
        assert!(closed.is_ok(), "still open: {start:?}");
    }
}

#[tokio::test]
async fn a_head_without_end_is_refused_and_not_kept() {
    let world = World::new("").await;
    let (address, stop, running) = served(&world).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Long: ").await.unwrap();
    let (mut reader, mut writer) = stream.into_split();
    let writing = tokio::spawn(async move { while writer.write_all(&[b'x'; 4096]).await.is_ok() {} });
    let mut answer = vec![0; 16];
    reader.read_exact(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 431"), "{}", String::from_utf8_lossy(&answer));
    writing.abort();
    stop.send_replace(true);
    running.await.unwrap();
}
