package oauth_test

import (
	"context"
	"testing"

	"sluice/oauth"
)

func TestThePagesAreToldWhatARequestReplaces(t *testing.T) {
	w := newWorld(t)
	p := w.byKey("messenger")
	var told []oauth.Ask
	w.decides(func(ctx context.Context, a oauth.Ask) error {
		told = append(told, a)
		return w.agree(ctx, a)
	})
	first := p.tokens()
	old := w.consentOf(first).ID
	p.tokens(manage("replace", first.text("grant_id")))
	if len(told) != 2 || told[0].Replaces != "" || told[1].Replaces != old || told[1].Consent == old {
		t.Errorf("told %+v; the second replaces %s", told, old)
	}
}
