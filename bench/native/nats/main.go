// NATS JetStream for bench/durable_beside.py: `nats serve FOLDER` says its port and serves, every write synced before
// its ack (`sync_interval: always`); `nats load PORT CONNECTIONS WINDOW SECONDS` publishes messages of 200 bytes, so many
// in flight on each connection, and says what came of it as JSON.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const size = 200

func main() {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		serve(os.Args[2])
		return
	}
	if len(os.Args) != 6 || os.Args[1] != "load" {
		fmt.Fprintln(os.Stderr, "nats serve FOLDER | nats load PORT CONNECTIONS WINDOW SECONDS")
		os.Exit(2)
	}
	var numbers [4]int
	for at, text := range os.Args[2:] {
		numbers[at] = must(strconv.Atoi(text))
	}
	load(numbers[0], numbers[1], numbers[2], numbers[3])
}

func must[T any](value T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return value
}

func serve(folder string) {
	options := &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true,
		JetStream: true, StoreDir: folder, SyncAlways: true,
	}
	running := must(server.NewServer(options))
	go running.Start()
	if !running.ReadyForConnections(10 * time.Second) {
		fmt.Fprintln(os.Stderr, "not ready after 10 s")
		os.Exit(1)
	}
	fmt.Printf("serves http://%s\n", running.Addr())
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM, syscall.SIGINT)
	<-end
	running.Shutdown()
}

func load(port, connections, window, seconds int) {
	url := fmt.Sprintf("nats://127.0.0.1:%d", port)
	body := bytes.Repeat([]byte("x"), size)
	var all []time.Duration
	var lock sync.Mutex
	var group sync.WaitGroup
	var began time.Time
	ready := make(chan struct{})
	for number := range connections {
		link := must(nats.Connect(url))
		stream := must(link.JetStream())
		// A stream of its own, as each of our connections has a room of its own.
		name := fmt.Sprintf("bench%d", number)
		must(stream.AddStream(&nats.StreamConfig{Name: name, Subjects: []string{name + ".>"}, Storage: nats.FileStorage}))
		for range window {
			group.Add(1)
			go func() {
				defer group.Done()
				var took []time.Duration
				<-ready
				for time.Since(began) < time.Duration(seconds)*time.Second {
					at := time.Now()
					must(stream.Publish(name+".m", body))
					took = append(took, time.Since(at))
				}
				lock.Lock()
				all = append(all, took...)
				lock.Unlock()
			}()
		}
	}
	began = time.Now()
	close(ready)
	group.Wait()
	passed := time.Since(began).Seconds()
	slices.Sort(all)
	at := func(part float64) float64 { return float64(all[int(float64(len(all)-1)*part)].Microseconds()) }
	figures := map[string]float64{"per_second": float64(len(all)) / passed, "p50_us": at(0.5), "p99_us": at(0.99)}
	must(0, json.NewEncoder(os.Stdout).Encode(figures))
}
