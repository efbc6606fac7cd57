package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"sluice/disclosure"
)

func TestReleasesAreCountedFromNothing(t *testing.T) {
	m := newMetrics()
	has := func(lines ...string) {
		t.Helper()
		w := httptest.NewRecorder()
		promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
		for _, line := range lines {
			if !strings.Contains(w.Body.String(), line+"\n") {
				t.Errorf("the metrics have no %s", line)
			}
		}
	}
	has(`sluice_releases_total{outcome="sent"} 0`, `sluice_releases_total{outcome="withheld"} 0`, `sluice_releases_total{outcome="late"} 0`)
	m.Released(disclosure.Late)
	has(`sluice_releases_total{outcome="sent"} 0`, `sluice_releases_total{outcome="late"} 1`)
}
