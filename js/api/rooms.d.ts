import { n as Part } from "./connect.js";

//#region src/rooms.d.ts
/** Rooms can be joined. */
declare const rooms: Part;
//#endregion
export { rooms };
