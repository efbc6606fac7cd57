package consentview

import (
	"context"
	"fmt"

	"sluice/consent"
	"sluice/refusal"
	"sluice/seal"
)

const (
	defaultConsents = 50
	defaultEvents   = 100
)

// PageRequest is what every request for a page of a list has.
type PageRequest interface {
	GetPageSize() int32
	GetPageToken() string
}

// Page reads one page of consents and makes the token of the next; "" on the
// last. binding names the door, the caller and all that selects; q has the same.
func Page(ctx context.Context, book *consent.Book, tokens *seal.Sealer, binding seal.Binding,
	q consent.Query, r PageRequest,
) ([]consent.Consent, string, error) {
	if token := r.GetPageToken(); token != "" {
		content, err := tokens.Open(binding, token)
		if err != nil || len(content) != 1 {
			return nil, "", refusal.Because(refusal.PageTokenInvalid, "the page token is not valid for this call; start from the first page", err)
		}
		q.Before = consent.ID(content[0])
	}
	size := size(r.GetPageSize(), defaultConsents)
	q.Limit = size + 1 // one more than asked for tells whether there is a next page
	found, err := book.List(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("list consents: %w", err)
	}
	if len(found) <= size {
		return found, "", nil
	}
	return found[:size], tokens.Seal(binding, string(found[size-1].ID)), nil
}

// EventsRequest is what every request for events has.
type EventsRequest interface {
	GetPageSize() int32
	GetCursor() string
}

// Events reads on in the changes of one party, and makes the cursor behind them.
// binding names the door and the caller; q has the same.
func Events(ctx context.Context, book *consent.Book, tokens *seal.Sealer, binding seal.Binding,
	q consent.EventQuery, r EventsRequest,
) ([]consent.Change, string, error) {
	if text := r.GetCursor(); text != "" {
		content, err := tokens.Open(binding, text)
		if err != nil || len(content) != 1 {
			return nil, "", badCursor(err)
		}
		if q.After, err = consent.ParseCursor(content[0]); err != nil {
			return nil, "", badCursor(err)
		}
	}
	q.Limit = size(r.GetPageSize(), defaultEvents)
	found, next, err := book.Events(ctx, q)
	if err != nil {
		return nil, "", fmt.Errorf("read events: %w", err)
	}
	return found, tokens.Seal(binding, next.String()), nil
}

func badCursor(cause error) error {
	return refusal.Because(refusal.PageTokenInvalid,
		"the cursor is not valid for this call; give the one of the last answer, or none to read from the beginning", cause)
}

func size(asked int32, usual int) int {
	if asked <= 0 {
		return usual
	}
	return int(asked)
}
