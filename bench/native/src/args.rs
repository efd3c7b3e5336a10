//! `--name value`, repeated or not, and `--name` alone: all that these programs need of a command line.

use std::process::exit;

/// What was said on the command line.
pub struct Args {
    given: Vec<(String, String)>,
    usage: &'static str,
}

impl Args {
    /// Read the process's own arguments. A name that `usage` does not mention ends the process with it.
    #[must_use]
    pub fn read(usage: &'static str) -> Self {
        let mut words = std::env::args().skip(1);
        let mut args = Self { given: Vec::new(), usage };
        while let Some(word) = words.next() {
            let Some(name) = word.strip_prefix("--").filter(|_| usage.contains(&format!("{word} "))) else {
                args.fail(&format!("unknown argument {word:?}"));
            };
            if usage.contains(&format!("{word} (")) {
                args.given.push((name.to_owned(), String::new()));
                continue;
            }
            let Some(value) = words.next() else { args.fail(&format!("{word} wants a value")) };
            args.given.push((name.to_owned(), value));
        }
        args
    }

    /// Say what was wrong, and how it is used, and end.
    pub fn fail(&self, what: &str) -> ! {
        eprintln!("{what}\n{}", self.usage);
        exit(2)
    }

    /// The last value given for a name.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.given.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// All values given for a name, in order.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.given.iter().filter(|(given, _)| given == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Whether a name was given that takes no value: `usage` has its explanation in brackets.
    #[must_use]
    pub fn flag(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| given == name)
    }

    /// A number, or what it is without one.
    #[must_use]
    pub fn number(&self, name: &str, otherwise: usize) -> usize {
        let Some(text) = self.text(name) else { return otherwise };
        text.parse().unwrap_or_else(|_| self.fail(&format!("--{name} wants a number, not {text:?}")))
    }
}
