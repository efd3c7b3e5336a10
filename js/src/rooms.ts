// Rooms, as a part of a client: `client.join`.

import type { Kit, Part } from "./connect.ts";
import { Rooms } from "./memberships.ts";
import { Room } from "./room.ts";
import { dataOf, type Said } from "./words.ts";

/** Rooms can be joined. */
export const rooms: Part = ({ client, hands, page }: Kit) => {
  hands.makeRooms = (around) => new Rooms(around);
  client.join = async (name, { last, since, data, timeout, signal } = {}) => {
    const fields: Said = { room: name, last, since };
    let room: Room | undefined;
    const sent = page.ask("join", fields, data, { timeout, signal }, (asked) => {
      room = new Room(page, name, asked.name, dataOf(data));
      // Told in the session's turn, before anything that comes behind it.
      asked.whenApplied = (told: Said) => {
        const [epoch, number] = since?.split(".") ?? [];
        room?.joined(told, epoch === page.status.epoch ? Number(number) : undefined);
      };
    });
    try {
      await sent.applied;
    } catch (error) {
      if (room) page.listeners.delete(room);
      throw error;
    }
    return room!;
  };
};
