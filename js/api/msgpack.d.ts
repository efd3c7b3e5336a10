import { n as Part } from "./connect.js";

//#region src/msgpack.d.ts
/** Speak MessagePack where the server does. */
declare const msgpack: Part;
//#endregion
export { msgpack };
