//! Prometheus' protocol buffers: `io.prometheus.client.MetricFamily` (`client_model`), each after its length. It is the format
//! that has native histograms. The buckets of the texts are told beside them, for who wants those.

use super::native;
use super::tell::{Buckets, Exemplar, Kind, Label, Tell, seconds};

/// Fields, by message.
mod field {
    pub const FAMILY_NAME: u32 = 1;
    pub const FAMILY_HELP: u32 = 2;
    pub const FAMILY_TYPE: u32 = 3;
    pub const FAMILY_METRIC: u32 = 4;
    pub const METRIC_LABEL: u32 = 1;
    pub const METRIC_GAUGE: u32 = 2;
    pub const METRIC_COUNTER: u32 = 3;
    pub const METRIC_HISTOGRAM: u32 = 7;
    pub const LABEL_NAME: u32 = 1;
    pub const LABEL_VALUE: u32 = 2;
    /// Of a gauge and of a counter.
    pub const VALUE: u32 = 1;
    pub const COUNT: u32 = 1;
    pub const SUM: u32 = 2;
    pub const BUCKET: u32 = 3;
    pub const SCHEMA: u32 = 5;
    pub const ZERO_THRESHOLD: u32 = 6;
    pub const POSITIVE_SPAN: u32 = 12;
    pub const POSITIVE_DELTA: u32 = 13;
    pub const BUCKET_COUNT: u32 = 1;
    pub const BUCKET_BOUND: u32 = 2;
    pub const BUCKET_EXEMPLAR: u32 = 3;
    pub const SPAN_OFFSET: u32 = 1;
    pub const SPAN_LENGTH: u32 = 2;
    pub const EXEMPLAR_LABEL: u32 = 1;
    pub const EXEMPLAR_VALUE: u32 = 2;
}

/// What is at most so long counts as nothing: Prometheus' own default, 2^-128. With 0, a histogram without a duration would be
/// taken for one of the old kind.
const NOTHING: f64 = 2.938_735_877_055_719e-39;

/// A message that is being written.
#[derive(Debug, Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }

    fn key(&mut self, field: u32, wire: u8) {
        self.varint(u64::from(field << 3 | u32::from(wire)));
    }

    fn uint(&mut self, field: u32, value: u64) {
        self.key(field, 0);
        self.varint(value);
    }

    /// A number that may be negative, as zigzag.
    fn sint(&mut self, field: u32, value: i64) {
        self.uint(field, ((value << 1) ^ (value >> 63)).cast_unsigned());
    }

    fn double(&mut self, field: u32, value: f64) {
        self.key(field, 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, field: u32, bytes: &[u8]) {
        self.key(field, 2);
        self.whole(bytes);
    }

    /// After its length.
    fn whole(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn within(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }

    fn label(&mut self, field: u32, (name, value): Label<'_>) {
        self.within(field, |label| {
            label.bytes(field::LABEL_NAME, name.as_bytes());
            label.bytes(field::LABEL_VALUE, value.as_bytes());
        });
    }

    fn bucket(&mut self, bound: f64, upto: u64, exemplar: &mut Exemplar<'_>) {
        self.within(field::BUCKET, |bucket| {
            bucket.uint(field::BUCKET_COUNT, upto);
            bucket.double(field::BUCKET_BOUND, bound);
            if let Some((trace, took)) = exemplar.take_if(|(_, took)| seconds(*took) <= bound) {
                bucket.within(field::BUCKET_EXEMPLAR, |exemplar| {
                    exemplar.label(field::EXEMPLAR_LABEL, ("trace_id", trace));
                    exemplar.double(field::EXEMPLAR_VALUE, seconds(took));
                });
            }
        });
    }

    /// Runs of buckets, each by its distance from the one before; and by how much each bucket differs from the one before.
    fn native(&mut self, cells: &[(i32, u64)]) {
        self.sint(field::SCHEMA, i64::from(native::SCHEMA));
        self.double(field::ZERO_THRESHOLD, NOTHING);
        let mut next = 0;
        for run in cells.chunk_by(|(one, _), (other, _)| one + 1 == *other) {
            self.within(field::POSITIVE_SPAN, |span| {
                span.sint(field::SPAN_OFFSET, i64::from(run[0].0 - next));
                span.uint(field::SPAN_LENGTH, run.len() as u64);
            });
            next = run[run.len() - 1].0 + 1;
        }
        let mut before = 0i64;
        for (_, count) in cells {
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            self.sint(field::POSITIVE_DELTA, count - before);
            before = count;
        }
    }
}

/// Families, one after the other.
#[derive(Debug, Default)]
pub struct Proto {
    out: Message,
    family: Message,
    kind: Kind,
}

impl Proto {
    fn close(&mut self) {
        let family = std::mem::take(&mut self.family);
        if !family.0.is_empty() {
            self.out.whole(&family.0);
        }
    }

    fn metric(&mut self, label: Option<Label<'_>>, write: impl FnOnce(&mut Message)) {
        self.family.within(field::FAMILY_METRIC, |metric| {
            if let Some(label) = label {
                metric.label(field::METRIC_LABEL, label);
            }
            write(metric);
        });
    }
}

impl Tell for Proto {
    fn begin(&mut self, name: &str, kind: Kind, help: &str) {
        self.close();
        self.kind = kind;
        self.family.bytes(field::FAMILY_NAME, name.as_bytes());
        self.family.bytes(field::FAMILY_HELP, help.trim().as_bytes());
        let kind = match kind {
            Kind::Counter => 0,
            Kind::Gauge => 1,
            Kind::Histogram => 4,
        };
        self.family.uint(field::FAMILY_TYPE, kind);
    }

    fn number(&mut self, _: &str, label: Option<Label<'_>>, value: f64) {
        let of = match self.kind {
            Kind::Gauge => field::METRIC_GAUGE,
            Kind::Counter | Kind::Histogram => field::METRIC_COUNTER,
        };
        self.metric(label, |metric| metric.within(of, |number| number.double(field::VALUE, value)));
    }

    fn buckets(
        &mut self,
        _: &str,
        label: Option<Label<'_>>,
        buckets: &Buckets<'_>,
        mut exemplar: Exemplar<'_>,
    ) {
        let native = buckets.spread.map(native::cells);
        self.metric(label, |metric| {
            metric.within(field::METRIC_HISTOGRAM, |histogram| {
                histogram.uint(field::COUNT, buckets.count);
                histogram.double(field::SUM, buckets.sum);
                for (bound, upto) in &buckets.upto {
                    histogram.bucket(*bound, *upto, &mut exemplar);
                }
                histogram.bucket(f64::INFINITY, buckets.count, &mut exemplar);
                if let Some(cells) = native {
                    histogram.native(&cells);
                }
            });
        });
    }

    fn into_bytes(mut self: Box<Self>) -> Vec<u8> {
        self.close();
        self.out.0
    }
}
