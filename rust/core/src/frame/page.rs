//! Which page made a request, where the browser says it beside `Origin`: Fetch Metadata (W3C, `Sec-Fetch-*`) and `Referer`.
//!
//! A page of another site makes a `GET` without asking anybody: an `<img>`, a script, a link, a `fetch` without CORS. Such
//! a request has no `Origin`, and may have the cookies of here. What a request under the prefix does it does to a session,
//! so none of these may do anything; and where a cookie alone says whose session it is, the request must come from a
//! script, not from an element of a page (whoever may write an image's address into the own site writes that) nor from an
//! address that somebody was made to open.

use super::http::Head;
use super::origin::{forbidden, is_ours};
use super::refusal::Refusal;

/// What a browser says of the page behind a request that a cookie speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// It is of this server, or of an origin that is configured.
    Ours,
    /// Nothing: no browser, or one from before 2023, or an own page without TLS and without `Referer`.
    Unknown,
}

/// Whether a request may be looked at that has no `Origin`: not where the browser says that a page elsewhere made it.
/// (With an `Origin`, that decides.)
pub fn page_ok(head: &Head<'_>) -> Result<(), Refusal> {
    if head.header("origin").is_some() {
        return Ok(());
    }
    for site in head.headers_named("sec-fetch-site") {
        if site != b"same-origin" && site != b"none" {
            let site = String::from_utf8_lossy(site);
            return Err(forbidden(format!(
                "the browser says that this request comes from a page elsewhere ({site}), and not from which: a page of \
                 an allowed origin asks with CORS"
            )));
        }
    }
    Ok(())
}

/// The page behind a request that a cookie speaks for; refused where it is none of ours, and where no script asked.
/// `origin_ok` and `page_ok` have been asked before.
pub fn page_of(head: &Head<'_>, configured: &[String]) -> Result<Page, Refusal> {
    let by_script = |name: &str, is: fn(&[u8]) -> bool| head.headers_named(name).all(is);
    if !by_script("sec-fetch-dest", |dest| dest == b"empty")
        || !by_script("sec-fetch-mode", |mode| mode != b"navigate")
    {
        return Err(forbidden(
            "a cookie speaks for what a script asks, not for an element of a page or an opened address",
        ));
    }
    if head.header("origin").is_some()
        || head.headers_named("sec-fetch-site").any(|site| site == b"same-origin")
    {
        return Ok(Page::Ours);
    }
    match head.header("referer") {
        None => Ok(Page::Unknown),
        Some(page) if is_ours(head, page, configured) => Ok(Page::Ours),
        Some(_) => {
            Err(forbidden("the page that asks is of another site, and a cookie does not speak for it"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::http::{Parsed, parse};

    fn with<T>(fields: &str, look: impl FnOnce(&Head<'_>) -> T) -> T {
        let head = format!("GET /rt/poll HTTP/1.1\r\nHost: a.example:8000\r\n{fields}\r\n");
        match parse(head.as_bytes(), 1 << 14).expect("a good head") {
            Parsed::Head(head, _) => look(&head),
            Parsed::Incomplete => unreachable!("it is whole"),
        }
    }

    #[test]
    fn what_a_page_elsewhere_asks_without_saying_which_it_is_is_refused() {
        for site in ["cross-site", "same-site", "", "Same-Origin", "none, cross-site", "of tomorrow"] {
            with(&format!("Sec-Fetch-Site: {site}\r\n"), |head| assert!(page_ok(head).is_err(), "{site}"));
            // (Which it is decides then: `origin_ok`.)
            with(&format!("Sec-Fetch-Site: {site}\r\nOrigin: https://b.example\r\n"), |head| {
                assert!(page_ok(head).is_ok());
            });
        }
        with("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n", |head| {
            assert!(page_ok(head).is_err());
        });
        for fine in ["", "Sec-Fetch-Site: same-origin\r\n", "Sec-Fetch-Site: none\r\n"] {
            with(fine, |head| assert!(page_ok(head).is_ok(), "{fine}"));
        }
    }

    #[test]
    fn a_cookie_speaks_for_scripts_of_our_own_pages() {
        let own = ["https://app.example".to_owned()];
        for (fields, page) in [
            ("", Page::Unknown),
            ("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: cors\r\nSec-Fetch-Dest: empty\r\n", Page::Ours),
            ("Sec-Fetch-Site: none\r\nSec-Fetch-Dest: empty\r\n", Page::Unknown),
            (
                "Origin: https://app.example\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Dest: empty\r\n",
                Page::Ours,
            ),
            ("Referer: http://a.example:8000/page?q\r\n", Page::Ours),
            ("Referer: http://a.example:8000\r\n", Page::Ours),
            ("Referer: https://app.example/deep/page#x\r\n", Page::Ours),
        ] {
            with(fields, |head| assert_eq!(page_of(head, &own).ok(), Some(page), "{fields}"));
        }
        for fields in [
            "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Dest: image\r\n",
            "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n",
            "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\n",
            "Sec-Fetch-Dest: iframe\r\n",
            "Sec-Fetch-Dest: empty\r\nSec-Fetch-Dest: image\r\n",
            "Origin: https://app.example\r\nSec-Fetch-Dest: script\r\n",
            "Referer: https://evil.example/\r\n",
            "Referer: http://a.example:9000/\r\n",
            "Referer: http://a.example.evil.example/\r\n",
            "Referer: http://a.example:8000@evil.example/\r\n",
            "Referer: nonsense\r\n",
            "Referer: \r\n",
        ] {
            with(fields, |head| assert!(page_of(head, &own).is_err(), "{fields}"));
        }
    }
}
