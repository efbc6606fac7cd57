package main

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"sluice/registry"
)

func TestTheOperatorsPageShowsWhoTakesPartAndIsHarmless(t *testing.T) {
	var page strings.Builder
	err := writeOperatorPage(&page, operatorView{
		Gateway: "127.0.0.1:8443", Pages: "https://localhost:8444",
		Partners: []registry.Partner{{ID: "chat", Name: "<script>", Standing: registry.Suspended}},
		Banks:    []registry.Bank{{ID: "morava", Name: "Banka Morava", Standing: registry.Active, Address: "127.0.0.1:9001"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"&lt;script&gt;", "SUSPENDED", "TOKEN", "Banka Morava", "ACTIVE", "127.0.0.1:9001", `href="/metrics"`, `href="https://localhost:8444"`} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page has no %s", want)
		}
	}
	// A phone scrolls what is wide, and not the page; and no browser asks for an icon.
	for _, wide := range []string{"table", "pre"} {
		scrolls := `<div class="wide" tabindex="0" role="region"`
		if wide == "pre" {
			scrolls = `<pre tabindex="0"`
		}
		if n := strings.Count(page.String(), "<"+wide); n == 0 || strings.Count(page.String(), scrolls) != n {
			t.Errorf("not every <%s> scrolls", wide)
		}
	}
	if !strings.Contains(page.String(), `<link rel="icon" href="data:,">`) {
		t.Error("the page's icon is asked for, and there is none")
	}
	for _, no := range []string{"<script", "<form"} {
		if strings.Contains(page.String(), no) {
			t.Errorf("the page has %s", no)
		}
	}
}

func TestMetricsAndTheOperatorsPageAreServedAndNothingElse(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	l, err := listenMetrics(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		ended <- newMetrics().serve(ctx, l, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the page") }))
	}()
	for path, want := range map[string]string{"/": "the page", "/metrics": "sluice_releases_total", "/debug": "404 page not found"} {
		answer, err := http.Get("http://" + l.Addr().String() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %v, %.80q", path, err, body)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}
