import { A as RtcoreError, B as Heard, C as MaybeDone, D as Rejected, E as NotRtcore, F as TooLarge, I as errorOf, L as Handler, M as StreamLost, N as Superseded, O as RequestError, P as TokenRefused, R as Event, S as LeftRoom, T as NotDone, _ as Aborted, a as Member, b as Failure, c as Room, d as AskOptions, f as SendOptions, g as Sent, i as Storage, j as SessionClosed, k as RequestTimeout, l as RoomView, m as State, n as JoinOptions, o as Past, p as Status, r as Outcome, s as PublishOptions, t as Client, u as Answer, v as ClientClosed, w as NotConnected, x as Forbidden, y as ConnectError, z as Gap } from "./client.js";
import { a as Overflow, n as Part, o as Transport, r as Token, t as Options } from "./connect.js";
import { i as TypedRoom, n as Contract, r as TypedClient, t as Connect } from "./typed.js";

//#region src/index.d.ts
/** Connect, by the best transport that works here, with one session for all tabs, and an outbox that outlives them. */
declare const connect: Connect<Options>;
//#endregion
export { Aborted, Answer, AskOptions, Client, ClientClosed, Connect, ConnectError, Contract, Event, Failure, Forbidden, Gap, Handler, Heard, JoinOptions, LeftRoom, MaybeDone, Member, NotConnected, NotDone, NotRtcore, type Options, Outcome, Overflow, Part, Past, PublishOptions, Rejected, RequestError, RequestTimeout, Room, RoomView, RtcoreError, SendOptions, Sent, SessionClosed, State, Status, Storage, StreamLost, Superseded, Token, TokenRefused, TooLarge, Transport, TypedClient, TypedRoom, connect, errorOf };
