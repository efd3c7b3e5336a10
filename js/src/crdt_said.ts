// CRDTs as the wire has them: what an operation makes heard, and what is heard sets. States are plain JSON, and are not
// changed: whoever holds one holds it as it was.

import type { Said } from "./words.ts";

/** The member that says of which kind a CRDT is. */
export const MARK = "$crdt";
/** What a value of `crdt.ts` has: a function that says what was done to it, to a state of a kind. */
export const SAYS: unique symbol = Symbol.for("rtcore.crdt.says");

/** An add: by whom, and its number among his. */
export type Dot = readonly [writer: string, n: number];

/** @internal Who does something, and when. `later`: than all that is there, whatever the time. */
export interface Author {
  writer: string;
  n: number;
  time?: number;
  later?: boolean;
}

/** What is no state, no operation, or too much of either. `code` is the protocol's. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

export const invalid = (message: string): Refused => new Refused("INVALID_MESSAGE", message);
export const overflow = (sum: number): Refused =>
  new Refused("OVERFLOW", `a counter would be ${sum}; it holds up to ${Number.MAX_SAFE_INTEGER}`);

/** Names of members are anybody's, `__proto__` too: so they are set in a `Map`, and made an object in the end. */
export const mapOf = <T>(of: unknown, name: string): Map<string, T> => {
  if (!(of instanceof Object) || Array.isArray(of)) throw invalid(`"${name}" is no object`);
  return new Map(Object.entries(of));
};

/** Texts in the order of their code points, which is not that of UTF-16. */
export const byCodePoint = (one: string, other: string): number => {
  const most = Math.min(one.length, other.length);
  for (let at = 0; at < most; at++) {
    const a = one.charCodeAt(at);
    const b = other.charCodeAt(at);
    // Halves of pairs are above all that stands for itself.
    if (a !== b)
      return ((a & 0xf800) === 0xd800 ? a + 0x10000 : a) - ((b & 0xf800) === 0xd800 ? b + 0x10000 : b);
  }
  return one.length - other.length;
};

export const byDot = ([one, n]: Dot, [other, m]: Dot): number => byCodePoint(one, other) || n - m;
export const sameDot = ([one, n]: Dot, [other, m]: Dot): boolean => one === other && n === m;

const count = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

export const textsOf = (list: unknown, name: string): string[] => {
  if (!Array.isArray(list) || !list.every((each) => typeof each === "string"))
    throw invalid(`"${name}" is no list of texts`);
  return list;
};

/** The counts of an object, by writer. */
export const countsOf = (of: unknown, name: string): Map<string, number> => {
  const counts = mapOf<number>(of, name);
  for (const each of counts.values()) if (!count(each)) throw invalid(`"${name}" has a number that is none`);
  return counts;
};

/** The dots of an object, by element. `""` is `oneself`. */
export const dotsOf = (of: unknown, name: string, oneself = ""): Map<string, Dot[]> => {
  const found = mapOf<Dot[]>(of, name);
  for (const [element, dots] of found) {
    if (!Array.isArray(dots)) throw invalid(`"${name}" has an element without a list of dots`);
    const read = dots.map((dot) => {
      const [writer, n] = Array.isArray(dot) && dot.length === 2 ? dot : [];
      if (typeof writer !== "string" || !(writer || oneself) || !count(n) || !n)
        throw invalid("a dot is [writer, n]: a text and an integer above 0");
      return [writer || oneself, n] as const;
    });
    found.set(element, read);
  }
  return found;
};

const sumOf = (sums: Map<string, number>): number => {
  let sum = 0;
  for (const each of sums.values()) sum += each;
  if (sum > Number.MAX_SAFE_INTEGER) throw overflow(sum);
  return sum;
};

/** What a counter is told. */
const amount = (op: Said): number => {
  const { add } = op;
  if (Number.isSafeInteger(add)) return add;
  if (Number.isInteger(add)) throw new Refused("OVERFLOW", `"add" is beyond ${Number.MAX_SAFE_INTEGER}`);
  throw invalid('"add" is no integer');
};

