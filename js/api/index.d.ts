import { $ as RequestError, F as Gap, G as Failure, H as Aborted, I as Heard, J as MaybeDone, K as Forbidden, M as Sent, N as Handler, O as State, P as Event, Q as Rejected, U as ClientClosed, W as ConnectError, X as NotDone, Y as NotConnected, Z as NotRtcore, _ as Answer, a as Overflow, at as TokenRefused, b as Status, c as Client, ct as errorOf, d as Storage, et as RequestTimeout, f as Room, g as RoomView, h as PublishOptions, it as Superseded, l as JoinOptions, m as Past, n as Part, nt as SessionClosed, o as Transport, ot as TooLarge, p as Member, q as LeftRoom, r as Token, rt as StreamLost, st as UsageError, t as Options, tt as RtcoreError, u as Outcome, v as AskOptions, y as SendOptions } from "./connect.js";
import { a as TypedRoom, i as TypedEvent, n as Contract, r as TypedClient, t as Connect } from "./typed.js";

//#region src/index.d.ts
/** Connect, by the best transport that works here, with one session for all tabs, and an outbox that outlives them. */
declare const connect: Connect<Options>;
//#endregion
export { Aborted, Answer, AskOptions, Client, ClientClosed, Connect, ConnectError, Contract, Event, Failure, Forbidden, Gap, Handler, Heard, JoinOptions, LeftRoom, MaybeDone, Member, NotConnected, NotDone, NotRtcore, type Options, Outcome, Overflow, Part, Past, PublishOptions, Rejected, RequestError, RequestTimeout, Room, RoomView, RtcoreError, SendOptions, Sent, SessionClosed, State, Status, Storage, StreamLost, Superseded, Token, TokenRefused, TooLarge, Transport, TypedClient, TypedEvent, TypedRoom, UsageError, connect, errorOf };
