// Documents as a client holds them, and what a change makes of one. They are plain JSON, and are never changed: what is
// another is another object. `undefined` is no document.

import { apply, emptyOf, hear, isMarked, isState, MARK } from "./crdt_said.ts";
import type { Said } from "./words.ts";

/** Whose fields can be set one by one. */
const isFields = (value: unknown): value is Said =>
  value instanceof Object && !Array.isArray(value) && !(value instanceof Uint8Array) && !isMarked(value);

/** Whether two values are the same as JSON has them. */
export const same = (one: unknown, other: unknown): boolean => {
  if (one === other) return true;
  if (!(one instanceof Object && other instanceof Object)) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const names = Object.keys(one);
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => Object.hasOwn(other, name) && same((one as Said)[name], (other as Said)[name]))
  );
};

/** Fields by name, to be set: a name is anybody's, `__proto__` too. */
const fieldsOf = (value: unknown): Map<string, unknown> =>
  new Map(isFields(value) ? Object.entries(value) : []);

/** What was heard in a `patch`. Throws what is `Refused`. */
export const heardPatch = (document: unknown, value: Said = {}, unset: readonly string[] = []): unknown => {
  if (isState(document) && isMarked(value)) return hear(document, value);
  const fields = fieldsOf(document);
  for (const name of unset) fields.delete(name);
  for (const [name, each] of Object.entries(value)) {
    const held = fields.get(name);
    fields.set(name, isMarked(each) ? hear(isState(held) ? held : emptyOf(each[MARK]), each) : each);
  }
  return Object.fromEntries(fields);
};

/** @internal Who changes something, as the server will name him. */
export interface By {
  writer: string;
  n: number;
  time: number;
}

const operate = (held: unknown, op: Said, by: By): unknown => {
  try {
    const state = isState(held) ? held : emptyOf(op[MARK]);
    const heard = apply(state, op, by);
    return heard ? hear(state, heard) : state;
  } catch {
    // What the server will refuse changes nothing here either.
    return held ?? op;
  }
};

/** What one's own change makes of what is there. */
export const changed = (there: unknown, { op, value, unset = [] }: Said, by: By): unknown => {
  if (op === "skip") return there;
  if (op === "delete" || (op === "patch" && there === undefined)) return undefined;
  if (isMarked(value) && (op === "put" || isMarked(there))) return operate(there, value, by);
  if (op === "put" && !isFields(value)) return value;
  const fields = fieldsOf(there);
  // CRDTs stay: they are never replaced.
  if (op === "put") for (const [name, held] of fields) if (!isState(held)) fields.delete(name);
  for (const name of unset) fields.delete(name);
  for (const [name, each] of Object.entries(value ?? {})) {
    fields.set(name, isMarked(each) ? operate(fields.get(name), each, by) : each);
  }
  return Object.fromEntries(fields);
};

/** What a put of a document that is seen goes out as: the fields that differ. Undefined: nothing does. */
export const difference = (seen: unknown, value: unknown): Said | undefined => {
  if (seen === undefined) return { op: "put", value };
  if (same(seen, value)) return undefined;
  if (isState(seen) && isMarked(value)) return { op: "patch", value };
  if (!isFields(seen) || !isFields(value)) return { op: "put", value };
  const set = Object.entries(value).filter(
    ([name, each]) => !(Object.hasOwn(seen, name) && same(seen[name], each)),
  );
  const unset = Object.keys(seen).filter((name) => !(Object.hasOwn(value, name) || isState(seen[name])));
  if (!set.length && !unset.length) return undefined;
  return { op: "patch", value: Object.fromEntries(set), ...(unset.length ? { unset } : {}) };
};
