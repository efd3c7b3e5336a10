//! The part of a target behind its `?`, as forms and `URLSearchParams` write it (WHATWG URL §5).

use super::refusal::Refusal;
use crate::limits::fixed::QUERY_PARAMETERS;
use std::borrow::Cow;

/// Names and values, in their order.
#[derive(Debug, Default)]
pub struct Query<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Query<'a> {
    /// Read a query. Refused: a broken percent-encoding, what is no UTF-8, and more than a sane number of
    /// parameters.
    pub fn parse(query: Option<&'a str>) -> Result<Self, Refusal> {
        let Some(query) = query.filter(|query| !query.is_empty()) else { return Ok(Self::default()) };
        let mut pairs = Vec::new();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            if pairs.len() == QUERY_PARAMETERS {
                return Err(Refusal::bad(format!("the query has more than {QUERY_PARAMETERS} parameters")));
            }
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            pairs.push((decode(name)?, decode(value)?));
        }
        Ok(Self(pairs))
    }

    /// The value of the one parameter of this name. Two of them could be read in two ways, and are refused.
    pub fn one<'q>(&'q self, name: &'q str) -> Result<Option<&'q str>, Refusal> {
        let mut all = self.all(name);
        match (all.next(), all.next()) {
            (_, Some(_)) => Err(Refusal::bad(format!("the query has {name:?} more than once"))),
            (value, None) => Ok(value),
        }
    }

    /// The values of all parameters of this name.
    pub fn all<'q>(&'q self, name: &'q str) -> impl Iterator<Item = &'q str> {
        self.0.iter().filter(move |pair| pair.0 == name).map(|pair| &*pair.1)
    }

    /// Refuse what is none of the `known` names: a slip of the pen would else be a wish that nobody hears.
    pub fn only(&self, path: &str, known: &[&str]) -> Result<(), Refusal> {
        let Some((name, _)) = self.0.iter().find(|pair| !known.contains(&&*pair.0)) else { return Ok(()) };
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        Err(Refusal::bad(format!("the query has {name:?}, which {path} does not know; it knows {known}")))
    }

    /// Seconds, if the parameter is there: as whole milliseconds, more digits are cut off.
    pub fn milliseconds(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.one(name)? else { return Ok(None) };
        let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(Refusal::bad(format!(
                "{name:?} in the query is {value:?}; it must be a number of seconds, such as 25 or 0.5"
            )));
        }
        let three = fraction.bytes().chain(*b"00").take(3).map(|digit| u64::from(digit & 0x0f));
        let thousandths = three.fold(0_u64, |sum, digit| sum.saturating_mul(10).saturating_add(digit));
        Ok(Some(whole.parse::<u64>().unwrap_or(u64::MAX).saturating_mul(1000).saturating_add(thousandths)))
    }

    /// A whole number, if the parameter is there.
    pub fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.one(name)? else { return Ok(None) };
        let digits = Some(value).filter(|text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()));
        match digits.and_then(|digits| digits.parse().ok()) {
            Some(number) => Ok(Some(number)),
            None => {
                Err(Refusal::bad(format!("{name:?} in the query is {value:?}; it must be a whole number")))
            }
        }
    }
}

/// The text of a path's segment: percent-encodings undone, a plus is a plus.
pub fn decode_path(text: &str) -> Result<String, Refusal> {
    decode(&text.replace('+', "%2B")).map(Cow::into_owned)
}

fn decode(text: &str) -> Result<Cow<'_, str>, Refusal> {
    if memchr::memchr2(b'%', b'+', text.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let byte = tail.get(..2).and_then(|pair| Some((hex(pair[0])? << 4) | hex(pair[1])?));
                let Some(byte) = byte else {
                    return Err(Refusal::bad("the query has a % without two hexadecimal digits behind it"));
                };
                bytes.push(byte);
                rest = &tail[2..];
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes)
        .map(Cow::Owned)
        .map_err(|_| Refusal::bad("the query is no UTF-8 once it is decoded"))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_values_are_decoded() {
        let query = Query::parse(Some("room=a%20b&room=%C3%A9+x&last=5&flag&=")).unwrap();
        assert_eq!(query.all("room").collect::<Vec<_>>(), ["a b", "é x"]);
        assert_eq!(query.number("last").unwrap(), Some(5));
        assert_eq!(query.one("flag").unwrap(), Some(""));
        assert_eq!(query.one("none").unwrap(), None);
    }

    #[test]
    fn seconds_may_have_decimals() {
        let all = "a=25&b=0.5&c=1.2345&d=0.05&e=18446744073709551615&f=99999999999999999999.5";
        let query = Query::parse(Some(all)).unwrap();
        for (name, ms) in
            [("a", 25_000), ("b", 500), ("c", 1_234), ("d", 50), ("e", u64::MAX), ("f", u64::MAX)]
        {
            assert_eq!(query.milliseconds(name).unwrap(), Some(ms), "{name}");
        }
        for wrong in ["n=", "n=-1", "n=.5", "n=5.", "n=1e3", "n=0.5.5", "n=NaN", "n=+1", "n=0x1"] {
            assert!(Query::parse(Some(wrong)).unwrap().milliseconds("n").is_err(), "{wrong}");
        }
    }

    #[test]
    fn unknown_names_are_refused_by_name() {
        let query = Query::parse(Some("format=plain&fromat=plain")).unwrap();
        let refusal = query.only("/rt/sse", &["format", "room"]).unwrap_err();
        assert!(refusal.message.contains("\"fromat\"") && refusal.message.contains("format, room"));
        assert!(query.only("/rt/sse", &["fromat", "format"]).is_ok());
    }

    #[test]
    fn what_is_broken_is_refused() {
        for broken in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=%C3"] {
            assert!(Query::parse(Some(broken)).is_err(), "{broken}");
        }
        assert!(Query::parse(Some("a=1&a=2")).unwrap().one("a").is_err());
        for number in ["n=", "n=-1", "n=+1", "n=1.5", "n=99999999999999999999"] {
            assert!(Query::parse(Some(number)).unwrap().number("n").is_err(), "{number}");
        }
    }
}
