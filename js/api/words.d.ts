//#region src/words.d.ts
/** A message, or the fields of one. */
type Said = Record<string, any>;
//#endregion
export { Said as t };
