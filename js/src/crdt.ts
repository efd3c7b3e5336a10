// Values that merge, whoever changed them and in whatever order that is heard. They need no server: each replica has a
// name of its own, changes its own copy, and hands on deltas (what a method gives) or whole states, which are JSON.
//
// In a collection they are fields of documents, or the whole of one, made without a name; what is to be done to one is
// said by `add`, `remove` and `assign`: `board.patch("i1", { tags: add("urgent") })`.

import { Dots, sizeOf } from "./crdt_orset.ts";
import {
  byCodePoint,
  emptyOf,
  hear,
  invalid,
  isState,
  MARK,
  overflow,
  Refused,
  readState,
  SAYS,
  shown as seen,
  textsOf,
} from "./crdt_said.ts";
import type { Said } from "./words.ts";

/** Elements of a set, and bytes of one. */
const MOST = 10_000;
const MOST_BYTES = 1 << 20;

export { Refused } from "./crdt_said.ts";

/** A state of the wire: `{"$crdt": "pn-counter", …}`. */
export type State = Said;

const bounded = (elements: number, bytes: number): void => {
  if (elements > MOST) throw new Refused("TOO_LARGE", `the set has ${elements} elements; it holds ${MOST}`);
  if (bytes > MOST_BYTES)
    throw new Refused("TOO_LARGE", `the value has ${bytes} bytes; it holds ${MOST_BYTES}`);
};

/** What all kinds have in common. A `Refused` is thrown for what is no state, another kind, or over a limit. */
export abstract class Value<Seen> {
  /** The name of this replica; "" in a collection, where the server names who speaks. */
  readonly replica: string;
  protected abstract readonly kind: string;
  /** The state as it was read. */
  protected before: State | undefined;

  constructor(replica = "") {
    this.replica = replica;
  }

  /** All of it, as JSON has it: for another replica, or to be kept. */
  abstract get state(): State;
  abstract get value(): Seen;
  /** Have what another has: a replica, or a state or delta of one. */
  abstract merge(other: Value<Seen> | State): void;
  /** What was done since it was made or read, as a change says it. */
  protected abstract done(): Said;

  /** @internal What a document says of it. */
  [SAYS](kind: string): Said {
    if (kind !== this.kind) throw new Refused("TYPE_CONFLICT", `a ${this.kind} cannot stand for a ${kind}`);
    return { [MARK]: kind, ...this.done() };
  }

  toJSON(): State {
    return this.state;
  }

  protected stateOf(other: Value<Seen> | State): State {
    const state = other instanceof Value ? other.state : other;
    if (state[MARK] !== this.kind) {
      if (!isState(state)) readState(state);
      throw new Refused("TYPE_CONFLICT", `it is a ${state[MARK]}, not a ${this.kind}`);
    }
    return state;
  }
}

/** Whose state is a plain object that is small. */
export abstract class Simple<Seen> extends Value<Seen> {
  protected held: State | undefined;

  get state(): State {
    return (this.held ??= emptyOf(this.kind));
  }

  get value(): Seen {
    return seen(this.state) as Seen;
  }

  protected hears(heard: Said): State {
    this.held = hear(this.state, heard);
    return heard;
  }
}

const half = (state: State, name: string): Record<string, number> => state[name] ?? {};

/** A counter that only counts up. */
export class GCounter extends Simple<number> {
  protected readonly kind: string = "g-counter";

  /** What a document holds. */
  static of(state: State): GCounter {
    return read(new GCounter(), state);
  }

  /** Count. Gives the delta. */
  add(by = 1): State {
    if (!Number.isSafeInteger(by)) throw invalid(`${by} is no whole number`);
    if (by < 0 && this.kind === "g-counter") throw invalid("a g-counter only counts up");
    const name = by < 0 ? "n" : "p";
    const sums = half(this.state, name);
    const all = Object.values(sums).reduce((sum, each) => sum + each, Math.abs(by));
    if (all > Number.MAX_SAFE_INTEGER) throw overflow(all);
    const sum = (Object.hasOwn(sums, this.replica) ? sums[this.replica]! : 0) + Math.abs(by);
    const delta = { ...emptyOf(this.kind), [name]: Object.fromEntries(sum ? [[this.replica, sum]] : []) };
    return this.hears(delta);
  }

  merge(other: GCounter | State): void {
    const state = readState(this.stateOf(other));
    const heard: Said = { [MARK]: this.kind };
    for (const name of ["p", "n"]) {
      if (!(name in state)) continue;
      const mine = half(this.state, name);
      heard[name] = Object.fromEntries(
        Object.entries(half(state, name)).filter(
          ([writer, sum]) => !Object.hasOwn(mine, writer) || sum > mine[writer]!,
        ),
      );
    }
    this.hears(heard);
  }

  protected done(): Said {
    return { add: this.value - (this.before ? (seen(this.before) as number) : 0) };
  }
}

/** A counter that counts both ways: `add(-1)`. */
export class PNCounter extends GCounter {
  protected override readonly kind = "pn-counter";

  static override of(state: State): PNCounter {
    return read(new PNCounter(), state);
  }
}

/** A set of texts that only grows. */
export class GSet extends Value<string[]> {
  protected readonly kind = "g-set";
  readonly #set = new Set<string>();
  #bytes = 0;

  static of(state: State): GSet {
    return read(new GSet(), state);
  }

  get state(): State {
    return { [MARK]: this.kind, e: this.value };
  }

