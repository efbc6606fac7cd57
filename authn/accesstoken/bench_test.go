package accesstoken_test

import (
	"crypto/sha256"
	"testing"

	"sluice/authn/accesstoken"
)

// What a call costs beyond the store of uses, which is in memory here.
func BenchmarkAdmit(b *testing.B) {
	for _, bb := range []struct {
		name string
		cold bool
	}{{"token remembered, proof checked", false}, {"token and proof checked", true}} {
		b.Run(bb.name, func(b *testing.B) {
			w := newWorld(b)
			token := w.token()
			proofs := make([]string, b.N)
			for i := range proofs {
				proofs[i] = w.proof(token)
			}
			verifiers := make([]*accesstoken.Verifier, 1, b.N+1)
			verifiers[0] = w.verifier
			for bb.cold && len(verifiers) <= b.N {
				verifiers = append(verifiers, w.another())
			}
			b.ReportAllocs()
			b.ResetTimer()
			for i := range b.N {
				if _, err := verifiers[i%len(verifiers)].Admit(w.dpop(token, proofs[i]), method); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkHashOfAToken(b *testing.B) {
	raw := []byte(newWorld(b).token())
	for b.Loop() {
		sha256.Sum256(raw)
	}
}
