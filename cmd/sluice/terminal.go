package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// colour is an SGR parameter.
type colour string

const (
	bold  colour = "1"
	red   colour = "31"
	green colour = "32"
	faint colour = "2"
)

// paint colours text for a terminal; elsewhere, and under NO_COLOR, it is plain.
func paint(w io.Writer, c colour, text string) string {
	if !isTerminal(w) || os.Getenv("NO_COLOR") != "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// progress tells a terminal what takes longer than a second, until the
// function it gives is called.
func progress(w io.Writer, what string) (done func()) {
	if !isTerminal(w) {
		return func() {}
	}
	const wipe = "\r\x1b[K"
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for n := 1; ; n++ {
			select {
			case <-stop:
				if n > 1 {
					fmt.Fprint(w, wipe)
				}
				return
			case <-tick.C:
				fmt.Fprintf(w, "%s%s … %d s", wipe, what, n)
			}
		}
	}()
	return func() { close(stop); <-stopped }
}
