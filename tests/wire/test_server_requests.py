"""Requests of the server, and what a client answers."""

from __future__ import annotations

from .client import Client


def asked(client: Client, **data: object) -> tuple[int, int]:
    """Let the application ask; return the id of the emit and of the request."""
    number = client.ask("emit", event="ask", data={"event": "question", "data": 1, **data})
    return number, client.expect("request")["id"]


def test_a_reply_is_the_answer(ann: Client) -> None:
    number, question = asked(ann)
    ann.send({"type": "reply", "id": question, "data": {"answer": 42}})
    assert ann.result(number) == {"answer": 42}


def test_a_reply_without_data_is_null(ann: Client) -> None:
    number, question = asked(ann)
    ann.send({"type": "reply", "id": question})
    assert ann.result(number) is None


def test_a_reply_with_an_error_is_the_peers_refusal(ann: Client) -> None:
    number, question = asked(ann)
    ann.send(
        {"type": "reply", "id": question, "error": {"code": "NOT_FOUND", "message": "no such event here"}}
    )
    assert ann.result(number) == {"refused": "NOT_FOUND"}


def test_a_second_reply_and_one_to_nothing_change_nothing(ann: Client) -> None:
    number, question = asked(ann)
    ann.send(
        {"type": "reply", "id": question, "data": "first"},
        {"type": "reply", "id": question, "data": "second"},
    )
    assert ann.result(number) == "first"
    ann.send({"type": "reply", "id": 999_999, "data": "to nothing"})
    assert ann.emit("echo", "still here") == "still here"


def test_no_reply_in_time_is_the_applications_timeout(ann: Client) -> None:
    number, question = asked(ann, timeout=0.05)
    assert ann.result(number) == {"refused": "TIMEOUT"}
    ann.send({"type": "reply", "id": question, "data": "late"})
    assert ann.emit("echo", "still here") == "still here"


def test_the_ids_of_requests_differ(ann: Client) -> None:
    ids = []
    for _ in range(3):
        number, question = asked(ann)
        ids.append(question)
        ann.send({"type": "reply", "id": question})
        ann.result(number)
    assert len(set(ids)) == 3


def test_a_session_event_has_no_room(ann: Client) -> None:
    ann.emit("tell", {"a": 1})
    event = ann.expect("event", event="told")
    assert event["data"] == {"a": 1}
    assert "room" not in event
    assert isinstance(event["seq"], int)
    assert isinstance(event["time"], int)
