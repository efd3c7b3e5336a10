import { n as Part } from "./connect.js";

//#region src/streams.d.ts
/** Items can be read, and sent. */
declare const streams: Part;
//#endregion
export { streams };
