import { o as Transport, s as fallback } from "./connect.js";
export { Transport, fallback };