package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc/status"
)

// storyteller prints the steps of a story as they happen. After a step that
// failed it does no more.
type storyteller struct {
	ctx   context.Context //nolint:containedctx // the story is one call, told in many functions
	out   io.Writer
	steps int
	took  time.Duration
	err   error
}

func (s *storyteller) chapter(title string) {
	if s.err == nil {
		fmt.Fprintf(s.out, "\n%s\n", paint(s.out, bold, title))
	}
}

// step does one thing and prints what came of it and how long it took. What
// was said may have several lines.
func (s *storyteller) step(title string, do func() (said string, err error)) {
	if s.err != nil {
		return
	}
	started := time.Now()
	said, err := do()
	took := time.Since(started)
	s.steps++
	s.took += took
	if err != nil {
		fmt.Fprintf(s.out, "  %s %s\n", paint(s.out, red, "✗"), title)
		s.err = fmt.Errorf("%s: %w", title, err)
		return
	}
	fmt.Fprintf(s.out, "  %s %s %s\n", paint(s.out, green, "✓"), title, paint(s.out, faint, fmt.Sprintf("(%.1f ms)", took.Seconds()*1000)))
	fmt.Fprintf(s.out, "      %s\n", said)
}

// end sums up.
func (s *storyteller) end() error {
	if s.err == nil {
		fmt.Fprintf(s.out, "\nAll %d steps came out as they should, in %d ms.\n", s.steps, s.took.Milliseconds())
	}
	return s.err
}

// refused is a step that must be refused for a reason.
func (s *storyteller) refused(reason string, do func() error) func() (string, error) {
	return func() (string, error) {
		err := do()
		if err == nil {
			return "", fmt.Errorf("it was permitted, and should be refused for %s", reason)
		}
		if got := reasonOf(err); got != reason {
			return "", fmt.Errorf("it was refused for %s, and should be for %s: %w", got, reason, err)
		}
		return fmt.Sprintf("%s: %s", paint(s.out, red, reason), status.Convert(err).Message()), nil
	}
}
