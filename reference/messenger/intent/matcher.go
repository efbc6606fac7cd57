package intent

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"time"
)

//go:embed model.gz
var learnt string

// Matcher understands questions. It is made once, and serves any number of callers.
type Matcher struct {
	model  *Model
	claims []Claim
	// claimOf is the claim of each of the model's labels, or -1.
	claimOf []int
	rules   []rule
}

// New reads the model that is built in.
func New() (*Matcher, error) {
	model, err := Read(bytes.NewReader([]byte(learnt)))
	if err != nil {
		return nil, err
	}
	return With(model)
}

// With is a matcher with a model of its own: for training.
func With(model *Model) (*Matcher, error) {
	m := &Matcher{model: model, claims: Claims(), rules: rules()}
	known := 0
	for _, label := range model.Labels {
		i := slices.IndexFunc(m.claims, func(c Claim) bool { return slices.Contains(c.Labels, label) })
		if i >= 0 {
			known++
		}
		m.claimOf = append(m.claimOf, i)
	}
	for _, c := range m.claims {
		known -= len(c.Labels)
	}
	if known != 0 {
		return nil, fmt.Errorf("%w of all that is claimed", errModel)
	}
	return m, nil
}

// Understand says what a text asks, or Unknown. Periods are reckoned from now, in
// its location.
func (m *Matcher) Understand(text string, now time.Time) Question {
	words := plainWords(text)
	own := m.own(words)
	if own != Unknown && own != TalkToBank {
		return details(own, words, now)
	}
	claim, likely := m.Likeliest(text)
	if likely < m.model.Threshold || !m.familiar(text) {
		return Question{Intent: own}
	}
	if own == TalkToBank && claim.Intent != TalkToBank {
		return Question{Intent: own}
	}
	q := details(claim.Intent, words, now)
	q.Label, q.Urgent = claim.Name, claim.Urgent
	return q
}

// Likeliest is the claim a text is most likely of, and how likely that is. Whether
// that is likely enough is not asked here.
func (m *Matcher) Likeliest(text string) (Claim, float64) {
	likely := make([]float64, len(m.claims))
	for l, p := range m.model.Likelihoods(text) {
		if c := m.claimOf[l]; c >= 0 {
			likely[c] += p
		}
	}
	best := 0
	for i := range likely {
		if likely[i] > likely[best] {
			best = i
		}
	}
	return m.claims[best], likely[best]
}

// familiar reports whether the model knows most of a text's words: of a text in
// another language, or about something else, it knows bits and pieces only.
func (m *Matcher) familiar(text string) bool {
	known, all := 0, 0
	for _, w := range split(text) {
		all++
		if _, ok := m.model.index["w"+w]; ok {
			known++
		}
	}
	return known > 0 && known*10 >= all*6
}
