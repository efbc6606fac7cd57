package web_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestTheMachinesOwnNamesAreNotPromisedToTLS(t *testing.T) {
	site := newStand(t).site
	for host, promised := range map[string]bool{
		"share.example": true, "share.example:8444": true, "localhost.example": true, "192.0.2.1:8444": true,
		"localhost": false, "LOCALHOST:8444": false, "127.0.0.1:8444": false, "[::1]:8444": false,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/login", nil)
		r.Host = host
		w := httptest.NewRecorder()
		site.ServeHTTP(w, r)
		if got := w.Header().Get("Strict-Transport-Security") != ""; got != promised {
			t.Errorf("%s: promised %t, want %t", host, got, promised)
		}
	}
}
