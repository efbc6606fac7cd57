package main

import (
	"math"
	"math/rand/v2"
	"slices"

	"sluice/reference/messenger/intent"
)

const (
	rounds   = 20   // through all questions
	seldom   = 12   // features of fewer questions are left out
	rate     = 1.0  // the first step's size; it falls to nothing
	shrink   = 1e-5 // of the weights at each step
	greatest = 127  // steps a weight may have
	step     = 0.1  // of a weight as it is kept
)

// train learns a multinomial logistic model by stochastic gradient descent.
func train(questions []question) *intent.Model {
	model := vocabulary(questions)
	labels := len(model.Labels)
	w := &weights{of: make([]float64, labels*len(model.Features)), labels: labels, scale: 1}
	vectors, want := make([][]intent.Weighted, len(questions)), make([]int, len(questions))
	for i, q := range questions {
		vectors[i] = model.Vector(q.text)
		want[i], _ = slices.BinarySearch(model.Labels, q.label)
	}
	draw := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same order each time is the point
	scores := make([]float64, labels)
	for done := range rounds * len(questions) {
		if done%len(questions) == 0 {
			draw.Shuffle(len(questions), func(i, j int) {
				vectors[i], vectors[j], want[i], want[j] = vectors[j], vectors[i], want[j], want[i]
			})
		}
		i := done % len(questions)
		pace := rate * (1 - float64(done)/float64(rounds*len(questions)))
		w.learn(vectors[i], want[i], pace, model.Bias, scores)
	}
	model.Step, model.Weights = step, w.steps(len(model.Features))
	return model
}

// vocabulary is a model that knows labels and features, and has learnt nothing.
func vocabulary(questions []question) *intent.Model {
	seen, labels := map[string]int{}, map[string]bool{}
	for _, q := range questions {
		labels[q.label] = true
		for _, f := range intent.Features(q.text) {
			seen[f]++
		}
	}
	model := &intent.Model{Texts: len(questions), Bias: make([]float64, len(labels))}
	for l := range labels {
		model.Labels = append(model.Labels, l)
	}
	for f, n := range seen {
		if n >= seldom {
			model.Features = append(model.Features, f)
		}
	}
	slices.Sort(model.Labels)
	slices.Sort(model.Features)
	for _, f := range model.Features {
		model.Seen = append(model.Seen, seen[f])
	}
	model.Index()
	return model
}

// weights stand feature by feature while they are learnt, all of them times scale.
type weights struct {
	of     []float64
	labels int
	scale  float64
}

func (w *weights) learn(vector []intent.Weighted, want int, pace float64, bias, scores []float64) {
	copy(scores, bias)
	for _, f := range vector {
		for l, x := range w.row(f.Feature) {
			scores[l] += f.Value * w.scale * x
		}
	}
	intent.Normalise(scores)
	scores[want]--
	w.scale *= 1 - pace*shrink
	for l, s := range scores {
		bias[l] -= pace * s / 10
	}
	for _, f := range vector {
		row, by := w.row(f.Feature), pace*f.Value/w.scale
		for l, s := range scores {
			row[l] -= by * s
		}
	}
}

func (w *weights) row(feature int) []float64 {
	return w.of[feature*w.labels : (feature+1)*w.labels]
}

// steps are the weights as they are kept: label by label, rounded.
func (w *weights) steps(features int) []int8 {
	out := make([]int8, len(w.of))
	for f := range features {
		for l, x := range w.row(f) {
			out[l*features+f] = int8(max(-greatest, min(greatest, math.Round(x*w.scale/step))))
		}
	}
	return out
}
