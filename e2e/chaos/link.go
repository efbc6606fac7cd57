package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// link carries TCP between a port of its own and a target, as badly as wanted.
type link struct {
	listener net.Listener
	target   string
	hold     atomic.Bool  // swallow bytes both ways, and keep connections
	deaf     atomic.Bool  // swallow what the target answers
	still    atomic.Bool  // hand nothing on to the near side, and lose nothing
	delay    atomic.Int64 // nanoseconds for each piece, each way
	passed   atomic.Int64 // bytes handed to the near side

	mu    sync.Mutex
	conns map[net.Conn]struct{}
}

func newLink(ctx context.Context, target string) (*link, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for a link: %w", err)
	}
	k := &link{listener: l, target: target, conns: map[net.Conn]struct{}{}}
	go k.accept()
	return k, nil
}

func (k *link) address() string { return k.listener.Addr().String() }

func (k *link) accept() {
	for {
		near, err := k.listener.Accept()
		if err != nil {
			return
		}
		go k.carry(near)
	}
}

func (k *link) carry(near net.Conn) {
	defer near.Close()
	k.track(near, true)
	defer k.track(near, false)
	far, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "tcp", k.target)
	if err != nil {
		return
	}
	defer far.Close()
	k.track(far, true)
	defer k.track(far, false)
	var both sync.WaitGroup
	both.Go(func() { k.copy(far, near, func(int) bool { return k.hold.Load() }) })
	both.Go(func() {
		k.copy(near, far, func(n int) bool {
			for k.still.Load() {
				time.Sleep(time.Millisecond)
			}
			k.passed.Add(int64(n))
			return k.hold.Load() || k.deaf.Load()
		})
	})
	both.Wait()
}

// copy ends both sides when one ends. Swallowed bytes are gone: the connection
// can't be used again, as behind a router that forgot it.
func (k *link) copy(to, from net.Conn, swallow func(n int) bool) {
	defer to.Close()
	defer from.Close()
	buffer, lost := make([]byte, 32<<10), false
	for {
		n, err := from.Read(buffer)
		if d := time.Duration(k.delay.Load()); d > 0 {
			time.Sleep(d)
		}
		lost = swallow(n) || lost
		if n > 0 && !lost {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (k *link) track(c net.Conn, open bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if open {
		k.conns[c] = struct{}{}
	} else {
		delete(k.conns, c)
	}
}

// reset breaks every connection, with a reset where the kernel lets it.
func (k *link) reset() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for c := range k.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = c.Close()
	}
}

// heal makes the link good again; connections that lost bytes are broken.
func (k *link) heal() {
	broken := k.hold.Swap(false)
	broken = k.deaf.Swap(false) || broken
	k.still.Store(false)
	k.delay.Store(0)
	if broken {
		k.reset()
	}
}

func (k *link) close() {
	_ = k.listener.Close()
	k.reset()
}