/** @internal What one kind does. */
interface Kind {
  /** What is heard of an operation; undefined: nothing changed. */
  apply(state: Said, op: Said, author: Author): Said | undefined;
  /** The members of a state in which that was heard. */
  hear(state: Said, heard: Said): Said;
  value(state: Said): unknown;
  empty: Said;
}

const counter = (halves: readonly ("p" | "n")[]): Kind => ({
  empty: Object.fromEntries(halves.map((half) => [half, {}])),
  apply: (state, op, { writer }) => {
    const by = amount(op);
    if (by < 0 && halves.length < 2) throw invalid('a g-counter only counts up: "add" is below 0');
    if (!by) return undefined;
    const half = by < 0 ? "n" : "p";
    sumOf(countsOf(state[half], half).set("", Math.abs(by)));
    return Object.fromEntries(
      halves.map((each) => {
        const before = countsOf(state[each], each).get(writer) ?? 0;
        return [each, Object.fromEntries([[writer, before + (each === half ? Math.abs(by) : 0)]])];
      }),
    );
  },
  hear: (state, heard) =>
    Object.fromEntries(
      halves.map((half) => {
        const sums = countsOf(state[half], half);
        for (const [writer, sum] of heard[half] === undefined ? [] : countsOf(heard[half], half)) {
          if (sum) sums.set(writer, sum);
          else sums.delete(writer);
        }
        sumOf(sums);
        return [half, Object.fromEntries(sums)];
      }),
    ),
  value: (state) =>
    halves.reduce((sum, half) => sum + (half === "n" ? -1 : 1) * sumOf(countsOf(state[half], half)), 0),
});

const sorted = (texts: Iterable<string>): string[] => [...new Set(texts)].sort(byCodePoint);

const gset: Kind = {
  empty: { e: [] },
  apply: (state, op) => {
    const here = new Set(textsOf(state.e, "e"));
    const e = sorted(textsOf(op.add, "add").filter((each) => !here.has(each)));
    return e.length ? { e } : undefined;
  },
  hear: (state, heard) => ({ e: sorted([...textsOf(state.e, "e"), ...textsOf(heard.e, "e")]) }),
  value: (state) => textsOf(state.e, "e"),
};

const orset: Kind = {
  empty: { e: {}, c: {} },
  apply: (state, { add, remove }, { writer, n }) => {
    if (add == null && remove == null) throw invalid('an or-set is told "add" or "remove"');
    const here = dotsOf(state.e, "e");
    const own: Dot = [writer, n];
    const e = new Map<string, Dot[]>();
    const r = new Map<string, Dot[]>();
    const displace = (element: string, gone: (dot: Dot) => boolean): void => {
      const dots = here.get(element) ?? [];
      const go = dots.filter(gone);
      if (!go.length) return;
      here.set(
        element,
        dots.filter((dot) => !gone(dot)),
      );
      r.set(element, [...(r.get(element) ?? []), ...go]);
    };
    for (const [element, dots] of remove == null ? [] : dotsOf(remove, "remove", writer)) {
      displace(element, (dot) => dots.some((each) => sameDot(each, dot)));
    }
    for (const element of add == null ? [] : textsOf(add, "add")) {
      displace(element, (dot) => !sameDot(dot, own));
      e.set(element, [own]);
    }
    if (!e.size && !r.size) return undefined;
    const c = Object.fromEntries(e.size ? [[writer, n]] : []);
    return { e: Object.fromEntries(e), r: Object.fromEntries(r), c };
  },
  hear: (state, heard) => {
    const e = dotsOf(state.e, "e");
    for (const [element, gone] of heard.r == null ? [] : dotsOf(heard.r, "r")) {
      const left = (e.get(element) ?? []).filter((dot) => !gone.some((each) => sameDot(each, dot)));
      if (left.length) e.set(element, left);
      else e.delete(element);
    }
    for (const [element, dots] of dotsOf(heard.e, "e")) {
      const held = (e.get(element) ?? []).filter((dot) => !dots.some((each) => sameDot(each, dot)));
      e.set(element, [...held, ...dots].sort(byDot));
    }
    const c = countsOf(state.c, "c");
    for (const [writer, n] of countsOf(heard.c, "c")) c.set(writer, Math.max(n, c.get(writer) ?? 0));
    return { e: Object.fromEntries(e), c: Object.fromEntries(c) };
  },
  value: (state) => sorted(mapOf(state.e, "e").keys()),
};