  /** Its elements, in the order of their code points. */
  get value(): string[] {
    return [...this.#set].sort(byCodePoint);
  }

  get size(): number {
    return this.#set.size;
  }

  has(element: string): boolean {
    return this.#set.has(element);
  }

  /** Put an element in. Gives the delta. */
  add(element: string): State {
    const delta = { [MARK]: this.kind, e: [element] };
    this.merge(delta);
    return delta;
  }

  merge(other: GSet | State): void {
    const fresh = (readState(this.stateOf(other)).e as string[]).filter((each) => !this.has(each));
    const more = fresh.reduce((sum, each) => sum + sizeOf(each, []), 0);
    bounded(this.size + fresh.length, this.#bytes + more);
    this.#bytes += more;
    for (const each of fresh) this.#set.add(each);
  }

  protected done(): Said {
    const before = new Set(this.before?.e);
    return { add: this.value.filter((each) => !before.has(each)) };
  }
}

/** A set of texts from which elements can be taken. An add wins over a removal that had not seen it. */
export class ORSet extends Value<string[]> {
  protected readonly kind = "or-set";
  readonly #dots = new Dots();

  static of(state: State): ORSet {
    return read(new ORSet(), state);
  }

  get state(): State {
    return { [MARK]: this.kind, ...this.#dots.state };
  }

  /** Its elements, in the order of their code points. */
  get value(): string[] {
    return [...this.#dots.elements.keys()].sort(byCodePoint);
  }

  get size(): number {
    return this.#dots.elements.size;
  }

  has(element: string): boolean {
    return this.#dots.elements.has(element);
  }

  /** Put an element in. Gives the delta. */
  add(element: string): State {
    textsOf([element], "add");
    const more = (this.has(element) ? 0 : sizeOf(element, [])) + this.replica.length + 12;
    bounded(this.size + (this.has(element) ? 0 : 1), this.#dots.bytes + more);
    return { [MARK]: this.kind, ...this.#dots.add(this.replica, element).state };
  }

  /** Take an element out, as far as it is seen here; nothing happens if it is not. Gives the delta. */
  remove(element: string): State {
    return { [MARK]: this.kind, ...this.#dots.remove(element).state };
  }

  merge(other: ORSet | State): void {
    const dots = other instanceof ORSet ? other.#dots : Dots.read(this.stateOf(other));
    let count = this.size;
    let bytes = this.#dots.bytes;
    for (const [element, at] of dots.elements) {
      if (this.has(element)) continue;
      count++;
      bytes += sizeOf(element, at);
    }
    bounded(count, bytes);
    this.#dots.merge(dots);
  }

  protected done(): Said {
    const before: Record<string, unknown> = this.before?.e ?? {};
    const add = this.value.filter((each) => !Object.hasOwn(before, each));
    return { add, remove: Object.fromEntries(Object.entries(before).filter(([each]) => !this.has(each))) };
  }
}

/** One value; the later wins: by its time, then by the name of the replica. */
export class LWWRegister<Held = unknown> extends Simple<Held | null> {
  protected readonly kind = "lww-register";

  static of<Of = unknown>(state: State): LWWRegister<Of> {
    return read(new LWWRegister<Of>(), state);
  }

  /** Set it, at this time (milliseconds since 1970), raised above that of what is here. Gives the delta. */
  set(value: Held, at: number): State {
    const mine = { [MARK]: this.kind, v: value, t: at, r: this.replica };
    return this.hears(later(mine, this.state) ? mine : { ...mine, t: this.state.t + 1 });
  }

  merge(other: LWWRegister<Held> | State): void {
    const state = readState(this.stateOf(other));
    if (later(state, this.state)) this.hears(state);
  }

  protected done(): Said {
    return { set: this.value };
  }
}

const later = (one: State, other: State): boolean =>
  (one.t - other.t || byCodePoint(one.r, other.r) || byCodePoint(rank(one.v), rank(other.v))) > 0;

/** Of one stamp there is one value; two, by somebody's fault, have an order all the same. */
const rank = (value: unknown): string => JSON.stringify(value) ?? "";

const read = <Made extends { merge(state: State): void }>(made: Made, state: State): Made => {
  made.merge(state);
  return Object.assign(made, { before: state });
};

// -- what is to be done to one in a document

/** What is to be done to a CRDT of a document. Made by `add`, `remove` and `assign`. */
export class Op {
  readonly #say: (kind: string, state: State) => Said;

  /** @internal */
  constructor(say: (kind: string, state: State) => Said) {
    this.#say = say;
  }

  /** @internal */
  [SAYS](kind: string, state: State): Said {
    return { [MARK]: kind, ...this.#say(kind, state) };
  }
}

const cannot = (what: string, kind: string): never => {
  throw new Refused("TYPE_CONFLICT", `a ${kind} has no operation "${what}"`);
};

/** Count so far (a whole number; 1 without it), or put these texts into a set. */
export const add = (...what: readonly (number | string)[]): Op =>
  new Op((kind) => {
    if (kind.endsWith("-set")) return { add: textsOf(what, "add") };
    if (kind.endsWith("-counter") && what.length < 2) return { add: what[0] ?? 1 };
    return cannot("add", kind);
  });

/** Take these texts out of an or-set, as far as they are seen here. */
export const remove = (...elements: readonly string[]): Op =>
  new Op((kind, { e = {} }) => {
    if (kind !== "or-set") return cannot("remove", kind);
    const there = elements.filter((each) => Object.hasOwn(e, each));
    return { remove: Object.fromEntries(there.map((each) => [each, e[each]])) };
  });

/** Set a register; the later wins. */
export const assign = (value: unknown): Op =>
  new Op((kind) => (kind === "lww-register" ? { set: value } : cannot("assign", kind)));

/** What people see of a state in a document: a number, a list of texts, a value. Of what is no CRDT: itself. */
export const shown = (state: unknown): unknown => (isState(state) ? seen(state) : state);
