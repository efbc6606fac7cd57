package web

import (
	"errors"
	"net/http"
)

var errElsewhere = errors.New("a request outside the pages can't go on")

// Fault shows a person that something outside the pages can't go on, as the
// pages' own failures are shown.
func (s *Site) Fault(w http.ResponseWriter, r *http.Request, status int) {
	protect(w.Header(), r.Host)
	key := ""
	if status == http.StatusBadRequest {
		key = "error.ask" // whoever followed a link has filled in no form
	}
	s.visit(w, r, func(*visit) error { return &page{status: status, key: key, cause: errElsewhere} })
}
