import { A as Forbidden, B as SessionClosed, D as ClientClosed, E as Aborted, F as NotRtcore, G as errorOf, H as Superseded, I as Rejected, L as RequestError, M as MaybeDone, N as NotConnected, O as ConnectError, P as NotDone, R as RequestTimeout, U as TokenRefused, V as StreamLost, W as TooLarge, _ as Handler, a as Room, b as Heard, c as PublishOptions, d as AskOptions, f as SendOptions, g as Sent, i as Storage, j as LeftRoom, k as Failure, l as RoomView, m as State, n as JoinOptions, o as Member, p as Status, r as Outcome, s as Past, t as Client, u as Answer, v as Event, y as Gap, z as RtcoreError } from "./client.js";
import { a as Overflow, n as Part, o as Transport, r as Token, t as Options } from "./connect.js";
import { a as TypedRoom, i as TypedEvent, n as Contract, r as TypedClient, t as Connect } from "./typed.js";

//#region src/index.d.ts
/** Connect, by the best transport that works here, with one session for all tabs, and an outbox that outlives them. */
declare const connect: Connect<Options>;
//#endregion
export { Aborted, Answer, AskOptions, Client, ClientClosed, Connect, ConnectError, Contract, Event, Failure, Forbidden, Gap, Handler, Heard, JoinOptions, LeftRoom, MaybeDone, Member, NotConnected, NotDone, NotRtcore, type Options, Outcome, Overflow, Part, Past, PublishOptions, Rejected, RequestError, RequestTimeout, Room, RoomView, RtcoreError, SendOptions, Sent, SessionClosed, State, Status, Storage, StreamLost, Superseded, Token, TokenRefused, TooLarge, Transport, TypedClient, TypedEvent, TypedRoom, connect, errorOf };
