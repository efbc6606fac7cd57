package policy_test

import "testing"

// BenchmarkDecide is one whole decision over three accounts.
func BenchmarkDecide(b *testing.B) {
	e := newEngine(b)
	q := asked(agreed())
	b.ReportAllocs()
	for b.Loop() {
		q.UnattendedToday++ // another question each time
		if v, err := e.Decide(b.Context(), q); err != nil || !v.Allowed() {
			b.Fatal(v.Reasons(), err)
		}
	}
}

// BenchmarkDecideAgain is a decision that was made before and still holds.
func BenchmarkDecideAgain(b *testing.B) {
	e := newEngine(b)
	q := asked(agreed())
	b.ReportAllocs()
	for b.Loop() {
		if v, err := e.Decide(b.Context(), q); err != nil || !v.Allowed() {
			b.Fatal(v.Reasons(), err)
		}
	}
}
