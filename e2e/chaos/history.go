package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// operation is one call whose answer said a revision: a pull that got data, or a
// change that was acknowledged.
type operation struct {
	consent    string
	revision   int64
	disclosure string // "" for a change
	begin, end time.Time
	prompt     bool // an event that was read as soon as it came
}

// history is what the driver was told in a cell.
type history struct {
	mu       sync.Mutex
	answers  []operation
	changes  []operation
	refused  map[string]int // by reason
	revoking []time.Duration
}

func newHistory() *history { return &history{refused: map[string]int{}} }

func (h *history) answer(o operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answers = append(h.answers, o)
}

func (h *history) changed(o operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.changes = append(h.changes, o)
	h.revoking = append(h.revoking, o.end.Sub(o.begin))
}

func (h *history) refuse(reason string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused[reason]++
}

// verdict is what the checkers found. What has no note of its own must be 0, but the first two.
type verdict struct {
	releases, changes                   int
	stale, unrecorded, lost, outOfOrder int
	unsaid                              int // events that came again and did not say so
	again                               int // those that did, which is fine
	naps                                int // of the partner that stops reading
	unread                              int // the most bytes it could still read then; fine within the bound
	why                                 []string
}

func (v *verdict) add(o verdict) {
	v.releases += o.releases
	v.changes += o.changes
	v.stale += o.stale
	v.unrecorded += o.unrecorded
	v.lost += o.lost
	v.outOfOrder += o.outOfOrder
	v.unsaid += o.unsaid
	v.again += o.again
	v.naps += o.naps
	v.unread = max(v.unread, o.unread)
	v.why = append(v.why, o.why...)
}

func (v *verdict) bad() bool { return v.stale+v.unrecorded+v.lost+v.outOfOrder+v.unsaid > 0 }

func (v *verdict) found(count *int, format string, args ...any) {
	*count++
	if len(v.why) < 5 {
		v.why = append(v.why, fmt.Sprintf(format, args...))
	}
}

// judge compares what was told with each other and with the record. Within is how
// long what was handed over may take to come.
func (h *history) judge(ctx context.Context, s *stage, within time.Duration) (verdict, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	v := verdict{releases: len(h.answers), changes: len(h.changes)}
	h.judgeOrder(&v)
	h.judgeArrivals(&v, within)
	return v, h.judgeRecord(ctx, s, &v)
}

// judgeOrder requires that revisions never go back: whatever begins after
// something was told ends with that revision or a later one. For a number that
// only grows this is linearizability.
func (h *history) judgeOrder(v *verdict) {
	all := map[string][]operation{}
	for _, o := range slices.Concat(h.answers, h.changes) {
		all[o.consent] = append(all[o.consent], o)
	}
	for _, ops := range all {
		byEnd := slices.Clone(ops)
		slices.SortFunc(byEnd, func(a, b operation) int { return a.end.Compare(b.end) })
		slices.SortFunc(ops, func(a, b operation) int { return a.begin.Compare(b.begin) })
		var told operation // the highest revision told before the operation began
		next := 0
		for _, o := range ops {
			for ; next < len(byEnd) && byEnd[next].end.Before(o.begin); next++ {
				if byEnd[next].revision > told.revision {
					told = byEnd[next]
				}
			}
			switch {
			case o.revision >= told.revision:
			case o.disclosure != "" && told.disclosure == "":
				v.found(&v.stale, "%s: %s was answered under revision %d, begun %v after revision %d was acknowledged",
					o.consent, o.disclosure, o.revision, o.begin.Sub(told.end), told.revision)
			default:
				v.found(&v.outOfOrder, "%s: revision %d was told, begun %v after revision %d was told",
					o.consent, o.revision, o.begin.Sub(told.end), told.revision)
			}
		}
	}
}

// judgeArrivals requires that no event comes when a later revision has been
// acknowledged for longer than the way takes.
func (h *history) judgeArrivals(v *verdict, within time.Duration) {
	changes := map[string][]operation{}
	for _, c := range h.changes {
		changes[c.consent] = append(changes[c.consent], c)
	}
	for _, o := range h.answers {
		for _, c := range changes[o.consent] {
			if late := o.end.Sub(c.end); o.prompt && c.revision > o.revision && late > within {
				v.found(&v.stale, "%s: %s of revision %d came %v after revision %d was acknowledged", o.consent, o.disclosure, o.revision, late, c.revision)
				break
			}
		}
	}
}

// judgeRecord requires that every answer is on record, every change in the
// history, and no release committed under a revision that was not live, or
// after the next one.
func (h *history) judgeRecord(ctx context.Context, s *stage, v *verdict) error {
	ids, consents := make([]string, 0, len(h.answers)), map[string]bool{}
	for _, o := range h.answers {
		ids = append(ids, o.disclosure)
		consents[o.consent] = true
	}
	recorded, err := column(ctx, s, `SELECT id FROM disclosures WHERE id = ANY($1)`, ids)
	if err != nil {
		return err
	}
	for _, o := range h.answers {
		if !recorded[o.disclosure] {
			v.found(&v.unrecorded, "%s: %s is not on record", o.consent, o.disclosure)
		}
	}
	var revisions []string
	for _, o := range h.changes {
		consents[o.consent] = true
		revisions = append(revisions, fmt.Sprintf("%s %d", o.consent, o.revision))
	}
	kept, err := column(ctx, s, `SELECT consent_id || ' ' || revision FROM consent_revisions WHERE consent_id || ' ' || revision = ANY($1)`, revisions)
	if err != nil {
		return err
	}
	for _, r := range revisions {
		if !kept[r] {
			v.found(&v.lost, "%s was acknowledged and is not in the history", r)
		}
	}
	var all []string
	for id := range consents {
		all = append(all, id)
	}
	stale, err := column(ctx, s, `
SELECT d.consent_id || ': ' || d.id || ' was recorded under revision ' || d.revision
FROM disclosures d
JOIN consent_revisions r ON r.consent_id = d.consent_id AND r.revision = d.revision
WHERE d.consent_id = ANY($1)
  AND (r.status <> 'ACTIVE'
       OR EXISTS (SELECT 1 FROM grant_changes c WHERE c.consent_id = d.consent_id AND c.version > d.revision AND c.at < d.at))`, all)
	if err != nil {
		return err
	}
	for why := range stale {
		v.found(&v.stale, "%s, which was over", why)
	}
	return nil
}

func column(ctx context.Context, s *stage, query string, list []string) (map[string]bool, error) {
	rows, err := s.sql.QueryContext(ctx, query, list)
	if err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	defer rows.Close()
	out := map[string]bool{}
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, fmt.Errorf("read the record: %w", err)
		}
		out[one] = true
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	return out, nil
}

// refusals says what was refused most.
func (h *history) refusals() string {
	var parts []string
	for reason, n := range h.refused {
		parts = append(parts, fmt.Sprintf("%s %d", reason, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// percentile of how long acknowledged changes took.
func percentile(all []time.Duration, p float64) time.Duration {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Clone(all)
	slices.Sort(sorted)
	return sorted[min(len(sorted)-1, int(p*float64(len(sorted))))]
}
