// What a server takes.

/** What the newest `welcome` said, with the protocol's defaults before it came. */
export interface Limits {
  max_message: number;
  acks: number;
  history: number;
  keys: number;
  messages_per_second: number;
  ping: number;
  silence: number;
  [more: string]: unknown;
}

export const DEFAULTS: Limits = {
  max_message: 1 << 20,
  acks: 256,
  history: 1000,
  keys: 3600,
  messages_per_second: 0,
  ping: 25,
  silence: 60,
};

/** What a `welcome` says of them. Throws a `SyntaxError` for what cannot be lived with: no pings, or no room for a request. */
export const limitsOf = (said: unknown): Limits => {
  const limits: Limits = { ...DEFAULTS, ...(said as object) };
  for (const name of Object.keys(DEFAULTS)) {
    const value = limits[name];
    const least = name === "messages_per_second" ? 0 : Number.MIN_VALUE;
    if (typeof value !== "number" || !(value >= least))
      throw new SyntaxError(`the limit ${name} is ${value}`);
  }
  return limits;
};
