package messenger

import (
	"net/http"
	"time"
)

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
	said := []byte("retry: 2000\n\n")
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
			said = []byte("event: new\ndata: -\n\n")
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
