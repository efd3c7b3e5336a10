//! How far a connection has come: which phase follows which, and by what step.
//!
//! Invariant: a phase changes by a step of this table and in no other way (`Conn::step`). It only ever goes on; but with
//! plain HTTP, where each answer leads back to the head of the next request.

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The request head is not complete.
    Head,
    /// The body of the request is not.
    Body,
    /// A WebSocket under the prefix that has not said `hello`.
    Hello,
    /// The application decides who this is, or which rooms of a returning session it may keep.
    Checking,
    /// The answer to the request waits for acks.
    Answering,
    /// A poll waits for something to say.
    Parked,
    /// `welcome` was said, or an event stream is open.
    Open,
    /// A raw socket.
    Raw,
    /// We have said all that we had to say; what still comes is ignored.
    Closing,
}

/// What takes a connection on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The head asks for a WebSocket under the prefix, and it is switched.
    Upgrade,
    /// The head asks for a raw socket, and it is switched.
    Raw,
    /// The head announces a body, or has none where one may be.
    Body,
    /// Somebody is at the door: it has said hello, and is asked about.
    Greet,
    /// The request will be answered, though perhaps not yet.
    Wait,
    /// It is a poll, and there is nothing to say.
    Park,
    /// A session hears by this connection from now on.
    Open,
    /// The request has its answer, and the next head may come.
    Answered,
    /// Nothing more is taken or said.
    Close,
}

impl Phase {
    /// The phase behind a step; none: it cannot be taken here.
    #[must_use]
    pub const fn after(self, step: Step) -> Option<Self> {
        Some(match (self, step) {
            (Self::Head, Step::Upgrade) => Self::Hello,
            (Self::Head, Step::Raw) => Self::Raw,
            (Self::Head, Step::Body) => Self::Body,
            (Self::Head | Self::Body | Self::Hello | Self::Checking, Step::Greet) => Self::Checking,
            (Self::Head | Self::Body | Self::Parked, Step::Wait) => Self::Answering,
            (Self::Answering, Step::Park) => Self::Parked,
            (Self::Head | Self::Checking, Step::Open) => Self::Open,
            (Self::Head | Self::Body | Self::Checking | Self::Answering, Step::Answered) => Self::Head,
            (Self::Closing, Step::Close) => return None,
            (_, Step::Close) => Self::Closing,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Phase, Step};

    const PHASES: [Phase; 9] = [
        Phase::Head,
        Phase::Body,
        Phase::Hello,
        Phase::Checking,
        Phase::Answering,
        Phase::Parked,
        Phase::Open,
        Phase::Raw,
        Phase::Closing,
    ];
    const STEPS: [Step; 9] = [
        Step::Upgrade,
        Step::Raw,
        Step::Body,
        Step::Greet,
        Step::Wait,
        Step::Park,
        Step::Open,
        Step::Answered,
        Step::Close,
    ];
    /// The table as one reads it: a row for each phase, a column for each step.
    const TABLE: &str = "
                 Upgrade  Raw  Body  Greet     Wait       Park    Open  Answered  Close
      Head       Hello    Raw  Body  Checking  Answering  -       Open  Head      Closing
      Body       -        -    -     Checking  Answering  -       -     Head      Closing
      Hello      -        -    -     Checking  -          -       -     -         Closing
      Checking   -        -    -     Checking  -          -       Open  Head      Closing
      Answering  -        -    -     -         -          Parked  -     Head      Closing
      Parked     -        -    -     -         Answering  -       -     -         Closing
      Open       -        -    -     -         -          -       -     -         Closing
      Raw        -        -    -     -         -          -       -     -         Closing
      Closing    -        -    -     -         -          -       -     -         -
    ";

    #[test]
    fn each_cell_of_the_table_is_as_it_is_read() {
        let mut rows = TABLE.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let mut rows = rows.by_ref().filter(|row| !row.is_empty());
        let head = rows.next().expect("a head");
        assert_eq!(head, STEPS.map(|step| format!("{step:?}")));
        let mut cells = 0;
        for (phase, row) in PHASES.iter().zip(rows) {
            assert_eq!(row[0], format!("{phase:?}"));
            for (step, cell) in STEPS.iter().zip(&row[1..]) {
                let after = phase.after(*step).map_or("-".to_owned(), |after| format!("{after:?}"));
                assert_eq!(after, *cell, "{phase:?} by {step:?}");
                cells += 1;
            }
        }
        assert_eq!(cells, PHASES.len() * STEPS.len());
    }

    #[test]
    fn each_phase_is_reached_from_the_head_and_ends_by_closing() {
        let mut reached = vec![Phase::Head];
        for at in 0.. {
            let Some(phase) = reached.get(at).copied() else { break };
            let next = STEPS.iter().filter_map(|step| phase.after(*step));
            let new: Vec<Phase> = next.filter(|phase| !reached.contains(phase)).collect();
            reached.extend(new);
        }
        assert!(PHASES.iter().all(|phase| reached.contains(phase)), "{reached:?}");
        assert!(PHASES.iter().all(|phase| *phase == Phase::Closing || phase.after(Step::Close).is_some()));
    }
}
