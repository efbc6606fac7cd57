package main

import (
	"fmt"
	"io"
	"math/rand/v2"

	"sluice/reference/messenger/intent"
)

const (
	parts = 4
	// allowed is the share of wrong answers that the threshold is chosen for: half of
	// what is promised, for the questions to come are others.
	allowed = 0.025
)

// chooseThreshold finds how likely a claim must be to be made. Each part of the
// questions is judged by a model that learnt from the others.
func chooseThreshold(out io.Writer, all []question) (float64, error) {
	order := rand.New(rand.NewPCG(7, 7)).Perm(len(all)) //nolint:gosec // the same parts each time are the point
	var judged []guess
	for part := range parts {
		var seen, unseen []question
		for i, q := range order {
			if i%parts == part {
				unseen = append(unseen, all[q])
			} else {
				seen = append(seen, all[q])
			}
		}
		found, err := guesses(train(seen), unseen)
		if err != nil {
			return 0, err
		}
		judged = append(judged, found...)
	}
	fmt.Fprintln(out, "threshold  answered  wrong  of the answers  of the claimed")
	chosen := 0.0
	for t := 40; t <= 95; t += 5 {
		answered, wrong, claimed := count(judged, float64(t)/100)
		share := float64(wrong) / float64(max(1, answered))
		fmt.Fprintf(out, "     %.2f     %5d  %5d          %5.2f%%          %5.1f%%\n", float64(t)/100, answered, wrong, 100*share, 100*float64(answered-wrong)/float64(claimed))
		if chosen == 0 && share <= allowed {
			chosen = float64(t) / 100
		}
	}
	if chosen == 0 {
		return 0, fmt.Errorf("no threshold keeps wrong answers below %.1f%%", 100*allowed)
	}
	fmt.Fprintf(out, "chosen: %.2f\n", chosen)
	return chosen, nil
}

// count counts answers that would be given, those that are wrong, and the questions
// that are claimed to be understood.
func count(judged []guess, threshold float64) (answered, wrong, claimed int) {
	labels := map[string]bool{}
	for _, c := range intent.Claims() {
		for _, l := range c.Labels {
			labels[l] = true
		}
	}
	for _, g := range judged {
		if labels[g.label] {
			claimed++
		}
		if g.likely < threshold || g.claim == "" {
			continue
		}
		answered++
		if !g.right {
			wrong++
		}
	}
	return answered, wrong, claimed
}
