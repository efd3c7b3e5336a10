//! What client and server tell each other about what they have of the other: `ping`, `acked`, `taken`.
//!
//! Parts: Keys, Sessions, Shares.

use super::{Engine, errors, size};
use crate::codes::Code;
use crate::envelope::{Data, write as envelope};
use crate::error::Fault;
use crate::ids::{Now, SessionId};
use crate::log::acks::Kept;
use crate::shares::What;

impl Engine {
    pub(super) fn said_ping(
        &mut self,
        session_id: SessionId,
        time: Option<&Data<'_>>,
        rtt: Option<f64>,
        now: Now,
    ) {
        let Some(session) = self.session_mut(session_id) else { return };
        if let Some(rtt) = rtt
            && rtt.is_finite()
            && (0.0..=4_000_000.0).contains(&rtt)
        {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
            let micros = (rtt * 1000.0) as u32;
            session.measured(micros);
        }
        let taken = session.acks().taken();
        let time = time.map(|time| (&*time.bytes, time.form));
        self.tell_reply(session_id, None, |out, form| envelope::pong(out, form, time, now.wall_ms, taken));
    }

    /// The client has the acks of all its ids up to this: they are let go of, and automatic keys with them.
    pub(super) fn note_acked(&mut self, session_id: SessionId, acked: u64) {
        let Some(session) = self.session_mut(session_id) else { return };
        let upto = acked.min(session.acks().taken());
        session.acks_mut().let_go(upto);
        while let Some(rare) = self.session_mut(session_id).and_then(|session| session.rare_mut())
            && let Some(key) = rare.take_key(upto)
        {
            self.keys.let_go(key, &mut self.shares);
        }
        self.weigh_acks(session_id);
    }

    /// Whether the ack of one more request would push out one that the client does not have. Only where it says which it has.
    pub(super) fn has_place_for_ack(&self, session_id: SessionId) -> Result<(), Fault> {
        let limits = &self.config.limits;
        let Some(session) = self.session(session_id) else { return Ok(()) };
        let full = |bytes| session.acks().is_full(size(limits.acks), bytes);
        // Of the memory of all it gets no more than a page, where that is used up: asked only once the page is full.
        let page = size(limits.acks_at_least);
        let of_all = || self.shares.full_for(&self.holder_of(session_id), What::Ack, page as u64).is_some();
        let is_full =
            full(size(limits.ack_bytes)) || full(session.acks_counted().saturating_add(page)) && of_all();
        if !is_full {
            return Ok(());
        }
        let told = format!(
            "{} acks of {} bytes are kept until they are \"acked\", and {} requests run: no further one is taken",
            session.acks().kept(),
            session.acks().bytes(),
            session.acks().open()
        );
        Err(Fault::new(Code::Overloaded, told).retry_after(1000))
    }

    /// An ack as it was kept.
    pub(super) fn tell_kept(&mut self, session: SessionId, id: u64, kept: &Kept) {
        match kept {
            Kept::Seq(seq) => {
                let seq = (*seq > 0).then_some(*seq);
                self.tell_reply(session, Some(id), |out, form| envelope::published(out, form, id, seq));
            }
            Kept::Data { bytes, form: of } => {
                self.tell_reply(session, Some(id), |out, form| {
                    envelope::ack(out, form, id, Some((bytes, *of)));
                });
            }
            Kept::Error(error) => {
                let error = errors::told(error);
                self.tell_reply(session, Some(id), |out, form| envelope::ack_error(out, form, id, &error));
            }
        }
    }
}
