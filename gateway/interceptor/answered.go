package interceptor

import (
	"context"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc/stats"
)

// Answered calls what AfterAnswer registered. It belongs into every server with
// doors that release data.
type Answered struct{}

type answeredKey struct{}

// answer is one call's.
type answer struct {
	mu   sync.Mutex
	done bool
	then []func()
}

// AfterAnswer calls f once, when the call's answer was handed to the transport
// or will not be. Outside of a call that is now.
func AfterAnswer(ctx context.Context, f func()) {
	if a, ok := ctx.Value(answeredKey{}).(*answer); ok && a.add(f) {
		return
	}
	f()
}

func (a *answer) add(f func()) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.done {
		return false
	}
	a.then = append(a.then, f)
	return true
}

func (a *answer) end() {
	a.mu.Lock()
	then := a.then
	a.then, a.done = nil, true
	a.mu.Unlock()
	for _, f := range then {
		f()
	}
}

// TagRPC makes room for what is to be called.
func (Answered) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context {
	return context.WithValue(ctx, answeredKey{}, &answer{})
}

// HandleRPC calls it at the end of the call: gRPC has queued the answer's bytes
// by then, whatever became of them.
func (Answered) HandleRPC(ctx context.Context, s stats.RPCStats) {
	if _, ended := s.(*stats.End); !ended {
		return
	}
	if a, ok := ctx.Value(answeredKey{}).(*answer); ok {
		a.end()
	}
}

type connKey struct{}

// TagConn makes room to count the calls at once of a connection, for HeadersFirst.
func (Answered) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, connKey{}, &atomic.Int64{})
}

// HandleConn does nothing.
func (Answered) HandleConn(context.Context, stats.ConnStats) {}
