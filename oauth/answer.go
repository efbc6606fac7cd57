package oauth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"

	"github.com/luikyv/go-oidc/pkg/goidc"
)

const maxDescription = 300 // bytes

const errUnavailable goidc.ErrorCode = "temporarily_unavailable"

var errInside = goidc.NewError(errUnavailable, "something failed inside; try again").WithStatusCode(http.StatusServiceUnavailable)

// trouble is what failed inside while a request was answered. The library takes
// some of it for a fault of the client's, who would then throw away a refresh
// token that is good.
type trouble struct {
	err   error
	cause string // what the library says that a client can mend
}

type troubleKey struct{}

func withTrouble(ctx context.Context) context.Context {
	return context.WithValue(ctx, troubleKey{}, &trouble{})
}

// troubled notes what failed, and answers it.
func troubled(ctx context.Context, err error) error {
	if t, ok := ctx.Value(troubleKey{}).(*trouble); ok {
		t.err = err
	}
	return err
}

func troubleOf(ctx context.Context) error {
	if t, ok := ctx.Value(troubleKey{}).(*trouble); ok {
		return t.err
	}
	return nil
}

// blamed notes what the library found wrong with a request, for the client to
// mend: it says no more than "invalid request" itself. Only what was made to be
// said is noted: a description, or the library's own plain words. What carries an
// error of something else, and all of who the client is, stays inside.
func blamed(ctx context.Context, err error) {
	t, ok := ctx.Value(troubleKey{}).(*trouble)
	var said goidc.Error
	if !ok || !errors.As(err, &said) || said.Code == goidc.ErrorCodeInvalidClient {
		return
	}
	inner := said.Unwrap()
	var nested goidc.Error
	switch {
	case errors.As(inner, &nested):
		t.cause = nested.Description
	case plain(inner) && !errors.Is(inner, ErrConflict) && !errors.Is(inner, goidc.ErrNotFound):
		t.cause = inner.Error()
	}
}

// plain says whether an error is but a text.
func plain(err error) bool {
	return err != nil && reflect.TypeOf(err) == reflect.TypeOf(errors.New(""))
}

// explain adds what was noted to a refusal, if it is the client's to mend.
func explain(ctx context.Context, status int, said map[string]any) {
	t, ok := ctx.Value(troubleKey{}).(*trouble)
	if !ok || t.cause == "" || said["error"] == nil || status < http.StatusBadRequest || status >= http.StatusInternalServerError {
		return
	}
	if had, _ := said["error_description"].(string); had != "" && had != t.cause {
		said["error_description"] = describable(had + ": " + t.cause)
	}
}

// describable keeps what may stand in an error_description (RFC 6749, 5.2), at a
// sensible length: some of it may be what the client sent.
func describable(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '"':
			return '\''
		case r < ' ' || r > '~' || r == '\\':
			return -1
		}
		return r
	}, text)
	return text[:min(len(text), maxDescription)]
}

// answer holds an answer back, until it is known to be true.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newAnswer() *answer { return &answer{header: http.Header{}} }

func (a *answer) Header() http.Header { return a.header }
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(b []byte) (int, error) { a.WriteHeader(http.StatusOK); return a.body.Write(b) }

func (a *answer) send(w http.ResponseWriter) {
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(max(a.status, http.StatusOK))
	_, _ = w.Write(a.body.Bytes()) // who asked has gone if it fails
}

// completed lets the library answer a client and completes what it said, if that
// is JSON. What failed inside is told as that.
func (s *Server) completed(complete func(r *http.Request, a *answer, said map[string]any)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := withTrouble(r.Context())
		r = r.WithContext(ctx)
		a := newAnswer()
		s.protocol.ServeHTTP(a, r)
		if err := troubleOf(ctx); err != nil {
			s.refuse(w, r, err)
			return
		}
		var said map[string]any
		if json.Unmarshal(a.body.Bytes(), &said) != nil || said == nil {
			a.send(w)
			return
		}
		complete(r, a, said)
		explain(ctx, a.status, said)
		for name, values := range a.header {
			w.Header()[name] = values
		}
		w.Header().Del("Content-Length")
		writeJSON(w, a.status, said)
	})
}

// page lets the library answer a browser. Nothing is shown, and no cookie set,
// before what it means is kept.
func (s *Server) page(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead { // who only looks must not become the browser that asks
			w.Header().Set("Allow", "GET, POST")
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Referrer-Policy", "no-referrer")
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		a := newAnswer()
		next(a, r.WithContext(withTrouble(r.Context())))
		a.send(w)
	})
}
