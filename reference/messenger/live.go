package messenger

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

type versionKey struct{}

// stamped notes how far a person's news had come when a request came. A page made
// for it has all of that; what comes while it is made, it may miss.
func (m *Messenger) stamped(r *http.Request) *http.Request {
	p := m.visitor(r)
	if p == nil {
		return r
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return r.WithContext(context.WithValue(r.Context(), versionKey{}, p.version))
}

// news says how far a person's news have come.
func (m *Messenger) news(p *person) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Appendf(nil, "retry: 2000\nevent: at\ndata: %d\n\n", p.version)
}

// beat is how often an open page is shown that it is still connected.
const beat = 20 * time.Second

// stream tells an open page when there is something new (server-sent events). It
// says no more than that: the page asks for itself, and sees what may be seen then.
func (m *Messenger) stream(w http.ResponseWriter, r *http.Request) {
	p := m.visitor(r)
	watch := make(chan struct{}, 1)
	if p == nil || !m.watch(p, watch) {
		w.WriteHeader(http.StatusNoContent) // the page does not ask again
		return
	}
	defer m.unwatch(p, watch)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(w)
	_ = out.SetWriteDeadline(time.Time{}) // it stays open; where there is no deadline none need be lifted
	said := m.news(p)
	every := time.NewTicker(beat)
	defer every.Stop()
	for {
		if _, err := w.Write(said); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-watch:
			said = m.news(p)
		case <-every.C:
			said = []byte(": here\n\n")
		}
	}
}

func (m *Messenger) watch(p *person, c chan struct{}) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(p.watches) >= maxWatches {
		return false
	}
	p.watches[c] = true
	return true
}

func (m *Messenger) unwatch(p *person, c chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(p.watches, c)
}
