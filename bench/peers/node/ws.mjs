// ws, as its examples do it. Compression is agreed on only with a client that offers it.
import { WebSocket, WebSocketServer } from "ws";

const work = process.argv[2];
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4096, perMessageDeflate: true });

const handle = {
  echo(socket) {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  },
  fanout(socket) {
    socket.on("message", (data, isBinary) => {
      for (const one of server.clients) {
        if (one.readyState === WebSocket.OPEN) one.send(data, { binary: isBinary });
      }
    });
  },
}[work];

server.on("connection", (socket) => {
  // A connection that breaks is no news: the load closes them all.
  socket.on("error", () => {});
  handle(socket);
});
server.on("listening", () => console.log(`http://127.0.0.1:${server.address().port}`));
