package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// browser is a customer's, for the tour: it has cookies, follows links and sends
// forms, and knows of a page what a form needs.
type browser struct {
	client *http.Client
	at     *url.URL
	page   *html.Node
	status int
}

// maxPage bounds what is read of one page, in bytes.
const maxPage = 1 << 20

func newBrowser(roots *x509.CertPool) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("open browser: %w", err)
	}
	return &browser{client: &http.Client{Jar: jar, Timeout: requestTimeout, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
	}}}, nil
}

// open goes to an address, relative to the present page or not.
func (b *browser) open(ctx context.Context, address string) error {
	to, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("open %s: %w", address, err)
	}
	if b.at != nil {
		to = b.at.ResolveReference(to)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil)
	if err != nil {
		return fmt.Errorf("open %s: %w", address, err)
	}
	return b.do(req)
}

func (b *browser) do(req *http.Request) error {
	req.Header.Set("Accept-Language", "en")
	resp, err := b.client.Do(req)
	if err != nil {
		return fmt.Errorf("open %s: %w", req.URL.Path, err)
	}
	defer resp.Body.Close()
	page, err := html.Parse(io.LimitReader(resp.Body, maxPage))
	if err != nil {
		return fmt.Errorf("read %s: %w", req.URL.Path, err)
	}
	b.at, b.page, b.status = resp.Request.URL, page, resp.StatusCode
	return nil
}

var errNoForm = errors.New("the page has no such form")

// send fills in the first form that has the button, and sends it by that button,
// which is named "#id", "name" or "name=value"; or the first form that has fields for
// all of set and is sent to an address below "/path". Fields of set get these values.
func (b *browser) send(ctx context.Context, button string, set url.Values) error {
	for _, form := range elements(b.page, "form") {
		pressed := pressable(form, button)
		if pressed == nil || strings.HasPrefix(button, "/") && !takes(form, set) || !strings.EqualFold(attribute(form, "method"), "post") {
			continue
		}
		values := filled(form, set)
		if name := attribute(pressed, "name"); name != "" {
			values.Set(name, attribute(pressed, "value"))
		}
		to, err := url.Parse(attribute(form, "action"))
		if err != nil {
			return fmt.Errorf("send form: %w", err)
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.at.ResolveReference(to).String(), strings.NewReader(values.Encode()))
		if err != nil {
			return fmt.Errorf("send form: %w", err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", b.at.Scheme+"://"+b.at.Host)
		req.Header.Set("Sec-Fetch-Site", "same-origin")
		return b.do(req)
	}
	return fmt.Errorf("%w: %s at %s (%d)", errNoForm, button, b.at.Path, b.status)
}

// pressable finds a button that sends the form.
func pressable(form *html.Node, button string) *html.Node {
	name, value, exact := strings.Cut(button, "=")
	below := strings.HasPrefix(button, "/") && strings.HasPrefix(attribute(form, "action"), button)
	for _, e := range append(elements(form, "button"), elements(form, "input")...) {
		kind := attribute(e, "type")
		if e.Data == "input" && kind != "submit" || e.Data == "button" && kind != "" && kind != "submit" {
			continue
		}
		if below || "#"+attribute(e, "id") == button || attribute(e, "name") == name && (!exact || attribute(e, "value") == value) {
			return e
		}
	}
	return nil
}

// takes says whether a form has a field for each of set.
func takes(form *html.Node, set url.Values) bool {
	fields := slices.Concat(elements(form, "input"), elements(form, "textarea"), elements(form, "select"))
	for name := range set {
		if !slices.ContainsFunc(fields, func(e *html.Node) bool { return attribute(e, "name") == name }) {
			return false
		}
	}
	return true
}

// filled is what a browser would send of a form that nobody touched, and then of
// one that somebody filled in.
func filled(form *html.Node, set url.Values) url.Values {
	values := url.Values{}
	for _, e := range elements(form, "input") {
		name, kind := attribute(e, "name"), attribute(e, "type")
		switch {
		case name == "" || kind == "submit":
		case (kind == "checkbox" || kind == "radio") && !has(e, "checked"):
		default:
			value := attribute(e, "value")
			if kind == "checkbox" && !has(e, "value") {
				value = "on"
			}
			values.Add(name, value)
		}
	}
	for _, e := range elements(form, "select") {
		for _, option := range elements(e, "option") {
			if has(option, "selected") || values.Get(attribute(e, "name")) == "" {
				values.Set(attribute(e, "name"), attribute(option, "value"))
			}
		}
	}
	maps.Copy(values, set)
	return values
}

// follow follows the first link "#id", or that leads below a path.
func (b *browser) follow(ctx context.Context, link string) error {
	for _, a := range elements(b.page, "a") {
		if "#"+attribute(a, "id") == link || strings.HasPrefix(link, "/") && strings.HasPrefix(attribute(a, "href"), link) {
			return b.open(ctx, attribute(a, "href"))
		}
	}
	return fmt.Errorf("the page at %s (%d) has no link %s", b.at.Path, b.status, link) //nolint:err113 // for a person
}

// text is what the page says, without its markup.
func (b *browser) text() string { return textOf(b.page) }

// part is what the element with an id says; empty if there is none.
func (b *browser) part(id string) string {
	if n := b.find(id); n != nil {
		return textOf(n)
	}
	return ""
}

// parts are what those elements of the one with an id say that have a class, or any.
func (b *browser) parts(id, element, class string) []string {
	var out []string
	if under := b.find(id); under != nil {
		for _, e := range elements(under, element) {
			if class == "" || slices.Contains(strings.Fields(attribute(e, "class")), class) {
				out = append(out, textOf(e))
			}
		}
	}
	return out
}

func (b *browser) find(id string) *html.Node {
	for n := range b.page.Descendants() {
		if n.Type == html.ElementNode && attribute(n, "id") == id {
			return n
		}
	}
	return nil
}

func textOf(under *html.Node) string {
	var words []string
	for n := range under.Descendants() {
		if n.Type == html.TextNode && n.Parent.Data != "style" && n.Parent.Data != "script" {
			words = append(words, strings.Fields(n.Data)...)
		}
	}
	return strings.Join(words, " ")
}

func elements(under *html.Node, name string) []*html.Node {
	var out []*html.Node
	for n := range under.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			out = append(out, n)
		}
	}
	return out
}

func attribute(e *html.Node, name string) string {
	for _, a := range e.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(e *html.Node, name string) bool {
	return slices.ContainsFunc(e.Attr, func(a html.Attribute) bool { return a.Key == name })
}
