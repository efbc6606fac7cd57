package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"sluice/mutant"
)

// cellTimeout bounds one cell; one that hangs has not caught anything.
const cellTimeout = 3 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// run tries all faults, or those that are named.
func run(ctx context.Context, only []string) error {
	dir, err := os.MkdirTemp("", "sluice-mutants-")
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, built: map[string]string{}, sound: map[string]error{}}
	planted, missed := 0, 0
	for _, line := range table() {
		if len(only) > 0 && !slices.Contains(only, string(line.fault)) {
			continue
		}
		planted++
		began := time.Now()
		verdict, err := b.try(ctx, line.fault, line.cell)
		if err != nil {
			return err
		}
		if verdict != caught {
			missed++
		}
		fmt.Printf("%-20s %-18s by %s (%v)\n", line.fault, verdict, line.cell.name(), time.Since(began).Round(100*time.Millisecond))
	}
	fmt.Printf("mutants: %d planted, %d caught\n", planted, planted-missed)
	if missed > 0 {
		return fmt.Errorf("%d faults were not caught", missed) //nolint:err113 // for a person
	}
	return nil
}

const (
	caught = "caught"
	alive  = "NOT CAUGHT"
	broken = "CELL FAILS WITHOUT"
)

// bench builds what cells need once, and runs each cell once without a fault.
type bench struct {
	dir   string
	built map[string]string
	sound map[string]error
}

func (b *bench) try(ctx context.Context, f mutant.Fault, c cell) (string, error) {
	if _, ran := b.sound[c.name()]; !ran {
		out, err := b.run(ctx, "", c)
		if errors.Is(err, errBuild) {
			return "", err
		}
		if err != nil {
			fmt.Print(tail(out))
		}
		b.sound[c.name()] = err
	}
	if b.sound[c.name()] != nil {
		return broken, ctx.Err() //nolint:wrapcheck // the run is over
	}
	out, err := b.run(ctx, f, c)
	var failed *exec.ExitError
	switch {
	case err == nil:
		return alive, nil
	case ctx.Err() != nil:
		return "", ctx.Err() //nolint:wrapcheck // the run is over
	case errors.As(err, &failed) && (bytes.Contains(out, []byte("--- FAIL")) || bytes.Contains(out, []byte("the promise was broken"))):
		return caught, nil
	}
	return "", fmt.Errorf("%s under %s: %w: %s", c.name(), f, err, tail(out))
}

func (b *bench) run(ctx context.Context, f mutant.Fault, c cell) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, cellTimeout)
	defer cancel()
	var program string
	args, dir := append([]string{"-test.run", "^" + c.test + "$", "-test.timeout", cellTimeout.String()}, c.args...), c.pack
	var err error
	if c.chaos != "" {
		gateway, err := b.build(ctx, "sluice", "build", "-tags", "mutants", "./cmd/sluice")
		if err != nil {
			return nil, err
		}
		if program, err = b.build(ctx, "chaos", "build", "./e2e/chaos"); err != nil {
			return nil, err
		}
		args, dir = []string{"-sluice", gateway, "-only", c.chaos, "-seed", "7", "-for", "5s"}, "."
	} else if program, err = b.build(ctx, strings.ReplaceAll(c.pack, "/", "-")+".test", "test", "-c", "-tags", "mutants", "./"+c.pack); err != nil {
		return nil, err
	}
	defer sweep(c.pack)()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "SLUICE_MUTANT="+string(f))
	return cmd.CombinedOutput() //nolint:wrapcheck // read by try
}

// sweep removes what a property that fails leaves in the package's folder, if
// nothing is there yet.
func sweep(pack string) func() {
	left := filepath.Join(pack, "testdata")
	if _, err := os.Stat(left); pack == "" || !errors.Is(err, fs.ErrNotExist) {
		return func() {}
	}
	return func() { _ = os.RemoveAll(left) }
}

var errBuild = errors.New("build")

// build makes a program once.
func (b *bench) build(ctx context.Context, name, verb string, args ...string) (string, error) {
	if path := b.built[name]; path != "" {
		return path, nil
	}
	path := filepath.Join(b.dir, name)
	cmd := exec.CommandContext(ctx, "go", append([]string{verb, "-o", path}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w %s: %w: %s", errBuild, name, err, out)
	}
	b.built[name] = path
	return path, nil
}

func tail(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n") + "\n"
}
