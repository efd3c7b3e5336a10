// A WebSocket.

import { ABNORMAL } from "./coming.ts";
import type { Choice, Link, Open } from "./link.ts";

/** Milliseconds for the first byte; then the next transport is tried. */
export const FIRST_BYTE = 5000;
/** A second try beside a first that is slow: what it lost on the way is not waited for. */
const SECOND_TRY = 1500;

const PLAIN = "rtcore.v1.json";

/** Opens one, or the faster of two. */
export const webSocket: Open = (base, ears, _known, codec): Link => {
  const url = new URL(`${base.href}/ws`);
  url.protocol = url.protocol.replace("http", "ws");
  let tries: WebSocket[] = [];
  let socket: WebSocket | undefined;
  const timers = [
    setTimeout(() => tries.length && attempt(), SECOND_TRY),
    setTimeout(() => fail(`no answer within ${FIRST_BYTE} ms`), FIRST_BYTE),
  ];

  const letGo = (): void => {
    for (const timer of timers) clearTimeout(timer);
    for (const each of tries) {
      if (each === socket) continue;
      each.onopen = each.onclose = each.onmessage = null;
      each.close();
    }
    tries = [];
  };
  const fail = (reason: string): void => {
    letGo();
    ears.closed({ code: ABNORMAL, reason });
  };
  const attempt = (): void => {
    let made: WebSocket;
    try {
      made = new WebSocket(url, codec ? [codec.protocol, PLAIN] : PLAIN);
    } catch (error) {
      // What a page may not open is refused here: by its policy, or for `ws:` in a page of `https:`.
      queueMicrotask(() => fail(`it cannot be opened: ${error}`));
      return;
    }
    made.binaryType = "arraybuffer";
    tries.push(made);
    made.onopen = () => {
      socket = made;
      letGo();
      ears.opened();
    };
    made.onerror = () => undefined; // `close` follows, and says as much
    made.onmessage = ({ data }) => ears.heard(data);
    made.onclose = ({ code, reason }) => {
      if (made === socket) ears.closed({ code, reason });
      else {
        tries = tries.filter((each) => each !== made);
        if (!tries.length) fail("it cannot be opened");
      }
    };
  };
  attempt();
  return {
    // A server that does not know the codec has chosen JSON.
    say: (frame) => socket?.send(codec && socket.protocol === codec.protocol ? codec.pack(frame) : frame),
    shut: (code, reason) => {
      letGo();
      const open = socket;
      if (!open) return;
      open.onmessage = open.onclose = null;
      open.close(code, reason);
    },
  };
};

/** The one transport of a client without others. */
export const onlyWebSocket: Choice = {
  next: () => "websocket",
  open: () => webSocket,
  failed: () => false,
  worked: () => undefined,
};
