package messenger

import "context"

// Tidy does now what Run does from time to time.
func (m *Messenger) Tidy(ctx context.Context) { m.tidy(ctx) }

// Hide takes numbers and codes out of a text.
func Hide(text string) (string, bool) { return newHiding().hide(text) }
