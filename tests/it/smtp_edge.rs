//! The SMTP client against a relay that behaves, and one that does not.

use crate::mail_world::*;
use postdesk::config::Tls;
use postdesk::demo::server::{ServerOptions, SmtpFault, When};
use postdesk::net::{CertificateFault, TcpDial, TlsError};
use postdesk::smtp::{Connection, Outcome, SmtpError};
use tokio::time::Instant;

const ANA: &str = "ana@example.com";

#[tokio::test]
async fn mail_is_taken_over_with_every_protection() {
    for tls in [Tls::Implicit, Tls::StartTls, Tls::None] {
        let server = server(ServerOptions { require_login: true, ..secured(tls, "good.pem") }).await;
        let at = to(server.smtp_port(), tls);
        let mut connection = Connection::open(&at, "desk.example.org", &TcpDial).await.unwrap();
        for n in 0..3 {
            let outcome = connection.submit(Some(DESK), ANA, &mail(n)).await;
            assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
        }
        assert!(matches!(connection.submit(None, ANA, &mail(3)).await, Outcome::Accepted { .. }));
        assert!(connection.check().await);
        connection.quit().await;
        let submitted = server.submitted();
        assert_eq!(submitted.len(), 4);
        assert_eq!((&*submitted[0].from, &*submitted[3].from), (DESK, ""));
        assert_eq!(&*submitted[2].raw, mail(2));
    }
}
