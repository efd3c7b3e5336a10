// From what is kept to a session, and from a session to what is kept.

import type { Outcome } from "./client.ts";
import type { Kit } from "./connect.ts";
import { Ledger, type Row } from "./ledger.ts";
import type { Ask } from "./outbox.ts";
import { AGAIN } from "./port.ts";
import { Fenced, type Kept, openStore, type Store } from "./store.ts";
import type { Said } from "./words.ts";

/** The name of what pages share: origin (the browser keeps those apart), address, and who uses it. */
export const groupOf = ({ base, options }: Kit): string => `rtcore/1 ${base.href} ${options.user ?? ""}`;

/** Open a store of the kit's options. */
export const storeOf = (kit: Kit, name: string): Promise<Store> =>
  kit.options.store ? kit.options.store(name) : openStore(name, kit.options.durability ?? "default");

/** Milliseconds after which it is kept how far the page has come, should nothing else be kept before. */
const MARKS_EVERY = 1000;

/** @internal What a page that keeps things knows of the others. */
export interface Around {
  /** Another page leads. */
  fenced(): void;
  /** Whether somebody may still wait for what this page asked for, and somebody here does. */
  waits(page: string | undefined): "here" | "elsewhere" | undefined;
}

/** Outcomes that nobody heard are kept so many, and so long. */
const OUTCOMES = 1000;
const OUTCOMES_FOR = 24 * 3600 * 1000;

/** Let a session go on where the last one of this store was, and keep what it does. */
export const keepIn = (kit: Kit, store: Store, g: number, kept: Kept, around: Around): Ledger => {
  const { client, hands, page, session } = kit;
  const { hearing, sending, who } = session;
  const ledger = new Ledger(store, g, {
    session: () => who.session,
    ended: (ask, failure, result) => {
      const where = around.waits(ask.page);
      if (where === "here") return [];
      const { name, kind, fields } = ask;
      const outcome: Outcome = { name, kind, fields, result, failure, at: hands.clock.wall() };
      if (!where) client.outbox = [...client.outbox.slice(1 - OUTCOMES), outcome];
      return [["meta", `outcome ${name}`, outcome]];
    },
    queued: (ask) => kit.tell({ on: "stage", name: ask.name, stage: "queued" }),
    lost: (reason) => {
      if (sending.keeper !== ledger) return;
      if (reason instanceof Fenced) around.fenced();
      // It is given up for this page: what it held is in memory, with keys.
      sending.keeper = undefined;
      for (const ask of sending.all()) ask.kept = false;
      client.storage = { durable: false, reason: reason.message };
      session.changed();
    },
  });
  const { meta } = kept;
  const known = meta.get("session") as Said | undefined;
  if (known) {
    who.was({ ...known, programs: meta.get("programs") });
    sending.user = known.user;
    sending.life = known.life;
  }
  const [epoch, seq] = String(meta.get("position") ?? "").split(".");
  if (epoch) hearing.begin(epoch, Number(seq));
  for (const [id, text] of (meta.get("replies") ?? []) as [number, string][]) session.asked.keep(id, text);
  for (const row of (kept.rows as Row[]).sort((one, other) => one.order - other.order)) {
    const { session: of, order, ...asking } = row;
    const ask: Ask = { ...asking, asks: 0, closes: 0, kept: true, again: true };
    if (ask.writtenWall !== undefined) {
      ask.written = hands.clock.now() - Math.max(0, hands.clock.wall() - ask.writtenWall);
    }
    ledger.knows(ask, order);
    sending.restored(ask);
    // An id of another session means nothing; whether it was done is not known.
    if (ask.id !== undefined && of !== who.session && !AGAIN.has(ask.kind)) sending.lose(ask);
  }
  const outcomes = [...meta].filter(([key]) => key.startsWith("outcome ")) as [string, Outcome][];
  outcomes.sort(([, one], [, other]) => one.at - other.at);
  const old = outcomes.filter(
    ([, { at }], n) => n < outcomes.length - OUTCOMES || at < hands.clock.wall() - OUTCOMES_FOR,
  );
  client.outbox = outcomes.slice(old.length).map(([, outcome]) => outcome);
  let told = "";
  const marks = (): ["meta", string, string][] => {
    const position = page.done ?? "";
    if (!position || position === told) return [];
    told = position;
    return [["meta", "position", position]];
  };
  ledger.also = marks;
  session.onWelcome = () => {
    const { programs, ...told } = who.told;
    ledger.note(["meta", "session", told], ["meta", "programs", programs]);
  };
  session.asked.onKept = (replies) => ledger.note(["meta", "replies", replies]);
  const look = (): void => {
    if (sending.keeper !== ledger || page.over) return;
    const changes = marks();
    if (changes.length) ledger.note(...changes);
    hands.clock.after(MARKS_EVERY, look);
  };
  if (old.length) ledger.note(...old.map(([key]) => ["meta", key] as const));
  sending.keeper = ledger;
  client.storage = { durable: true };
  look();
  return ledger;
};
