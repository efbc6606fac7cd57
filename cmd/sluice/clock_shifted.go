//go:build mutants

package main

import (
	"os"
	"time"
)

// now is the wall clock as wrong as the environment wants it.
func now() time.Time {
	shift, err := time.ParseDuration(os.Getenv("SLUICE_CLOCK_SHIFT"))
	if err != nil {
		return time.Now()
	}
	return time.Now().Add(shift)
}
