// Socket.IO over WebSocket alone: no polling, no page to serve, and no ping within a measurement.
import { createServer } from "node:http";
import { Server } from "socket.io";

const work = process.argv[2];
const http = createServer();
const io = new Server(http, {
  transports: ["websocket"],
  serveClient: false,
  pingInterval: 600_000,
  perMessageDeflate: true,
});

const handle = {
  echo(socket) {
    socket.on("m", (data) => socket.emit("m", data));
  },
  fanout(socket) {
    socket.join("all");
    socket.on("m", (data) => io.to("all").emit("m", data));
  },
}[work];

io.on("connection", handle);
http.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => {
  console.log(`http://127.0.0.1:${http.address().port}`);
});
