// MessagePack on the WebSocket, as a part of a client: bytes are themselves, and numbers are short. Plain HTTP speaks
// JSON. What waits is kept as JSON, whatever carries it at last.

import type { Kit, Part } from "./connect.ts";
import { packed, unpacked } from "./packed.ts";
import { messagesOf, valueIn } from "./words.ts";

/** Speak MessagePack where the server does. */
export const msgpack: Part = ({ hands }: Kit) => {
  hands.codec = {
    protocol: "rtcore.v1.msgpack",
    pack: (frame) => packed(valueIn(frame)),
    unpack: (bytes) => messagesOf(unpacked(bytes)),
  };
};
