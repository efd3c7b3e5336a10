//! Who sends a request over plain HTTP: `Authorization` (RFC 9110 §11.6.2) and cookies (RFC 6265 §5.4).

use super::http::Head;
use super::refusal::Refusal;

/// What stands in `Authorization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authorization<'a> {
    /// `Session ID:KEY`.
    Session {
        /// The session.
        id: &'a str,
        /// Its secret.
        key: &'a str,
    },
    /// `Bearer TOKEN`, RFC 6750 §2.1.
    Bearer(&'a str),
}

/// What the head says in `Authorization`; none: nothing. Two fields, another scheme or a broken value are
/// refused: to overlook one would make somebody else of the sender.
pub fn authorization<'a>(head: &Head<'a>) -> Result<Option<Authorization<'a>>, Refusal> {
    let mut fields = head.headers_named("authorization");
    let Some(value) = fields.next() else { return Ok(None) };
    if fields.next().is_some() {
        return Err(Refusal::bad("the request has more than one Authorization field"));
    }
    let text = std::str::from_utf8(value).ok();
    let (scheme, rest) = text.and_then(|text| text.split_once(' ')).unwrap_or(("", ""));
    let rest = rest.trim_ascii();
    // RFC 9110 §11.1: schemes are compared without regard to case.
    if scheme.eq_ignore_ascii_case("bearer") && !rest.is_empty() {
        return Ok(Some(Authorization::Bearer(rest)));
    }
    if scheme.eq_ignore_ascii_case("session")
        && let Some((id, key)) = rest.split_once(':')
    {
        return Ok(Some(Authorization::Session { id, key }));
    }
    Err(Refusal::bad("Authorization is neither \"Session ID:KEY\" nor \"Bearer TOKEN\""))
}

/// The value of a cookie.
#[must_use]
pub fn cookie<'a>(head: &Head<'a>, name: &str) -> Option<&'a str> {
    head.headers_named("cookie")
        .filter_map(|field| std::str::from_utf8(field).ok())
        .find_map(|field| cookie_in(field, name))
}

/// The value of a cookie in one field.
#[must_use]
pub fn cookie_in<'a>(field: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = field.split(';').filter_map(|pair| pair.trim_ascii().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::http::{Parsed, parse};

    fn with<T>(fields: &str, look: impl FnOnce(&Head<'_>) -> T) -> T {
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        match parse(head.as_bytes(), 1 << 14).expect("a good head") {
            Parsed::Head(head, _) => look(&head),
            Parsed::Incomplete => unreachable!("it is whole"),
        }
    }

    #[test]
    fn who_it_is_is_said_in_one_way() {
        with("Authorization: Session ab:cd:e\r\n", |head| {
            assert_eq!(authorization(head).unwrap(), Some(Authorization::Session { id: "ab", key: "cd:e" }));
        });
        with("authorization: bearer  x.y\r\n", |head| {
            assert_eq!(authorization(head).unwrap(), Some(Authorization::Bearer("x.y")));
        });
        with("", |head| assert_eq!(authorization(head).unwrap(), None));
        for bad in ["Basic abc", "Session abc", "Bearer", "Bearer ", "x"] {
            with(&format!("Authorization: {bad}\r\n"), |head| assert!(authorization(head).is_err(), "{bad}"));
        }
        with("Authorization: Bearer a\r\nAuthorization: Bearer b\r\n", |head| {
            assert!(authorization(head).is_err());
        });
    }

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        with("Cookie: a=1; rt_x=2\r\nCookie: rt_y=3;b\r\n", |head| {
            assert_eq!(cookie(head, "rt_x"), Some("2"));
            assert_eq!(cookie(head, "rt_y"), Some("3"));
            assert_eq!(cookie(head, "x"), None);
            assert_eq!(cookie(head, "b"), None);
        });
    }
}
