package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"
)

// What the tour says that a customer did must be what a browser would do.
func TestABrowserSendsTheFormItWasToldTo(t *testing.T) {
	const page = `<form method="post" action="/ask"><button name="text" value="example">Try</button></form>
<form method="post" action="/ask"><input type="hidden" name="key" value="k"><input name="text">
<input type="checkbox" name="tick" checked><input type="checkbox" name="other"><button>Ask</button></form>
<form method="post" action="/stop"><button id="stop" name="do" value="stop">Stop</button></form>
<div id="log"><p class="words own">a <b>b</b></p><p class="when">c</p><p class="words">d</p></div>`
	var sent []string
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_ = r.ParseForm()
			sent = append(sent, r.URL.Path+"?"+r.PostForm.Encode())
		}
		fmt.Fprint(w, page)
	}))
	defer site.Close()
	b, err := newBrowser(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer b.client.CloseIdleConnections()
	if err := b.open(t.Context(), site.URL); err != nil {
		t.Fatal(err)
	}
	for _, does := range []struct {
		button string
		set    url.Values
	}{{"/ask", url.Values{"text": {"mine"}}}, {"text=example", nil}, {"#stop", nil}} {
		if err := b.send(t.Context(), does.button, does.set); err != nil {
			t.Errorf("%s: %v", does.button, err)
		}
	}
	if want := []string{"/ask?key=k&text=mine&tick=on", "/ask?text=example", "/stop?do=stop"}; !slices.Equal(sent, want) {
		t.Errorf("it sent %q, want %q", sent, want)
	}
	for _, button := range []string{"#none", "/none", "text=other"} {
		if err := b.send(t.Context(), button, nil); err == nil {
			t.Errorf("it sent %s, which is not there", button)
		}
	}
	if err := b.send(t.Context(), "/stop", url.Values{"text": {"mine"}}); err == nil {
		t.Error("it sent a form a field that is not there")
	}
	if got := b.parts("log", "p", "words"); !slices.Equal(got, []string{"a b", "d"}) || b.part("none") != "" {
		t.Errorf("it reads %q", got)
	}
	if _, err := b.sees("nothing of this"); err == nil {
		t.Error("it sees what is not there")
	}
}
