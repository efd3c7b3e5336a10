// Documents on their way out: values of JSON and binary, with operations in the place of CRDTs.

import { invalid, isMarked, isState, MARK, SAYS } from "./crdt_said.ts";
import type { Said } from "./words.ts";

/** Of a value that is a CRDT, or is to be done to one: what is said of it; `state` is what is seen there. */
const one = (value: unknown, state: unknown, put: boolean, known?: string): unknown => {
  if (isState(value)) {
    // A state that was read is not something that is done: it stays as it is, whatever others have made of it since.
    if (isState(state)) return put ? state : undefined;
    throw invalid("a CRDT is never replaced: say what is done to it, add(…) for one");
  }
  const says = (value as { [SAYS]?: (kind: string, state: Said) => Said } | null | undefined)?.[SAYS];
  if (!says) return value;
  const seen = isMarked(state) ? state : undefined;
  const kind = seen?.[MARK] ?? known ?? (value as { kind?: string }).kind;
  if (typeof kind !== "string") throw invalid("an operation is for a CRDT, and there is none in this place");
  const done = says.call(value, kind, seen ?? {});
  // One in which nothing was done stays as it is seen.
  return put && seen && isEmpty(done) ? seen : done;
};

const isEmpty = ({ add, remove, set, u }: Said): boolean =>
  set === undefined &&
  !(Array.isArray(add) ? add.length : add) &&
  !Object.keys(remove ?? {}).length &&
  !u?.length;

/** A document to be put, or the fields of a patch, as they are said. `kinds`: of the CRDTs. Throws what is `Refused`. */
export const said = (value: unknown, there: unknown, how: "put" | "patch", kinds: Said = {}): unknown => {
  const put = how === "put";
  const whole = one(value, there, put);
  if (whole !== value || Object.getPrototypeOf(value ?? 0) !== Object.prototype || isMarked(value))
    return whole;
  const seen = there instanceof Object && !isMarked(there) ? (there as Said) : {};
  const fields = Object.entries(value as Said).map(([name, each]) => [
    name,
    one(each, Object.hasOwn(seen, name) ? seen[name] : undefined, put, kinds[name]),
  ]);
  return Object.fromEntries(fields.filter(([, each]) => each !== undefined));
};

/** An operation on a CRDT is shown as the state that it was made on. */
const plain = (value: unknown, was: unknown): unknown =>
  isMarked(value) && !isState(value) ? (isState(was) ? was : undefined) : value;

/** What a change would make of a document, fields that are CRDTs aside. */
export const wanted = ({ said: { op, value, unset = [] }, was }: Said): unknown => {
  if (op === "delete") return undefined;
  if (isMarked(value) || !(value instanceof Object) || Array.isArray(value)) return plain(value, was);
  const before = op === "patch" && was instanceof Object ? Object.entries(was) : [];
  const kept = before.filter(([name]) => !unset.includes(name));
  const fields = Object.entries(value).map(([name, each]) => [name, plain(each, was?.[name])]);
  return Object.fromEntries([...kept, ...fields]);
};
