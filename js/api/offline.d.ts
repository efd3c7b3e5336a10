import { n as Part } from "./connect.js";

//#region src/offline.d.ts
/** Each page's own outbox. */
declare const offline: Part;
//#endregion
export { offline };
