// What tests of collections wait with.
import type { Collection } from "../src/collections.ts";

/** Wait until it is so; a test has its own deadline. */
export async function until(collection: Collection, so: () => unknown): Promise<void> {
  while (!so())
    await new Promise<void>((resolve) => {
      const stop = collection.subscribe(() => {
        stop();
        resolve();
      });
    });
}
