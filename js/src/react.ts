// Hooks for React. A client is shared by all below its provider; rooms are joined once, however many components use
// them, and let go a moment after the last has gone: Strict Mode, which mounts twice, opens one.

import {
  createContext,
  createElement,
  type ReactNode,
  useContext,
  useEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import type { Client, JoinOptions } from "./client.ts";
import type { Collection } from "./collections_page.ts";
import type { CollectionOptions } from "./collections_types.ts";
import type { Status } from "./port.ts";
import type { Heard } from "./reader.ts";
import type { Room } from "./room.ts";
import type { Member, RoomView } from "./view.ts";

/** Milliseconds after which what nobody uses any more is let go. */
const LINGER = 100;

/** Something that is opened for its first user, and closed a moment after its last. */
class Shared<Value> {
  #value: Value | undefined;
  #users = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #open: () => Value;
  readonly #close: (value: Value) => void;

  constructor(open: () => Value, close: (value: Value) => void) {
    this.#open = open;
    this.#close = close;
  }

  use(): Value {
    clearTimeout(this.#timer);
    this.#users++;
    this.#value ??= this.#open();
    return this.#value;
  }

  release(): void {
    if (--this.#users) return;
    this.#timer = setTimeout(() => {
      const value = this.#value as Value;
      this.#value = undefined;
      this.#close(value);
    }, LINGER);
  }
}

const Context = createContext<Client | undefined>(undefined);
const rooms = new WeakMap<Client, Map<string, Shared<Promise<Room>>>>();
// biome-ignore lint/suspicious/noExplicitAny: documents are the application's
const collections = new WeakMap<Client, Map<string, Shared<Promise<Collection<any>>>>>();

/** Gives a client to all below: one that is there (`client`), or one that is made (`connect`) and closed with it. */
export function RtProvider(
  props: { children?: ReactNode } & (
    | { client: Client; connect?: undefined }
    | { client?: undefined; connect: () => Client }
  ),
): ReactNode {
  const { client, connect, children } = props;
  const [made, setMade] = useState<Client>();
  const shared = useRef<Shared<Client>>(undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: an inline function is another at each render; it is asked once
  useEffect(() => {
    if (!connect) return undefined;
    shared.current ??= new Shared(connect, (one) => void one.close());
    const one = shared.current;
    setMade(one.use());
    return () => one.release();
  }, [!connect]);
  const given = client ?? made;
  return given ? createElement(Context.Provider, { value: given }, children) : null;
}

/** The client of the provider above. Throws an `Error` where there is none. */
export function useClient(): Client {
  const client = useContext(Context);
  if (!client) throw new Error("there is no <RtProvider> above");
  return client;
}

/** How the client is doing. */
export function useStatus(): Status {
  const client = useClient();
  return useSyncExternalStore(client.subscribe, client.getSnapshot, client.getSnapshot);
}

/** What a client opens once for all components that use it: undefined until it is there. An `error` is thrown. */
function useShared<Value>(
  all: WeakMap<Client, Map<string, Shared<Promise<Value>>>>,
  key: string,
  open: (client: Client) => Promise<Value>,
  close: (value: Value) => Promise<unknown>,
): Value | undefined {
  const client = useClient();
  const [value, setValue] = useState<Value>();
  const [error, setError] = useState<Error>();
  const latest = useRef({ open, close });
  latest.current = { open, close };
  useEffect(() => {
    const mine = all.get(client) ?? all.set(client, new Map()).get(client)!;
    let one = mine.get(key);
    if (!one) {
      one = new Shared(
        () => latest.current.open(client),
        (opened) => {
          mine.delete(key);
          opened.then((there) => latest.current.close(there)).catch(() => undefined);
        },
      );
      mine.set(key, one);
    }
    let wanted = true;
    one.use().then(
      (opened) => wanted && setValue(() => opened),
      (failed) => wanted && setError(failed),
    );
    return () => {
      wanted = false;
      setValue(undefined);
      one.release();
    };
  }, [all, client, key]);
  if (error) throw error;
  return value;
}

/** A room: undefined until it is joined. An `error` is thrown to the next error boundary. */
export function useRoom(name: string, options: Omit<JoinOptions, "signal"> = {}): Room | undefined {
  return useShared(
    rooms,
    `${name} ${JSON.stringify(options)}`,
    (client) => client.join(name, options),
    (room) => room.leave(),
  );
}

/** A collection: undefined until it is open. The component is drawn anew when a document, or how it is, is another. */
// biome-ignore lint/suspicious/noExplicitAny: documents are the application's
export function useCollection<Document = any>(
  name: string,
  options: CollectionOptions = {},
): Collection<Document> | undefined {
  const collection = useShared<Collection<Document>>(
    collections,
    `${name} ${JSON.stringify(options)}`,
    (client) => client.collection<Document>(name, options),
    (opened) => opened.close(),
  );
  const look = collection ? collection.getSnapshot : nothing;
  useSyncExternalStore<unknown>(collection ? collection.subscribe : never, look, look);
  return collection;
}

const nothing = (): undefined => undefined;

/** Call it with each event of this name in a room, or said to this session; with "*" with all, and gaps. */
export function useEvent(
  from: Room | undefined | null,
  event: string,
  handler: (heard: Heard) => void,
): void {
  const client = useClient();
  const latest = useRef(handler);
  useEffect(() => {
    latest.current = handler;
  });
  useEffect(() => {
    const source = from === null ? client : from;
    const call = (heard: Heard): void => latest.current(heard);
    source?.on(event, call);
    return () => void source?.off(event, call);
  }, [client, from, event]);
}

const NOBODY: RoomView = { members: [], count: undefined, state: undefined, grants: [], joined: false };
const nobody = (): RoomView => NOBODY;
const never = (): (() => void) => () => undefined;

/** What is known of a room: members, count, state. */
export function useRoomView(room: Room | undefined): RoomView {
  const look = room ? room.getSnapshot : nobody;
  return useSyncExternalStore(room ? room.subscribe : never, look, look);
}

/** Who is in a room. */
export function usePresence(room: Room | undefined): readonly Member[] {
  return useRoomView(room).members;
}

/** The items of a stream so far. It is opened for `data` that is not undefined, and cancelled with the component. */
export function useStream<Item = unknown>(
  name: string,
  data: unknown,
): { items: readonly Item[]; done: boolean; error: Error | undefined } {
  const client = useClient();
  const [state, setState] = useState<{ items: readonly Item[]; done: boolean; error: Error | undefined }>({
    items: [],
    done: false,
    error: undefined,
  });
  const key = data === undefined ? undefined : JSON.stringify(data);
  useEffect(() => {
    setState({ items: [], done: false, error: undefined });
    if (key === undefined) return undefined;
    const mine = new AbortController();
    const read = async (): Promise<void> => {
      // One that is taken back within the same turn (Strict Mode) is never opened.
      await Promise.resolve();
      if (mine.signal.aborted) return;
      try {
        for await (const item of client.stream(name, JSON.parse(key), { signal: mine.signal })) {
          if (mine.signal.aborted) return;
          setState((before) => ({ ...before, items: [...before.items, item as Item] }));
        }
        if (!mine.signal.aborted) setState((before) => ({ ...before, done: true }));
      } catch (error) {
        if (!mine.signal.aborted) setState((before) => ({ ...before, done: true, error: error as Error }));
      }
    };
    void read();
    return () => mine.abort();
  }, [client, name, key]);
  return state;
}
