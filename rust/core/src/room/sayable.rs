//! Which events the members of a room may publish themselves, and of what shape the data of each must be.
//!
//! A shape is what a type of the application's asks of data, as far as it can be asked without the application: it comes as
//! JSON (`Shape::read`), which Python makes of a type. A value is checked by walking both at once, so the work is bounded by
//! the value; shapes do not contain themselves.

use rtcore_data::{Number, Value};
use std::fmt::Write as _;

/// The events that members may publish.
#[derive(Debug)]
pub struct Sayable {
    plan: Value,
    events: Vec<(Box<str>, Shape)>,
}

impl PartialEq for Sayable {
    fn eq(&self, other: &Self) -> bool {
        self.plan == other.plan
    }
}

impl Eq for Sayable {}

/// Why an event is not one of them.
#[derive(Debug, PartialEq, Eq)]
pub enum Unsayable {
    /// No member says it: those that they may say, for people.
    Name(String),
    /// Its data are not as they must be: where, and what they must be.
    Data(String),
}

impl Sayable {
    /// A plan: `{"event": shape, …}`. None: it is none.
    #[must_use]
    pub fn read(plan: Value) -> Option<Self> {
        let Value::Map(events) = &plan else { return None };
        let events = events.iter().map(|(name, shape)| Some((name.into(), Shape::read(shape)?)));
        let events = events.collect::<Option<_>>()?;
        Some(Self { plan, events })
    }

    /// Whether a member may say this. `data` gives what it says, where that must be looked at.
    pub fn check(&self, event: &str, data: impl FnOnce() -> Result<Value, String>) -> Result<(), Unsayable> {
        let Some((_, shape)) = self.events.iter().find(|(name, _)| **name == *event) else {
            let names: Vec<&str> = self.events.iter().map(|(name, _)| &**name).collect();
            return Err(Unsayable::Name(if names.is_empty() { "nothing".into() } else { names.join(", ") }));
        };
        if matches!(shape, Shape::Any) {
            return Ok(());
        }
        let value = data().map_err(Unsayable::Data)?;
        let mut path = "$".to_owned();
        shape.check(&value, &mut path).map_err(|wanted| Unsayable::Data(format!("{path}: {wanted}")))
    }
}

/// What a value must be.
#[derive(Debug)]
enum Shape {
    Any,
    Null,
    Bool,
    Int(Bounds),
    Float(Bounds),
    /// Characters.
    Text(Bounds),
    /// Bytes of binary.
    Bytes(Bounds),
    List(Box<Shape>, Bounds),
    Tuple(Vec<Shape>),
    Map(Box<Shape>, Bounds),
    /// Members by name, whether each must be there; strict: no others may.
    Fields(Vec<(Box<str>, bool, Shape)>, bool),
    OneOf(Vec<Shape>),
    Values(Vec<Value>),
}

/// Least and most, both included.
#[derive(Clone, Copy, Debug, Default)]
struct Bounds {
    least: Option<f64>,
    most: Option<f64>,
}

impl Bounds {
    fn read(plan: &Value) -> Self {
        let bound = |name| plan.get(name).and_then(number);
        Self { least: bound("least"), most: bound("most") }
    }

    fn check(self, size: f64, what: &str, unit: &str) -> Result<(), String> {
        if self.least.is_none_or(|least| size >= least) && self.most.is_none_or(|most| size <= most) {
            return Ok(());
        }
        let bounds = match (self.least, self.most) {
            (Some(least), Some(most)) => format!("{least} to {most}"),
            (Some(least), None) => format!("at least {least}"),
            (None, most) => format!("at most {}", most.unwrap_or(f64::INFINITY)),
        };
        Err(match unit {
            "" => format!("{what}, {bounds}; it is {size}"),
            _ => format!("{what} of {bounds} {unit}; it has {size}"),
        })
    }
}

#[expect(clippy::cast_precision_loss, reason = "compared with a bound that is a float")]
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(Number::Int(n)) => Some(*n as f64),
        Value::Number(Number::Large(n)) => Some(*n as f64),
        Value::Number(Number::Float(f)) => Some(*f),
        Value::Number(Number::Wide(digits)) => digits.parse().ok(),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "lengths of messages are far below 2^52")]
fn length(len: usize) -> f64 {
    len as f64
}

