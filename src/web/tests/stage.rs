//! A desk with one ticket behind the pages, and how they are asked.

use crate::clock::{Clock, Dice, Timestamp};
use crate::compose::Templates;
use crate::desk::decision::{Decision, Disposition, Event};
use crate::loops::filing::receive;
use crate::loops::{Settings, Shared};
use crate::store::commit::{Origin, file_without_mail};
use crate::store::keys;
use crate::web::*;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use std::path::Path;
use tokio::sync::watch;

pub(super) const NOW: Timestamp = Timestamp(1_795_182_660);

pub(super) const MAIL: &str = "From: =?utf-8?q?Mar=C3=ADa?= <maria@cliente.example>\r\nTo: soporte@desk.example\r\n\
    Subject: Factura <script>alert(1)</script>\r\nMessage-ID: <1@cliente.example>\r\nDate: Fri, 20 Nov 2026 13:00:00 +0000\r\n\
    MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
    Buenos días:\r\n\r\nEn la factura de octubre veo 120 € en lugar de 90 €. <img src=x onerror=alert(1)>\r\n\
    Vea https://tienda.example/pedidos?id=7&x=1 por favor.\r\n\r\nGracias,\r\nMaría\r\n\r\n\
    El lun, 2 nov 2026 a las 10:00, Soporte <soporte@desk.example> escribió:\r\n> La factura va de camino.\r\n\
    --b\r\nContent-Type: text/html\r\nContent-Disposition: attachment; filename=\"factura <b>.html\"\r\n\r\n<script>alert(2)</script>\r\n\
    --b\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename*=UTF-8''factura%20a%C3%B1o.pdf\r\n\
    Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjcK\r\n--b--\r\n";

pub(super) fn config(folder: &Path, more: &str) -> crate::config::Config {
    let text = format!(
        r#"
        [desk]
        name = "Ayuntamiento de Villanueva"
        database = "{}"
        domain = "desk.example"
        hold_replies = "0s"
        [web]
        base_url = "https://soporte.example"
        {more}
        [smtp]
        host = "127.0.0.1"
        port = 25
        tls = "none"
        [[agent]]
        name = "Ana García"
        address = "ana@desk.example"
        [[queue]]
        name = "soporte"
        title = "Soporte"
        address = "soporte@desk.example"
        language = "es"
        time_zone = "Europe/Madrid"
        agents = ["ana@desk.example"]
        [[mailbox]]
        name = "soporte"
        queue = "soporte"
        host = "127.0.0.1"
        port = 143
        tls = "none"
        user = "soporte"
        password_command = ["true"]
        "#,
        folder.join("postdesk.db").display()
    );
    crate::config::parse(&text, Path::new("test.toml")).unwrap_or_else(|faults| panic!("{faults}"))
}

/// A desk with one ticket: a requester's message with files, an agent's reply and an agent's note.
pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) shared: Shared,
    pub(super) clock: Clock,
    pub(super) number: i64,
    pub(super) router: Router,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl World {
    pub(super) async fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config(folder.path(), more);
        let clock = Clock::by_hand(NOW);
        let path = config.desk.database.clone();
        let settings = Arc::new(Settings { config, templates: Templates::new(&[]).ok().unwrap() });
        let shared =
            Shared::open(&path, watch::channel(settings).1, clock.clone(), Dice::from_seed(7)).unwrap();
        let mut world =
            Self { folder, router: router(WebState::new(shared.clone())), shared, clock, number: 0 };
        world.number = world.file(MAIL, false).await;
        world.clock.advance(3600);
        let number = world.number;
        let mail = |text: &str| {
            format!(
                "From: Ana <ana@desk.example>\r\nTo: soporte@desk.example\r\nSubject: [#{number}]\r\nMessage-ID: <{}@x>\r\n\
                 Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n",
                text.len()
            )
        };
        world.file(&mail("Hola, María:\r\n\r\nTiene razón, la corregimos hoy mismo."), true).await;
        world.file(&mail("#note\r\nSECRETO: es una clienta difícil"), true).await;
        world
    }

    pub(super) async fn file(&self, raw: &str, confirmed: bool) -> i64 {
        let origin = Origin { mailbox: "deliver".into(), uidvalidity: 0, uid: 0, queue: "soporte".into() };
        let delivery = receive(origin, None, raw.as_bytes().to_vec()).confirmed(confirmed);
        let outcome = self.shared.file(delivery).await.unwrap();
        assert!(outcome.number.is_some(), "{}", outcome.reason);
        outcome.number.unwrap()
    }

    pub(super) async fn change(&self, event: Event) {
        let decision = Decision { events: vec![event], ..Decision::nothing(Disposition::Agent, "test") };
        let job = move |db: &crate::store::Connection| file_without_mail(db, "test", (&decision, &[]), NOW);
        self.shared.store.write(job).await.unwrap();
    }

    pub(super) async fn link(&self) -> String {
        let (number, now) = (self.number, self.clock.now());
        let ask = move |reader: &crate::store::read::Reader| {
            Ok(keys::load(reader.db(), now, 86_400)?.link(number, now.plus(600)))
        };
        format!("/t/{number}/{}", self.shared.readers.ask(ask).await.unwrap().unwrap())
    }

    pub(super) async fn send(&self, request: Request<Body>) -> Answer {
        let response = TowerToHyperService::new(self.router.clone()).call(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 10_000_000).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        self.get_in(path, "es").await
    }

    pub(super) async fn get_in(&self, path: &str, language: &str) -> Answer {
        self.send(Request::get(path).header("accept-language", language).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, path: &str) -> Answer {
        let request = Request::post(path).header("accept-language", "es");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(super) async fn mailed(&self) -> usize {
        let count = |db: &crate::store::Connection| {
            Ok(db.query_row("SELECT count(*) FROM outbox WHERE template = 'link'", [], |row| {
                row.get::<_, i64>(0)
            })?)
        };
        usize::try_from(self.shared.store.write(count).await.unwrap()).unwrap()
    }
}

pub(super) fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map_or("", |value| value.to_str().unwrap())
}
