import { I as Heard, L as Collection, R as CollectionOptions, b as Status, c as Client, f as Room, g as RoomView, l as JoinOptions, p as Member } from "./connect.js";
import { ReactNode } from "react";

//#region src/react.d.ts
/** Gives a client to all below: one that is there (`client`), or one that is made (`connect`) and closed with it. */
declare function RtProvider(props: {
  children?: ReactNode;
} & ({
  client: Client;
  connect?: undefined;
} | {
  client?: undefined;
  connect: () => Client;
})): ReactNode;
/** The client of the provider above. Throws an `Error` where there is none. */
declare function useClient(): Client;
/** How the client is doing. */
declare function useStatus(): Status;
/** A room: undefined until it is joined. An `error` is thrown to the next error boundary. */
declare function useRoom(name: string, options?: Omit<JoinOptions, "signal">): Room | undefined;
/** A collection: undefined until it is open. The component is drawn anew when a document, or how it is, is another. */
declare function useCollection<Document = any>(name: string, options?: CollectionOptions): Collection<Document> | undefined;
/** Call it with each event of this name in a room, or said to this session; with "*" with all, and gaps. */
declare function useEvent(from: Room | undefined | null, event: string, handler: (heard: Heard) => void): void;
/** What is known of a room: members, count, state. */
declare function useRoomView(room: Room | undefined): RoomView;
/** Who is in a room. */
declare function usePresence(room: Room | undefined): readonly Member[];
/** The items of a stream so far. It is opened for `data` that is not undefined, and cancelled with the component. */
declare function useStream<Item = unknown>(name: string, data: unknown): {
  items: readonly Item[];
  done: boolean;
  error: Error | undefined;
};
//#endregion
export { RtProvider, useClient, useCollection, useEvent, usePresence, useRoom, useRoomView, useStatus, useStream };
