package messenger

import (
	"slices"
	"strings"
)

// whyPaused is why a sharing rests that its customer can go on with.
const whyPaused = "rest.paused"

// rests says of each sharing of a wish that does not hold now why there is no answer
// by it, and how it goes on.
func (m *Messenger) rests(p *person, w wish) []entry {
	m.mu.Lock()
	sharings := slices.Clone(p.sharings)
	m.mu.Unlock()
	var out []entry
	for _, s := range sharings {
		if e, rests := m.rest(s); rests && s.wish == w {
			out = append(out, e)
		}
	}
	return out
}

func (m *Messenger) rest(s *sharing) (entry, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case s.standing == resting && s.why == whyPaused:
		return entry{key: "say.paused", args: []string{s.bank.Name, s.label()}, actions: []action{
			{key: "action.resume", href: m.dashboardOf(s)}, {key: "nav.share", href: "/share"},
		}}, true
	case s.standing == resting && !s.ending, s.standing == waiting:
		why := s.why
		if why == "" {
			why = "rest.pending"
		}
		return entry{
			key: "say.resting", args: []string{s.bank.Name, s.label(), why}, actions: []action{{key: "nav.share", href: "/share"}},
		}, true
	default:
		return entry{}, false
	}
}

// dashboardOf is where a customer goes on with what he paused.
func (m *Messenger) dashboardOf(s *sharing) string {
	return strings.TrimSuffix(m.config.Dashboard, "/") + "/consents/" + s.consent
}

// connected says that a person shares something of that kind, or will when it goes on.
func (m *Messenger) connected(p *person, w wish) bool {
	if p == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(p.sharings, func(s *sharing) bool { return s.wish == w && s.standing != over && !s.ending })
}
