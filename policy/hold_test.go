package policy_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"sluice/consent"
	consentv1 "sluice/gen/sluice/consent/v1"
	"sluice/policy"
	"sluice/registry"
)

func TestVerdictHoldsUntilTheClockChangesIt(t *testing.T) {
	for _, tt := range []struct {
		name string
		but  func(*consent.Consent, *policy.Question)
		want time.Time
	}{
		{"the next day", func(*consent.Consent, *policy.Question) {}, (today + 1).Start()},
		{"the consent's end", func(c *consent.Consent, _ *policy.Question) { c.ValidUntil = noon.Add(time.Hour) }, noon.Add(time.Hour)},
		{"the sitting's end", func(c *consent.Consent, q *policy.Question) {
			c.Asked.OneTime, q.FirstRelease = true, noon.Add(-time.Minute)
		}, noon.Add(14 * time.Minute)},
		{"the next day once it ended", func(c *consent.Consent, _ *policy.Question) { c.ValidUntil = noon }, (today + 1).Start()},
		{"the day that begins elsewhere", func(_ *consent.Consent, q *policy.Question) { q.At = noon.Add(-3 * time.Hour) }, noon.Add(-2 * time.Hour)},
		{"the next day once it began elsewhere", func(_ *consent.Consent, q *policy.Question) { q.At = noon.Add(-2 * time.Hour) }, (today + 1).Start()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := agreed()
			q := asked(c)
			tt.but(&c, &q)
			q.Grant = c.Grant()
			if got := decide(t, q).HoldsUntil(); !got.Equal(tt.want) {
				t.Errorf("holds until %s, want %s", got, tt.want)
			}
		})
	}
}

// A verdict may be kept by its key until HoldsUntil: asked again at any instant
// before, the same question has the same answer.
func TestSameKeyHasTheSameVerdictWhileItHolds(t *testing.T) {
	e, fresh := newEngine(t), newEngine(t)
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuestion(t)
		first, err := e.Decide(t.Context(), q)
		if err != nil {
			return
		}
		left := first.HoldsUntil().Sub(q.At)
		if left <= 0 {
			t.Fatalf("holds until %s, asked at %s", first.HoldsUntil(), q.At)
		}
		q.At = q.At.Add(time.Duration(rapid.Int64Range(0, int64(left)-1).Draw(t, "later")))
		again, err := fresh.Decide(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if first.Key() != again.Key() {
			t.Fatal("the clock is in the key")
		}
		if d := cmp.Diff(told(first), told(again)); d != "" {
			t.Fatalf("the answer changed while it held:\n%s", d)
		}
	})
}

// Whatever changes the answer is in the key, or the clock's.
func TestDifferentVerdictsHaveDifferentKeys(t *testing.T) {
	e := newEngine(t)
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawQuestion(t), drawQuestion(t)
		b.At = a.At
		va, errA := e.Decide(t.Context(), a)
		vb, errB := e.Decide(t.Context(), b)
		if errA != nil || errB != nil || va.Key() != vb.Key() {
			return
		}
		if d := cmp.Diff(told(va), told(vb)); d != "" {
			t.Fatalf("one key, two answers:\n%s", d)
		}
	})
}

// told is everything of a verdict that may be kept.
func told(v policy.Verdict) map[string]any {
	return map[string]any{
		"allowed": v.Allowed(), "reasons": v.Reasons(), "permissions": v.Permissions(), "refused": v.Refused(),
		"from": v.From(), "to": v.To(), "limit": v.Limit(), "remaining": v.Remaining(), "passes": v.ChatPass(), "reset": v.ResetAt(),
		"until": v.HoldsUntil(), "revision": v.Revision(),
	}
}

// One engine that keeps its verdicts answers as one that has none yet.
func TestKeptVerdictsAnswerLikeFreshOnes(t *testing.T) {
	keeps := newEngine(t)
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuestion(t)
		for range 3 {
			q.At = q.At.Add(time.Duration(rapid.IntRange(-2, 14).Draw(t, "hours")) * time.Hour)
			got, err := keeps.Decide(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			fresh, err := policy.New(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			again, err := fresh.Decide(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if want := told(again); cmp.Diff(want, told(got)) != "" {
				t.Fatalf("kept (-fresh +kept):\n%s", cmp.Diff(want, told(got)))
			}
		}
	})
}

// A bank that lets less pass from now on is obeyed at once.
func TestWhatABankLetsPassIsNotKeptBeyondItsWord(t *testing.T) {
	e := newEngine(t)
	c := agreed()
	c.Asked.Purpose = consentv1.Purpose_PURPOSE_CUSTOMER_SERVICE
	c.Shares = []consent.Share{{Account: "A1", Clusters: consent.ClustersOf(consent.Conversations)}}
	q := asked(c)
	q.Kind, q.Purpose = policy.Messages, c.Asked.Purpose
	for _, q.ChatPass = range []registry.ChatPass{registry.PassCodes | registry.PassCardNumbers, registry.PassCodes, 0, registry.PassAccountNumbers} {
		v, err := e.Decide(t.Context(), q)
		if err != nil || !v.Allowed() || v.ChatPass() != q.ChatPass {
			t.Errorf("passes %v for %v: %v, %v", v.ChatPass().Names(), q.ChatPass.Names(), v.Reasons(), err)
		}
	}
}
