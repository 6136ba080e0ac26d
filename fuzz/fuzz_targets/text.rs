//! Any body, plain and HTML: what is fresh, what is quoted, what is a signature. The split loses no letter.
#![no_main]

use libfuzzer_sys::fuzz_target;
use postdesk::mail::{LIMITS, read};

fuzz_target!(|body: &[u8]| {
    for kind in ["plain", "html"] {
        let mut raw = format!(
            "From: <maria@client.example>\r\nSubject: Re: x\r\nMessage-ID: <a@b.example>\r\nIn-Reply-To: <c@d.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/{kind}; charset=utf-8\r\n\r\n"
        )
        .into_bytes();
        raw.extend_from_slice(body);
        let mail = read(&raw, &LIMITS);
        let (text, fresh, visible) = (mail.text(), mail.fresh(), mail.visible());
        assert!(fresh.len() <= text.len() + 2, "fresh text is a part of the text");
        assert!(visible.len() <= text.len() + 2, "visible text is a part of the text");
    }
});
