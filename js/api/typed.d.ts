import { F as Gap, M as Sent, P as Event, c as Client, f as Room, h as PublishOptions, l as JoinOptions, m as Past, y as SendOptions } from "./connect.js";

//#region src/typed.d.ts
/** What `rtcore types` writes, as it must be at least. */
interface Contract {
  events: {
    [name: string]: {
      data: unknown;
      result: unknown;
    };
  };
  streams: {
    [name: string]: {
      data: unknown;
      item: unknown;
    };
  };
  uploads: {
    [name: string]: {
      data: unknown;
      item: unknown;
      result: unknown;
    };
  };
  rooms: {
    [name: string]: {
      state: unknown;
      events?: object;
    };
  };
}
/** An interface has no index signature: it is held against this, field by field. */
type AnyContract = { [Part in keyof Contract]: object };
type Field<Of, Name extends string> = Of extends Record<Name, infer Value> ? Value : never;
type Names<Of> = keyof Of & string;
/** Data that is `null` need not be said. */
type Data<Value, Options extends unknown[]> = null extends Value ? [data?: Value, ...Options] : [data: Value, ...Options];
/** What is said in rooms for which the application does not say it: anything. */
type Anything = Record<string, any>;
/** What is said in rooms of this pattern, by name. */
type EventsOf<Room> = Room extends {
  events: infer Events extends object;
} ? Events : Anything;
/** An event of a room whose events are known: its name says what its data is. */
type TypedEvent<Events> = { [Name in Names<Events>]: Event<Events[Name]> & {
  event: Name;
} }[Names<Events>];
/** What is said outside of rooms: to users, under `$user/*`, and to everybody, under `$all`. Of neither: anything. */
type Said<Rooms> = { [Name in keyof Rooms]: Name extends `$${string}` ? TypedEvent<EventsOf<Rooms[Name]>> : never }[keyof Rooms];
type Own<Rooms> = [Said<Rooms>] extends [never] ? TypedEvent<Anything> : Said<Rooms>;
type Among<Events, Name> = Name extends "*" ? Events | Gap : Events & {
  event: Name;
};
type Those<Events, Name> = Among<TypedEvent<Events>, Name>;
/** A room whose state is known, and what is said in it. */
type TypedRoom<State, Events = Anything> = Omit<Room, "state" | "on" | "off" | "publish" | "history" | typeof Symbol.asyncIterator> & {
  readonly state: State;
  on<Name extends Names<Events> | "*">(event: Name, handler: (heard: Those<Events, Name>) => unknown): TypedRoom<State, Events>;
  off<Name extends Names<Events> | "*">(event: Name, handler: (heard: Those<Events, Name>) => unknown): TypedRoom<State, Events>;
  publish<Name extends Names<Events>>(event: Name, ...data: Data<Events[Name], [options?: PublishOptions]>): Promise<number | null>;
  history(...which: Parameters<Room["history"]>): Promise<Past<TypedEvent<Events>>>;
  [Symbol.asyncIterator](): AsyncGenerator<TypedEvent<Events> | Gap, void, undefined>;
};
/** A client of one application: `connect<App>()`. */
type TypedClient<App extends AnyContract> = Omit<Client, "emit" | "send" | "stream" | "upload" | "join" | "on" | "off"> & {
  on<Name extends Own<App["rooms"]>["event"] | "*">(event: Name, handler: (heard: Among<Own<App["rooms"]>, Name>) => unknown): TypedClient<App>;
  off<Name extends Own<App["rooms"]>["event"] | "*">(event: Name, handler: (heard: Among<Own<App["rooms"]>, Name>) => unknown): TypedClient<App>;
  emit<Name extends Names<App["events"]>>(event: Name, ...data: Data<Field<App["events"][Name], "data">, [options?: SendOptions]>): Promise<Field<App["events"][Name], "result">>;
  send<Name extends Names<App["events"]>>(event: Name, ...data: Data<Field<App["events"][Name], "data">, [options?: SendOptions]>): Sent<Field<App["events"][Name], "result">>;
  stream<Name extends Names<App["streams"]>>(name: Name, ...data: Data<Field<App["streams"][Name], "data">, [options?: {
    signal?: AbortSignal;
  }]>): AsyncGenerator<Field<App["streams"][Name], "item">>;
  upload<Name extends Names<App["uploads"]>>(name: Name, items: AsyncIterable<Field<App["uploads"][Name], "item">> | Iterable<Field<App["uploads"][Name], "item">>, ...data: Data<Field<App["uploads"][Name], "data">, [options?: {
    signal?: AbortSignal;
  }]>): Promise<Field<App["uploads"][Name], "result">>;
  join<Name extends Names<App["rooms"]>>(name: Name, options?: JoinOptions): Promise<TypedRoom<Field<App["rooms"][Name], "state">, EventsOf<App["rooms"][Name]>>>;
};
/** How a client is made: of an application that is named, it is typed. */
interface Connect<Options> {
  (url?: string | URL, options?: Options): Client;
  <App extends AnyContract>(url?: string | URL, options?: Options): TypedClient<App>;
}
//#endregion
export { TypedRoom as a, TypedEvent as i, Contract as n, TypedClient as r, Connect as t };
