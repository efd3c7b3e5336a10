import { n as Part } from "./connect.js";

//#region src/tabs.d.ts
/** Share one session with the other pages of this origin; where that cannot be, each has its own. */
declare const tabs: Part;
//#endregion
export { tabs };
