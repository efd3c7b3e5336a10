import { t as Said } from "./words.js";

//#region src/crdt_said.d.ts
/** What is no state, no operation, or too much of either. `code` is the protocol's. */
declare class Refused extends Error {
  readonly code: string;
  constructor(code: string, message: string);
}
//#endregion
//#region src/crdt.d.ts
/** A state of the wire: `{"$crdt": "pn-counter", …}`. */
type State = Said;
/** What all kinds have in common. A `Refused` is thrown for what is no state, another kind, or over a limit. */
declare abstract class Value<Seen> {
  /** The name of this replica; "" in a collection, where the server names who speaks. */
  readonly replica: string;
  protected abstract readonly kind: string;
  /** The state as it was read. */
  protected before: State | undefined;
  constructor(replica?: string);
  /** All of it, as JSON has it: for another replica, or to be kept. */
  abstract get state(): State;
  abstract get value(): Seen;
  /** Have what another has: a replica, or a state or delta of one. */
  abstract merge(other: Value<Seen> | State): void;
  /** What was done since it was made or read, as a change says it. */
  protected abstract done(): Said;
  toJSON(): State;
  protected stateOf(other: Value<Seen> | State): State;
}
/** Whose state is a plain object that is small. */
declare abstract class Simple<Seen> extends Value<Seen> {
  protected held: State | undefined;
  get state(): State;
  get value(): Seen;
  protected hears(heard: Said): State;
}
/** A counter that only counts up. */
declare class GCounter extends Simple<number> {
  protected readonly kind: string;
  /** What a document holds. */
  static of(state: State): GCounter;
  /** Count. Gives the delta. */
  add(by?: number): State;
  merge(other: GCounter | State): void;
  protected done(): Said;
}
/** A counter that counts both ways: `add(-1)`. */
declare class PNCounter extends GCounter {
  protected readonly kind = "pn-counter";
  static of(state: State): PNCounter;
}
/** A set of texts that only grows. */
declare class GSet extends Value<string[]> {
  #private;
  protected readonly kind = "g-set";
  static of(state: State): GSet;
  get state(): State;
  /** Its elements, in the order of their code points. */
  get value(): string[];
  get size(): number;
  has(element: string): boolean;
  /** Put an element in. Gives the delta. */
  add(element: string): State;
  merge(other: GSet | State): void;
  protected done(): Said;
}
/** A set of texts from which elements can be taken. An add wins over a removal that had not seen it. */
declare class ORSet extends Value<string[]> {
  #private;
  protected readonly kind = "or-set";
  static of(state: State): ORSet;
  get state(): State;
  /** Its elements, in the order of their code points. */
  get value(): string[];
  get size(): number;
  has(element: string): boolean;
  /** Put an element in. Gives the delta. */
  add(element: string): State;
  /** Take an element out, as far as it is seen here; nothing happens if it is not. Gives the delta. */
  remove(element: string): State;
  merge(other: ORSet | State): void;
  protected done(): Said;
}
/** One value; the later wins: by its time, then by the name of the replica. */
declare class LWWRegister<Held = unknown> extends Simple<Held | null> {
  protected readonly kind = "lww-register";
  static of<Of = unknown>(state: State): LWWRegister<Of>;
  /** Set it, at this time (milliseconds since 1970), raised above that of what is here. Gives the delta. */
  set(value: Held, at: number): State;
  merge(other: LWWRegister<Held> | State): void;
  protected done(): Said;
}
/** What is to be done to a CRDT of a document. Made by `add`, `remove` and `assign`. */
declare class Op {
  #private;
}
/** Count so far (a whole number; 1 without it), or put these texts into a set. */
declare const add: (...what: readonly (number | string)[]) => Op;
/** Take these texts out of an or-set, as far as they are seen here. */
declare const remove: (...elements: readonly string[]) => Op;
/** Set a register; the later wins. */
declare const assign: (value: unknown) => Op;
/** What people see of a state in a document: a number, a list of texts, a value. Of what is no CRDT: itself. */
declare const shown: (state: unknown) => unknown;
//#endregion
export { GCounter, GSet, LWWRegister, ORSet, Op, PNCounter, Refused, Simple, State, Value, add, assign, remove, shown };
