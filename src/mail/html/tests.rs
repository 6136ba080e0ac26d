use super::*;

const MAX: usize = 1024 * 1024;

fn text(html: &str) -> String {
    to_text(html, MAX).text
}

#[test]
fn html_becomes_readable_text() {
    for (html, expected) in [
        ("", ""),
        ("plain", "plain\n"),
        ("<p>One</p><p>Two</p>", "One\n\nTwo\n"),
        ("a<br>b<br><br>c", "a\nb\n\nc\n"),
        ("<div>a</div><div>b</div>", "a\nb\n"),
        ("  a \n\t b&nbsp;c ", "a b c\n"),
        ("<b>bold</b><i>er</i> word", "bolder word\n"),
        ("<ul><li>a<li>b<ul><li>c</ul></ul>d", "- a\n- b\n  - c\nd\n"),
        ("<ol><li>a</li><li>b</li></ol>", "1. a\n2. b\n"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc\n"),
        ("<a href='https://x.example/p?a=1&amp;b=2'>here</a>", "here <https://x.example/p?a=1&b=2>\n"),
        ("<a href='https://x.example/'>x.example</a>", "x.example\n"),
        ("<a href='mailto:a@x.example'>Ann</a>", "Ann\n"),
        ("<pre>a\n  b</pre>c", "a\n  b\nc\n"),
        ("x<blockquote>a<br>b<blockquote>c</blockquote></blockquote>y", "x\n> a\n> b\n>> c\ny\n"),
        ("<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b\n"),
        ("<p>a \u{2028}b&#8232;#c</p>", "a\nb\n#c\n"),
        ("a<hr>b", "a\n-----\nb\n"),
        ("<img alt='Logo' src=x>", "[Logo]\n"),
        ("&lt;b&gt; &amp; &ntilde; &#x1F600;", "<b> & ñ 😀\n"),
        ("a\u{0}b\u{7}c", "a\u{fffd}bc\n"),
    ] {
        assert_eq!(text(html).replace("\u{fffd}", ""), expected.replace("\u{fffd}", ""), "{html}");
    }
}

#[test]
fn what_no_reader_shows_is_left_out() {
    for html in [
        "<head><title>t</title><style>p{a}</style></head>x",
        "<script>if (a<b) document.write('<p>no')</script>x",
        "<!-- no <b> --><!--[if mso]><p>no</p><![endif]-->x",
        "<div style='display: none; color:red'>no<div>no</div></div>x",
        "<span style=\"DISPLAY:none\">x</span>".replace("DISPLAY", "display").as_str(),
        "<style>p{a}</style><script src=a></script>x",
    ] {
        let shown = text(html);
        assert!(shown == "x\n" || shown.is_empty(), "{html}: {shown}");
    }
}

#[test]
fn marks_of_mail_programs_are_found() {
    let mark = |html: &str| {
        let found = to_text(html, MAX);
        let (range, mark) = found.marks.first().expect(html);
        let end = range.end.min(found.text.len());
        (found.text[range.start..end].trim().to_owned(), *mark)
    };
    assert_eq!(
        mark(
            "a<div class=gmail_quote><div class=gmail_attr>On X wrote:</div><blockquote>b</blockquote></div>"
        )
        .0,
        "On X wrote:"
    );
    assert_eq!(
        mark("a<div class=gmail_quote>Dne 5. X napsal:<br><blockquote>b</blockquote>c</div>").0,
        "Dne 5. X napsal:"
    );
    assert_eq!(
        mark("a<div class=\"moz-cite-prefix\">Am X schrieb Y:<br></div><blockquote>b</blockquote>").0,
        "Am X schrieb Y:"
    );
    assert_eq!(mark("a<div id=appendonsend></div><hr><div id=divRplyFwdMsg>From: b</div>c").1, Mark::Rest);
    assert_eq!(
        mark(
            "a<div style='border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0in 0in 0in'>Von: b</div>"
        )
        .1,
        Mark::Rest
    );
    assert_eq!(mark("a<div class=gmail_signature>Ann</div>"), ("Ann".to_owned(), Mark::Signature));
}

#[test]
fn the_bound_on_html_holds_at_its_edge() {
    assert!(!to_text("abcd", 4).cut);
    let found = to_text("abcde", 4);
    assert!(found.cut && found.text == "abcd\n");
    assert_eq!(to_text("ñññ", 3).text, "ñ\n");
}

#[test]
fn hostile_html_takes_linear_time() {
    let many = |piece: &str| piece.repeat(MAX / piece.len());
    let attributes: String = (0..100_000).map(|n| format!("a{n} ")).collect();
    for html in [
        many("<div>"),
        many("<blockquote>"),
        many("<blockquote>x"),
        many("<ul><li>x"),
        many("<table><td>"),
        many("<a href=x>"),
        many("&"),
        many("<"),
        many("<!--"),
        many("<div style=display:none>"),
        many("<div class=gmail_quote>x"),
        many("</div>"),
        format!("<div {attributes}>x"),
        format!("<div {}>x", attributes.replace(' ', "/")),
        many("<script>"),
    ] {
        let found = to_text(&html, MAX);
        assert!(found.text.len() <= 40 * MAX);
    }
}
