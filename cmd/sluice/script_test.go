package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"sluice": main})
}

// The scripts in testdata are what people type, and what they see.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SLUICE_DATA", e.WorkDir+"/data")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// waitfile waits until a file is there.
			"waitfile": func(ts *testscript.TestScript, _ bool, args []string) {
				for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
					if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
						return
					}
				}
				ts.Fatalf("%s is not there", args[0])
			},
			// keep sets a variable to the first word of what matches a pattern in
			// the last output.
			"keep": func(ts *testscript.TestScript, _ bool, args []string) {
				found := strings.Fields(regexp.MustCompile(args[1]).FindString(ts.ReadFile("stdout")))
				if len(found) == 0 {
					ts.Fatalf("nothing matches %s", args[1])
				}
				ts.Setenv(args[0], found[0])
			},
		},
	})
}
