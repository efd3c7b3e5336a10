// What a program gives, looked at where it gives it: what is wrong fails there, and in words of its own.

import { UsageError } from "./errors.ts";

const shown = (value: unknown): string =>
  typeof value === "string"
    ? JSON.stringify(value)
    : typeof value === "object"
      ? Object.prototype.toString.call(value)
      : String(value);

/** `what` is something that `fits`, as `how` says; without one it is not looked at. */
export const given = (what: string, value: unknown, fits: boolean, how: string): void => {
  if (value !== undefined && !fits) throw new UsageError(`${what} is ${how}; not ${shown(value)}`);
};

/** Looks at something that has a name. */
export type Look = (what: string, value: unknown) => void;

/** A time to wait. */
export const milliseconds: Look = (what, value) =>
  given(what, value, typeof value === "number" && value >= 0, "a number of milliseconds, 0 or more");

/** A number of things. */
export const whole =
  (least: number): Look =>
  (what, value) =>
    given(
      what,
      value,
      Number.isInteger(value) && (value as number) >= least,
      `a whole number from ${least} on`,
    );

/** One of a few words. */
export const oneOf =
  (...words: string[]): Look =>
  (what, value) =>
    given(what, value, words.includes(value as string), `one of ${words.join(", ")}`);

/** Of one of these types, or null. */
export const ofType =
  (...types: string[]): Look =>
  (what, value) =>
    given(what, value, value === null || types.includes(typeof value), `of type ${types.join(" or ")}`);

/** Something to be called, which has to be there. */
export const callable: Look = (what, value) => ofType("function")(what, value ?? "nothing");