const register: Kind = {
  empty: { v: null, t: 0, r: "" },
  apply: (state, op, { writer, time = 0, later = true }) => {
    if (!("set" in op)) throw invalid('"set" is missing');
    return later || time >= state.t ? { v: op.set, t: time, r: writer } : undefined;
  },
  hear: (_, { v, t, r }) => {
    if (v === undefined || !count(t) || typeof r !== "string")
      throw invalid("a register has v, t and r: a value, a time, a text");
    return { v, t, r };
  },
  value: (state) => state.v,
};

const updatesOf = ({ u }: Said): unknown[] => {
  const all = Array.isArray(u) ? u : [u];
  if (all.every((each) => each instanceof Uint8Array)) return all;
  throw invalid('"u" is no binary, and no list of them');
};

const text: Kind = {
  empty: { u: [] },
  apply: (_, op) => {
    const u = updatesOf(op).filter((each) => (each as Uint8Array).length);
    return u.length ? { u } : undefined;
  },
  hear: (state, heard) => ({ u: [...updatesOf(state), ...updatesOf(heard)] }),
  value: (state) => state.u,
};

const KINDS = new Map<unknown, Kind>([
  ["g-counter", counter(["p"])],
  ["pn-counter", counter(["p", "n"])],
  ["g-set", gset],
  ["or-set", orset],
  ["lww-register", register],
  ["text", text],
]);

/** Whether this says what is done to a CRDT, or is one. */
export const isMarked = (value: unknown): value is Said =>
  value instanceof Object && Object.hasOwn(value, MARK);

const kindOf = (value: Said): Kind => {
  const kind = KINDS.get(value[MARK]);
  if (!kind) throw invalid(`there is no CRDT of the kind ${JSON.stringify(value[MARK])}`);
  return kind;
};

/** Whether this is a state: another form than an operation has. */
export const isState = (value: unknown): value is Said => {
  if (!isMarked(value)) return false;
  const kind = KINDS.get(value[MARK]);
  return kind !== undefined && Object.keys(kind.empty).every((name) => name in value);
};

/** One in which nothing is. Throws what is `Refused`, as all of these do. */
export const emptyOf = (mark: string): Said => ({ [MARK]: mark, ...kindOf({ [MARK]: mark }).empty });

const of = (state: Said, other: Said): Kind => {
  const kind = kindOf(other);
  if (state[MARK] !== other[MARK])
    throw new Refused("TYPE_CONFLICT", `it is a ${state[MARK]}, not a ${other[MARK]}`);
  return kind;
};

/** A state as it is read: what is none is refused. */
export const readState = (state: Said): Said => {
  const kind = kindOf(state);
  for (const name of Object.keys(kind.empty)) if (!(name in state)) throw invalid(`"${name}" is missing`);
  return { [MARK]: state[MARK], ...kind.hear(kind.empty, state) };
};

/** What is heard of an operation; undefined: nothing changed. */
export const apply = (state: Said, op: Said, author: Author): Said | undefined => {
  const kind = of(state, op);
  const heard = kind.apply(state, op, author);
  return heard && { [MARK]: op[MARK], ...heard };
};

/** The state in which that was heard. It is heard once and in order: so it is set, and not merged. */
export const hear = (state: Said, heard: Said): Said => ({
  [MARK]: state[MARK],
  ...of(state, heard).hear(state, heard),
});

/** What people see of a state: a number, a list of texts, a value; of text its updates. */
export const shown = (state: Said): unknown => kindOf(state).value(state);
