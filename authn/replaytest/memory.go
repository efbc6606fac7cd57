package replaytest

import (
	"context"
	"sync"
	"time"
)

// Memory is a replay.Store for tests. The zero value is empty.
type Memory struct {
	mu   sync.Mutex
	used map[string]time.Time
	err  error
}

// Use notes a use.
func (m *Memory) Use(ctx context.Context, key string, until time.Time) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if m.err != nil {
		return false, m.err
	}
	if _, used := m.used[key]; used {
		return false, nil
	}
	if m.used == nil {
		m.used = map[string]time.Time{}
	}
	m.used[key] = until
	return true, nil
}

// Sweep removes what need not be kept at an instant.
func (m *Memory) Sweep(_ context.Context, at time.Time) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	before := len(m.used)
	for key, until := range m.used {
		if until.Before(at) {
			delete(m.used, key)
		}
	}
	return before - len(m.used), m.err
}

// Fail lets every use fail from now on; nil ends that.
func (m *Memory) Fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

// Len is how many uses are noted.
func (m *Memory) Len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.used)
}
