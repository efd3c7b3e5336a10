// A set from which elements can be taken, and whose adds win over takes that had not seen them.
//
// Each add is a *dot*: who, and the how manyth of his. An element is there while it has a dot. Who takes it out takes the
// dots that he saw. Nothing is kept of what is gone but, for each writer, the highest dot up to which all were seen
// (`context`). `removed` is for what comes in pieces: dots that were taken and that the context does not reach; `loose`
// has each dot beyond the context, and at which element it was removed, if it was.

import { byDot, countsOf, type Dot, dotsOf, invalid, sameDot } from "./crdt_said.ts";
import { bytesOf, type Said } from "./words.ts";

const put = (all: Map<string, Dot[]>, element: string, dot: Dot): void => {
  const dots = all.get(element) ?? [];
  if (!dots.some((each) => sameDot(each, dot))) all.set(element, [...dots, dot].sort(byDot));
};

const take = (all: Map<string, Dot[]>, element: string, dot: Dot): void => {
  const left = (all.get(element) ?? []).filter((each) => !sameDot(each, dot));
  if (left.length) all.set(element, left);
  else all.delete(element);
};

/** Most texts are of ASCII, and need no encoder to be counted. */
const PLAIN = /^[\0-\x7f]*$/;

/** Bytes of an element and its dots, as JSON. */
export const sizeOf = (element: string, dots: readonly Dot[]): number => {
  let size = (PLAIN.test(element) ? element.length : bytesOf(element)) + 6;
  for (const [writer] of dots) size += writer.length + 12;
  return size;
};

/** @internal The dots of an or-set. */
export class Dots {
  readonly elements = new Map<string, Dot[]>();
  bytes = 0;
  readonly #context = new Map<string, number>();
  readonly #removed = new Map<string, Dot[]>();
  readonly #loose = new Map<string, Map<number, string | undefined>>();

  static read(state: Said): Dots {
    const made = new Dots();
    const { elements } = made;
    for (const [element, dots] of dotsOf(state.e, "e")) {
      for (const dot of dots) {
        // One change may add several elements, all with its one dot.
        made.#change(put, element, dot);
        made.#note(dot);
      }
    }
    for (const [element, dots] of state.r == null ? [] : dotsOf(state.r, "r")) {
      for (const dot of dots) {
        if (elements.get(element)?.some((each) => sameDot(each, dot)))
          throw invalid("a dot is there and was removed, both");
        made.#takeOut(element, dot);
      }
    }
    for (const [writer, n] of countsOf(state.c, "c")) made.#reach(writer, n);
    return made;
  }

  /** All of it: `e` and `c`, and `r` where the context does not reach what was removed. */
  get state(): Said {
    const [e, c, r] = [this.elements, this.#context, this.#removed].map((all) =>
      Object.fromEntries(all as Map<string, unknown>),
    );
    return this.#removed.size ? { e, c, r } : { e, c };
  }

  #change(how: typeof put, element: string, dot: Dot): void {
    const size = (): number => {
      const dots = this.elements.get(element);
      return dots ? sizeOf(element, dots) : 0;
    };
    this.bytes -= size();
    how(this.elements, element, dot);
    this.bytes += size();
  }

  #within([writer, n]: Dot): boolean {
    return n <= (this.#context.get(writer) ?? 0);
  }

  #knows(dot: Dot): boolean {
    return this.#within(dot) || this.#loose.get(dot[0])?.has(dot[1]) === true;
  }

  /** A dot beyond the context is seen; of one that was removed, at which element. */
  #note(dot: Dot, element?: string): void {
    const [writer, n] = dot;
    const loose = this.#loose.get(writer) ?? new Map<number, string | undefined>();
    if (this.#within(dot) || loose.get(n) !== undefined) return;
    if (element !== undefined) put(this.#removed, element, dot);
    this.#loose.set(writer, loose.set(n, element));
    this.#reach(writer, this.#context.get(writer) ?? 0);
  }

  /** Raise one writer's place in the context, which takes in the dots that follow it without a gap. */
  #reach(writer: string, highest: number): void {
    const loose = this.#loose.get(writer);
    highest = Math.max(highest, this.#context.get(writer) ?? 0);
    while (loose?.has(highest + 1)) highest++;
    if (highest) this.#context.set(writer, highest);
    for (const [n, element] of loose ?? []) {
      if (n > highest) continue;
      loose?.delete(n);
      if (element !== undefined) take(this.#removed, element, [writer, n]);
    }
    if (!loose?.size) this.#loose.delete(writer);
  }

  #takeIn(element: string, dot: Dot): void {
    if (this.#knows(dot)) return;
    this.#change(put, element, dot);
    this.#note(dot);
  }

  #takeOut(element: string, dot: Dot): void {
    this.#change(take, element, dot);
    this.#note(dot, element);
  }

  /** Add one: with the next dot of a replica, in place of the dots that are seen. The delta. */
  add(replica: string, element: string): Dots {
    const n = Math.max(this.#context.get(replica) ?? 0, ...(this.#loose.get(replica)?.keys() ?? [])) + 1;
    const delta = this.remove(element);
    this.#takeIn(element, [replica, n]);
    delta.#takeIn(element, [replica, n]);
    return delta;
  }

  /** Take one out, with the dots that are seen. The delta. */
  remove(element: string): Dots {
    const delta = new Dots();
    for (const dot of this.elements.get(element) ?? []) {
      this.#takeOut(element, dot);
      delta.#takeOut(element, dot);
    }
    return delta;
  }

  /** Have what another has; a delta costs its own size. */
  merge(other: Dots): void {
    if ([...other.#context.keys()].some((writer) => this.#context.has(writer) || this.#loose.has(writer))) {
      // What it has seen and does not have is gone.
      for (const [element, dots] of [...this.elements]) {
        const theirs = other.elements.get(element) ?? [];
        for (const dot of dots) {
          if (other.#within(dot) && !theirs.some((each) => sameDot(each, dot)))
            this.#change(take, element, dot);
        }
      }
    }
    for (const [element, dots] of other.elements) for (const dot of dots) this.#takeIn(element, dot);
    for (const [element, dots] of other.#removed) for (const dot of dots) this.#takeOut(element, dot);
    for (const [writer, n] of other.#context) this.#reach(writer, n);
  }
}
