// Who is in a room, as `room` and `presence` tell it.

import type { Said } from "./words.ts";

/** Take it in: the whole of them, or who came and who went. */
export const present = (here: Map<string, Said>, { members, joined = [], left = [] }: Said): void => {
  if (members) here.clear();
  for (const each of left) here.delete(each.session ?? each);
  for (const each of members ?? joined) here.set(each.session, each);
};
