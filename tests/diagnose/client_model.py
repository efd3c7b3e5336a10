"""Prometheus' messages (client_model, metrics.proto), as protobuf's own library reads them."""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_F = descriptor_pb2.FieldDescriptorProto
_DOUBLE, _UINT64, _UINT32, _SINT32, _SINT64 = (
    _F.TYPE_DOUBLE, _F.TYPE_UINT64, _F.TYPE_UINT32, _F.TYPE_SINT32, _F.TYPE_SINT64,
)  # fmt: skip
_STRING, _ENUM = _F.TYPE_STRING, _F.TYPE_ENUM
_MANY = "*"
KINDS = ("COUNTER", "GAUGE", "SUMMARY", "UNTYPED", "HISTOGRAM", "GAUGE_HISTOGRAM")
_MESSAGES: dict[str, list[tuple[str, int, Any, str]]] = {
    "LabelPair": [("name", 1, _STRING, ""), ("value", 2, _STRING, "")],
    "Gauge": [("value", 1, _DOUBLE, "")],
    "Counter": [("value", 1, _DOUBLE, ""), ("exemplar", 2, "Exemplar", "")],
    "Histogram": [
        ("sample_count", 1, _UINT64, ""),
        ("sample_sum", 2, _DOUBLE, ""),
        ("bucket", 3, "Bucket", _MANY),
        ("schema", 5, _SINT32, ""),
        ("zero_threshold", 6, _DOUBLE, ""),
        ("zero_count", 7, _UINT64, ""),
        ("positive_span", 12, "BucketSpan", _MANY),
        ("positive_delta", 13, _SINT64, _MANY),
    ],
    "Bucket": [
        ("cumulative_count", 1, _UINT64, ""),
        ("upper_bound", 2, _DOUBLE, ""),
        ("exemplar", 3, "Exemplar", ""),
    ],
    "BucketSpan": [("offset", 1, _SINT32, ""), ("length", 2, _UINT32, "")],
    "Exemplar": [("label", 1, "LabelPair", _MANY), ("value", 2, _DOUBLE, "")],
    "Metric": [
        ("label", 1, "LabelPair", _MANY),
        ("gauge", 2, "Gauge", ""),
        ("counter", 3, "Counter", ""),
        ("histogram", 7, "Histogram", ""),
    ],
    "MetricFamily": [
        ("name", 1, _STRING, ""),
        ("help", 2, _STRING, ""),
        ("type", 3, _ENUM, ""),
        ("metric", 4, "Metric", _MANY),
    ],
}


def _family() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="metrics.proto", package="io.prometheus.client", syntax="proto2"
    )
    kind = file.enum_type.add(name="MetricType")
    for number, name in enumerate(KINDS):
        kind.value.add(name=name, number=number)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, of, many in fields:
            made = message.field.add(name=field, number=number)
            made.label = _F.LABEL_REPEATED if many else _F.LABEL_OPTIONAL
            if isinstance(of, str):
                made.type, made.type_name = _F.TYPE_MESSAGE, f".io.prometheus.client.{of}"
            else:
                made.type = of
                if of == _ENUM:
                    made.type_name = ".io.prometheus.client.MetricType"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("io.prometheus.client.MetricFamily"))


_FAMILY = _family()


def families(data: bytes) -> dict[str, Any]:
    """Each family by its name. What a message has that is not in the definition above is refused."""
    found: dict[str, Any] = {}
    at = 0
    while at < len(data):
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        family = _FAMILY.FromString(data[at : at + size])
        assert family.SerializeToString() == data[at : at + size], "and nothing that is unknown"
        assert family.name not in found
        found[family.name] = family
        at += size
    assert at == len(data)
    return found


def native(histogram: Any) -> dict[int, int]:
    """How many are in each bucket: `i` holds what is above 2^((i-1)/2^schema), and up to 2^(i/2^schema)."""
    counts: dict[int, int] = {}
    deltas = iter(histogram.positive_delta)
    at = count = 0
    for span in histogram.positive_span:
        at += span.offset
        for _ in range(span.length):
            count += next(deltas)
            counts[at] = count
            at += 1
    assert next(deltas, None) is None
    return counts
