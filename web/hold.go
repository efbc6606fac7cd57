package web

import (
	"context"
	"errors"
	"net/http"

	"sluice/consent"
)

var (
	errNotNow  = errors.New("not possible from where the consent stands")
	errNoPlace = errors.New("the form does not say which revision it saw")
)

// shownRevision is the revision that the form's page showed.
func (v *visit) shownRevision() (int64, error) {
	if n := readFilled(v.r.PostForm).Revision; n > 0 {
		return n, nil
	}
	return 0, &page{status: http.StatusBadRequest, cause: errNoPlace}
}

// revise is a change of a consent as somebody saw it.
type revise func(ctx context.Context, s consent.Scope, id consent.ID, expected int64) (consent.Consent, error)

// pause holds the consent; nothing is given while it is.
func (v *visit) pause() error { return v.hold(v.config.Book.Pause, "paused") }

// resume ends a pause.
func (v *visit) resume() error { return v.hold(v.config.Book.Resume, "resumed") }

func (v *visit) hold(do revise, done string) error {
	t, err := v.findMine()
	if err != nil || t == nil {
		return err
	}
	revision, err := v.shownRevision()
	if err != nil {
		return err
	}
	_, err = do(v.ctx(), t.who.as(), t.consent.ID, revision)
	return v.changed(*t, err, done)
}
