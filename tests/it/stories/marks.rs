//! Our own mail, read by our own detector: all that nobody typed is recognised, what an agent typed is not taken for a
//! robot's.

use super::desk::Desk;
use postdesk::address::{Address, Person};
use postdesk::clock::Timestamp;
use postdesk::compose::{self, compose};
use postdesk::desk::decision::{Outgoing, Template, Values};
use postdesk::language::Language;
use postdesk::mail::token::{Key, Keys, Purpose};
use postdesk::mail::{LIMITS, ids::MessageId, read};

fn outgoing(template: Template, language: Language, answers: bool) -> Outgoing {
    let id = MessageId::parse("1@client.example");
    Outgoing {
        template,
        to: Person::new("María", Address::parse("maria@client.example").unwrap()),
        queue: "support".into(),
        number: 853_142,
        purpose: Purpose::Requester,
        token_number: 853_142,
        language,
        author: None,
        from_name: "Ana García".into(),
        in_reply_to: id.filter(|_| answers),
        references: Vec::new(),
        values: Values { subject: "Printer".into(), text: "Hello.".into(), ..Values::default() },
        attachments: false,
        hold_secs: 0,
        may_leave: false,
    }
}

#[tokio::test]
async fn our_own_detector_knows_every_automatic_template_and_no_agents_reply() {
    let desk = Desk::new("desk.example", "", "");
    let settings = desk.shared.settings();
    let keys = Keys(vec![Key { id: 1, secret: [7; 32] }]);
    let now = Timestamp(1_795_000_000);
    let at = compose::Desk { config: &settings.config, templates: &settings.templates, keys: &keys, now };
    for template in Template::ALL {
        for language in Language::ALL {
            for answers in [true, false] {
                let composed = compose(&at, &outgoing(template, language, answers), 1, &[]).unwrap();
                let mail = read(&composed.bytes(b"").unwrap(), &LIMITS);
                let name = template.name();
                assert_eq!(mail.automatic.is_some(), template.is_automatic(), "{name} {language}");
                assert!(mail.bounce.is_none(), "{name} {language}");
                assert!(mail.oddities.is_empty(), "{name} {language}: {:?}", mail.oddities);
            }
        }
    }
}

#[tokio::test]
async fn a_desk_that_meets_another_desks_mail_answers_none_of_it() {
    let (desk, other) = (Desk::new("desk.example", "", ""), Desk::new("other.example", "", ""));
    let settings = desk.shared.settings();
    let keys = Keys(vec![Key { id: 1, secret: [7; 32] }]);
    let now = Timestamp(1_795_000_000);
    let at = compose::Desk { config: &settings.config, templates: &settings.templates, keys: &keys, now };
    for (n, template) in (1..).zip(Template::ALL.into_iter().filter(|template| template.is_automatic())) {
        let mut mail = outgoing(template, Language::En, true);
        mail.to.address = Address::parse("support@other.example").unwrap();
        let composed = compose(&at, &mail, n, &[]).unwrap();
        let outcome = other.takes(composed.bytes(b"").unwrap()).await;
        let answers = other.posted().await.iter().filter(|mail| mail.to == desk.address).count();
        assert_eq!(answers, 0, "{}: {outcome:?}", template.name());
    }
    other.verify();
}
