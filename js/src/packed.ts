// MessagePack, as far as messages go: what JSON can say, and bytes. https://github.com/msgpack/msgpack/blob/master/spec.md

/** @internal A text of bytes that grow. */
class Writer {
  #bytes = new Uint8Array(64);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  get written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#at);
  }

  /** Room for so many bytes, and where it begins. It may make new bytes, so it is asked before they are named. */
  #room(size: number): number {
    const at = this.#at;
    this.#at += size;
    if (this.#at > this.#bytes.length) {
      const old = this.#bytes;
      this.#bytes = new Uint8Array(2 * this.#at);
      this.#bytes.set(old);
      this.#view = new DataView(this.#bytes.buffer);
    }
    return at;
  }

  #byte(byte: number): void {
    const at = this.#room(1);
    this.#bytes[at] = byte;
  }

  #raw(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** A length: in `small`, if it is less than `few`; else behind a byte of its own, in 1 (if there is `tag8`), 2 or 4 bytes. */
  #length(length: number, small: number, few: number, tag16: number, tag8?: number): void {
    if (length < few) this.#byte(small | length);
    else if (tag8 !== undefined && length < 256) {
      this.#byte(tag8);
      this.#byte(length);
    } else if (length < 65_536) {
      this.#byte(tag16);
      const at = this.#room(2);
      this.#view.setUint16(at, length);
    } else {
      this.#byte(tag16 + 1);
      const at = this.#room(4);
      this.#view.setUint32(at, length);
    }
  }

  #number(value: number): void {
    if (!Number.isInteger(value) || value >= 2 ** 64 || value < -(2 ** 63)) {
      this.#byte(0xcb);
      const at = this.#room(8);
      this.#view.setFloat64(at, value);
    } else if (value >= -32 && value < 128) this.#byte(value & 0xff);
    else if (value >= 0 && value < 2 ** 32) {
      // As a length: 8, 16 or 32 bits.
      this.#length(value, 0, 0, 0xcd, 0xcc);
    } else if (value < 0 && value >= -(2 ** 31)) {
      this.#byte(0xd2);
      const at = this.#room(4);
      this.#view.setInt32(at, value);
    } else {
      this.#byte(value < 0 ? 0xd3 : 0xcf);
      const at = this.#room(8);
      this.#view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)));
    }
  }

  put(value: unknown): void {
    if (value === null) this.#byte(0xc0);
    else if (typeof value === "boolean") this.#byte(value ? 0xc3 : 0xc2);
    else if (typeof value === "number") this.#number(value);
    else if (typeof value === "string") {
      const bytes = new TextEncoder().encode(value);
      this.#length(bytes.length, 0xa0, 32, 0xda, 0xd9);
      this.#raw(bytes);
    } else if (value instanceof Uint8Array) {
      this.#length(value.length, 0, 0, 0xc5, 0xc4);
      this.#raw(value);
    } else if (Array.isArray(value)) {
      this.#length(value.length, 0x90, 16, 0xdc);
      for (const item of value) this.put(item);
    } else {
      const entries = Object.entries(value as object);
      this.#length(entries.length, 0x80, 16, 0xde);
      for (const [key, item] of entries) {
        this.put(key);
        this.put(item);
      }
    }
  }
}

const texts = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @internal What stands in bytes, from the front. Whatever is read beyond the end throws a `RangeError`. */
class Bytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  #skip(size: number): number {
    const at = this.#at;
    this.#at += size;
    if (this.left < 0) throw new RangeError("it ends too soon");
    return at;
  }

  /** An unsigned number of 1, 2, 4 or 8 bytes. */
  #unsigned(size: number): number {
    const at = this.#skip(size);
    const view = this.#view;
    if (size === 8) return Number(view.getBigUint64(at));
    return size === 1 ? view.getUint8(at) : size === 2 ? view.getUint16(at) : view.getUint32(at);
  }

  #signed(size: number): number {
    const value = this.#unsigned(size);
    if (size === 8) return Number(this.#view.getBigInt64(this.#at - 8));
    return value >= 2 ** (8 * size - 1) ? value - 2 ** (8 * size) : value;
  }

  #slice(size: number): Uint8Array {
    const at = this.#skip(size);
    return this.#bytes.slice(at, at + size);
  }

  #text(size: number): string {
    const at = this.#skip(size);
    return texts.decode(this.#bytes.subarray(at, at + size));
  }

  #array(length: number): unknown[] {
    const items: unknown[] = [];
    while (items.length < length) items.push(this.take());
    return items;
  }

  #map(length: number): object {
    const map: Record<string, unknown> = {};
    for (let n = 0; n < length; n++) {
      const key = this.take();
      if (typeof key !== "string") throw new SyntaxError("a key that is no text");
      const value = this.take();
      // As `JSON.parse` has it: a field like any other, and no prototype.
      if (key === "__proto__") Object.defineProperty(map, key, { value, enumerable: true });
      else map[key] = value;
    }
    return map;
  }

  take(): unknown {
    const tag = this.#unsigned(1);
    if (tag < 0x80) return tag;
    if (tag < 0x90) return this.#map(tag & 15);
    if (tag < 0xa0) return this.#array(tag & 15);
    if (tag < 0xc0) return this.#text(tag & 31);
    if (tag > 0xdf) return tag - 256;
    switch (tag) {
      case 0xc0:
        return null;
      case 0xc2:
      case 0xc3:
        return tag === 0xc3;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#slice(this.#unsigned(1 << (tag - 0xc4)));
      case 0xca:
        return this.#view.getFloat32(this.#skip(4));
      case 0xcb:
        return this.#view.getFloat64(this.#skip(8));
      case 0xcc:
      case 0xcd:
      case 0xce:
      case 0xcf:
        return this.#unsigned(1 << (tag - 0xcc));
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return this.#signed(1 << (tag - 0xd0));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#unsigned(1 << (tag - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#array(this.#unsigned(2 << (tag - 0xdc)));
      case 0xde:
      case 0xdf:
        return this.#map(this.#unsigned(2 << (tag - 0xde)));
    }
    throw new SyntaxError(`a byte that says nothing here: ${tag}`); // extensions, and 0xc1
  }
}

/** A value of JSON, or with bytes in it, as MessagePack. */
export const packed = (value: unknown): Uint8Array<ArrayBuffer> => {
  const writer = new Writer();
  writer.put(value);
  return writer.written;
};

/** The value of these bytes. Throws a `SyntaxError`, `RangeError` or `TypeError` for what no server says. */
export const unpacked = (bytes: Uint8Array): unknown => {
  const reader = new Bytes(bytes);
  const value = reader.take();
  if (reader.left) throw new SyntaxError("more than one value");
  return value;
};
