package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"sluice/reference/messenger/intent"
)

func main() {
	questions := flag.String("questions", "", "the questions, text and label, as a gzipped CSV file")
	to := flag.String("to", "", "where to write the model; nowhere if empty")
	flag.Parse()
	if err := run(os.Stdout, *questions, *to); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(out io.Writer, questions, to string) error {
	all, err := read(questions)
	if err != nil {
		return err
	}
	threshold, err := chooseThreshold(out, all)
	if err != nil {
		return err
	}
	model := train(all)
	model.Threshold = threshold
	var file bytes.Buffer
	if err := model.Write(&file); err != nil {
		return err
	}
	fmt.Fprintf(out, "model: %d labels, %d features, %d bytes\n", len(model.Labels), len(model.Features), file.Len())
	if to == "" {
		return nil
	}
	if err := os.WriteFile(to, file.Bytes(), 0o600); err != nil {
		return fmt.Errorf("write the model: %w", err)
	}
	return nil
}

// question is a real one and what people said it is about.
type question struct{ text, label string }

func read(name string) ([]question, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open the questions: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("open the questions: %w", err)
	}
	rows, err := csv.NewReader(unzipped).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read the questions: %w", err)
	}
	if len(rows) < 2 || len(rows[0]) != 2 {
		return nil, fmt.Errorf("%s has no questions with labels", name)
	}
	var out []question
	for _, r := range rows[1:] {
		out = append(out, question{r[0], r[1]})
	}
	return out, nil
}

// guess is what a matcher made of a question it had not seen.
type guess struct {
	claim, label string
	likely       float64
	own, right   bool
	text         string
}

func guesses(model *intent.Model, unseen []question) ([]guess, error) {
	matcher, err := intent.With(model)
	if err != nil {
		return nil, err
	}
	claimed := map[string]string{}
	for _, c := range intent.Claims() {
		for _, l := range c.Labels {
			claimed[l] = c.Name
		}
	}
	var out []guess
	for _, q := range unseen {
		understood := matcher.Understand(q.text, time.Time{})
		if understood.Intent == intent.Unknown {
			out = append(out, guess{label: q.label, text: q.text})
			continue
		}
		g := guess{claim: understood.Label, label: q.label, text: q.text, own: understood.Label == ""}
		if g.own {
			g.claim, g.likely = understood.Intent.String(), 1
		} else {
			_, g.likely = matcher.Likeliest(q.text)
			g.right = claimed[q.label] == g.claim
		}
		out = append(out, g)
	}
	return out, nil
}
