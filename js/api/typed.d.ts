import { c as Room, f as SendOptions, g as Sent, n as JoinOptions, t as Client } from "./client.js";

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
    };
  };
}
/** An interface has no index signature: it is held against this, field by field. */
type AnyContract = { [Part in keyof Contract]: object };
type Field<Of, Name extends string> = Of extends Record<Name, infer Value> ? Value : never;
type Names<Of> = keyof Of & string;
/** Data that is `null` need not be said. */
type Data<Value, Options extends unknown[]> = null extends Value ? [data?: Value, ...Options] : [data: Value, ...Options];
/** A room whose state is known. */
type TypedRoom<State> = Omit<Room, "state"> & {
  readonly state: State;
  [Symbol.asyncIterator]: Room[typeof Symbol.asyncIterator];
};
/** A client of one application: `connect<App>()`. */
type TypedClient<App extends AnyContract> = Omit<Client, "emit" | "send" | "stream" | "upload" | "join"> & {
  emit<Name extends Names<App["events"]>>(event: Name, ...data: Data<Field<App["events"][Name], "data">, [options?: SendOptions]>): Promise<Field<App["events"][Name], "result">>;
  send<Name extends Names<App["events"]>>(event: Name, ...data: Data<Field<App["events"][Name], "data">, [options?: SendOptions]>): Sent<Field<App["events"][Name], "result">>;
  stream<Name extends Names<App["streams"]>>(name: Name, ...data: Data<Field<App["streams"][Name], "data">, [options?: {
    signal?: AbortSignal;
  }]>): AsyncGenerator<Field<App["streams"][Name], "item">>;
  upload<Name extends Names<App["uploads"]>>(name: Name, items: AsyncIterable<Field<App["uploads"][Name], "item">> | Iterable<Field<App["uploads"][Name], "item">>, ...data: Data<Field<App["uploads"][Name], "data">, [options?: {
    signal?: AbortSignal;
  }]>): Promise<Field<App["uploads"][Name], "result">>;
  join<Name extends Names<App["rooms"]>>(name: Name, options?: JoinOptions): Promise<TypedRoom<Field<App["rooms"][Name], "state">>>;
};
/** How a client is made: of an application that is named, it is typed. */
interface Connect<Options> {
  (url?: string | URL, options?: Options): Client;
  <App extends AnyContract>(url?: string | URL, options?: Options): TypedClient<App>;
}
//#endregion
export { TypedRoom as i, Contract as n, TypedClient as r, Connect as t };
