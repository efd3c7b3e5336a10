// Messages as JSON, and back. Binary is `{"$bin": base64}` on the wire, and a `Uint8Array` here, both ways.

import { UsageError } from "./errors.ts";

/** A message, or the fields of one. */
// biome-ignore lint/suspicious/noExplicitAny: what the wire says is looked at where it is used
export type Said = Record<string, any>;

const utf8 = new TextEncoder();

/** How many bytes of UTF-8 a text has. */
export const bytesOf = (text: string): number => utf8.encode(text).length;

const base64 = (bytes: Uint8Array): string => {
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
};

const outward = (_: string, value: unknown): unknown =>
  value instanceof ArrayBuffer
    ? { $bin: base64(new Uint8Array(value)) }
    : ArrayBuffer.isView(value)
      ? { $bin: base64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) }
      : value;

const inward = (_: string, value: unknown): unknown => {
  if (value instanceof Object && "$bin" in value && Object.keys(value).length === 1) {
    return Uint8Array.from(atob(String(value.$bin)), (char) => char.charCodeAt(0));
  }
  return value;
};

/** The application's value as the text that stands for it in messages. Throws a `UsageError` where there is none. */
export const dataOf = (value: unknown): string | undefined => {
  let why = `there is no text for a ${typeof value}`;
  try {
    const text = JSON.stringify(value, outward);
    if (text !== undefined || value === undefined) return text;
  } catch (error) {
    why = (error as Error).message;
  }
  throw new UsageError(`the data cannot be said as JSON: ${why}`, "INVALID_MESSAGE");
};

/** The value of such a text. */
export const valueIn = (text: string): unknown =>
  text.includes('"$bin"') ? JSON.parse(text, inward) : JSON.parse(text);

/** A message of some fields, and of data that is a text already. */
export const encode = (fields: Said, data?: string): string => {
  const text = JSON.stringify(fields);
  return data === undefined ? text : `${text.slice(0, -1)},"data":${data}}`;
};

/** Messages as frames of at most so many bytes, if none alone has more. A character has at most three. */
export function* framed(messages: readonly string[], most: number): Iterable<string> {
  let some: string[] = [];
  let size = 0;
  for (const [at, text] of messages.entries()) {
    some.push(text);
    size += text.length * 3 + 1;
    const next = messages[at + 1];
    if (next !== undefined && size + next.length * 3 + 3 <= most) continue;
    yield some.length === 1 ? text : `[${some.join()}]`;
    some = [];
    size = 0;
  }
}

/** The ids, positions and counts of what a server says. One that none can be would stop what is reckoned with it. */
const WHOLE: Readonly<Record<string, readonly string[]>> = {
  welcome: ["seq", "taken"],
  event: ["seq"],
  gap: ["from", "to"],
  ack: ["id"],
  room: ["seq", "began", "count"],
  presence: ["count"],
  request: ["id"],
  item: ["id", "n"],
  credit: ["id", "n"],
  end: ["id"],
  pong: ["taken"],
  bye: ["n"],
};
const NONE: readonly string[] = [];

/** The messages of a frame or a body. Throws a `SyntaxError` for what no server says. */
export const decode = (text: string): Said[] => messagesOf(valueIn(text));

/** The messages of what a frame says. Throws a `SyntaxError` for what no server says. */
export const messagesOf = (said: unknown): Said[] => {
  const messages = Array.isArray(said) ? said : [said];
  for (const each of messages) {
    if (typeof each?.type !== "string") throw new SyntaxError("no message");
    for (const name of WHOLE[each.type] ?? NONE) {
      const number = each[name];
      if (number != null && !(Number.isSafeInteger(number) && number >= 0))
        throw new SyntaxError(`"${name}" of ${each.type} is ${number}, and no whole number`);
    }
  }
  return messages;
};
