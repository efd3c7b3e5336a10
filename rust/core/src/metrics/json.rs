//! JSON for those who look: objects and lists, commas where they belong.

use super::series::Series;
use super::spread::Spread;
use super::tell::seconds;
use super::windows::Window;
use std::fmt::Write;

/// A JSON text that is being written.
#[derive(Debug, Default)]
pub struct Json {
    text: String,
    begun: bool,
}

impl Json {
    /// The text.
    #[must_use]
    pub fn into_text(self) -> String {
        self.text
    }

    /// Something between brackets: `{}` or `[]`.
    pub fn within(&mut self, brackets: [char; 2], write: impl FnOnce(&mut Self)) {
        self.comma();
        self.text.push(brackets[0]);
        self.begun = false;
        write(self);
        self.text.push(brackets[1]);
        self.begun = true;
    }

    /// An object.
    pub fn object(&mut self, write: impl FnOnce(&mut Self)) {
        self.within(['{', '}'], write);
    }

    /// A list.
    pub fn list(&mut self, write: impl FnOnce(&mut Self)) {
        self.within(['[', ']'], write);
    }

    /// The name of what is written next.
    pub fn name(&mut self, name: &str) -> &mut Self {
        self.text(name);
        self.text.push(':');
        self.begun = false;
        self
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.comma();
        self.text.push('"');
        for char in text.chars() {
            match char {
                '"' | '\\' => {
                    self.text.push('\\');
                    self.text.push(char);
                }
                char if char.is_control() => {
                    let _ = write!(self.text, "\\u{:04x}", char as u32);
                }
                char => self.text.push(char),
            }
        }
        self.text.push('"');
    }

    /// A whole number.
    pub fn number(&mut self, number: u64) {
        self.comma();
        let _ = write!(self.text, "{number}");
    }

    /// A duration, in milliseconds; none is null.
    pub fn ms(&mut self, ns: Option<u64>) {
        self.comma();
        let _ = match ns {
            Some(ns) => write!(self.text, "{:.4}", seconds(ns) * 1e3),
            None => self.text.write_str("null"),
        };
    }

    /// What durations are like.
    pub fn spread(&mut self, spread: &Spread) {
        self.object(|json| {
            json.name("count").number(spread.count());
            json.name("mean").ms(spread.mean());
            for (name, thousandths) in [("p50", 500), ("p95", 950), ("p99", 990)] {
                json.name(name).ms(spread.quantile(thousandths));
            }
            json.name("max").ms((spread.count() > 0).then_some(spread.max()));
        });
    }

    /// Durations in buckets that grow by a factor, from the first that is in use to the last. Times in nanoseconds.
    pub fn native(&mut self, spread: &Spread) {
        let cells = super::native::cells(spread);
        self.name("count").number(spread.count());
        self.name("sum").number(spread.sum());
        self.name("max").number(spread.max());
        self.name("first").signed(cells.first().map_or(0, |(index, _)| *index));
        self.name("counts").list(|json| {
            let mut next = cells.first().map_or(0, |(index, _)| *index);
            for (index, count) in cells {
                (next..index).for_each(|_| json.number(0));
                json.number(count);
                next = index + 1;
            }
        });
    }

    /// A whole number that may be negative.
    pub fn signed(&mut self, number: i32) {
        self.comma();
        let _ = write!(self.text, "{number}");
    }

    /// The same in each window and since the start.
    pub fn series(&mut self, series: &Series) {
        for window in Window::ALL {
            self.name(window.word()).spread(&series.within(window));
        }
        self.name("all").spread(&series.all());
    }

    fn comma(&mut self) {
        if self.begun {
            self.text.push(',');
        }
        self.begun = true;
    }
}
