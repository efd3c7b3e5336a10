// Time, which a test may own. Milliseconds everywhere.

/** Both clocks, and a timer. */
export interface Clock {
  /** Of no epoch; it only goes forward. */
  now(): number;
  /** Since 1970. */
  wall(): number;
  /** Call it later; gives what takes that back. */
  after(ms: number, call: () => void): () => void;
}

const LONGEST = 2 ** 31 - 1;

/** The browser's. */
export const browserClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after: (ms, call) => {
    const timer = setTimeout(call, Math.min(ms, LONGEST));
    return () => clearTimeout(timer);
  },
};

/** Of the browser's time alone. */
export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
