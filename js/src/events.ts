// An event stream, taken apart as it comes (HTML living standard, 9.2.6).

const MOST = 128 << 20;

/** Gives the `data` of each event; comments and other fields say nothing to us. */
export class EventStream {
  #rest = "";
  #data: string[] = [];

  /** The data of the events that are whole now. Throws a `RangeError` for a line without an end. */
  take(text: string): string[] {
    text = this.#rest + text;
    // A carriage return at the end may be half of a line's end.
    const held = text.endsWith("\r") ? "\r" : "";
    const lines = text.slice(0, text.length - held.length).split(/\r\n|\r|\n/);
    this.#rest = lines.pop() + held;
    if (this.#rest.length > MOST) throw new RangeError("a line without an end");
    const found: string[] = [];
    for (const line of lines) {
      if (line === "") {
        if (this.#data.length) found.push(this.#data.join("\n"));
        this.#data = [];
      } else if (line.startsWith("data:")) this.#data.push(line.slice(line[5] === " " ? 6 : 5));
      else if (line === "data") this.#data.push("");
    }
    return found;
  }
}
