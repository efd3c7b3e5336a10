// An outbox that outlives the page: what is said while away, and what asks for it, is kept in IndexedDB. Each page
// has one of its own: the first whose lock is free, else a new one.

import type { Kit, Part } from "./connect.ts";
import { groupOf, keepIn, storeOf } from "./keeping.ts";
import { lockNow } from "./locks.ts";
import type { Call } from "./port.ts";

/** Hold back what is asked until the client is ready for it. */
const whenReady = (kit: Kit, ready: Promise<void>): void => {
  const { start } = kit;
  kit.start = () => {
    const calls: Call[] = [];
    kit.page.call = (call) => calls.push(call);
    void ready.then(() => {
      start();
      for (const call of calls) kit.page.call(call);
    });
  };
};

/** Each page's own outbox. */
export const offline: Part = (kit: Kit) => {
  const open = async (): Promise<void> => {
    if (!navigator.locks) throw new Error("no Web Locks here: two pages could send the same");
    const group = groupOf(kit);
    for (let n = 0; ; n++) {
      const name = `${group} own ${n}`;
      const letGo = await lockNow(navigator.locks, name);
      if (!letGo) continue;
      try {
        const store = await storeOf(kit, name);
        const g = await store.lead(kit.hands.program);
        const ledger = keepIn(kit, store, g, await store.load(), {
          fenced: () => kit.session.connection.pause(),
          waits: (page) => (page === kit.id ? "here" : undefined),
        });
        kit.ending.push(() => ledger.flush().finally(() => [store.close(), letGo()]));
      } catch (error) {
        letGo();
        throw error;
      }
      return;
    }
  };
  whenReady(
    kit,
    open().catch((error) => {
      kit.client.storage = { durable: false, reason: String(error.message ?? error) };
    }),
  );
};
