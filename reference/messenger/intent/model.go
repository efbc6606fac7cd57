package intent

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
)

// Model is a linear model of what questions are about: each label's score is the
// sum of its weights of the features a text has. Weights are whole steps, so that
// the table is small.
type Model struct {
	Labels    []string  `json:"labels"`
	Bias      []float64 `json:"bias"`
	Step      float64   `json:"step"`
	Threshold float64   `json:"threshold"`
	// Features are in order; Seen says in how many of the Texts each was.
	Features []string `json:"features"`
	Seen     []int    `json:"seen"`
	Texts    int      `json:"texts"`
	// Weights stand label by label, each in the order of Features.
	Weights []int8 `json:"-"`

	index map[string]int
}

// Weighted is a feature of a text and how much it says.
type Weighted struct {
	Feature int
	Value   float64
}

var errModel = errors.New("not a model")

// Read reads what Write wrote.
func Read(r io.Reader) (*Model, error) {
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("open the model: %w", err)
	}
	lines := bufio.NewReader(unzipped)
	head, err := lines.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("read the model: %w", err)
	}
	m := &Model{}
	if err := json.Unmarshal(head, m); err != nil {
		return nil, fmt.Errorf("read the model: %w", err)
	}
	raw, err := io.ReadAll(lines)
	if err != nil {
		return nil, fmt.Errorf("read the model's weights: %w", err)
	}
	if len(raw) != len(m.Labels)*len(m.Features) || len(m.Bias) != len(m.Labels) || len(m.Seen) != len(m.Features) || len(m.Labels) == 0 {
		return nil, errModel
	}
	m.Weights = make([]int8, len(raw))
	for i, b := range raw {
		m.Weights[i] = int8(b)
	}
	m.Index()
	return m, nil
}

// Write writes the model as one compressed file, the same for the same model.
func (m *Model) Write(w io.Writer) error {
	zipped, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return fmt.Errorf("compress the model: %w", err)
	}
	head, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("write the model: %w", err)
	}
	raw := make([]byte, 0, len(m.Weights))
	for _, x := range m.Weights {
		raw = append(raw, byte(x))
	}
	for _, part := range [][]byte{head, []byte("\n"), raw} {
		if _, err := zipped.Write(part); err != nil {
			return fmt.Errorf("write the model: %w", err)
		}
	}
	return zipped.Close()
}

// Index makes Vector find the features; Read has done it.
func (m *Model) Index() {
	m.index = make(map[string]int, len(m.Features))
	for i, f := range m.Features {
		m.index[f] = i
	}
}

// Vector is a text as the model sees it: rarer features count more; words on one
// side and pieces of words on the other have the same length in all.
func (m *Model) Vector(text string) []Weighted {
	var out []Weighted
	var whole, pieces float64
	for _, f := range Features(text) {
		i, ok := m.index[f]
		if !ok {
			continue
		}
		x := 1 + math.Log(float64(m.Texts)/float64(m.Seen[i]))
		out = append(out, Weighted{i, x})
		if isPiece(f) {
			pieces += x * x
		} else {
			whole += x * x
		}
	}
	for i := range out {
		if isPiece(m.Features[out[i].Feature]) {
			out[i].Value /= math.Sqrt(pieces)
		} else {
			out[i].Value /= math.Sqrt(whole)
		}
	}
	return out
}

// Likelihoods says, for each label, how likely a text is about it.
func (m *Model) Likelihoods(text string) []float64 {
	out := make([]float64, len(m.Labels))
	vector := m.Vector(text)
	for l := range out {
		weights := m.Weights[l*len(m.Features):]
		var sum float64
		for _, f := range vector {
			sum += f.Value * float64(weights[f.Feature])
		}
		out[l] = m.Bias[l] + m.Step*sum
	}
	Normalise(out)
	return out
}

// Normalise turns scores into likelihoods that add up to one.
func Normalise(scores []float64) {
	highest := math.Inf(-1)
	for _, s := range scores {
		highest = math.Max(highest, s)
	}
	var all float64
	for i, s := range scores {
		scores[i] = math.Exp(s - highest)
		all += scores[i]
	}
	for i := range scores {
		scores[i] /= all
	}
}
