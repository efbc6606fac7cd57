package messenger

import "context"

// Tidy does now what Run does from time to time.
func (m *Messenger) Tidy(ctx context.Context) { m.tidy(ctx) }
