// Everything but React and MessagePack.

export * from "./core.ts";