impl Shape {
    fn read(plan: &Value) -> Option<Self> {
        let bounds = Bounds::read(plan);
        let one = || Some(Box::new(Self::read(plan.get("of")?)?));
        let many = || plan.get("of")?.as_list()?.iter().map(Self::read).collect::<Option<Vec<_>>>();
        Some(match plan.get("is")?.as_text()? {
            "any" => Self::Any,
            "null" => Self::Null,
            "bool" => Self::Bool,
            "int" => Self::Int(bounds),
            "float" => Self::Float(bounds),
            "text" => Self::Text(bounds),
            "bytes" => Self::Bytes(bounds),
            "list" => Self::List(one()?, bounds),
            "tuple" => Self::Tuple(many()?),
            "map" => Self::Map(one()?, bounds),
            "one" => Self::OneOf(many()?),
            "values" => Self::Values(plan.get("of")?.as_list()?.to_vec()),
            "fields" => {
                let field = |row: &Value| {
                    let [name, needed, shape] = row.as_list()? else { return None };
                    Some((name.as_text()?.into(), *needed == Value::Bool(true), Self::read(shape)?))
                };
                let fields = plan.get("of")?.as_list()?.iter().map(field).collect::<Option<_>>()?;
                Self::Fields(fields, plan.get("strict") == Some(&Value::Bool(true)))
            }
            _ => return None,
        })
    }

    /// What it should be, if it is not; `path` then says where.
    fn check(&self, value: &Value, path: &mut String) -> Result<(), String> {
        match (self, value) {
            (Self::Any, _) | (Self::Null, Value::Null) | (Self::Bool, Value::Bool(_)) => Ok(()),
            (Self::Int(bounds), Value::Number(n)) if !matches!(n, Number::Float(_)) => {
                bounds.check(number(value).unwrap_or(f64::NAN), "an integer", "")
            }
            (Self::Float(bounds), Value::Number(_)) => {
                bounds.check(number(value).unwrap_or(f64::NAN), "a number", "")
            }
            (Self::Text(bounds), Value::Text(text)) => {
                bounds.check(length(text.chars().count()), "a text", "characters")
            }
            (Self::Bytes(bounds), Value::Bytes(bytes)) => {
                bounds.check(length(bytes.len()), "binary", "bytes")
            }
            (Self::List(of, bounds), Value::List(list)) => {
                bounds.check(length(list.len()), "a list", "items")?;
                list.iter().enumerate().try_for_each(|(at, each)| below(of, each, path, &format!("[{at}]")))
            }
            (Self::Tuple(shapes), Value::List(list)) if shapes.len() == list.len() => {
                let mut pairs = shapes.iter().zip(list.iter()).enumerate();
                pairs.try_for_each(|(at, (of, each))| below(of, each, path, &format!("[{at}]")))
            }
            (Self::Map(of, bounds), Value::Map(map)) => {
                bounds.check(length(map.len()), "an object", "members")?;
                map.iter().try_for_each(|(key, each)| below(of, each, path, &format!(".{key}")))
            }
            (Self::Fields(fields, strict), Value::Map(map)) => {
                for (name, needed, of) in fields {
                    match map.get(name) {
                        Some(each) => below(of, each, path, &format!(".{name}"))?,
                        None if *needed => {
                            let _ = write!(path, ".{name}");
                            return Err("it is missing".into());
                        }
                        None => {}
                    }
                }
                let other = map.iter().find(|(key, _)| !fields.iter().any(|(name, ..)| **name == **key));
                match other.filter(|_| *strict) {
                    Some((key, _)) => {
                        let _ = write!(path, ".{key}");
                        Err("there is no such member".into())
                    }
                    None => Ok(()),
                }
            }
            (Self::OneOf(shapes), _) => {
                let place = path.len();
                let fits = shapes.iter().any(|of| {
                    let fits = of.check(value, path).is_ok();
                    path.truncate(place);
                    fits
                });
                if fits { Ok(()) } else { Err(self.wanted()) }
            }
            (Self::Values(values), _) if values.contains(value) => Ok(()),
            _ => Err(self.wanted()),
        }
    }

    fn wanted(&self) -> String {
        match self {
            Self::Any => "anything".into(),
            Self::Null => "null".into(),
            Self::Bool => "true or false".into(),
            Self::Int(_) => "an integer".into(),
            Self::Float(_) => "a number".into(),
            Self::Text(_) => "a text".into(),
            Self::Bytes(_) => "binary".into(),
            Self::List(..) => "a list".into(),
            Self::Tuple(shapes) => format!("a list of {}", shapes.len()),
            Self::Map(..) | Self::Fields(..) => "an object".into(),
            Self::OneOf(shapes) => shapes.iter().map(Self::wanted).collect::<Vec<_>>().join(", or "),
            Self::Values(values) => format!("one of {} values", values.len()),
        }
    }
}

fn below(shape: &Shape, value: &Value, path: &mut String, step: &str) -> Result<(), String> {
    let place = path.len();
    path.push_str(step);
    shape.check(value, path)?;
    path.truncate(place);
    Ok(())
}
