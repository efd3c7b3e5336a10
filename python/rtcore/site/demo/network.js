/** A network that can be made bad: what stands here between the client and the server. Import it before the client. */

export const network = { cut: false, slow: false, lossy: false, blocked: false };

const real = { WebSocket: globalThis.WebSocket, fetch: globalThis.fetch.bind(globalThis) };
const open = new Set(); // what can be cut: functions

/** How long what leaves now is on its way. What is lost is sent again by TCP, and all that is behind it waits. */
const delay = () => (network.slow ? 300 + Math.random() * 200 : 0) + (network.lossy && Math.random() < 0.06 ? 1500 : 0);

/** A line in one direction: nothing overtakes. */
function line() {
  let free = 0;
  return (deliver) => {
    const now = performance.now();
    free = Math.max(free, now + delay());
    if (free <= now) deliver();
    else setTimeout(deliver, free - now);
  };
}

globalThis.WebSocket = class {
  onopen = null;
  onmessage = null;
  onclose = null;
  onerror = null;
  #out = line();
  #in = line();
  #socket;
  #cut = () => this.#over(1006, "the network is gone");

  constructor(url, protocols) {
    if (network.cut || network.blocked) {
      setTimeout(() => this.#over(1006, network.cut ? "the network is gone" : "WebSockets are blocked"), 20);
      return;
    }
    const socket = (this.#socket = new real.WebSocket(url, protocols));
    socket.binaryType = "arraybuffer"; // what a client asks for that speaks MessagePack
    open.add(this.#cut);
    socket.onopen = () => this.#in(() => this.onopen?.({}));
    socket.onmessage = ({ data }) => this.#in(() => this.onmessage?.({ data }));
    socket.onclose = ({ code, reason }) => this.#in(() => this.#over(code, reason));
  }
  get bufferedAmount() {
    return this.#socket?.bufferedAmount ?? 0;
  }
  get protocol() {
    return this.#socket?.protocol ?? "";
  }
  get readyState() {
    return this.#socket?.readyState ?? 3;
  }
  send(data) {
    this.#out(() => this.#socket?.readyState === 1 && this.#socket.send(data));
  }
  close(code, reason) {
    open.delete(this.#cut);
    this.#out(() => this.#socket?.close(code, reason));
  }
  #over(code, reason) {
    open.delete(this.#cut);
    if (this.#socket) this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket?.close();
    const told = this.onclose;
    this.onclose = this.onmessage = this.onopen = null;
    told?.({ code, reason });
  }
};

globalThis.fetch = async (url, init = {}) => {
  const mine = new AbortController();
  const cut = () => mine.abort(new TypeError("the network is gone"));
  await new Promise(line());
  if (network.cut) throw new TypeError("the network is gone");
  open.add(cut);
  const signal = init.signal ? AbortSignal.any([init.signal, mine.signal]) : mine.signal;
  const answer = await real.fetch(url, { ...init, signal });
  if (!answer.body) return answer;
  const way = line();
  const late = new TransformStream({
    transform: (bytes, stream) => new Promise((through) => way(() => through(stream.enqueue(bytes)))),
    flush: () => void open.delete(cut),
  });
  return new Response(answer.body.pipeThrough(late), answer);
};

const cutAll = () => {
  for (const cut of [...open]) cut();
};

/** Change the network. A browser tells its pages when it is gone, and when it is back. */
export function setNetwork(change) {
  const before = { ...network };
  Object.assign(network, change);
  if ((network.cut && !before.cut) || (network.blocked && !before.blocked)) cutAll();
  if (network.cut !== before.cut) dispatchEvent(new Event(network.cut ? "offline" : "online"));
}

// A lossy line breaks now and then, too.
setInterval(() => network.lossy && Math.random() < 0.3 && cutAll(), 4000);
