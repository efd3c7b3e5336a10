//! One request over plain HTTP, from its head to its answer.
//!
//! Parts: none.

use super::door::Shape;
use crate::codes::Code;
use crate::compress::Algorithm;
use crate::frame::body::Body;
use crate::frame::coding;
use crate::frame::cors;
use crate::frame::credentials::{Authorization, authorization};
use crate::frame::http::{Head, Refusal};
use crate::frame::origin::origin_ok;
use crate::frame::page::{Page, page_of};
use crate::ids::SessionId;

/// How the answer to a `send` begins.
const MESSAGES: &[u8] = b"{\"messages\":[";
/// Room for one ack of the usual size, which is what most answers hold.
const USUAL: usize = 256;
/// Bytes of a header that a refusal shows.
const SHOWN: usize = 32;

/// What a request wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// `POST /rt/session`.
    Hello,
    /// `POST /rt/send`.
    Send(SessionId),
    /// `POST /rt/stream/NAME`: the stream of this index, for the user of this session.
    Stream { index: usize, owner: Option<SessionId> },
    /// `GET /rt/sse` or `GET /rt/poll`.
    Read,
}

/// A request that has no answer yet.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub struct Request {
    pub route: Route,
    /// Whether another request may follow on the connection.
    pub keep: bool,
    /// The page of an allowed origin that sent it.
    pub origin: Option<Box<str>>,
    /// Whether that page is of another place than this server.
    pub foreign: bool,
    /// What stands for the token of a hello.
    pub token: Option<String>,
    /// The hello by which it speaks for its session; none: its client does not say.
    pub hello: Option<u64>,
    /// The page behind it, where a cookie may speak for that.
    pub page: Option<Page>,
    /// The cookies as they came, until the session is known whose one is wanted.
    pub cookies: Vec<Box<str>>,
    /// How a stream is wanted.
    pub shape: Option<Shape>,
    /// A stream of items: for how long its reader may be away (ms).
    pub away_ms: u64,
    /// A stream of items that was open before: the last id that its reader heard.
    pub again: Option<String>,
    pub body: Option<Body>,
    /// What the body is compressed by.
    pub coding: Option<Algorithm>,
    /// Most bytes of it, inflated.
    pub max: usize,
    /// What the answer may be compressed by.
    pub accepts: Option<Algorithm>,
    /// The peer waits for `100 Continue`.
    pub continues: bool,
    /// `send`: the answer as far as it is written, with a comma behind each message.
    replies: Vec<u8>,
    /// `send`: requests in it that have no ack yet.
    open: Vec<u64>,
    /// `send`: its messages are being taken.
    pub taking: bool,
    /// `send`: its session is over, and it is answered when that is on disk.
    held: bool,
}

/// The number of the hello by which a request speaks, where it says one.
fn hello(head: &Head<'_>) -> Result<Option<u64>, Refusal> {
    let mut said = head.headers_named("rtcore-hello");
    let Some(text) = said.next() else { return Ok(None) };
    let number = std::str::from_utf8(text).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match number.and_then(|number| number.parse().ok()) {
        Some(n) if said.next().is_none() => Ok(Some(n)),
        Some(_) => Err(Refusal::new(400, Code::InvalidMessage, "Rtcore-Hello is there twice: say it once")),
        None => {
            let text = String::from_utf8_lossy(&text[..text.len().min(SHOWN)]);
            let message = format!(
                "Rtcore-Hello is {text:?}, and must be the n of the hello by which the session speaks: a whole number, \
                 0 or more, in digits"
            );
            Err(Refusal::new(400, Code::InvalidMessage, message))
        }
    }
}

impl Request {
    pub fn of(head: &Head<'_>) -> Result<Self, Refusal> {
        let token = match authorization(head) {
            Ok(Some(Authorization::Bearer(token))) => Some(token.to_owned()),
            _ => None,
        };
        Ok(Self {
            route: if head.method == "POST" { Route::Hello } else { Route::Read },
            keep: head.keeps_alive(),
            hello: hello(head)?,
            origin: cors::origin(head).map(Into::into),
            foreign: false,
            token,
            page: None,
            cookies: Vec::new(),
            shape: None,
            away_ms: 0,
            again: None,
            body: None,
            coding: None,
            max: 0,
            accepts: coding::accepted(head.headers_named("accept-encoding")),
            continues: false,
            replies: Vec::new(),
            open: Vec::new(),
            taking: false,
            held: false,
        })
    }

    /// Keep what only a hello needs of the page that says it.
    pub fn remember_page(&mut self, head: &Head<'_>, origins: &[String]) {
        self.foreign = origin_ok(head, &[], false).is_err();
        self.page = page_of(head, origins).ok();
        let fields = head.headers_named("cookie").filter_map(|field| std::str::from_utf8(field).ok());
        self.cookies = fields.map(Into::into).collect();
    }

    /// Whether all of it was read.
    pub fn is_whole(&self) -> bool {
        self.body.is_none()
    }

    /// The peer sends nothing more.
    pub fn is_last(&mut self) {
        self.keep = false;
    }

    /// A request in this `send` will have an ack.
    pub fn expect(&mut self, id: u64) {
        self.open.push(id);
    }

    /// Whether this answer waits for that ack.
    pub fn awaits(&self, id: u64) -> bool {
        self.open.contains(&id)
    }

    /// Whether nothing is waited for.
    pub fn is_answered(&self) -> bool {
        self.open.is_empty() && !self.taking
    }

    /// It is not answered before it is let go.
    pub fn hold(&mut self) {
        self.held = true;
    }

    /// It may be answered.
    pub fn let_go(&mut self) {
        self.held = false;
    }

    /// Whether it must not be answered yet.
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// Say something in the answer.
    pub fn reply(&mut self, answers: Option<u64>, write: impl FnOnce(&mut Vec<u8>)) {
        if self.replies.is_empty() {
            self.replies.reserve(USUAL);
            self.replies.extend_from_slice(MESSAGES);
        }
        write(&mut self.replies);
        self.replies.push(b',');
        self.open.retain(|id| Some(*id) != answers);
    }

    /// Bytes of what the answer holds so far.
    pub fn reply_bytes(&self) -> usize {
        self.replies.len()
    }

    /// The body of the answer.
    pub fn messages(&mut self) -> Vec<u8> {
        let mut body = std::mem::take(&mut self.replies);
        if body.is_empty() {
            body.extend_from_slice(MESSAGES);
        } else {
            body.pop(); // the comma behind the last
        }
        body.extend_from_slice(b"]}");
        body
    }
}
