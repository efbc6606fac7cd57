package samplebank

import (
	"net/http"
	"time"
)

const (
	maxLive   = 100 // pages kept up to date at a time
	liveFor   = 10 * time.Minute
	heartbeat = 20 * time.Second
)

// changes tells a page, as server-sent events, that something changed; what it is
// the page reads anew. A browser comes back by itself when it ends.
func (d *desk) changes(w http.ResponseWriter, r *http.Request, _ string) {
	select {
	case d.live <- struct{}{}:
		defer func() { <-d.live }()
	default:
		http.Error(w, "too many pages are open", http.StatusServiceUnavailable)
		return
	}
	out := http.NewResponseController(w)
	w.Header().Set("Content-Type", "text/event-stream")
	end := time.NewTimer(liveFor)
	defer end.Stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	// A server's deadline is for pages; this one lasts. One that can't be lifted
	// ends it earlier.
	_ = out.SetWriteDeadline(time.Time{})
	changed := d.bank.talks.wait()
	for line := ": open\n\n"; ; {
		if _, err := w.Write([]byte(line)); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-end.C:
			return
		case <-beat.C:
			line = ": still here\n\n"
		case <-changed:
			changed, line = d.bank.talks.wait(), "data: changed\n\n"
		}
	}
}
