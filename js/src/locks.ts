// Locks of the browser's, as things that are held and let go.

/** Ask for a lock; `held` is called when it is ours. Gives what lets go of it, or takes the request back. */
export const lock = (
  locks: LockManager,
  name: string,
  held: () => void,
  options: LockOptions = {},
  stolen?: () => void,
): (() => void) => {
  let letGo!: () => void;
  let mine = false;
  const released = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const asking = new AbortController();
  // `steal` and `ifAvailable` cannot be taken back.
  const signal = options.steal || options.ifAvailable ? {} : { signal: asking.signal };
  locks
    .request(name, { ...options, ...signal }, (got) => {
      if (!got) return undefined;
      mine = true;
      held();
      return released;
    })
    .catch(() => mine && stolen?.());
  return () => {
    mine = false;
    letGo();
    asking.abort();
  };
};

/** Take a lock if nobody has it: what lets go of it, or undefined. */
export const lockNow = (locks: LockManager, name: string): Promise<(() => void) | undefined> =>
  new Promise((resolve) => {
    let letGo: (() => void) | undefined;
    locks
      .request(name, { ifAvailable: true }, (got) => {
        if (!got) return resolve(undefined);
        return new Promise<void>((released) => {
          letGo = released;
          resolve(letGo);
        });
      })
      .catch(() => resolve(undefined));
  });
