"""The client for programs without Trio, against a real server over TCP."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import trio

import rtcore
import rtcore.blocking
from rtcore.client import ClientClosed, NotConnected, Rejected, UnsentChanges
from tests.client.conftest import make_app
from tests.client.shared import Note, application
from tests.patience import PATIENCE


class Served:
    """A server in a thread of its own."""

    def __init__(self, make: Callable[[], rtcore.App] = make_app) -> None:
        self._make = make

    def __enter__(self) -> str:
        self._up = threading.Event()
        self._thread = threading.Thread(target=trio.run, args=(self._run,))
        self._thread.start()
        assert self._up.wait(PATIENCE)
        return self.url

    async def _run(self) -> None:
        self._stop, self._token = trio.Event(), trio.lowlevel.current_trio_token()
        self.app = self._make()
        async with trio.open_nursery() as nursery:
            addresses = await nursery.start(
                lambda *, task_status: rtcore.serve(self.app, port=0, task_status=task_status)
            )
            self.url = f"http://127.0.0.1:{addresses[0].port}/rt"
            self._up.set()
            await self._stop.wait()
            nursery.cancel_scope.cancel()

    def __exit__(self, *_: object) -> None:
        trio.from_thread.run_sync(self._stop.set, trio_token=self._token)
        self._thread.join(PATIENCE)


@pytest.fixture
def url():
    with Served() as url:
        yield url


def test_it_joins_says_hears_and_streams(url) -> None:
    with rtcore.blocking.connect(url) as client:
        tea = client.join("tea", last=5)
        client.emit("chat:message", {"room": "tea", "text": "hello"}, timeout=PATIENCE)
        assert next(iter(tea)).data == {"room": "tea", "text": "hello"}
        assert list(client.stream("answer", {"count": 5})) == [0, 1, 2, 3, 4]
        sent = client.send("count", 7)
        assert sent.applied(timeout=PATIENCE) == 1
        with pytest.raises(Rejected):
            client.emit("no")
        assert client.status.live


def test_several_threads_call_at_once(url) -> None:
    with rtcore.blocking.connect(url) as client:
        got: list[int] = []
        threads = [threading.Thread(target=lambda n=n: got.append(client.emit("count", n))) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert sorted(got) == list(range(1, 9))


def test_handlers_are_called_in_threads_and_may_call_the_client(url) -> None:
    with rtcore.blocking.connect(url) as client:
        heard = threading.Event()
        tea = client.join("tea")

        @tea.on("say")
        def said(event: rtcore.Event) -> None:
            assert client.emit("count", event.data) == 1
            heard.set()

        @client.answer("delete?")
        def delete(_: object) -> str:
            return "yes"

        tea.publish("say", 1)
        assert heard.wait(PATIENCE)
        assert client.emit("ask", "delete?") == "yes"


def test_who_waits_in_another_thread_hears_that_the_client_is_closed(url) -> None:
    ended: list[BaseException] = []
    with rtcore.blocking.connect(url) as client:
        tea = client.join("tea")

        def listen() -> None:
            try:
                next(iter(tea))
            except ClientClosed as error:
                ended.append(error)

        thread = threading.Thread(target=listen)
        thread.start()
    thread.join(PATIENCE)
    assert len(ended) == 1


def test_what_cannot_be_reached_is_an_error_in_the_callers_thread() -> None:
    nowhere = rtcore.blocking.connect("http://127.0.0.1:9/rt", connect_timeout=0.2)
    with pytest.raises(NotConnected), nowhere:
        pass


def test_an_upload_is_had_from_a_plain_iterable_that_may_wait() -> None:
    def items():
        assert threading.current_thread() is not threading.main_thread()
        yield from range(10)

    with Served() as url, rtcore.blocking.connect(url) as client:
        assert client.upload("upload", items()) == list(range(10))


def test_a_collection_is_looked_at_changed_and_followed(tmp_path) -> None:
    with Served(application) as url:
        outbox = rtcore.Outbox(tmp_path / "outbox.db")
        with rtcore.blocking.connect(url, outbox=outbox, wait=True) as client:
            notes = client.collection("notes:ann", Note, wait=True)
            changes = notes.changes()
            put = notes.put("n1", Note("tea"))
            assert put.applied(timeout=PATIENCE).kind == "done"
            assert (notes["n1"], len(notes), "n1" in notes, list(notes)) == (Note("tea"), 1, True, ["n1"])
            assert next(changes).now == Note("tea")
            notes.patch("n1", done=True).applied(timeout=PATIENCE)
            assert notes.values() == [Note("tea", True)]
            refused = notes.put("secret", Note("x"))
            with pytest.raises(Rejected):
                refused.applied(timeout=PATIENCE)
            assert [each.code for each in notes.refused] == ["FORBIDDEN"]
            with pytest.raises(UnsentChanges):
                client.sign_out()
            notes.refused[0].discard()
            assert notes.sync({"n1": None}, timeout=PATIENCE).success
            assert notes.pending == notes.conflicts == notes.refused == []


def test_it_has_what_the_other_client_has_but_for_what_its_guide_leaves_out() -> None:
    for ours, theirs in (
        (rtcore.blocking.Client, rtcore.client.Client),
        (rtcore.blocking.Room, rtcore.client.Room),
        (rtcore.blocking.Sent, rtcore.client.Sent),
    ):
        missing = {name for name in dir(theirs) if not name.startswith("_")} - set(dir(ours))
        assert missing <= {"changes", "monitor"}, ours


def test_what_is_looked_at_and_asked_of_the_connection(url) -> None:
    with rtcore.blocking.connect(url) as client:
        tea = client.join("tea")
        assert (tea.count, tea.joined, "publish" in tea.grants) == (1, True, True)
        assert client.ping() >= 0
        assert client.latency is not None

        @client.on("note")
        def note(_: object) -> None: ...

        assert client._client._handlers._by_name["note"]
        client.off("note", note)
        assert not client._client._handlers._by_name["note"]
        client.off("note", print)  # was never on
        client.try_now()
        sent = client.send("count", 1)
        assert sent.applied(PATIENCE) == 1
        assert sent.maybe_done
        assert client.end() == []
