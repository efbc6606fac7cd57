package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
)

// maxForm bounds a form: enough to tick everything a consent can have.
const maxForm = 512 << 10

// token stands in every form of a session's pages. It is made of the browser's
// secret, which only the cookie has, and is the same on each of its pages.
func (v *visit) token() string {
	mac := hmac.New(sha256.New, []byte(v.browser))
	mac.Write([]byte("sluice web form"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// genuine refuses a form that did not come from a page of the same visit, and
// reads one that did.
func (v *visit) genuine() error {
	if err := v.cross.Check(v.r); err != nil {
		return &page{status: http.StatusForbidden, cause: fmt.Errorf("check origin: %w", err)}
	}
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
	if err := v.r.ParseForm(); err != nil {
		status := http.StatusBadRequest
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		return &page{status: status, cause: fmt.Errorf("read form: %w", err)}
	}
	if !hmac.Equal([]byte(v.r.PostForm.Get("csrf")), []byte(v.token())) {
		return &page{status: http.StatusForbidden, cause: errors.New("the form is of another session")}
	}
	return nil
}
