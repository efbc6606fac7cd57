package main

import (
	"bytes"
	"fmt"
	"html/template"
	"io"
	"net/http"

	"sluice/registry"
)

// operatorView is what the page says.
type operatorView struct {
	Gateway, Pages string
	Partners       []registry.Partner
	Banks          []registry.Bank
}

// operatorPage shows operators who takes part, beside the metrics. It changes
// nothing, and has nothing of customers.
func (h *house) operatorPage() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		view := operatorView{Gateway: h.authority(), Pages: h.front.url}
		var err error
		if view.Partners, err = h.registry.Partners(r.Context()); err == nil {
			view.Banks, err = h.registry.Banks(r.Context())
		}
		var page bytes.Buffer
		if err == nil {
			err = writeOperatorPage(&page, view)
		}
		if err != nil {
			h.logger.ErrorContext(r.Context(), "show the operator's page", "error", err)
			http.Error(w, "the page can't be shown", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = w.Write(page.Bytes()) // the browser is gone if this fails
	})
}

func writeOperatorPage(w io.Writer, view operatorView) error {
	t, err := template.New("operator").Parse(operatorHTML)
	if err != nil {
		return fmt.Errorf("read template: %w", err)
	}
	return t.Execute(w, view) //nolint:wrapcheck // it says what it is
}

const operatorHTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Gateway, for operators</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:1rem auto;padding:0 1rem;overflow-wrap:anywhere}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;overflow-wrap:normal}
th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #8886}
pre{overflow-x:auto}</style>
<link rel="icon" href="data:,">
</head>
<body>
<main>
<h1>Gateway, for operators</h1>
<p>Partners and banks call {{.Gateway}}.{{with .Pages}} Customers' pages: <a href="{{.}}">{{.}}</a>.{{end}} <a href="/metrics">Metrics</a>.</p>
<h2>Partners</h2>
<div class="wide" tabindex="0" role="region" aria-label="Partners">
<table id="partners">
<thead><tr><th scope="col">Id</th><th scope="col">Name</th><th scope="col">Standing</th><th scope="col">Calls by</th></tr></thead>
<tbody>{{range .Partners}}<tr><th scope="row">{{.ID}}</th><td>{{.Name}}</td><td>{{.Standing}}</td><td>{{.Access}}</td></tr>
{{end}}</tbody>
</table>
</div>
<h2>Banks</h2>
<div class="wide" tabindex="0" role="region" aria-label="Banks">
<table id="banks">
<thead><tr><th scope="col">Id</th><th scope="col">Name</th><th scope="col">Standing</th><th scope="col">Address</th></tr></thead>
<tbody>{{range .Banks}}<tr><th scope="row">{{.ID}}</th><td>{{.Name}}</td><td>{{.Standing}}</td><td>{{.Address}}</td></tr>
{{end}}</tbody>
</table>
</div>
<h2>To act</h2>
<p>This page changes nothing. With the operator's certificate:</p>
<pre tabindex="0">sluice partner suspend ID      sluice partner reinstate ID
sluice bank suspend ID         sluice bank reinstate ID
sluice feed status             sluice feed dead --partner ID
sluice consent suspend CONSENT</pre>
</main>
</body>
</html>
`
