// One connection for all tabs: one session a browser profile, address and user.

import type { Kit, Part } from "./connect.ts";
import { offline } from "./offline.ts";
import { Tab } from "./tab.ts";

/** Share one session with the other pages of this origin; where that cannot be, each has its own. */
export const tabs: Part = (kit: Kit) => {
  const { document, isSecureContext, BroadcastChannel, location, navigator } = globalThis;
  const can = isSecureContext && BroadcastChannel && navigator?.locks && location?.protocol !== "file:";
  if (can && kit.options.tabs !== false) {
    new Tab(kit, { document, locks: navigator.locks, channel: (name) => new BroadcastChannel(name) });
  } else offline(kit as never);
};
