package consenttest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"sluice/consent"
)

// Memory is a consent.Store in memory. It keeps every revision and shares no
// memory with its callers. It may be used by many goroutines. It has one shard.
type Memory struct {
	mu     sync.Mutex
	kept   map[consent.ID]*entry
	events []consent.Change // of all, in the order they were kept
}

type entry struct {
	revisions []consent.Consent
	changes   []consent.Change
	look      time.Time
}

// keep adds a revision.
func (m *Memory) keep(e *entry, c consent.Consent, ch consent.Change) {
	e.revisions = append(e.revisions, c.Clone())
	e.changes = append(e.changes, ch)
	e.look = c.NextLook()
	m.events = append(m.events, ch)
}

func (e *entry) newest() consent.Consent { return e.revisions[len(e.revisions)-1] }

// NewMemory makes an empty store.
func NewMemory() *Memory { return &Memory{kept: map[consent.ID]*entry{}} }

// Create keeps a first revision.
func (m *Memory) Create(ctx context.Context, c consent.Consent, ch consent.Change) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("create consent: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.kept[c.ID] != nil {
		return consent.ErrExists
	}
	e := &entry{}
	m.kept[c.ID] = e
	m.keep(e, c, ch)
	return nil
}

// Replace keeps a next revision.
func (m *Memory) Replace(ctx context.Context, c consent.Consent, ch consent.Change) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("replace consent: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.kept[c.ID]
	if e == nil {
		return consent.ErrNotFound
	}
	if e.newest().Revision != c.Revision-1 {
		return consent.ErrConflict
	}
	c.FencedRevision = max(c.FencedRevision, e.newest().FencedRevision)
	m.keep(e, c, ch)
	return nil
}

// Fenced notes that a barrier was passed.
func (m *Memory) Fenced(ctx context.Context, id consent.ID, revision int64) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("note the barrier: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.kept[id]; e != nil {
		c := &e.revisions[len(e.revisions)-1]
		c.FencedRevision = max(c.FencedRevision, revision)
	}
	return nil
}

// Waiting counts requests that nobody has answered.
func (m *Memory) Waiting(ctx context.Context, partner consent.PartnerID, since time.Time, most int) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, fmt.Errorf("count requests: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	n := 0
	for _, e := range m.kept {
		if c := e.newest(); c.Partner == partner && c.Status == consent.Pending && c.CreatedAt.After(since) {
			n++
		}
	}
	return min(n, most), nil
}

// Unfenced lists consents that wait for a barrier.
func (m *Memory) Unfenced(ctx context.Context, limit int) ([]consent.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list unfenced: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var ids []consent.ID
	for id, e := range m.kept {
		if !e.newest().Fenced() && len(ids) < limit {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// Get reads the newest revision.
func (m *Memory) Get(ctx context.Context, id consent.ID) (consent.Consent, error) {
	if err := ctx.Err(); err != nil {
		return consent.Consent{}, fmt.Errorf("get consent: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.kept[id]
	if e == nil {
		return consent.Consent{}, consent.ErrNotFound
	}
	return e.newest().Clone(), nil
}

// Changes reads the history.
func (m *Memory) Changes(ctx context.Context, id consent.ID) ([]consent.Change, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read changes: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.kept[id]
	if e == nil {
		return nil, consent.ErrNotFound
	}
	return slices.Clone(e.changes), nil
}

// List reads newest revisions. Nothing comes after an unknown Before.
func (m *Memory) List(ctx context.Context, q consent.Query) ([]consent.Consent, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list consents: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	before := m.kept[q.Before]
	if q.Before != "" && before == nil {
		return nil, nil
	}
	var found []consent.Consent
	for _, e := range m.kept {
		c := e.newest()
		if !selected(c, q) {
			continue
		}
		if before == nil || older(before.newest(), c) < 0 {
			found = append(found, c.Clone())
		}
	}
	slices.SortFunc(found, older)
	return found[:min(len(found), q.Limit)], nil
}

func selected(c consent.Consent, q consent.Query) bool {
	switch {
	case q.LiveOnly && consent.Ended(c.Status):
		return false
	case q.Partner != "":
		return c.Partner == q.Partner
	case c.Bank != q.Bank:
		return false
	case q.Customer != "":
		return c.Customer == q.Customer
	case q.CoHolder != "":
		return !c.Hidden && slices.Contains(c.CoHolders, q.CoHolder)
	}
	return true
}

// older orders newest first.
func older(a, b consent.Consent) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
}

// Due lists what may have to end.
func (m *Memory) Due(ctx context.Context, at time.Time, limit int) ([]consent.ID, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("list due: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []consent.Consent
	for _, e := range m.kept {
		if c := e.newest(); !consent.Ended(c.Status) && !e.look.After(at) {
			found = append(found, c)
		}
	}
	slices.SortFunc(found, func(a, b consent.Consent) int { return older(b, a) })
	ids := make([]consent.ID, 0, min(len(found), limit))
	for _, c := range found[:min(len(found), limit)] {
		ids = append(ids, c.ID)
	}
	return ids, nil
}

// Postpone notes when to look at a consent again.
func (m *Memory) Postpone(ctx context.Context, id consent.ID, revision int64, until time.Time) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("postpone: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.kept[id]; e != nil && e.newest().Revision == revision {
		e.look = until
	}
	return nil
}

// Events reads changes.
func (m *Memory) Events(ctx context.Context, q consent.EventQuery) ([]consent.Change, consent.Cursor, error) {
	if err := ctx.Err(); err != nil {
		return nil, consent.Cursor{}, fmt.Errorf("read events: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []consent.Change
	next := q.After
	for i := int(q.After.At(0)); i < len(m.events) && len(found) < q.Limit; i++ {
		c := m.kept[m.events[i].Consent].newest()
		if q.Partner != "" && c.Partner == q.Partner || q.Bank != "" && c.Bank == q.Bank {
			found, next = append(found, m.events[i]), next.Past(consent.Position{Pos: int64(i) + 1})
		}
	}
	return found, next, nil
}
