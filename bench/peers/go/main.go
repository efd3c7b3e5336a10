// gws on one thread. Its own server accepts, and its Broadcaster does the fan-out, as its documentation has it.
//
// A broadcast goes through a queue for each connection, which nothing bounds and which drops nothing. By default, and
// here, it does not check that text is UTF-8.
package main

import (
	"fmt"
	"log"
	"net"
	"os"
	"runtime"
	"sync"

	"github.com/lxzan/gws"
)

type echo struct{ gws.BuiltinEventHandler }

func (echo) OnMessage(socket *gws.Conn, message *gws.Message) {
	defer message.Close()
	_ = socket.WriteMessage(message.Opcode, message.Bytes())
}

type fanout struct {
	gws.BuiltinEventHandler
	lock    sync.RWMutex
	members map[*gws.Conn]struct{}
}

func (all *fanout) OnOpen(socket *gws.Conn) {
	all.lock.Lock()
	defer all.lock.Unlock()
	all.members[socket] = struct{}{}
}

func (all *fanout) OnClose(socket *gws.Conn, _ error) {
	all.lock.Lock()
	defer all.lock.Unlock()
	delete(all.members, socket)
}

func (all *fanout) OnMessage(_ *gws.Conn, message *gws.Message) {
	defer message.Close()
	// The queues outlive the message, whose bytes are used again once it is closed.
	said := gws.NewBroadcaster(message.Opcode, append([]byte(nil), message.Bytes()...))
	defer said.Close()
	all.lock.RLock()
	defer all.lock.RUnlock()
	for member := range all.members {
		_ = said.Broadcast(member)
	}
}

func main() {
	runtime.GOMAXPROCS(1)
	var handler gws.Event
	switch {
	case len(os.Args) == 2 && os.Args[1] == "echo":
		handler = echo{}
	case len(os.Args) == 2 && os.Args[1] == "fanout":
		handler = &fanout{members: map[*gws.Conn]struct{}{}}
	default:
		log.Fatal("which work? echo or fanout")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := gws.NewServer(handler, &gws.ServerOption{
		PermessageDeflate: gws.PermessageDeflate{Enabled: true},
	})
	// A connection that breaks is no news: the load closes them all.
	server.OnError = func(net.Conn, error) {}
	fmt.Printf("http://%s\n", listener.Addr())
	log.Fatal(server.RunListener(listener))
}
