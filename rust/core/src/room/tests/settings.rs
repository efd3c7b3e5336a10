//! Which settings a room gets.

use crate::log::ring::Bounds;
use crate::room::grants::Grants;
use crate::room::settings::{Patterns, Policy, Settings, matches};
use proptest::prelude::*;

const BOUNDS: Bounds = Bounds { count: 10, bytes: 1_000, age_ms: 1_000 };

fn patterns(list: &[&str]) -> Patterns {
    let mut patterns = Patterns::new(BOUNDS);
    for pattern in list {
        patterns.add(Settings::new(pattern, BOUNDS)).unwrap();
    }
    patterns
}

fn found<'a>(patterns: &'a Patterns, name: &str) -> Option<&'a str> {
    patterns.find(name).map(|settings| &*settings.pattern)
}

/// The slow twin: try every length for every star.
fn matches_slowly(pattern: &[u8], name: &[u8]) -> bool {
    match pattern.split_first() {
        None => name.is_empty(),
        Some((b'*', rest)) => (0..=name.len()).any(|at| matches_slowly(rest, &name[at..])),
        Some((byte, rest)) => name.first() == Some(byte) && matches_slowly(rest, &name[1..]),
    }
}

proptest! {
    #[test]
    fn stars_stand_for_anything(pattern in "[ab*]{0,8}", name in "[ab]{0,10}") {
        prop_assert_eq!(matches(&pattern, &name), matches_slowly(pattern.as_bytes(), name.as_bytes()));
    }

    #[test]
    fn the_order_of_different_patterns_does_not_matter(name in "[ab:]{1,6}") {
        let list = ["*", "a*", "ab*", "*b", "a*b", "ab"];
        let mut reverse = list;
        reverse.reverse();
        let (one, other) = (patterns(&list), patterns(&reverse));
        prop_assert_eq!(found(&one, &name), found(&other, &name));
    }
}

#[test]
fn the_most_specific_pattern_counts() {
    let patterns = patterns(&["*", "news:*", "*:sport", "news:sport:*", "news:*:live", "news:sport:tennis"]);
    assert_eq!(found(&patterns, "news:sport:tennis"), Some("news:sport:tennis"));
    assert_eq!(found(&patterns, "news:sport:golf"), Some("news:sport:*"));
    assert_eq!(found(&patterns, "news:today:live"), Some("news:*:live"));
    assert_eq!(found(&patterns, "news:sport"), Some("news:*"));
    assert_eq!(found(&patterns, "old:sport"), Some("*:sport"));
    assert_eq!(found(&patterns, "tea"), Some("*"));
}

#[test]
fn of_two_that_are_as_specific_the_first_counts() {
    assert_eq!(found(&patterns(&["a*b*", "a*c*"]), "a-b-c"), Some("a*b*"));
    assert_eq!(found(&patterns(&["a*c*", "a*b*"]), "a-b-c"), Some("a*c*"));
}

#[test]
fn a_room_that_no_pattern_names_is_not_there() {
    assert_eq!(found(&patterns(&["news:*"]), "tea"), None);
}

#[test]
fn names_with_a_dollar_are_the_servers_own() {
    let patterns = patterns(&["*", "*all"]);
    assert_eq!(found(&patterns, "$all"), Some("$all"));
    assert_eq!(found(&patterns, "$user/7"), Some("$user/*"));
    for name in ["$user/", "$user", "$allx", "$other", "$"] {
        assert_eq!(found(&patterns, name), None, "{name}");
    }
    let own = patterns.find("$all").unwrap();
    assert_eq!((own.member_grants(), own.relay, own.presence), (Grants::NONE, false, false));
}

#[test]
fn a_pattern_that_cannot_be_used_says_why() {
    let mut patterns = patterns(&["tea", "a*"]);
    let long = "x".repeat(256);
    let bad = [
        ("", "empty"),
        ("$user/a*", "rtcore's own"),
        ("$mine", "rtcore's own"),
        ("a\nb", "control character"),
        (&*long, "256 bytes"),
        ("tea", "already"),
        ("a*", "already"),
    ];
    for (pattern, why) in bad {
        let text = patterns.add(Settings::new(pattern, BOUNDS)).unwrap_err().to_string();
        assert!(text.contains(why), "{text}");
    }
}

#[test]
fn relay_members_may_publish() {
    let mut settings = Settings::new("tea", BOUNDS);
    assert!(!settings.member_grants().contains(Grants::PUBLISH));
    settings.relay = true;
    assert!(settings.member_grants().contains(Grants::PUBLISH));
}

#[test]
fn policies_have_words() {
    for policy in [Policy::Skip, Policy::Latest, Policy::Disconnect, Policy::Block] {
        assert_eq!(Policy::parse(policy.word()), Some(policy));
    }
    assert_eq!(Policy::parse("drop"), None);
    assert_eq!(Policy::default(), Policy::Skip);
}

#[test]
fn a_pattern_made_to_be_slow_is_not() {
    // The abuse: a name on which a matcher that goes back would try for ever.
    let pattern = "*a".repeat(120) + "*b";
    let name = "a".repeat(255);
    for _ in 0..1_000 {
        assert!(!matches(&pattern, &name));
    }
}
