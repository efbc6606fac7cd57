package samplebank

import (
	"crypto/rand"
	_ "embed"
	"encoding/csv"
	"fmt"
	"strings"
	"time"

	datav1 "sluice/gen/sluice/data/v1"
)

//go:embed data/banking77-questions.csv
var sampleQuestions string

// sampleEvery is how far apart the sample questions are put. Their times are made
// up; their words are not.
const sampleEvery = 7 * time.Minute

// DemoQuestions puts real questions of customers, from a public data set, into the
// agents' queue, so that a desk nobody writes to is not empty. They are marked as
// samples, belong to no customer and no consent, and what is answered to them goes
// nowhere. Putting them there twice has them twice.
func (b *Bank) DemoQuestions() error {
	rows, err := csv.NewReader(strings.NewReader(sampleQuestions)).ReadAll()
	if err != nil {
		return fmt.Errorf("read sample questions: %w", err)
	}
	b.talks.mu.Lock()
	defer b.talks.mu.Unlock()
	for i, row := range rows[1:] {
		at := b.now().Add(-time.Duration(len(rows)-1-i) * sampleEvery)
		c := &conversation{
			id: "sample_" + rand.Text(), sample: true, started: at, waitingSince: at,
			topic: strings.ToLower(strings.ReplaceAll(row[1], "_", " ")),
		}
		c.add(&datav1.Message{Author: datav1.Author_AUTHOR_CUSTOMER, Text: row[0]}, at)
		b.talks.byID[c.id] = c
	}
	b.talks.tell()
	return nil
}
